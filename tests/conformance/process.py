"""A subject process in Python: the pure machine behind the protocol, with a fault if one is asked for.

`python process.py [FAULT]`; the faults are the functions of `FAULTS`, and happen at the third `steps`;
those of `LATER` happen once `open` is answered. The others are in `main`.
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
from statemodel.conformance import Act, MachineSubject, entry_to_json
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


def dribble_the_answer(answer):
    for byte in (json.dumps(answer) + "\n").encode():
        os.write(1, bytes([byte]))
    answer.clear()


def say_much_elsewhere(_):
    sys.stderr.write("log line\n" * 100_000)


def flood_elsewhere(_):
    while True:
        sys.stderr.write("log line\n" * 1000)


def be_stubborn(_):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(3600)


def leave_a_child(_):
    subprocess.Popen(["sleep", "3600"])
    sys.exit(4)


def stop_halfway(answer):
    os.write(1, json.dumps(answer).encode()[:-4])
    sys.exit(0)


def close_output(_):
    os.close(1)
    time.sleep(3600)


def close_input(answer):
    os.close(0)
    write(answer)
    time.sleep(3600)


def answer_too_long(answer):
    answer["seen"][-1].append(" " * 3_000_000)


def answer_a_hundred_megabytes(answer):
    os.write(1, b"[" * 100_000_000)


def paint(_):
    sys.stderr.write("\x1b[2J\x1b[31mred\x1b]0;title\x07\u202eback")
    sys.exit(3)


def babble_bytes(_):
    os.write(1, b"\xff\xfe\x80\n")


def babble_nothing(_):
    os.write(1, b"\0\0\0\n")


def babble_two_byte_characters(answer):
    os.write(1, json.dumps(answer).encode("utf-16") + b"\n")


def babble_an_empty_line(_):
    os.write(1, b"\n")


def babble_a_list(answer):
    os.write(1, json.dumps([answer]).encode() + b"\n")


def babble_digits(answer):
    os.write(1, b'{"id": ' + b"9" * 10_000 + b"}\n")


def babble_nested(_):
    os.write(1, b"[" * 500_000 + b"\n")


def nest(answer):
    answer["seen"][-1].append({"time": 0, "saw": "dialled", "socket": "nested"})
    os.write(1, json.dumps(answer).replace('"nested"', "[" * 600 + "]" * 600).encode() + b"\n")
    answer.clear()


def answer_with_a_fraction(answer):
    answer["id"] = float(answer["id"])


def see_a_word(answer):
    answer["seen"] = "nothing"


def see_words(answer):
    answer["seen"] = ["nothing" for _ in answer["seen"]]


def add_a_list(answer):
    answer["seen"].append([])


def be_deaf():
    time.sleep(3600)


def be_deaf_and_flood():
    while True:
        os.write(1, b"x" * 65536)


def be_deaf_and_chat():
    while True:
        os.write(1, b"x\n")


def be_deaf_and_flood_elsewhere():
    while True:
        os.write(2, b"log line\n" * 7000)


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
    "lie_with_half_a_character": _lie(saw="\ud800"),
    "lie_with_colours": _lie(saw="\x1b[31mred"),
    "lie_with_a_long_word": _lie(saw="x" * 900_000),
    "lie_about_truth": _lie(saw="gone", socket=True),
    "lie_with_a_fraction": _lie(saw="gone", socket=1.0),
    "lie_with_many_digits": _lie(saw="gone", socket=10**4000),
    "lie_about_no_time": _lie(saw="refreshing", time=float("nan")),
    "lie_about_eternity": _lie(saw="refreshing", time=float("inf")),
    "lie_about_the_time_before": _lie(saw="refreshing", time=-1),
    "lie_about_a_long_time": _lie(saw="refreshing", time=10**400),
    "be_stubborn": be_stubborn,
    "leave_a_child": leave_a_child,
    "stop_halfway": stop_halfway,
    "close_output": close_output,
    "close_input": close_input,
    "answer_too_long": answer_too_long,
    "answer_a_hundred_megabytes": answer_a_hundred_megabytes,
    "flood_elsewhere": flood_elsewhere,
    "paint": paint,
    "babble_bytes": babble_bytes,
    "babble_nothing": babble_nothing,
    "babble_two_byte_characters": babble_two_byte_characters,
    "babble_an_empty_line": babble_an_empty_line,
    "babble_a_list": babble_a_list,
    "babble_digits": babble_digits,
    "babble_nested": babble_nested,
    "nest": nest,
    "answer_with_a_fraction": answer_with_a_fraction,
    "see_a_word": see_a_word,
    "see_words": see_words,
    "add_a_list": add_a_list,
}
HARMLESS = {"dribble_the_answer": dribble_the_answer, "say_much_elsewhere": say_much_elsewhere}
LATER = {
    "be_deaf": be_deaf,
    "be_deaf_and_flood": be_deaf_and_flood,
    "be_deaf_and_chat": be_deaf_and_chat,
    "be_deaf_and_flood_elsewhere": be_deaf_and_flood_elsewhere,
}


def act(item, draw):
    do, what, number = item["do"], item.get("what", ""), item.get("number", 0.0)
    together = item.get("together", False)
    inside = item.get("inside", "")
    step = Step(do=do, what=what, number=number, draw=draw, together=together, inside=inside)
    return Act(step, item.get("command"))


def main(fault=None):
    subject = MachineSubject()
    turns, draws = 0, cycle([0.5])
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        match request["do"]:
            case "hello":
                can = ["manual", "login"] if fault == "incapable" else sorted(subject.capabilities)
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
                if turns >= 3 and (happens := (FAULTS | HARMLESS).get(fault)):
                    happens(answer)
        if request["do"] == "hello" and fault == "say_true":
            answer["id"] = True
        if answer:
            write(answer)
        if request["do"] == "open" and fault in LATER:
            LATER[fault]()
        if request["do"] == "bye":
            break
    if fault == "leave_badly":
        sys.exit("two sockets are still open")
    if fault == "linger":
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
