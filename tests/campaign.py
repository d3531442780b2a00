"""Hostile input for every command, from a seed: damaged files of every kind, bad arguments, settings and places, kills.

    python tests/campaign.py [--cases 500] [--kills 20] [--seed 0] [--jobs 2] [--only WORDS]

Each case runs in a process forked from one that has imported everything. A case passes when the command ends in time
and within its memory with exit code 0, 1 or 2, when a refusal is one line with a rule and a remedy, when no file but
the command's own output has changed, and when a refused command leaves nothing behind. After a kill the same command
must give the undisturbed result.
"""

import argparse
import contextlib
import csv
import hashlib
import importlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for name, threads in {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}.items():
    os.environ.setdefault(name, threads)

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import yaml  # noqa: E402
from PIL import Image  # noqa: E402

for module in (
    *("calibration", "cli", "comparison_page", "datasets", "doctor", "fetching", "sensor_fit", "study", "submission"),
    *("suitability", "training", "upscaling", "validation"),
):
    importlib.import_module(f"enhanceme.{module}")
from enhanceme import cli, training  # noqa: E402

MEMORY = 1000  # MB that a command may use beyond the warm process
SECONDS = 25  # CPU seconds of a command; a refusal takes 2 at most, loading a network takes more
PATIENCE = 90  # s of wall time until a command counts as hanging
TINY = [
    *("simulation.size=32", "simulation.frames_min=4", "simulation.frames_mean=4", "simulation.frames_max=5"),
    *("training.steps=4", "training.checkpoint_every=1", "training.validate_every=2", "patching.frames=3"),
    *("patching.size=8", "scenes=6"),
]
SET = [part for text in TINY for part in ("--set", text)]


# Commands

COMMANDS = {  # name -> (arguments, inputs, output, files that it reads)
    "check": ("check data", "data", None, "data/*/*/*/* data/*.csv data/*.json"),
    "check frames": ("check frames", "frames", None, "frames/*"),
    "check zip": ("check sub.zip", "sub.zip", None, "sub.zip"),
    "baseline": ("baseline data out", "data", "out", "data/*/*/*/*.png data/*.csv data/*.json"),
    "predict": ("predict data out --model median", "data", "out", "data/*/*/*/* data/*.csv"),
    "predict on": ("baseline data pred", "data pred", "pred", "pred/prediction.json"),
    "predict network": ("predict data out --split test --model run", "data run", "out", "run/best.keras"),
    "score": ("score data pred --out out.csv", "data pred", "out.csv", "pred/* data/*/*/*/*.png data/norm.csv"),
    "submit": ("submit data out.zip --incomplete --model baseline", "data", "out.zip", "data/test/*/*/*"),
    "simulate on": ("simulate data --seed 3 --profile tiny.yaml", "data tiny.yaml", "data", "data/simulation.json"),
    "simulate imagery": (
        "simulate out --scenes 4 --imagery imagery --profile tiny.yaml",
        "imagery tiny.yaml",
        "out",
        "imagery/*",
    ),
    "train": (
        "train --data data --run out --store store --profile tiny.yaml",
        "data store tiny.yaml",
        "out store",
        "store/store.json store/*/*.npy tiny.yaml",
    ),
    "train on": (
        "train --data data --run part --store store --profile tiny.yaml",
        "data store part tiny.yaml",
        "part store",
        "part/checkpoint.npz part/config.yaml part/provenance.json",
    ),
    "train done": (
        "train --data data --run run --store store --profile tiny.yaml",
        "data store run tiny.yaml",
        "run store",
        "run/training.json run/config.yaml run/provenance.json",
    ),
    "train from": (
        "train --data data --run out --store store --profile tiny.yaml --from run/best.keras",
        "data store run tiny.yaml",
        "out store",
        "run/best.keras",
    ),
    "compare": ("compare data pred bicubic-mean --out out", "data pred", "out", "pred/*"),
    "upscale": (
        "upscale frames out.tif --model run",
        "frames run",
        "out.tif out.png out.html",
        "frames/* run/best.keras",
    ),
    "upscale items": (
        "upscale items.json out.tif --model run",
        "frames run items.json",
        "out.tif out.png out.html",
        "items.json",
    ),
    "fit-sensor": ("fit-sensor frames out.yaml", "frames", "out.yaml", "frames/*"),
    "fetch": ("fetch out --archive archive.zip --sample 2", "archive.zip", "out", "archive.zip"),
    "fetch on": ("fetch fetched --archive archive.zip", "archive.zip fetched", "fetched", "fetched/fetched.json"),
    "settings": ("settings --profile tiny.yaml", "tiny.yaml", None, "tiny.yaml"),
    "settings cfg": ("settings --profile original.cfg", "original.cfg", None, "original.cfg"),
    "publish": ("publish study out", "study", "out index.html", "study/study.json study/scores.csv"),
    "import": ("import-checkpoint state.pth out.keras", "state.pth", "out.keras", "state.pth"),
    "import tf": ("import-checkpoint tf/net out.keras --band RED", "tf", "out.keras", "tf/*"),
    "validate": (
        "validate data out --scenes names.txt --profile tiny.yaml --from run/best.keras",
        "data run names.txt tiny.yaml",
        "out",
        "names.txt",
    ),
    "trials": ("trials study --factor losses", "study", "study", "study/study.json"),
    "report": ("report study", "study", "study", "study/study.json"),
}
LONG_WHEN_SOUND = ("validate", "trials", "report")  # only with damage that must be refused


