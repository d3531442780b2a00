"""A disk that fills up at random moments, and other errors of the system, in every command that writes.

    python tests/system_errors.py [--moments 20] [--seed 0] [--only WORDS] [--share 0.3] [--light] [--no-mounts]

Each command runs in a process forked from one that has imported everything, on a small file system of its own (a tmpfs
in a private mount namespace, which needs no root where user namespaces are allowed). The undisturbed command shows the
space and the files that it takes; then it runs again with a random part of them, or with a limit on the size of files.
It must end with exit code 1 and one line, leave nothing half-written, and the same command must then give the
undisturbed result. Where no file system can be mounted, the limit on the size of files is all that is tried.
"""

import argparse
import contextlib
import ctypes
import functools
import http.server
import json
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_MOUNTS, REMOUNT, READ_ONLY, PRIVATE = 0x10000000, 0x20000, 32, 1, (1 << 18) | (1 << 14)
ROOM = 2**30  # bytes of a file system that is not full


def private_mounts() -> bool:
    "Enter a mount namespace of our own, in which a file system can be mounted; return whether that is possible."
    user, group = os.geteuid(), os.getegid()
    if LIBC.unshare(NEW_MOUNTS) != 0:
        if LIBC.unshare(NEW_USER | NEW_MOUNTS) != 0:
            return False
        try:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        except OSError:
            return False
    return LIBC.mount(b"none", b"/", None, PRIVATE, None) == 0


MOUNTS = "--no-mounts" not in sys.argv and private_mounts()  # before threads begin

import campaign  # noqa: E402
import numpy as np  # noqa: E402
from campaign import call, ended, finish, forked, outcome, tree  # noqa: E402

from enhanceme.__main__ import open_streams  # noqa: E402

# Commands


@dataclass(frozen=True)
class Command:
    "A command that writes."

    text: str  # the command line
    inputs: str  # parts of the world that it reads
    outputs: str  # that it writes; the first is named on the command line
    resumes: bool = False  # a failed command keeps what is whole
    chained: bool = False  # takes minutes: the disk fills up again and again in one run
    heavy: bool = False  # left out with --light
    follows: str = ""  # the command whose result it starts from


TRAIN = "--workers 1 --profile tiny.yaml"
FEW = " ".join(
    f"--set {setting}"
    for setting in (
        *("training.steps=2", "training.warmup=1", "training.batch=2", "patching.size=16", "prediction.frames=5"),
        *("patching.frames=5", "patching.frames_min=4", "patching.frames_max=5"),
    )
)
COMMANDS = {
    "simulate": Command("simulate out --seed 3 --workers 1 --profile tiny.yaml", "", "out"),
    "simulate, workers": Command("simulate out --seed 3 --workers 2 --profile tiny.yaml", "", "out", heavy=True),
    "simulate imagery": Command("simulate out --scenes 4 --imagery imagery --profile tiny.yaml", "imagery", "out"),
    "baseline": Command("baseline data out", "data", "out"),
    "predict": Command("predict data out --model median", "data", "out"),
    "predict network": Command("predict data out --split test --model run", "data run", "out"),
    "predict graph": Command("predict data out --uncertainty --model network", "data", "out", heavy=True),
    "score": Command("score data pred --out out.csv", "data pred", "out.csv"),
    "submit": Command("submit challenge out.zip --incomplete --model baseline", "challenge", "out.zip"),
    "compare": Command("compare data pred bicubic-mean --out out", "data pred", "out"),
    "train": Command(f"train --data data --run out --store store {TRAIN}", "data", "out store", resumes=True),
    "train inside": Command(f"train --data data --run out {TRAIN}", "data", "out", resumes=True, heavy=True),
    "train from": Command(
        f"train --data data --run out --store store --from run/best.keras {TRAIN}",
        "data store run",
        "out store",
        resumes=True,
        heavy=True,
    ),
    "validate": Command(f"validate labelled out {FEW}", "labelled", "out", resumes=True, chained=True, heavy=True),
    "upscale": Command("upscale frames out.tif --model run", "frames run", "out.tif out.png out.html"),
    "upscale all": Command(
        "upscale frames out.tif --count --uncertainty --stac --model network",
        "frames",
        "out.tif out.png out.html out.json",
        heavy=True,
    ),
    "fit-sensor": Command("fit-sensor place out.yaml", "place", "out.yaml"),
    "fetch": Command("fetch out --archive archive.zip --sample 2", "archive.zip", "out"),
    "fetch, network": Command("fetch out --mirror MIRROR --sample 2", "", "out .out.fetch.partial", resumes=True),
    "import-checkpoint": Command("import-checkpoint ckpt/net out.keras", "ckpt", "out.keras"),
    "export": Command("export run out.keras", "run", "out.keras", heavy=True),
    "publish": Command("publish study out", "study", "out index.html"),
    "study": Command(
        "study --out out --workers 1 --profile study.yaml", "study.yaml", "out", resumes=True, chained=True, heavy=True
    ),
    "trials": Command(
        "trials out --factor blocks --workers 1",
        "study.yaml",
        "out",
        resumes=True,
        chained=True,
        heavy=True,
        follows="study",
    ),
    "report": Command("report out", "study.yaml", "out", resumes=True, chained=True, heavy=True, follows="study"),
}
DATED = re.compile(  # files that hold dates or costs
    r"(provenance|training|prediction|study|trial|clock|about|survey)[.]json|.*[.](failed|ipynb)|.*times.*|explained[.]csv"
    r"|comparison[.]html|rows[.]csv|imgset\d+[.]csv|[.]enhanceme-files"
)

