"""The session store in a file: what it keeps, what counts as damaged, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import stat
import traceback
from pathlib import Path

import platformdirs
import pytest
import trio

from statemodel import User
from transport import SessionStoreError, open_connection
from transport._file_store import FileSessionStore, SessionFile
from transport._private_folder import PrivateFolder
from transport.testing import MemoryServer

URL = "wss://example.org/chat"
KEY = {"application": "chat", "server": URL}
ALICE = User(uid="alice", auth_token="alice-in-wonderland")
BOB = User(uid="bob", auth_token="bob-the-builder-fixes-it")
CALLS = {
    "load": SessionFile.load,
    "save": lambda file: file.save(BOB),
    "clear": SessionFile.clear,
}


@pytest.fixture
def file(tmp_path):
    """Where nothing is saved yet."""
    return SessionFile(**KEY, directory=tmp_path / "sessions")


def store_of(tmp_path, **key):
    return FileSessionStore(**KEY | key, directory=tmp_path / "sessions")


def names(file):
    return sorted(os.listdir(file.path.parent))


def everything(folder):
    """All that can be seen of a tree, its times of access aside."""
    seen = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        found = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(found.st_mode) else None
        seen[path] = (found.st_mode, found.st_ino, found.st_uid, found.st_mtime_ns, content)
    return seen


# -- what is kept ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user",
    [ALICE, User(uid="Ærøskøbing \U0001f600\n\0\"'"), User(uid="x", auth_token="y" * 60_000)],
)
async def test_saved_user_is_there_for_another_object(user, tmp_path):
    """S1, S4: whoever opens the store later gets the same user, in place of any before."""
    await store_of(tmp_path).save(BOB)
    await store_of(tmp_path).save(user)

    assert await store_of(tmp_path).load() == user


async def test_nothing_is_saved_at_first_and_after_clear(tmp_path):
    """S4, S5: neither a missing folder nor a missing file is an error."""
    store = store_of(tmp_path)
    assert await store.load() is None
    await store.clear()
    assert not (tmp_path / "sessions").exists()

    await store.save(ALICE)
    await store.clear()
    await store.clear()

    assert await store.load() is None
    assert names(store) == []


@pytest.mark.parametrize("server", ["WSS://EXAMPLE.org/chat", "wss://example.org:443/chat"])
def test_spellings_of_one_address_are_one_session(server, file, tmp_path):
    """Case of the host and the default port make no difference."""
    file.save(ALICE)

    assert SessionFile(**KEY | {"server": server}, directory=tmp_path / "sessions").load() == ALICE


@pytest.mark.parametrize(
    "other",
    [
        {"application": "chat2"},
        {"application": "../chat"},
        {"server": "ws://example.org/chat"},
        {"server": "wss://example.org:444/chat"},
        {"server": "wss://example.org/chat?x"},
        {"server": "wss://example.com/chat"},
    ],
)
def test_another_application_or_server_is_another_session(other, file, tmp_path):
    """Neither reads nor clears the other's, though both are in one folder."""
    file.save(ALICE)
    stranger = SessionFile(**KEY | other, directory=tmp_path / "sessions")
    assert stranger.load() is None
    stranger.save(BOB)
    stranger.clear()

    assert file.load() == ALICE
    assert stranger.path.parent == file.path.parent


def test_content_is_json_with_a_format_number(file):
    """The file says whose session it is; its name is a hash and says nothing."""
    file.save(ALICE)

    assert json.loads(file.path.read_text("utf-8")) == {
        "format": 1,
        "application": "chat",
        "server": URL,
        "user": {"uid": "alice", "auth_token": "alice-in-wonderland"},
    }
    assert file.path.suffix == ".json"
    assert "chat" not in file.path.name


@pytest.mark.parametrize("umask", [0, 0o022, 0o277, 0o777])
def test_file_and_folders_are_for_the_current_user_whatever_the_umask(umask, tmp_path):
    """0600 and 0700, for the folders above as well."""
    file = SessionFile(**KEY, directory=tmp_path / "above" / "sessions")
    before = os.umask(umask)
    try:
        file.save(ALICE)
    finally:
        os.umask(before)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file.path, *file.path.parents[:2])]
    assert modes == [0o600, 0o700, 0o700]