@dataclass
class Case:
    "A command, its input and the damage."

    kind: str  # what is wrong, for the report
    command: str  # a key of `COMMANDS`
    arguments: list  # of the command line
    damage: object = None  # function of the folder of the case
    outputs: tuple = ()  # paths that the command may write


# A small world: one of each kind of input, made once


def forked(action, folder, out: Path, limit: float = PATIENCE):
    "Run `action` in a forked process in `folder`; return exit code (None = it hung), CPU seconds and peak memory (MB)."
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            os.chdir(folder)
            with open(f"{out}.stdout", "wb") as one, open(f"{out}.stderr", "wb") as two, open(os.devnull) as nothing:
                for source, target in ((nothing, 0), (one, 1), (two, 2)):
                    os.dup2(source.fileno(), target)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 10**9, 2 * 10**9))
            code = action()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            traceback.print_exc()
            code = 71
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    return child, time.monotonic() + limit


def ended(child, until):
    "Return (exit code, CPU seconds, peak MB) of a process that has ended or hangs, or None where it is at work."
    done, status, usage = os.wait4(child, os.WNOHANG)
    if not done and time.monotonic() < until:
        return None
    if not done:
        os.killpg(child, signal.SIGKILL)
        os.wait4(child, 0)
        return None, 0.0, 0
    code = os.waitstatus_to_exitcode(status)
    return code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def call(arguments):
    "A function that runs a command of `enhanceme`, for `forked`."

    def action():
        sys.argv = ["enhanceme", *arguments]
        cli.main()
        return 0

    return action


def finish(action, folder, out):
    "Run an action to its end; raise where it fails."
    child = forked(action, folder, out, 600)
    while (found := ended(*child)) is None:
        time.sleep(0.02)
    if found[0] != 0:
        raise RuntimeError(f"{out.name}: {found[0]} {Path(f'{out}.stderr').read_text()[-2000:]}")


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    "Write a zip file of (name, content)."
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)


def png(pixels):
    "The bytes of a grey PNG."
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def write_geotiffs(world):
    "Frames as GeoTIFFs, and the same as a STAC item collection."
    import rasterio
    from rasterio.transform import from_origin

    items = []
    for n in range(3):
        pixels = np.asarray(Image.open(sorted(world.glob("data/train/RED/*"))[0] / f"LR{n:03d}.png"))
        place = dict(crs="EPSG:32631", transform=from_origin(500_000, 5_000_000, 300, 300))
        form = dict(driver="GTiff", width=pixels.shape[1], height=pixels.shape[0], count=1, dtype="uint16")
        with rasterio.open(world / f"frames/f{n}.tif", "w", **form, **place) as file:
            file.write(pixels, 1)
        items.append({"id": f"f{n}", "assets": {"red": {"href": f"frames/f{n}.tif"}}})
    (world / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))


def write_checkpoint(world):
    "A checkpoint of TensorFlow with the names of a published network, but not its sizes."
    layer = tf.Module()
    layer.v = tf.Variable(np.zeros((3, 3, 3, 1, 4), np.float32))
    tf.train.Checkpoint(model=layer).write(str(world / "tf/net"))
    return 0


