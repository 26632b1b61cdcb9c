"""The command `statemodel conform`: what it is asked, what it answers, and its exit codes."""

from __future__ import annotations

import os
import sys

import pytest

from statemodel.commands import main
from tests.conformance.subjects import PYTHON

UP = "open manual\nrestored\nconnect\npeer accept\n"


def run(capfd, *arguments):
    """Run the command; return its exit code, its output and its errors."""
    code = main(["conform", *arguments])
    return code, *capfd.readouterr()


def test_an_error_of_our_own_is_told_from_a_wrong_question(capfd, monkeypatch):
    """Exit code 70 and one line; and the subject is ended."""
    subjects = []

    def broken(subject, **_):
        subjects.append(subject)
        return 1 / 0

    monkeypatch.setattr("statemodel.commands._conform.conform", broken)
    code, out, err = run(capfd, "--", *PYTHON)

    assert (code, out) == (70, "")
    assert err == "statemodel: unexpected ZeroDivisionError: division by zero\n"
    assert subjects[0]._program is None


def test_a_script_may_come_from_standard_input(capfd, monkeypatch):
    """`-` is the standard input; what is no text in UTF-8 there is a wrong question."""
    read, write = os.pipe()
    os.write(write, UP.encode())
    os.close(write)
    with open(read) as file:
        monkeypatch.setattr(sys, "stdin", file)
        good = run(capfd, "--replay", "-", "--", *PYTHON)
    read, write = os.pipe()
    os.write(write, b"open manual\nlogin \xff\n")
    os.close(write)
    with open(read, encoding="utf-8", errors="surrogateescape") as file:
        monkeypatch.setattr(sys, "stdin", file)
        code, _, err = run(capfd, "--replay", "-", "--", *PYTHON)

    assert (good[0], good[2]) == (0, "")
    assert code == 2
    assert "no text in UTF-8" in err
    assert err.count("\n") == 1


def test_rules_may_be_named_in_lower_case(capfd, tmp_path):
    """M3: `m3` is M3, and a rule named twice is asked for once."""
    (tmp_path / "up.txt").write_text(UP)
    code, out, _ = run(
        capfd, "--only", "m3,M3", "--replay", str(tmp_path / "up.txt"), "--", *PYTHON
    )

    assert code == 0
    assert "It keeps the 1 rule that it was judged by, in 1 case." in out


def test_a_report_that_cannot_be_written_is_refused_before_the_work(capfd, tmp_path):
    """A directory, or a file in none: exit code 2, and nothing was started."""
    for output in (tmp_path, tmp_path / "none" / "report.xml"):
        code, out, err = run(capfd, "-o", str(output), "--", "/nonexistent/program")

        assert (code, out) == (2, "")
        assert f"no report can be written to '{output}'" in err


def test_a_script_without_an_open_socket_is_said_to_tell_nothing(capfd, tmp_path):
    """T6: exit code 1, and what to do."""
    (tmp_path / "down.txt").write_text("open manual\nrestored\nconnect\nwait 31\n")
    code, out, err = run(capfd, "--replay", str(tmp_path / "down.txt"), "--", *PYTHON)

    assert code == 1
    assert "Nothing is known" in out
    assert "`connect` and `peer accept`" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_report_can_be_printed_in_any_encoding(capfd, encoding, monkeypatch):
    """A name is shown escaped where it cannot be printed, half characters and colours as well."""
    hello = r'{"id":1,"protocol":1,"name":"\ud800\u001b[31m\u0436","capabilities":["auto"]}'
    with open(os.dup(1), "w", encoding=encoding) as out:
        monkeypatch.setattr(sys, "stdout", out)
        code = main(["conform", "--", "sh", "-c", f"echo '{hello}'; cat > /dev/null"])
    printed = capfd.readouterr().out

    assert code == 1
    name = "ж" if encoding == "utf-8" else r"\u0436"
    assert printed.startswith(rf"subject: \ud800\x1b[31m{name}")