def test_default_folder_is_the_platforms_and_is_not_touched_before_use(tmp_path, monkeypatch):
    """Constructing a store leaves the disk alone; a relative folder is not one that moves."""
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    default = FileSessionStore(**KEY)
    relative = FileSessionStore(**KEY, directory="sessions")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.chdir("/")

    state = platformdirs.user_state_path("statemodel", appauthor=False)
    assert default.path.parent == state / "sessions"
    assert default.path.is_relative_to(tmp_path)
    assert relative.path.parent == tmp_path / "sessions"


@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ({"application": None}, TypeError),
        ({"application": b"chat"}, TypeError),
        ({"application": ""}, ValueError),
        ({"application": "x" * 256}, ValueError),
        ({"server": None}, TypeError),
        ({"server": b"ws://localhost"}, TypeError),
        ({"server": ""}, ValueError),
        ({"server": "https://example.org"}, ValueError),
        ({"server": "ws://localhost:99999"}, ValueError),
        ({"server": "ws://localhost/" + "x" * 8000}, ValueError),
        ({"directory": 3}, TypeError),
        ({"directory": b"/tmp"}, TypeError),
        ({"directory": ""}, ValueError),
        ({"directory": "a\0b"}, ValueError),
        ({"directory": "\ud800"}, ValueError),
    ],
)
def test_bad_arguments_are_refused_at_once(argument, error):
    """What could never work is told where it was written."""
    with pytest.raises(error):
        FileSessionStore(**KEY | argument)


@pytest.mark.parametrize(
    "user", [User(uid="alice", auth_token="x" * 2**16), User(uid="\ud83d\ude00", auth_token="xxxx")]
)
def test_user_that_could_not_be_loaded_is_not_saved(user, file):
    """S1: what would count as damaged, or come back as somebody else, is refused; the old stays."""
    file.save(ALICE)
    with pytest.raises(SessionStoreError, match="cannot be saved") as caught:
        file.save(user)

    assert file.load() == ALICE
    assert "xxx" not in "".join(traceback.format_exception(caught.value))


# -- what is damaged ---------------------------------------------------------------------------

_GOOD = {
    "format": 1,
    "application": "chat",
    "server": URL,
    "user": {"uid": "a", "auth_token": "wonder-token"},
}
_DAMAGED = {
    "empty": b"",
    "cut off": json.dumps(_GOOD).encode()[:-9],
    "not UTF-8": json.dumps(_GOOD).encode().replace(b"wonder", b"wonder\xff"),
    "deep": b"[" * 60_000,
    "large number": b'{"format": ' + b"1" * 50_000 + b"}",
    "too large": json.dumps(_GOOD).encode() + b" " * 2**16,
    **{
        f"{change}": json.dumps(_GOOD | change).encode()
        for change in (
            {"format": 2},
            {"format": "1"},
            {"format": True},
            {"application": "chat2"},
            {"server": "wss://example.com/chat"},
            {"user": None},
            {"user": {"uid": "a"}},
            {"user": {"uid": 1, "auth_token": "b"}},
            {"user": {"uid": "a", "auth_token": ["wonder-token"]}},
        )
    },
    "a list": b"[]",
    "no format": json.dumps({"user": _GOOD["user"]}).encode(),
}


def test_good_content_is_not_damaged(file):
    """The cases below are damaged by what they change, and by nothing else."""
    file.save(ALICE)
    file.path.write_bytes(json.dumps(_GOOD).encode())

    assert file.load() == User(uid="a", auth_token="wonder-token")


@pytest.mark.parametrize("content", _DAMAGED.values(), ids=_DAMAGED)
def test_damaged_session_is_kept_aside_and_says_so(content, file):
    """S4: it counts as none from then on, and there is never more than one of them."""
    file.save(ALICE)
    for kept in (b"older", content):
        file.path.write_bytes(kept)
        with pytest.raises(SessionStoreError, match="damaged") as caught:
            file.load()

    assert str(file.damaged_path) in str(caught.value)
    assert "wonder" not in "".join(traceback.format_exception(caught.value))
    assert names(file) == [file.damaged_path.name]
    assert file.damaged_path.read_bytes() == content
    assert file.load() is None