def write_world(world):
    "Make one of each input."
    for name in ("frames", "imagery", "study", "tf", "logs"):
        (world / name).mkdir(parents=True)
    run = lambda text, *more: finish(call([*text.split(), *more]), world, world / "logs" / text.split()[0])
    settings = {}
    for text in TINY:
        section, _, key = text.partition("=")[0].rpartition(".")
        (settings.setdefault(section, {}) if section else settings)[key] = yaml.safe_load(text.partition("=")[2])
    (world / "tiny.yaml").write_text(yaml.safe_dump(settings))
    run("simulate data --seed 3 --workers 1 --profile tiny.yaml")
    train = sorted(p.name for p in world.glob("data/train/RED/*"))
    (world / "data/reference.json").write_text(json.dumps({"RED": {train[0]: 1}, "NIR": {}}))
    (world / "names.txt").write_text("".join(f"RED/{name}\n" for name in train))
    run("baseline data pred")
    run("train --data data --run run --store store --workers 1 --profile tiny.yaml")
    shutil.copytree(world / "run", world / "part")
    (world / "part/training.json").unlink()
    finish(lambda: write_part(world), world, world / "logs/part")
    run("score data pred --out study/scores.csv")
    shutil.copytree(world / "run", world / "study/run")
    record = {
        "version": 2,
        "command": "make study",
        "data": "simulated",
        "stages": [{"name": "scores", "seconds": 1.0}],
    }
    (world / "study/study.json").write_text(json.dumps(record))
    write_geotiffs(world)
    (world / "imagery/a.png").write_bytes(png(np.random.default_rng(0).integers(0, 4000, (420, 420)).astype(np.uint16)))
    image = png(np.arange(384 * 384, dtype=np.uint16).reshape(384, 384))
    zipped(world / "sub.zip", [(f"imgset{n}.png", image) for n in range(1160, 1163)])
    files = [p for p in (world / "data").rglob("*") if p.suffix in (".png", ".csv")]
    zipped(world / "archive.zip", [(str(p.relative_to(world / "data")), p.read_bytes()) for p in sorted(files)])
    run("fetch fetched --archive archive.zip --sample 2")
    zipped(world / "state.pth", [("net/data.pkl", b"\x80\x02}q\x00."), ("net/version", b"3")])
    (world / "original.cfg").write_text(
        "[Train]\nbatch_size=8\nepochs=2\n[Net]\nscale=3\n[Preprocessing]\nmax_shift=6\n"
    )
    finish(lambda: write_checkpoint(world), world, world / "logs/checkpoint")
    shutil.rmtree(world / "logs")


def write_part(world):
    "A run that was interrupted after its second step."
    from enhanceme.config import Config
    from enhanceme.preparation import Store

    shutil.rmtree(world / "part")
    config = Config.load(world / "tiny.yaml")
    training.train(config, world / "data", Store(world / "store"), world / "part", steps_now=2, quiet=True)
    return 0


# Damage


def rewritten(change):
    "Damage that changes the bytes of a file."

    def do(path, rng):
        path.write_bytes(change(path.read_bytes(), rng))

    return do


def in_place(act):
    "Damage that puts something else in a file's place."

    def do(path, rng):
        path.unlink()
        act(path)

    return do


def flipped(data, rng):
    "Some bits flipped."
    data = bytearray(data or b"x")
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def begins(text):
    return rewritten(lambda data, rng: text)


ANY = {  # damage of any file
    "cut": rewritten(lambda data, rng: data[: rng.randrange(max(len(data), 1))]),
    "empty": begins(b""),
    "bits": rewritten(flipped),
    "noise": rewritten(lambda data, rng: rng.randbytes(rng.randint(1, 5000))),
    "text": begins(b"hello\n"),
    "no utf-8": rewritten(lambda data, rng: b"\xff\xfe\x00" + data),
    "longer": rewritten(lambda data, rng: data + rng.randbytes(99)),
    "pipe": in_place(os.mkfifo),
    "device": in_place(lambda path: path.symlink_to("/dev/zero")),
    "dangling": in_place(lambda path: path.symlink_to("gone")),
    "loop": in_place(lambda path: path.symlink_to(path.name)),
    "folder": in_place(lambda path: path.mkdir()),
    "missing": in_place(lambda path: None),
    "50 GB": lambda path, rng: os.truncate(path, 50 * 10**9),
    "2 GB": lambda path, rng: os.truncate(path, 2 * 10**9),
}


def replaced(value):
    "Damage of JSON: one value, anywhere, becomes another."

    def change(data, rng):
        values = json.loads(data)
        places = []

        def walk(inside):
            for key in list(inside) if isinstance(inside, dict) else range(len(inside)):
                places.append((inside, key))
                if isinstance(inside[key], (dict, list)):
                    walk(inside[key])

        walk(values)
        if not places:
            return b"[]"
        inside, key = rng.choice(places)
        inside[key] = value
        return json.dumps(values).encode()

    return rewritten(change)


