"""The session store in a file when processes are killed, disks fail, and others come between."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from statemodel import Code
from tests.transport.disks import ALICE, BOB, KEY, file_in, on_fsync
from transport import SessionStoreError
from transport._file_store import FileSessionStore, SessionFile

CHILD = Path(__file__).with_name("saving_child.py")


@pytest.fixture
def folder(tmp_path):
    """Where sessions are; it is not there yet."""
    return tmp_path / "sessions"


def run_child(play, folder):
    command = [sys.executable, str(CHILD), play, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# -- processes ---------------------------------------------------------------------------------


def test_killed_save_leaves_the_old_or_the_new_session(folder):
    """S1: 200 kills at any moment, never a session that is gone, half, or mixed."""
    [seen] = run_child("killed", folder)
    sessions = [name for name in seen["left"] if name.endswith(".json")]

    assert len(sessions) == 1
    assert len(seen["left"]) > 1, "kills must hit saves in their midst"
    assert seen["cleared"] == []


def test_two_processes_never_damage_the_session(folder):
    """S1, S4, S5: saving, loading and clearing at the same time, each sees whole sessions only."""
    first, second = run_child("together", folder)
    problems = [*first["problems"], *second["problems"]]

    assert "1" in first["seen"] + second["seen"]
    assert [p for p in problems if "No such file" not in p] == []  # cleared thrice in one save
    assert not file_in(folder).damaged_path.exists()


def test_full_disk_leaves_the_old_session_and_fails_a_login(folder):
    """S1: ERR_SESSION_NOT_SAVED, nobody is logged in, and no part of the new file stays."""
    [seen] = run_child("full", folder)

    assert seen["kept"]
    assert len(seen["names"]) == 1
    assert "File too large" in seen["problem"]
    code, details, user, names = seen["login"]
    assert (code, user, names) == (Code.SESSION_NOT_SAVED, None, [])
    assert "File too large" in details


# -- what a save does --------------------------------------------------------------------------


def test_session_is_old_and_whole_until_the_new_one_is_on_the_disk(folder, monkeypatch):
    """S1: at no moment has the session's file a part of the new one."""
    file = file_in(folder)
    file.save(ALICE)
    seen = []
    on_fsync(monkeypatch, lambda: seen.append(file.load()))
    file.save(BOB)

    assert seen == [ALICE]


def test_order_on_the_disk_outlasts_a_power_failure(folder, monkeypatch):
    """S1, S5: the file is on the disk before it takes its place, the folder after every change."""
    steps = []

    def noting(name, call):
        def noted(*args, **options):
            is_folder = name == "sync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            steps.append("sync folder" if is_folder else name)
            return call(*args, **options)

        return noted

    file = file_in(folder)
    for name, function in (("sync", "fsync"), ("replace", "replace"), ("remove", "unlink")):
        monkeypatch.setattr(os, function, noting(name, getattr(os, function)))
    file.save(ALICE)
    saved = steps.copy()
    steps.clear()
    file.clear()

    assert saved == ["sync", "replace", "sync folder"]
    assert steps[0] == "remove"
    assert steps[-1] == "sync folder"


def test_failing_disk_leaves_the_old_session_and_tells_no_secret(folder, monkeypatch):
    """S1: the temporary file goes; the text has the path and the cause, and never the token."""

    def fail():
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    file = file_in(folder)
    file.save(ALICE)
    on_fsync(monkeypatch, fail)
    with pytest.raises(SessionStoreError) as caught:
        file.save(BOB)

    assert str(file.path) in str(caught.value)
    assert os.strerror(errno.EIO) in str(caught.value)
    assert BOB.auth_token not in "".join(traceback.format_exception(caught.value))
    assert file.load() == ALICE
    assert os.listdir(folder) == [file.path.name]


def test_store_does_not_show_what_it_knows(folder):
    """Neither the token nor a secret in the URL's query is in its repr."""
    store = FileSessionStore(
        application="chat", server="wss://example.org/?key=hush", directory=folder
    )
    store._file.save(ALICE)

    assert "hush" not in repr(store)
    assert ALICE.auth_token not in repr(store)


def test_temporary_files_of_killed_saves_are_swept_when_they_are_old(folder):
    """A live one is left alone, and so is another session's; clear removes all of this one's."""
    file = file_in(folder)
    stranger = SessionFile(**KEY | {"application": "other"}, directory=folder)
    stranger.save(BOB)
    file.save(ALICE)
    old, live = (file.path.with_name(f"{file.path.name}.{name}.tmp") for name in ("old", "live"))
    other = stranger.path.with_name(f"{stranger.path.name}.old.tmp")
    for path in (old, live, other):
        path.write_bytes(b"token")
    for path in (old, other):
        os.utime(path, times=(time.time() - 3600,) * 2)
    file.damaged_path.write_bytes(b"token")
    file.save(BOB)
    left = {*folder.iterdir()}
    file.clear()

    assert left == {file.path, live, file.damaged_path, stranger.path, other}
    assert {*folder.iterdir()} == {stranger.path, other}
    assert stranger.load() == BOB


def test_save_begins_anew_when_another_process_clears(folder, monkeypatch):
    """S1: it is not refused for a temporary file that was swept away with the rest."""
    file = file_in(folder)
    on_fsync(monkeypatch, file_in(folder).clear, times=2)
    file.save(ALICE)

    assert file.load() == ALICE
    assert os.listdir(folder) == [file.path.name]


def test_folder_that_vanished_is_made_again(folder, monkeypatch):
    """S1: also when it goes in the midst of a save."""
    file = file_in(folder)
    file.save(ALICE)
    on_fsync(monkeypatch, lambda: shutil.rmtree(folder), times=1)
    file.save(BOB)

    assert file.load() == BOB