async def test_damaged_session_counts_as_none_for_a_connection(tmp_path, caplog):
    """S4: opening goes on with nobody logged in, and the log names the file."""
    server = MemoryServer()
    store = store_of(tmp_path, server=server.url)
    await store.save(ALICE)
    store.path.write_bytes(store.path.read_bytes()[:-20])
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as connection:
        assert connection.user is None

    assert f"{store.path}.damaged" in caplog.text
    assert ALICE.auth_token not in caplog.text


def test_session_that_has_just_replaced_a_damaged_one_is_not_put_aside(tmp_path, file):
    """S4: between the look and the move another process may have saved; that one is loaded."""

    class Overtaken(SessionFile):
        def _decoded(self, content):
            try:
                return super()._decoded(content)
            finally:
                if content == b"damaged":
                    file.save(BOB)

    file.save(ALICE)
    file.path.write_bytes(b"damaged")

    assert Overtaken(**KEY, directory=tmp_path / "sessions").load() == BOB
    assert names(file) == [file.path.name]


# -- what is refused ---------------------------------------------------------------------------


def _link_folder(file):
    file.path.parent.rename(file.path.parent.with_name("elsewhere"))
    file.path.parent.symlink_to("elsewhere")


def _link_file(file):
    file.path.rename(file.path.with_name("elsewhere"))
    file.path.symlink_to("elsewhere")


def _put_in_its_place(make):
    def put(file):
        file.path.unlink()
        make(file.path)

    return put


def _folder_is_a_file(file):
    shutil.rmtree(file.path.parent)
    file.path.parent.write_bytes(b"")


_REFUSED = {
    "link": _link_file,
    "dangling link": _put_in_its_place(lambda path: path.symlink_to("nowhere")),
    "FIFO": _put_in_its_place(os.mkfifo),
    "directory": _put_in_its_place(Path.mkdir),
    "linked folder": _link_folder,
    "folder of the group": lambda file: file.path.parent.chmod(0o770),
    "folder of all": lambda file: file.path.parent.chmod(0o1707),
    "folder that is a file": _folder_is_a_file,
}
if os.geteuid() == 0:  # nobody else can give a file away
    _REFUSED["file of somebody else"] = lambda file: os.chown(file.path, 65534, -1)
    _REFUSED["folder of somebody else"] = lambda file: os.chown(file.path.parent, 65534, -1)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("spoil", _REFUSED.values(), ids=_REFUSED)
async def test_what_others_could_have_put_there_is_refused_and_not_touched(
    spoil, call, file, tmp_path
):
    """S1, S4, S5: neither followed nor replaced, nor waited for."""
    file.save(ALICE)
    spoil(file)
    before = everything(tmp_path)
    with trio.fail_after(20), pytest.raises(SessionStoreError, match=str(file.path.parent)):
        await trio.to_thread.run_sync(call, file, abandon_on_cancel=True)

    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ["link", "FIFO", "directory", "linked folder"])
async def test_what_takes_the_place_after_the_look_is_refused_all_the_same(name, file, monkeypatch):
    """S4: opening itself follows no link and waits for nobody."""
    file.save(ALICE)
    _REFUSED[name](file)
    monkeypatch.setattr(PrivateFolder, "look", lambda folder, name: None)
    monkeypatch.setattr(Path, "lstat", Path.stat)
    with trio.fail_after(20), pytest.raises(SessionStoreError, match=str(file.path.parent)):
        await trio.to_thread.run_sync(file.load, abandon_on_cancel=True)


def test_session_that_others_could_have_written_is_not_loaded_but_replaced(file):
    """S4: in a folder of our own a new session makes an end of it."""
    file.save(ALICE)
    file.path.chmod(0o622)
    with pytest.raises(SessionStoreError, match="others may write"):
        file.load()
    file.save(BOB)

    assert file.load() == BOB


def test_planted_temporary_file_is_not_followed(file, tmp_path, monkeypatch):
    """S1: also a name that somebody has guessed leads nowhere."""
    file.save(ALICE)
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    monkeypatch.setattr("secrets.token_hex", lambda size: "guessed")
    file.path.with_name(f"{file.path.name}.guessed.tmp").symlink_to(target)
    with pytest.raises(SessionStoreError):
        file.save(BOB)

    assert target.read_bytes() == b"precious"
    assert file.load() == ALICE
