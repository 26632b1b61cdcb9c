"""What a test has found: for people, as data, and for machines that read JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

from statemodel._showing import printable
from statemodel.conformance._cases import Failure
from statemodel.conformance._subject import CAPABILITIES, PROTOCOL
from statemodel.conformance._waits import OF_WAITS
from statemodel.conformance._wording import REPLAYED, counted, wrapped
from statemodel.rules import RULES
from statemodel.timelines import told
from statemodel.trace_rules import TRACE_RULES

_AGAIN = (
    "To play a script again, save its lines: statemodel conform --replay FILE -- COMMAND...\n"
    "(in Python: statemodel.conformance.replay)."
)

_UNSEEN = "cannot be seen in what a connection does"

_SHOWN = 3
"""How many failures are shown with a script each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a test."""

    name: str
    """What it is made of."""
    cases: int
    """How many were played."""
    connected: int
    """In how many of them a socket was open at any time."""
    steps: int
    """How many were played in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of `conform` or `conformance_suite`."""

    subject: str
    """Its name."""
    capabilities: tuple[str, ...]
    """What it can do."""
    asked: tuple[str, ...]
    """The numbers of the rules that were asked for."""
    judged: tuple[str, ...]
    """Those of them that it was judged by."""
    parts: tuple[Part, ...]
    """What was played."""
    failures: tuple[Failure, ...]
    """What is wrong, one for each verdict; the first part with a failure is the last."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, and a socket was open in some case."""
        return not self.failures and self.connected > 0

    @property
    def cases(self) -> int:
        """How many cases were played."""
        return sum(part.cases for part in self.parts)

    @property
    def connected(self) -> int:
        """In how many cases a socket was open at any time; the others say little."""
        return sum(part.connected for part in self.parts)

    @property
    def not_exercised(self) -> dict[str, str]:
        """The rules that were asked for and not judged by, each with the reason."""
        return {number: self._why(number) for number in self.asked if number not in self.judged}

    def _why(self, number: str) -> str:
        missing = [
            word
            for word, rules in CAPABILITIES.items()
            if number in rules and word not in self.capabilities
        ]
        if missing:
            return f"needs {', '.join(missing)}"
        if number in {*TRACE_RULES, *OF_WAITS}:
            return "nothing is known of the subject"
        return _UNSEEN

    # -- for people ------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the report for the terminal."""
        return printable("\n".join(self._lines()) + "\n")

    def _lines(self) -> Iterator[str]:
        yield f"subject: {self.subject}"
        for part in self.parts:
            never = part.cases - part.connected
            yield (
                f"  {part.name}: {counted(part.cases, 'case')}, {counted(part.steps, 'step')}"
                + (f"; {counted(never, 'case')} never connected" if never else "")
            )
        yield ""
        for failure in self.failures[:_SHOWN]:
            yield failure.text()
        yield from self._rest()
        yield from self._rules_lines()
        yield ""
        if self.failures:
            yield f"It does not conform: {', '.join(f.verdict for f in self.failures)}."
        elif not self.connected:
            yield "Nothing is known: no case ever had an open socket."
        elif not self.judged:
            yield "Nothing is known: none of the rules that were asked for can be judged."
        else:
            yield (
                f"It keeps the {counted(len(self.judged), 'rule')} that it was judged by, in "
                f"{counted(self.cases, 'case')}. That is a test and no proof."
            )

    def _rest(self) -> Iterator[str]:
        """Yield what is to be said below the failures that are shown."""
        rest = self.failures[_SHOWN:]
        for failure in rest:
            number = "" if failure.rule is None else f"{failure.rule} is BROKEN as well, "
            yield from wrapped(number + failure.message, "", "    ")
        if rest:
            yield "    (with script and timeline in the report as JSON)"
            yield ""
        replayed = [part.name for part in self.parts] == [REPLAYED]
        if not replayed and any(failure.script.steps for failure in self.failures):
            yield _AGAIN
            yield ""

    def _rules_lines(self) -> Iterator[str]:
        by_reason: dict[str, list[str]] = {}
        for number, why in self.not_exercised.items():
            by_reason.setdefault(why, []).append(number)
        for why, numbers in sorted(by_reason.items(), key=lambda pair: pair[0] == _UNSEEN):
            yield from wrapped(f"not exercised ({why}): {', '.join(numbers)}")

    # -- as data ---------------------------------------------------------------------------------

    def data(self) -> dict[str, Any]:
        """Return the report as data for JSON."""
        return {
            "protocol": PROTOCOL,
            "subject": self.subject,
            "capabilities": list(self.capabilities),
            "ok": self.ok,
            "parts": [
                {"name": p.name, "cases": p.cases, "connected": p.connected, "steps": p.steps}
                for p in self.parts
            ],
            "judged": list(self.judged),
            "not_exercised": self.not_exercised,
            "failures": [_failure_data(failure) for failure in self.failures],
        }

    def junit(self) -> str:
        """Return the report as JUnit XML: a test for each rule, and one for the subject itself."""
        broken = {failure.verdict: failure for failure in self.failures}
        troubled = [failure for failure in self.failures if failure.error is not None]
        suite = Xml.Element("testsuite", name=printable(self.subject))
        case = Xml.SubElement(suite, "testcase", classname="conformance", name="the subject")
        for failure in troubled:
            _add(case, "error", failure)
        if not troubled and not self.connected:
            silent = Xml.SubElement(case, "failure", message="no case ever had an open socket")
            silent.text = "Nothing is known of it."
        for number in self.asked:
            name = f"{number}: {RULES[number].statement}"
            case = Xml.SubElement(suite, "testcase", classname="conformance.rules", name=name)
            if number in broken:
                _add(case, "failure", broken[number])
            elif number in self.not_exercised:
                Xml.SubElement(case, "skipped", message=self.not_exercised[number])
            elif not self.connected:
                Xml.SubElement(case, "skipped", message="no case ever had an open socket")
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
        suite.set("tests", str(len(suite)))
        root = Xml.Element("testsuites")
        root.append(suite)
        Xml.indent(root)
        written: bytes = Xml.tostring(root, encoding="us-ascii", xml_declaration=True)
        return written.decode("ascii") + "\n"


def _add(case: Xml.Element, kind: str, failure: Failure) -> None:
    child = Xml.SubElement(case, kind, message=printable(failure.message), type=failure.verdict)
    child.text = printable(failure.text())


def _failure_data(failure: Failure) -> dict[str, Any]:
    return {
        "verdict": failure.verdict,
        "rule": failure.rule,
        "statement": None if failure.rule is None else RULES[failure.rule].statement,
        "message": failure.message,
        "part": failure.part,
        "script": failure.script.text(),
        "findings": [
            {"rule": f.rule, "time": f.time, "message": f.message} for f in failure.findings
        ],
        "timeline": [
            {"time": time, "what": words} for time, words in told(failure.trace, end=failure.end)
        ],
    }