HOSTILE = "x\n\x1b[31m<script>alert(1)</script>$\\frac{$" + "y" * 5000
JSON = {
    "brackets": begins(b"[" * 10**6),
    "braces": begins(b'{"a":' * 10**5),
    "digits": begins(b'{"source": ' + b"9" * 10**5 + b"}"),
    "list": begins(b"[1, 2]"),
    "null": begins(b"null"),
    "empty object": begins(b"{}"),
    "NaN": begins(b"NaN"),
    "a null inside": replaced(None),
    "a list inside": replaced([[]]),
    "a number inside": replaced(-1e308),
    "hostile text inside": replaced(HOSTILE),
    "hostile key": rewritten(lambda data, rng: json.dumps({HOSTILE: json.loads(data)}).encode()),
}
YAML = {
    "anchors": begins(
        b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (i + 1, i + 1, i, i) for i in range(97, 120))
    ),
    "nested": begins(b"training: " + b"[" * 10**5),
    "nested keys": begins(b"? " * 10**4),
    "tag": begins(b"training: !!python/object/apply:os.system [touch hacked]\n"),
    "binary": begins(b"profile: !!binary aGVsbG8=\n"),
    "date": begins(b"training: {steps: 2026-01-01}\n"),
    "huge integer": begins(b"training: {steps: 0x" + b"f" * 9000 + b"}\n"),
    "sexagesimal": begins(b"training: {steps: 1" + b":1" * 9000 + b"}\n"),
    "key of text": begins(b'"a\\n\\e[31m<b>": 1\n'),
    "number key": begins(b"1: 2\n"),
    "twice": begins(b"seed: 1\nseed: 2\n"),
    "set": begins(b"bands: !!set {RED, NIR}\n"),
    "sections swapped": begins(b"training: [1, 2]\nmodel: 3\n"),
    "no section": begins(b"training:\n"),
}


def promise(shape, descr="<f8"):
    "A numpy file whose header promises more than it holds."
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"shape": shape, "fortran_order": False, "descr": descr})
    return out.getvalue() + bytes(16)


def rezipped(change, method=zipfile.ZIP_DEFLATED):
    "Damage of a zip file: its members, changed by a function of the list of (name, content)."

    def do(path, rng):
        with zipfile.ZipFile(path) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
        zipped(path, change(members, rng), method)

    return do


def one_member(change):
    "Change the content of one member, drawn at random."

    def do(members, rng):
        k = rng.randrange(len(members))
        return [(name, change(content, rng) if i == k else content) for i, (name, content) in enumerate(members)]

    return do


def patched(at, fmt, value):
    "Damage of a zip file: a field of each entry of its list of members."

    def change(data, rng):
        data = bytearray(data)
        for match in re.finditer(b"PK\x01\x02", data):
            if match.start() + 46 <= len(data):
                struct.pack_into(fmt, data, match.start() + at, value)
        return bytes(data)

    return rewritten(change)


ZIP = {
    "member cut": rezipped(one_member(lambda data, rng: data[: len(data) // 2])),
    "member bits": rezipped(one_member(flipped)),
    "member noise": rezipped(one_member(lambda data, rng: rng.randbytes(999))),
    "member empty": rezipped(one_member(lambda data, rng: b"")),
    "member missing": rezipped(lambda members, rng: members[1:]),
    "member more": rezipped(lambda members, rng: [*members, ("../../evil\n\x1b[31m.py", b"x")]),
    "bomb": rezipped(lambda members, rng: [*members, ("bomb", bytes(3 * 10**8))]),
    "bomb in place": rezipped(lambda members, rng: [(members[0][0], bytes(10**8)), *members[1:]]),
    "bzip2": rezipped(lambda members, rng: members, zipfile.ZIP_BZIP2),
    "encrypted": patched(8, "<H", 1),
    "claims 4 GB": patched(24, "<I", 2**32 - 2),
    "starts elsewhere": patched(42, "<I", 2**31),
}
ARRAYS = {
    "promises 900 GB": rezipped(lambda members, rng: [(members[0][0], promise((10**11,))), *members[1:]]),
    "promises nothing": rezipped(lambda members, rng: [(members[0][0], promise((-1, 3))), *members[1:]]),
    "other type": rezipped(lambda members, rng: [(name, promise((2,))) for name, _ in members]),
    "not finite": rezipped(one_member(lambda data, rng: data[:128] + b"\xff" * (len(data) - 128))),
}
ARRAY = {
    "promises 900 GB": begins(promise((10**11,))),
    "other type": begins(promise((2,))),
    "objects": begins(promise((1,), "|O")),
    "not finite": rewritten(lambda data, rng: data[:-4096] + b"\xff" * 4096),
}


def claims(width, height, depth=None):
    "Damage of a PNG: another size in its header, the checksum right."

    def change(data, rng):
        head = data[12:16] + struct.pack(">II", width, height) + (data[24:29] if depth is None else depth)
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]

    return rewritten(change)


def chunk(kind, content):
    "A chunk of a PNG."
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


PNGS = {
    "huge": claims(10**6, 10**6),
    "large": claims(3000, 3000),
    "larger": claims(9000, 9000),
    "no size": claims(0, 0),
    "in colour": claims(32, 32, b"\x10\x02\x00\x00\x00"),
    "text bomb": rewritten(
        lambda data, rng: data[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))) + data[33:]
    ),
    "pixel bomb": rewritten(lambda data, rng: data[:33] + chunk(b"IDAT", zlib.compress(bytes(10**8))) + data[33:]),
    "8 bits": begins(png(np.zeros((32, 32), np.uint8))),
    "other size": begins(png(np.zeros((33, 32), np.uint16))),
}
TABLES = {
    "one column": begins(b"scene\nimgset0000\n"),
    "million columns": begins(b"," * 10**6),
    "text for numbers": rewritten(lambda data, rng: re.sub(rb"\d+\.\d+", b"fifty", data)),
    "no numbers": rewritten(lambda data, rng: re.sub(rb"\d+\.\d+", b"nan", data)),
    "infinite": rewritten(lambda data, rng: re.sub(rb"\d+\.\d+", b"1e999", data)),
    "hostile text": rewritten(lambda data, rng: data.replace(b"imgset", HOSTILE.encode())),
    "zero byte": rewritten(lambda data, rng: data.replace(b"\n", b"\0\n")),
}
OF = {
    ".json": JSON,
    ".yaml": YAML,
    ".npz": ZIP | ARRAYS,
    ".zip": ZIP,
    ".pth": ZIP,
    ".keras": ZIP,
    ".npy": ARRAY,
    ".png": PNGS,
    ".csv": TABLES,
    ".txt": TABLES,
}
SURE = {"empty", "text", "noise", "no utf-8", "pipe", "device", "dangling", "loop", "folder", "50 GB", *JSON} - {
    "a null inside",
    "a number inside",
    "a list inside",
    "hostile text inside",
    "empty object",
}


