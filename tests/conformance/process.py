"""A subject process in Python: the pure machine behind the protocol, with a fault if one is asked for.

`python process.py [FAULT]`; the faults are the functions of `FAULTS`, and happen at the third `steps`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import cycle

from statemodel import Mode, Timings
from statemodel.conformance import Act, MachineSubject
from statemodel.conformance._codec import entry_to_json
from statemodel.scripts import Script, Step


def write(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def crash(_):
    sys.stderr.write("something went very wrong\n")
    sys.exit(3)


def be_killed(_):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(_):
    time.sleep(3600)


def hang_with_a_child(_):
    subprocess.Popen(["sleep", "3600"])
    sys.stderr.write("I have a child")
    sys.stderr.flush()
    time.sleep(3600)


def dribble(_):
    while True:
        sys.stdout.write(" ")
        sys.stdout.flush()
        time.sleep(0.05)


def babble(_):
    sys.stdout.write("DEBUG: connecting\n")


def flood(_):
    while True:
        sys.stdout.write("x" * 65536)


def say_too_much(answer):
    sys.stdout.write(2 * (json.dumps(answer) + "\n"))
    sys.stdout.flush()


def answer_another(answer):
    answer["id"] += 7


def answer_nothing_seen(answer):
    del answer["seen"]


def lose_a_list(answer):
    answer["seen"] = []


def refuse(answer):
    del answer["seen"]
    answer["error"] = "not now"


def _lie(**item):
    def lie(answer):
        answer["seen"][-1].append({"time": 0, **item})

    return lie


FAULTS = {
    "crash": crash,
    "be_killed": be_killed,
    "hang": hang,
    "hang_with_a_child": hang_with_a_child,
    "dribble": dribble,
    "babble": babble,
    "flood": flood,
    "say_too_much": say_too_much,
    "answer_another": answer_another,
    "answer_nothing_seen": answer_nothing_seen,
    "lose_a_list": lose_a_list,
    "refuse": refuse,
    "lie_about_a_socket": _lie(saw="gone", socket=99),
    "lie_about_a_dial": _lie(saw="dialled", socket=7),
    "lie_about_a_call": _lie(saw="returned", command=500, code=None),
    "lie_about_a_ping": _lie(saw="ping", socket=1, ping=44, command=None),
    "lie_about_time": _lie(saw="refreshing", time=1e9),
    "lie_about_a_code": _lie(saw="returned", command=1, code="ERR_OOPS"),
    "lie_about_a_type": _lie(saw="dialled", socket="1"),
    "lie_about_a_word": _lie(saw="exploded"),
    "lie_with_a_name": _lie(saw="refreshing", why="boredom"),
}


def act(item, draw):
    do, what, number = item["do"], item.get("what", ""), item.get("number", 0.0)
    together = item.get("together", False)
    step = Step(do=do, what=what, number=number, draw=draw, together=together)
    return Act(step, item.get("command"))


def main(fault=None):
    subject = MachineSubject()
    turns, draws = 0, cycle([0.5])
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        match request["do"]:
            case "hello":
                can = [] if fault == "incapable" else sorted(subject.capabilities)
                can += ["flying"] if fault == "boast" else []
                protocol = 2 if fault == "speak_another" else 1
                answer |= {"protocol": protocol, "name": "a machine", "capabilities": can}
            case "open":
                opening = Script(
                    mode=Mode(request["mode"]),
                    foreground=request["foreground"],
                    online=request["online"],
                    timings=Timings(**request["timings"]),
                )
                draws = cycle(request.get("draws", [0.5]))
                answer["seen"] = [entry_to_json(e) for e in subject.open(opening, ())]
            case "steps":
                seen = subject.perform([act(item, next(draws)) for item in request["steps"]])
                answer["seen"] = [[entry_to_json(e) for e in entries] for entries in seen]
                turns += 1
                if turns >= 3 and fault in FAULTS:
                    FAULTS[fault](answer)
        write(answer)
        if request["do"] == "bye":
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
