"""Trainings in forked processes, so that TensorFlow is imported once and every one still starts it for itself.

python trainings.py DATA STORE OUT: trains into folders of OUT, some runs to the end, one killed again and again, one
on two machines, and writes OUT/record.json; `test_training` checks it.
"""

import importlib
import json
import mmap
import os
import random
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

PHASES = ["starting", "training", "validating", "writing"]
LONG = ["training.steps=150", "training.validate_every=5", "training.checkpoint_every=3", "training.tensorboard=true"]
SHORT = ["training.steps=20", "training.validate_every=10", "training.checkpoint_every=4"]
KILLS = ["starting"] * 3 + ["training"] * 5 + ["validating"] * 4 + ["writing"] * 5
TRIES = 8  # at most, to hit a phase with one run, and to hit it at all


def arguments(data, store, run, settings, more=()):
    "The command line of a training."
    return [
        "train",
        "--data",
        str(data),
        "--store",
        str(store),
        "--run",
        str(run),
        "--profile",
        "smoke",
        *(a for s in settings for a in ("--set", s)),
        *map(str, more),
    ]


def watch(record):
    "Make the trainings of this process write their phase and step to `record`."
    from enhanceme.training import Trainer
    from enhanceme.training_state import Recorder, Validator

    def recorded(owner, name, inside, after):
        method = getattr(owner, name)

        def recorded_method(self, *args):
            record[0] = PHASES.index(inside)
            record[1:5] = self.state.done.step.to_bytes(4, "little")
            try:
                return method(self, *args)
            finally:
                record[0] = PHASES.index(after)

        setattr(owner, name, recorded_method)

    for owner, name, inside, after in [
        (Trainer, "go", "training", "writing"),
        (Validator, "validate", "validating", "training"),
        (Recorder, "write_checkpoint", "writing", "training"),
        (Recorder, "check", "training", "training"),
        (Trainer, "finish", "writing", "writing"),
    ]:
        recorded(owner, name, inside, after)


class Run:
    "The train command in a forked process."

    def __init__(self, args, log, **environment):
        self.record, self.code = mmap.mmap(-1, 5), None
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.environ.update(environment)
                for stream in (1, 2):
                    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
                watch(self.record)
                sys.argv = ["enhanceme", *args]
                from enhanceme.cli import main

                main()
                code = 0
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)

    def now(self):
        "What it is doing, or was doing when it ended: phase and step."
        return PHASES[self.record[0]], int.from_bytes(self.record[1:5], "little")

    def ended(self):
        "Whether it has come to its end."
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def wait(self):
        "Its exit code."
        while not self.ended():
            time.sleep(0.02)
        return self.code

    def reach(self, phase, steps=0):
        "Wait until it is in a phase, so many steps after it has begun to train."
        first = None
        while not self.ended():
            now, step = self.now()
            if phase == "starting":
                return
            if now != "starting":
                first = step if first is None else first
                if now == phase and step >= first + steps:
                    return
            time.sleep(0.0005)
        raise RuntimeError(f"ended with {self.code} before it was {phase}")

    def hold(self):
        "Stop it where it is, so that `now` stays true; whether it was still there."
        os.kill(self.pid, signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def strike(self, phase, steps, delay):
        "kill -9 in a phase, a moment after it has begun; when it is over by then, the next time. What it was doing."
        for turn in range(TRIES):
            self.reach(phase, 0 if turn else steps)
            time.sleep(delay / 2**turn)
            if self.hold() and (self.now()[0] == phase or phase == "starting"):
                break  # a start that is over does not come again
            if self.code is None:
                os.kill(self.pid, signal.SIGCONT)
        return self.kill()

    def kill(self):
        "kill -9; what it was doing."
        os.kill(self.pid, signal.SIGKILL)
        self.wait()
        return self.now()


def machines(args, log):
    "The command on two machines, which are two processes here."
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    names = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return [
        Run(args, log, TF_CONFIG=json.dumps({"cluster": {"worker": names}, "task": {"type": "worker", "index": i}}))
        for i in range(2)
    ]


def main(data, store, out):
    for name in ("cli", "training"):  # TensorFlow with them; it computes nothing yet, so that every fork can start it
        importlib.import_module(f"enhanceme.{name}")
    out, rng, record = Path(out), random.Random(0), {}
    args = lambda run, settings, *more: arguments(data, store, out / run, settings, more)

    def go(run, settings, *more):
        record[run] = Run(args(run, settings, *more), out / f"{run}.log").wait()

    record["kills"] = []
    for phase in rng.sample(KILLS, len(KILLS)):
        for turn in range(TRIES):
            run, delay = (
                Run(args("killed", LONG), out / "killed.log"),
                rng.uniform(0, 1.5 if phase == "starting" else 0.01),
            )
            record["kills"].append(run.strike(phase, rng.randrange(10), delay / 2**turn))
            if record["kills"][-1][0] == phase:
                break
    record["partial"] = [p.name for p in (out / "killed").glob("**/*partial*")]
    go("killed", LONG)

    for run, seed in [("one", 0), ("again", 0), ("other", 1)]:
        go(run, SHORT, "--seed", seed)
    pair = machines(args("two", [*SHORT, "training.devices=machines"]), out / "two.log")
    pair[0].reach("training", rng.randrange(6, 12))
    record["two killed"] = [run.kill() for run in pair]
    again = machines(args("two", [*SHORT, "training.devices=machines"]), out / "two.log")
    record["two"] = [run.wait() for run in again]

    go("fine", SHORT, "--from", out / "one", "--set", "training.learning_rate=1e-12")
    go("wrong", SHORT, "--from", out / "one" / "history.csv")
    go("wider", SHORT, "--from", out / "one", "--set", "model.filters=9")
    go("alone", [*SHORT, "training.devices=machines"])
    go("odd", [*SHORT, "training.micro_batches=3"])
    (out / "record.json").write_text(json.dumps(record))


if __name__ == "__main__":
    main(*sys.argv[1:])