KEPT_DOWNLOAD = "home/.out.fetch.partial"  # `fetch` continues it


# Inputs that the campaign does not have


def write_checkpoint(path):
    "Write a checkpoint like those of 3DWDSR's training, of a small network."
    import tensorflow as tf

    from enhanceme.architectures import wdsr3d
    from enhanceme.published import OURS, UNITS_3DWDSR

    model = wdsr3d(5, 6, 2, 3, reach=1, residual_convs=2, units=UNITS_3DWDSR)
    main, second = ([layer for layer in model.layers if getattr(layer, "rank", 0) == rank] for rank in (3, 2))
    turned = lambda value: value.transpose(1, 2, 0, 3, 4) if value.ndim == 5 else value
    values = {
        f"model/layer_with_weights-{n}/{theirs}/.ATTRIBUTES/VARIABLE_VALUE": turned(np.asarray(getattr(layer, ours)))
        for n, layer in enumerate([*main[:-1], second[0], main[-1], *second[1:]])
        for theirs, ours in OURS.items()
    }
    names, tensors = list(values), [tf.constant(v) for v in values.values()]
    tf.raw_ops.SaveV2(prefix=str(path), tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors)
    return 0


def write_place(folder):
    "Write frames of one place, large and sharp enough to fit a sensor to."
    from enhanceme.rasters import write_bands
    from enhanceme.sensor import sampler

    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft2(rng.normal(size=(200, 200)))
    frequency = np.hypot(np.fft.fftfreq(200)[:, None], np.fft.rfftfreq(200))
    ground = np.fft.irfft2(spectrum / (frequency + 0.01), (200, 200))
    ground = 4000 + 600 * ground / ground.std()
    for t in range(9):
        down, along = (sampler(200, 58, 3.0, shift) for shift in rng.normal(0, 0.3, 2))
        frame = (down @ ground @ along.T) * rng.normal(1, 0.03) + rng.normal(0, 9, (58, 58))
        write_bands(folder / f"day{t}.tif", frame[None].astype(np.float32))
    return 0


def write_study(study):
    "Add the pages and the record of a finished study, which `publish` asks for."
    from enhanceme.questions import experiments

    for page in (path.stem for path in experiments()):
        (study / f"{page}.html").write_text(page)
    (study / "index.html").write_text("front")
    record = json.loads((study / "study.json").read_text()) | {"planned": ["scores"], "profile": "smoke", "seed": 0}
    (study / "study.json").write_text(json.dumps(record))
    provenance = json.loads((study / "run/provenance.json").read_text())
    provenance["git"] = {"commit": "c" * 40, "dirty": False}
    (study / "run/provenance.json").write_text(json.dumps(provenance))


