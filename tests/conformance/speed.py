"""How fast the kit is: steps played, and steps judged, in a second.

    python -m tests.conformance.speed            the pure machine
    python -m tests.conformance.speed --trio     a connection of `transport`, in virtual time

The same walks are played again and again, so that nothing is measured of how they are drawn. Both
times are of this process, and of all its threads: a machine that others use as well shows in the
first only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import closing

from statemodel.conformance import MachineSubject
from statemodel.conformance._cases import Case, draws_of
from statemodel.conformance._drawing import drawn
from statemodel.conformance._judging import exercised
from statemodel.conformance._playing import Playing
from tests.conformance.trio_subject import TrioSubject


def played(subject, script):
    """Play a script without judging it."""
    playing = Playing(subject, script, draws_of(script.steps))
    playing.play_script(script)
    playing.finish()
    return playing


def main():
    """Measure, and print one line for each way of playing."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.speed", description=__doc__)
    parser.add_argument("--trio", action="store_true", help="play on `transport`")
    parser.add_argument("--walks", type=int, default=200, help="how many different walks")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each way is measured")
    asked = parser.parse_args()
    with closing(TrioSubject() if asked.trio else MachineSubject()) as subject:
        rules = frozenset(exercised(subject.capabilities))
        scripts = [case.script for case in drawn(MachineSubject(), (), 0, asked.walks)]
        entries = sum(len(played(subject, script).trace) for script in scripts)
        steps = sum(len(script.steps) for script in scripts)
        sys.stdout.write(
            f"{subject.name}: {len(scripts)} walks, {steps} steps, {entries} entries of traces\n"
        )
        for name, play in (
            ("played", lambda script: played(subject, script)),
            ("played and judged", lambda script: Case.play(subject, script, rules)),
        ):
            rounds, wall, cpu = 0, time.perf_counter(), os.times().user
            while time.perf_counter() - wall < asked.seconds:
                for script in scripts:
                    play(script)
                rounds += 1
            wall, cpu = time.perf_counter() - wall, os.times().user - cpu
            sys.stdout.write(
                f"  {name:18} {rounds * steps / wall:9,.0f} steps a second of wall time, "
                f"{rounds * steps / cpu:9,.0f} of user CPU ({wall:.1f} s, {cpu:.1f} s)\n"
            )


if __name__ == "__main__":
    main()
