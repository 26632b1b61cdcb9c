"""What file stores go through in processes of their own; run it as a script.

    saving_child.py killed FOLDER    a process is killed while it saves, 200 times over
    saving_child.py together FOLDER  two processes save, load and clear at the same time
    saving_child.py full FOLDER      a write ends in its midst, as on a full disk

Each prints one JSON object a line, which says what it saw.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import trio

from statemodel import User
from transport import SessionStoreError, TransportError, open_connection
from transport._file_store import FileSessionStore, SessionFile
from transport.testing import MemoryServer

KEY = {"application": "chat", "server": "ws://localhost/"}
KILLS = 200
ROUNDS = 400


def user_of(uid: str, size: int = 40_000) -> User:
    """A user whose token repeats the name, so that a mixture of two shows."""
    return User(uid=uid, auth_token=f"{uid}." * (size // (len(uid) + 1)))


def killed(file: SessionFile) -> None:
    """Kill a process while it saves, again and again; after each, one of its users is saved.

    Its first save it may finish, so that there is something to lose.
    """
    draw = random.Random(1)
    for number in range(KILLS):
        mine = [user_of(f"{number}-alice"), user_of(f"{number}-bob")]
        begun, begins = os.pipe()
        child = os.fork()
        if child == 0:
            _save_for_ever(file, mine, begins)
        os.close(begins)
        os.read(begun, 1)  # however long it takes
        os.close(begun)
        time.sleep(draw.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child must die by the kill, and of nothing else"
        after = file.load()
        assert after in mine, after
    left = os.listdir(file.path.parent)
    file.clear()
    _print(left=left, cleared=os.listdir(file.path.parent))


def together(file: SessionFile) -> None:
    """Let two processes save, load and clear; each prints what it saw."""
    file.save(user_of("0"))
    children = []
    for number in range(2):
        child = os.fork()
        if child == 0:
            _mix(file, number)
        children.append(child)
    for child in children:
        _, status = os.waitpid(child, 0)
        assert status == 0, "its traceback stands above"


def full(file: SessionFile) -> None:
    """Save, and log in, where a file can hold no more than 8 KiB."""
    alice, bob = user_of("alice", 100), user_of("bob")
    file.save(alice)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    try:
        file.save(bob)
    except SessionStoreError as error:
        problem = str(error)
    names = os.listdir(file.path.parent)
    kept = file.load() == alice
    file.clear()
    _print(problem=problem, kept=kept, names=names, login=trio.run(_log_in, file, bob))


async def _log_in(file: SessionFile, user: User) -> list[object]:
    server = MemoryServer()
    store = FileSessionStore(**KEY, directory=file.path.parent)
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as connection:
        try:
            await connection.login(user.uid, auth_token=user.auth_token)
        except TransportError as error:
            seen: list[object] = [error.code, error.details]
        seen.append(connection.user)
    return [*seen, os.listdir(file.path.parent)]


def _save_for_ever(file: SessionFile, users: list[User], begins: int) -> None:
    try:
        file.save(users[0])
        os.close(begins)
        while True:
            for user in reversed(users):
                file.save(user)
    finally:
        os._exit(1)


def _mix(file: SessionFile, number: int) -> None:
    status = 1
    try:
        draw = random.Random(number)
        seen, problems = set(), set()
        for _ in range(ROUNDS):
            try:
                match draw.choice(["save"] * 4 + ["load"] * 4 + ["clear"]):
                    case "save":
                        file.save(user_of(str(number)))
                    case "clear":
                        file.clear()
                    case _:
                        user = file.load()
                        seen.add(user and user.uid)
                        assert user is None or user == user_of(user.uid), "a mixture"
            except SessionStoreError as error:
                problems.add(str(error))
        _print(seen=list(seen), problems=list(problems))
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def _print(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    play = {"killed": killed, "together": together, "full": full}[sys.argv[1]]
    play(SessionFile(**KEY, directory=Path(sys.argv[2])))