def write_labels(data):
    "Label the first frame of every scene as that of HR's acquisition."
    labels = {
        band: {f.name: min(int(p.stem[2:]) for p in f.glob("LR*.png")) for f in sorted(data.glob(f"train/{band}/*"))}
        for band in ("NIR", "RED")
    }
    (data / "reference.json").write_text(json.dumps(labels))


def write_inputs(world):
    "Make one of each input."
    campaign.write_world(world)
    for name in ("ckpt", "place"):
        (world / name).mkdir()
    finish(lambda: write_checkpoint(world / "ckpt/net"), world, world.parent / "log")
    finish(lambda: write_place(world / "place"), world, world.parent / "log")
    write_study(world / "study")
    large = "simulate challenge --scenes 4 --workers 1 --profile tiny.yaml --set simulation.size=128"
    finish(call(large.split()), world, world.parent / "log")
    finish(call("simulate labelled --scenes 16 --workers 1 --profile tiny.yaml".split()), world, world.parent / "log")
    write_labels(world / "labelled")
    tiny = (world / "tiny.yaml").read_text()
    (world / "study.yaml").write_text(
        tiny + "study: {factors: [losses], levels: 1, steps: 2, seeds: 1, scenes: 1, surveys: 1, wish_steps: 1}\n"
    )


@contextlib.contextmanager
def server(folder):
    "Serve a folder; yields its address."

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/archive.zip"
        serving.shutdown()


# A file system that fills up


class Disk:
    "A file system whose free space can be set, where it can be mounted."

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        if MOUNTS and LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={ROOM}".encode()):
            raise OSError(ctypes.get_errno(), "cannot mount", str(folder))

    def close(self):
        "Unmount it."
        if MOUNTS:
            LIBC.umount2(os.fsencode(self.folder), 2)  # lazily: a process may still be ending

    def remount(self, flags: int, options: str):
        "Change the options of the file system."
        if LIBC.mount(b"tmpfs", os.fsencode(self.folder), b"tmpfs", REMOUNT | flags, options.encode()):
            raise OSError(ctypes.get_errno(), f"cannot remount with {options}", str(self.folder))

    def taken(self) -> tuple[int, int]:  # pages, files
        "Return the space and the number of files in use."
        found = os.statvfs(self.folder)
        return found.f_blocks - found.f_bfree, found.f_files - found.f_ffree

    def leave(self, pages=None, files=None):
        "Leave free so many pages of 4096 bytes and so many files; None = plenty."
        if MOUNTS:
            used, there = self.taken()
            size = ROOM if pages is None else (used + pages) * 4096
            self.remount(0, f"size={size},nr_inodes={10**6 if files is None else there + files}")


class Runner:
    "Runs commands on a disk."

    def __init__(self, world: Path, root: Path, mirror: str, number=0):
        self.world, self.mirror = world, mirror
        self.disk = Disk(root / f"disk{number}")
        self.home, self.scratch = self.disk.folder / "home", self.disk.folder / "scratch"
        self.log = root / f"log{number}"

    def begin(self, command: Command):
        "Lay out the inputs of a command in an empty folder."
        self.disk.leave()
        for folder in (self.home, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        for name in {*command.inputs.split(), "tiny.yaml"}:
            source = self.world / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.home / name)

    def run(self, text: str, limit=None, prepare=lambda: None, watch=lambda: None):
        "Run a command to its end; return its exit code and what it wrote to the error stream."

        def action():
            os.environ["TMPDIR"], tempfile.tempdir = str(self.scratch), None
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            prepare()
            return call([self.mirror if word == "MIRROR" else word for word in text.split()])()

        child = forked(action, self.home, self.log, 3600)
        while (found := ended(*child)) is None:
            watch()
            time.sleep(0.002)
        return found[0], Path(f"{self.log}.stderr").read_text(errors="replace")

    def result(self, command: Command):
        "Return what the outputs of a command hold, without dates and costs."
        found = {}
        for name in command.outputs.split():
            if (self.home / name).exists():
                found |= outcome(self.home / name)
        kept = {name: value for name, value in found.items() if not DATED.fullmatch(Path(name).name)}
        pages = (".html", ".ipynb", ".png") if command.chained else ()  # they show dates and costs
        return {name: "a page" if name.endswith(pages) else value for name, value in kept.items()}


