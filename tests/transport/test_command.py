"""`python -m transport`: the demonstration, and a connection driven from the keyboard."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial

import trio

from statemodel.recordings import judged
from tests.transport.trace_files import recording_in
from transport.testing import open_server


async def _transport(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    run = partial(
        subprocess.run,
        [sys.executable, "-m", "transport", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return await trio.to_thread.run_sync(run)


async def test_demo_keeps_every_rule():
    """The demonstration ends with 0 and names the rules it showed."""
    done = await _transport("demo")

    assert (done.returncode, done.stderr) == (0, "")
    for rule in ("A1", "A2", "A3", "B1", "B6", "K1", "M1", "M3", "M4", "M5", "S3", "S6"):
        assert f"  {rule}\n" in done.stdout


async def test_run_obeys_what_is_typed():
    """Commands are carried out in order; statuses, messages and errors show as they come."""
    async with open_server() as server:
        typed = "connect\nping\nsend hello there\nnonsense\nbackground\nforeground\ndisconnect\nping\nquit\n"
        done = await _transport(
            "run", server.url, "--mode", "manual", "--uid", "alice", "--token", "t", typed=typed
        )

    assert done.returncode == 0, done.stderr
    for text in (
        "status    connected (opened)", "ping", "unknown   'nonsense'", "NO_WEBSOCKET_CONNECTION",
        "status    disconnected (disconnect)",
    ):  # fmt: skip
        assert text in done.stdout
    assert server.sockets[0].received == ["hello there"]
    assert server.sockets[0].token == "t"


async def test_run_says_what_is_wrong_with_its_arguments():
    """A wrong URL, a wrong mode or an unencrypted token is one line, and exit 2."""
    for arguments in (["run", "http://x/"], ["run", "ws://x/", "--mode", "sometimes"]):
        done = await _transport(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    done = await _transport("run", "ws://192.0.2.1/", "--uid", "a", "--token", "t", typed="quit\n")
    assert "ERR_INSECURE_URL" in done.stdout


async def test_script_can_call_off_what_waits():
    """With nobody at the other end, `disconnect` and `quit` are still heard, and the cause shows."""
    done = await _transport(
        "run", "ws://127.0.0.1:9/", "--mode", "manual", "--uid", "a",
        typed="connect\ndisconnect\nquit\n",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "ERR_DISCONNECTED" in done.stdout
    assert "refused" in done.stdout


async def test_interrupt_ends_without_a_traceback():
    """Ctrl-C is exit 130, and says nothing more."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "transport", "run", "ws://127.0.0.1:9/", "--uid", "a"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    with trio.fail_after(30):
        seen = b""
        while b"dial_failed" not in seen:
            seen += await process.stdout.receive_some(4096)
        process.send_signal(signal.SIGINT)
        code = await process.wait()
        said = await process.stderr.receive_some(65536)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            await stream.aclose()

    assert (code, said) == (130, b"")


async def test_run_writes_a_trace_that_can_be_replayed(tmp_path):
    """What was typed and what followed is in a file; where none can be written, one line and exit 2."""
    path = tmp_path / "trace.jsonl"
    async with open_server() as server:
        arguments = ("run", server.url, "--mode", "manual", "--uid", "alice", "--trace")
        done = await _transport(*arguments, str(path), typed="connect\nping\nquit\n")
        refused = await _transport(*arguments, str(tmp_path / "none" / "there"), typed="quit\n")

    assert (done.returncode, done.stderr) == (0, "")
    verdict = judged(recording_in(path))
    assert (verdict.findings, verdict.difference) == ((), None)
    assert {"call 2: connect", "call 3: ping"} <= {row.text for row in verdict.rows}
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "could not be opened" in refused.stderr