def damaged(rng, world, command):
    "A case: one file that the command reads is damaged."
    text, _, outputs, reads = COMMANDS[command]
    files = [p for pattern in reads.split() for p in sorted(world.glob(pattern)) if p.is_file()]
    by_name = {}
    for path in files:  # every kind of file is equally likely
        by_name.setdefault(re.sub(r"\d+", "", path.name), []).append(path)
    path = rng.choice(by_name[rng.choice(sorted(by_name))]).relative_to(world)
    known = ANY | OF.get(path.suffix, {})
    what = rng.choice(sorted(known))
    if command in LONG_WHEN_SOUND:
        what = rng.choice(sorted(set(known) & SURE))
    own = rng.getrandbits(32)
    damage = lambda folder: known[what](folder / path, random.Random(own))
    return Case(f"damaged {path.suffix[1:]}: {what}", command, text.split(), damage, tuple((outputs or "").split()))


# Bad arguments, settings and places

WORDS = (
    "",
    " ",
    "-1",
    "0",
    "nan",
    "inf",
    "1e999",
    "9" * 50,
    "x" * 5000,
    "a\nb\x1b[31m",
    "<b>$x$",
    "../..",
    "/dev/null/x",
)
OPTIONS = {
    "baseline": ("--band", "--split"),
    "predict": ("--band", "--split", "--model", "--set"),
    "score": ("--band", "--split"),
    "submit": ("--model", "--set"),
    "simulate on": ("--scenes", "--seed", "--imagery", "--profile", "--set", "--workers"),
    "train": ("--seed", "--set", "--profile", "--from", "--data", "--workers"),
    "compare": ("--band", "--split"),
    "upscale": (
        *("--model", "--masks", "--mask-kind", "--mask-threshold", "--band", "--channel", "--nodata"),
        *("--flips", "--nested", "--reference", "--workers", "--scale"),
    ),
    "fit-sensor": ("--band",),
    "fetch": ("--archive", "--sample", "--mirror"),
    "settings": ("--profile",),
    "validate": ("--scenes", "--from", "--profile", "--set", "--flips"),
    "publish": ("--readme",),
    "trials": ("--factor", "--workers"),
    "import": ("--band",),
    "check": ("--workers",),
}