def message_fault(code, stderr, codes=(1,)):
    "Return why the end of a command is not one line with exit code 1, or None."
    lines = [line for line in stderr.splitlines() if line.startswith("enhanceme: ")]
    if code not in codes or "Traceback" in stderr:
        return f"exit code {code}: {stderr[-700:]!r}"
    if len(lines) != 1 or stderr.strip().splitlines()[-1] != lines[0] or "; " not in lines[0]:
        return f"not one line: {stderr[-500:]!r}"
    return None if lines[0].isprintable() and len(lines[0]) < 1200 else f"a strange line: {lines[0]!r}"


def left_fault(command: Command, before, after):
    "Return what a failed command leaves that it must not leave, or None."
    new = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    other = lambda name: name == "scratch" or "__autograph_generated_file" in name
    new = [name for name in new if not other(name)]  # Jupyter sets its sticky bit; TensorFlow removes files at its exit
    own = [f"home/{name}" for name in command.outputs.split()]
    new = [name for name in new if not name.startswith(KEPT_DOWNLOAD)]
    if partial := [name for name in new if "partial" in name or "-lock" in name or name.startswith("scratch/")]:
        return f"half-written: {partial[:5]}"
    if foreign := [name for name in new if not any(name == o or name.startswith(f"{o}/") for o in own)]:
        return f"changes {foreign[:5]}"
    return f"leaves {new[:5]}" if new and not command.resumes else None