def argued(rng, world, command):
    "A case: an argument replaced, left out or added."
    text, _, outputs, _ = COMMANDS[command]
    arguments, outputs = text.split(), tuple((outputs or "").split())
    way = rng.choice(["option", "option", "option", "replaced", "left out", "added", "unknown"])
    word = rng.choice(WORDS)
    places = [k for k, a in enumerate(arguments) if k and a in ("data", "pred", "run", "study", "frames", "sub.zip")]
    if way == "option" and command in OPTIONS and command not in LONG_WHEN_SOUND:
        option = rng.choice(OPTIONS[command])
        if option == "--workers" and word.strip("9") == "":
            word = "0"
        return Case(f"bad option: {option}", command, [*arguments, option, word], None, outputs)
    if way == "left out" and len(arguments) > 1 and command not in ("publish",):
        return Case("argument left out", command, arguments[: rng.randrange(1, len(arguments))], None, outputs)
    if way == "added" and command not in LONG_WHEN_SOUND:
        return Case("argument added", command, [*arguments, word], None, (*outputs, word))
    if way == "unknown" or not places:
        return Case("unknown option", command, [*arguments, f"--{word[:99]}x", word], None, outputs)
    at = rng.choice(places)
    own = (word,) if arguments[at] in outputs else ()
    arguments[at] = word
    return Case("bad argument", command, arguments, None, (*outputs, *own))


VALUES = (
    *(
        ".nan",
        ".inf",
        "-.inf",
        "1e300",
        "-1e300",
        "1e-300",
        "-1",
        "0",
        "true",
        "null",
        "x",
        "''",
        "[]",
        "{}",
        "2026-01-01",
    ),
    *("9" * 30, "0x" + "f" * 400, "[.nan, .nan]", "[1e300, 1e300]", "[-1, -2]", "[3, 1]", "[[[[1]]]]", "{a: {b: c}}"),
    *("&a [*a]", "!!python/name:os.system", "'\\n\\e[31m'", "<b>", "5000 " * 900),
)


def set_wrongly(rng, world, command):
    "A case: an impossible value of a setting, on the command line or in a file."
    from enhanceme.config import field_names

    name, value = rng.choice(field_names()), rng.choice(VALUES)
    if command == "simulate":
        base = "simulate out --scenes 4 --workers 1 --profile tiny.yaml".split()
        name = rng.choice([n for n in field_names() if n.startswith("simulation.")])
    elif command == "train":
        base = COMMANDS["train"][0].split()
    elif command == "predict network":
        base = COMMANDS[command][0].split()
        name = rng.choice([n for n in field_names() if n.startswith("prediction.")])
    else:
        base = "settings --profile bad.yaml".split()
        section, _, key = name.rpartition(".")
        content = f"{section}:\n  {key}: {value}\n" if section else f"{key}: {value}\n"
        damage = lambda folder: (folder / "bad.yaml").write_text(content)
        return Case(f"bad setting in a file: {value[:12]}", "settings", base, damage, ())
    return Case(f"bad setting: {value[:12]}", command, [*base, "--set", f"{name}={value}"], None, ("out", "store"))


PLACES = {
    "a file": lambda path: path.write_text("mine"),
    "a folder with files": lambda path: (path.mkdir(), (path / "thesis.txt").write_text("mine")),
    "a pipe": os.mkfifo,
    "a link to a device": lambda path: path.symlink_to("/dev/full"),
    "a link to nowhere": lambda path: path.symlink_to("gone/further"),
    "a loop": lambda path: path.symlink_to(path.name),
    "a link to another folder": lambda path: ((path.parent / "theirs").mkdir(), path.symlink_to("theirs")),
    "a link to another file": lambda path: ((path.parent / "their.txt").write_text("x"), path.symlink_to("their.txt")),
}
NAMES = ("", ".", "data", "data/train/RED", "tiny.yaml/x", "x" * 300, "a\nb\x1b[31m", "no/")


def misplaced(rng, world, command):
    "A case: an output that cannot or must not be written."
    text, needed, outputs, _ = COMMANDS[command]
    arguments, out = text.split(), outputs.split()[0]
    at = arguments.index(out)
    if rng.random() < 0.6:
        what = rng.choice(sorted(PLACES))
        own = (
            ("out",) if command == "compare" and what == "a folder with files" else ()
        )  # its files stand beside others
        return Case(f"bad place: {what}", command, arguments, lambda folder: PLACES[what](folder / out), own)
    name = rng.choice(NAMES)
    name = name + Path(out).suffix if name not in ("", ".") and rng.random() < 0.5 else name
    there = {"", ".", "tiny.yaml", *needed.split()}
    own = () if (top := name.split("/")[0]) in there else (top,)
    if own and command.startswith("upscale"):  # with the page and the picture beside
        own += tuple(f"{Path(top).stem}{end}" for end in (".png", ".html", ".json"))
    arguments[at] = name
    return Case(f"bad place: named {name[:20]!r}", command, arguments, None, own)