class Trial:
    "One command, disturbed at random moments."

    def __init__(self, runner: Runner, name: str, command: Command, rng):
        self.runner, self.name, self.command, self.rng = runner, name, command, rng
        self.ends, self.faults, self.reruns = {}, [], 0

    def begin(self):
        "Lay out the inputs, and the finished study where the command follows one."
        self.runner.begin(self.command)
        if self.command.follows:
            shutil.copytree(self.runner.world / "finished", self.runner.home / "out")

    def undisturbed(self):
        "Run the command with plenty of space; keep the result, the space and the files that it takes."
        runner, self.most = self.runner, [0, 0]
        if (first := self.command.follows) and not (runner.world / "finished").exists():
            Trial(runner, first, COMMANDS[first], self.rng).undisturbed()
        self.begin()
        self.first = first = runner.disk.taken()

        def watch():
            self.most = [max(m, t - f) for m, t, f in zip(self.most, runner.disk.taken(), first)]

        code, stderr = runner.run(self.command.text, watch=watch if MOUNTS else lambda: None)
        if code != 0:
            raise RuntimeError(f"{self.name}: {code} {stderr[-2000:]}")
        self.wanted = runner.result(self.command)
        files = [
            p for name in self.command.outputs.split() for p in [runner.home / name, *(runner.home / name).rglob("*")]
        ]
        self.largest = max((p.stat().st_size for p in files if p.is_file()), default=1)
        if self.name == "study":
            shutil.copytree(runner.home / "out", runner.world / "finished")

    def moment(self, more: int):
        """Draw what is scarce, and leave so much of it; return its name and the limit on the size of files. So many
        more moments follow: a chained command gets a small part each time, any other a part of all."""
        what = self.rng.choice(["space", "space", "files", "size"] if MOUNTS else ["size"])
        left = self.most
        if self.command.chained:
            left = [max(2, 2 * (m + f - t) // more) for m, f, t in zip(self.most, self.first, self.runner.disk.taken())]
        if what == "space" and left[0] > 0:
            self.runner.disk.leave(pages=self.rng.randrange(left[0]) + 1)
        elif what == "files" and left[1] > 0:
            self.runner.disk.leave(files=self.rng.randrange(left[1]))
        else:
            return "size", 1000 + self.rng.randrange(max(self.largest - 1000, 1))
        return what, None

    def complain(self, what, why):
        "Note a fault."
        self.faults.append(why)
        print(f"FAILED {self.name} [{what}]: {why}", flush=True)

    def differ(self):
        "Return the names of the files that differ from the undisturbed result."
        found = self.runner.result(self.command)
        return sorted(n for n in {*found, *self.wanted} if found.get(n) != self.wanted.get(n))

    def compare(self, what):
        "Run the command to its end and compare its result."
        self.reruns += 1
        code, stderr = self.runner.run(self.command.text)
        if code != 0:
            return self.complain(what, f"the rerun ends with {code}: {stderr[-400:]!r}")
        if differ := self.differ():
            self.complain(what, f"the rerun gives another result: {differ[:5]}")

    def disturb(self, first, more=1):
        "Run the command on a disk that fills up; return whether it had enough."
        runner, before = self.runner, tree(self.runner.disk.folder)
        what, limit = self.moment(more)
        code, stderr = runner.run(self.command.text, limit)
        runner.disk.leave()
        ending = f"{what}: {'enough' if code == 0 else 'one line'}"
        self.ends[ending] = self.ends.get(ending, 0) + 1
        if code == 0:
            if differ := self.differ():
                self.complain(what, f"ends with 0, but with another result: {differ[:5]}")
            return True
        after = tree(runner.disk.folder)
        for why in filter(None, (message_fault(code, stderr), left_fault(self.command, before, after))):
            self.complain(what, why)
        if not self.command.chained and (first or before != after):  # otherwise nothing has changed
            self.compare(what)
        return False

    def go(self, moments):
        "Disturb the command at so many moments."
        self.undisturbed()
        for k in range(moments):
            if not (self.command.chained and k and not self.enough):  # a chained one goes on
                self.begin()
            self.enough = self.disturb(k == 0, moments - k)
        if self.command.chained and not self.enough:
            self.compare("the last")


# Other errors of the system


def without_rights():
    "Give up the rights of root over the files of others, in this process and in those that it starts."
    for number in range(64):
        LIBC.prctl(24, number, 0, 0, 0)  # PR_CAPBSET_DROP
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    LIBC.capset(header, (ctypes.c_uint32 * 6)())


def sealed(runner, out):
    "Put the output into a folder in which nothing may be written."
    folder = runner.home / "sealed"
    folder.mkdir()
    folder.chmod(0o555)
    return f"sealed/{out}"


def dangling(runner, out):
    "Put a link to nowhere in the place of the output."
    (runner.home / out).symlink_to("gone/further")
    return out


def looping(runner, out):
    "Put a link to itself above the output."
    (runner.home / "loop").symlink_to("loop")
    return f"loop/{out}"


def through_file(runner, out):
    "Put the output below a file."
    return f"tiny.yaml/{out}"


def long_name(runner, out):
    "Give the output a name that no file can have."
    return "x" * 300 + Path(out).suffix


def same(runner, out):
    "Leave the output where it is."
    return out


def gone():
    "Work in a folder that has been removed."
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    folder.rmdir()


def closed():
    "Close the standard output."
    os.close(1)
    sys.stdout = sys.__stdout__ = None
    open_streams()


def full():
    "Send the standard output where nothing can be written."
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


NOTHING = lambda: None
ERRORS = {  # name -> (what is done to the output, what is done in the process, whether the output may be there)
    "folder without rights": (sealed, without_rights, False),
    "read-only file system": (same, NOTHING, False),
    "name too long": (long_name, NOTHING, False),
    "below a file": (through_file, NOTHING, False),
    "dangling link": (dangling, NOTHING, False),
    "looping link": (looping, NOTHING, False),
    "working folder gone": (same, gone, False),
    "output closed": (same, closed, False),
    "output full": (same, full, True),
}


def hinder(runner: Runner, name: str, command: Command, error: str):
    "Run a command against an error of the system; return its exit code, its last line, and why it fails or None."
    change, prepare, may_write = ERRORS[error]
    runner.begin(command)
    out = command.outputs.split()[0]
    if command.follows:
        shutil.copytree(runner.world / "study", runner.home / "out")
    words = command.text.split()
    words[words.index(out)] = change(runner, out)
    before = tree(runner.disk.folder)
    sealed_disk = error == "read-only file system"
    if sealed_disk:
        runner.disk.remount(READ_ONLY, f"size={ROOM}")
    try:
        code, stderr = runner.run(" ".join(words), prepare=prepare)
    finally:
        if sealed_disk:
            runner.disk.remount(0, f"size={ROOM}")
    after = tree(runner.disk.folder)
    new = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    last = (stderr.strip().splitlines() or [""])[-1]
    if why := message_fault(code, stderr, (1, 2)):
        return code, last, why
    if may_write:
        return code, last, left_fault(Command("", "", command.outputs, True), before, after)
    new = [path for path in new if not (command.resumes and path.split("/")[1] == "store")]
    return code, last, f"leaves {new[:5]}" if new else None


def fill(runner: Runner, commands, moments, seed) -> tuple[int, int]:
    "Fill the disk under commands, by name; return the numbers of cases and of faults."
    faults = 0
    for name, command in commands.items():
        start, trial = time.monotonic(), Trial(runner, name, command, random.Random(f"{seed} {name}"))
        trial.go(moments)
        faults += len(trial.faults)
        ends = ", ".join(f"{count} {ending}" for ending, count in sorted(trial.ends.items()))
        outcome_of = f"{trial.reruns} reruns, {len(trial.faults)} faults, {time.monotonic() - start:.0f} s"
        print(f"{name} ({trial.most[0] * 4} kB, {trial.most[1]} files): {ends}; {outcome_of}", flush=True)
    return moments * len(commands), faults


def hinder_all(runner: Runner, error, commands) -> tuple[int, int]:
    "Run commands, by name, against an error; return the numbers of cases and of faults."
    codes, faults = Counter(), 0
    for name, command in commands.items():
        code, last, why = hinder(runner, name, command, error)
        codes[f"exit code {code}"] += 1
        if why:
            faults += 1
            print(f"FAILED {name} [{error}]: {why}", flush=True)
    ends = ", ".join(f"{count} x {end}" for end, count in sorted(codes.items()))
    print(f"{error}: {ends}, such as {last!r}; {faults} faults", flush=True)
    return len(commands), faults


def main():
    "Disturb every command; the exit code is 1 when one failed."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="what holds this, of `COMMAND / disk` and `COMMAND / ERROR`")
    parser.add_argument("--light", action="store_true", help="leave out what takes long")
    parser.add_argument("--share", type=float, default=1, help="of the pairs of command and error, drawn by the seed")
    parser.add_argument("--no-mounts", action="store_true", help="mount nothing: limit the size of files")
    options = parser.parse_args()
    began, rng, counts = time.monotonic(), random.Random(options.seed), []
    errors = [error for error in ERRORS if MOUNTS or error != "read-only file system"]
    pairs = [(n, e) for e in ("disk", *errors) for n, c in COMMANDS.items() if not (options.light and c.heavy)]
    pairs = [(n, e) for n, e in pairs if options.only in f"{n} / {e}" and rng.random() < options.share]
    with tempfile.TemporaryDirectory() as root, contextlib.ExitStack() as held:
        world = Path(root) / "world"
        write_inputs(world)
        runner = Runner(world, Path(root), held.enter_context(server(world)))
        held.callback(runner.disk.close)
        where = "on file systems of their own" if MOUNTS else "with a limit on the size of files alone"
        print(f"inputs made in {time.monotonic() - began:.0f} s; commands run {where}", flush=True)
        for error in ("disk", *errors):
            if chosen := {name: COMMANDS[name] for name, e in pairs if e == error}:
                one = fill(runner, chosen, options.moments, options.seed) if error == "disk" else None
                counts.append(one or hinder_all(runner, error, chosen))
    tried, failed = (sum(column) for column in zip((0, 0), *counts))
    print(f"{tried} cases, seed {options.seed}: {failed} failed, {time.monotonic() - began:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