def cases(count, seed, world):
    "Draw cases: half with a damaged file, the rest with bad arguments, settings and places."
    rng = random.Random(seed)
    network = (
        "predict network",
        "train",
        "train on",
        "train from",
        "upscale",
        "upscale items",
        "validate",
        "import tf",
    )
    readers = [c for c in COMMANDS if c not in network]
    writers = [c for c in COMMANDS if (COMMANDS[c][2] or "").startswith("out") and c not in ("validate", "import tf")]
    for _ in range(count):
        draw = rng.random()
        if draw < 0.55:  # loading a network takes seconds
            yield damaged(rng, world, rng.choice(network if rng.random() < 0.3 else readers))
        elif draw < 0.7:
            yield argued(rng, world, rng.choice(sorted(COMMANDS)))
        elif draw < 0.85:
            yield set_wrongly(rng, world, rng.choice(["settings", "settings", "simulate", "train", "predict network"]))
        else:
            yield misplaced(rng, world, rng.choice(writers))


# A case, run and judged


def described(path: Path):
    "What lies at a path: kind, size and content."
    found = path.lstat()
    if path.is_symlink():
        return "link", os.readlink(path)
    if not path.is_file():
        return (oct(found.st_mode),)
    content = hashlib.sha1(path.read_bytes()).hexdigest() if found.st_size < 10**8 else ""
    return oct(found.st_mode), found.st_size, content


def tree(folder: Path):
    "All paths below a folder, and what lies there."
    out = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place) / name
            out[os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")] = described(path)
    return out


def complaint(case: Case, code, cpu, memory, base, before, after, out: Path):
    "Return why a case fails, or None."
    stdout, stderr = (Path(f"{out}.{name}").read_bytes().decode("utf-8", "replace") for name in ("stdout", "stderr"))
    text = stderr.strip()
    if code is None:
        return f"hangs: {text[-200:]!r}"
    if "Traceback" in stderr or code not in (0, 1, 2):
        return f"exit code {code}: {text[-600:]}"
    if cpu > SECONDS:
        return f"took {cpu:.0f} CPU seconds"
    if memory - base > MEMORY:
        return f"used {memory - base} MB"
    lines = [line for line in stderr.splitlines() if line.startswith("enhanceme: ")]
    usage = "Usage: " in stderr or "Error" in stderr and not lines
    listed = case.arguments[:1] == ["check"] and code == 2 and re.search("fault|: ", stdout)
    if code and not usage and not listed:
        if len(lines) != 1 or text.splitlines()[-1] != lines[0]:
            return f"exit code {code}, not one line: {text[-400:]!r}"
        if "; " not in lines[0] or len(lines[0]) > 1200 or not lines[0].isprintable():
            return f"no rule and remedy in one line: {lines[0][:300]!r}"
    if usage and len(stderr) > 12_000:
        return f"usage of {len(stderr)} characters"
    own = lambda name: any(name == o or name.startswith(f"{o}/") for o in case.outputs)
    changed = sorted({n for n in {*before, *after} if before.get(n) != after.get(n)})
    if code:
        left = [n for n in changed if not (own(n) and n in before)]
        if left and not continues(case, left):
            return f"refused, but leaves {left[:4]}"
    elif foreign := [n for n in changed if not own(n)]:
        return f"changes {foreign[:4]}"
    if lost := [n for n in changed if n.endswith("thesis.txt") or n.startswith("their")]:
        return f"changes {lost}"
    if "partial" in " ".join(set(after) - set(before)):
        return f"half-written: {sorted(set(after) - set(before))[:4]}"
    return None


def continues(case: Case, left):
    "Whether what a refused command leaves is a prepared store, which the next call uses."
    return all(name.split("/")[0] in case.outputs and name.split("/")[0] == "store" for name in left)


class Runner:
    "Runs cases, several at once."

    def __init__(self, world: Path, work: Path, jobs: int):
        self.world, self.work, self.jobs, self.running, self.failed = world, work, jobs, [], []
        self.base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.kinds, self.slowest = Counter(), []

    def begin(self, number: int, case: Case):
        "Copy the inputs, damage them, start the command."
        folder = self.work / f"case{number}"
        folder.mkdir()
        needed = set(COMMANDS.get(case.command, ("", "", "", ""))[1].split()) | {"tiny.yaml"}
        if case.command in ("simulate",):
            needed |= {"data"}
        for name in sorted(needed):
            source = self.world / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
        if case.damage:
            case.damage(folder)
        before, out = tree(folder), self.work / f"out{number}"
        self.running.append((number, case, folder, before, out, forked(call(case.arguments), folder, out)))

    def collect(self):
        "Judge the commands that have ended."
        for item in list(self.running):
            number, case, folder, before, out, child = item
            if (found := ended(*child)) is None:
                continue
            self.running.remove(item)
            self.kinds[case.kind.split(":")[0]] += 1
            self.slowest.append((found[1], number, case.kind, case.command))
            if why := complaint(case, *found, self.base, before, tree(folder), out):
                self.failed.append(number)
                print(f"FAILED {number} [{case.kind}] enhanceme {' '.join(case.arguments)[:200]!r}: {why}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)

    def go(self, todo):
        "Run (number, case) pairs."
        for number, case in todo:
            while len(self.running) >= self.jobs:
                self.collect()
                time.sleep(0.005)
            self.begin(number, case)
        while self.running:
            self.collect()
            time.sleep(0.005)


# Kills

KILLED = {  # command with workers -> (arguments, inputs, output)
    "simulate": ("simulate out --seed 3 --workers 2 --profile tiny.yaml", "", "out"),
    "prepare": ("train --data data --run run2 --store out --workers 2 --profile tiny.yaml", "data", "out"),
    "predict": ("predict data out --model run", "data run", "out"),
    "baseline": ("baseline data out", "data", "out"),
    "score": ("score data pred --out out.csv", "data pred", "out.csv"),
    "train": ("train --data data --run out --store store --workers 2 --profile tiny.yaml", "data store", "out"),
}


def outcome(path: Path):
    "The content of an output, without dates and costs."
    found = {}
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        name = file.relative_to(path.parent).as_posix()
        if file.suffix == ".keras":
            with zipfile.ZipFile(file) as archive:
                found[name] = {i.filename: i.CRC for i in archive.infolist() if i.filename == "model.weights.h5"}
        elif file.suffix == ".npy":  # the record holds the dates of its sources
            found[name] = file.stat().st_size
        elif file.suffix == ".csv":  # without the column of times
            rows = list(csv.reader(file.read_text(errors="replace").splitlines()))
            timed = rows[0].index("seconds") if rows and "seconds" in rows[0] else None
            found[name] = [row if timed is None else row[:timed] + row[timed + 1 :] for row in rows]
        elif file.name not in ("provenance.json", "training.json", "prediction.json", "checkpoint.npz"):
            found[name] = hashlib.sha1(file.read_bytes()).hexdigest()
    return found


def kill(name, rng, world, work, whole):
    "Kill a command at a random moment, once or twice, run it to the end, and compare; return why it fails, or None."
    text, needed, output = KILLED[name]
    folder, out = Path(tempfile.mkdtemp(dir=work)), work / f"kill-{name}"
    for part in {*needed.split(), "tiny.yaml"}:
        source = world / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    wanted, seconds = whole[name]
    for _ in range(rng.randint(1, 2)):
        child, until = forked(call(text.split()), folder, out)
        time.sleep(rng.uniform(0.02, 1) * seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.wait4(child, 0)
    try:
        finish(call(text.split()), folder, out)
    except RuntimeError as error:
        return str(error)
    found = outcome(folder / output)
    shutil.rmtree(folder)
    differ = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
    return f"another result: {differ[:5]}" if differ else None


def undisturbed(world, work):
    "The outcome of each command that is killed, and the seconds that it takes."
    whole = {}
    for name, (text, needed, output) in KILLED.items():
        folder = Path(tempfile.mkdtemp(dir=work))
        for part in {*needed.split(), "tiny.yaml"}:
            source = world / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
        began = time.monotonic()
        finish(call(text.split()), folder, work / f"whole-{name}")
        whole[name] = outcome(folder / output), time.monotonic() - began
        shutil.rmtree(folder)
    return whole


def main():
    "Run the campaign; the exit code is 1 when a case failed."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="cases whose kind, command or number holds this")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        world, work = Path(root) / "world", Path(root) / "work"
        work.mkdir()
        write_world(world)
        print(f"inputs made in {time.monotonic() - began:.0f} s", flush=True)
        drawn = list(enumerate(cases(options.cases, options.seed, world)))
        runner = Runner(world, work, options.jobs)
        chosen = lambda n, c: options.only in (str(n), "") or options.only in f"{c.kind} / {c.command}"
        runner.go((n, c) for n, c in drawn if chosen(n, c))
        print(f"cases done after {time.monotonic() - began:.0f} s", *runner.kinds.items(), flush=True)
        print("slowest:", *sorted(runner.slowest, reverse=True)[:4])
        failed, rng = len(runner.failed), random.Random(options.seed)
        whole = undisturbed(world, work) if options.kills else {}
        for k in range(options.kills):
            name = sorted(KILLED)[k % len(KILLED)]
            if why := kill(name, rng, world, work, whole):
                failed += 1
                print(f"FAILED kill {k} of {name}: {why}", flush=True)
    spent = time.monotonic() - began
    done = f"{len(runner.slowest)} cases, {options.kills} kills, seed {options.seed}"
    print(f"{done}: {failed} failed, {spent:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
