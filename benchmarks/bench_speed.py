"""What people wait for, by this version and by an earlier one, in turns on the same machine.

    git worktree add ../before 9d26dd0
    python benchmarks/bench_speed.py ../before DATA [--parts start,scenes,...] [--repeats 3] [--out FILE]

DATA is a data set of real scenes, such as ../shared/data/probav96. Every measurement is a process of its own; the two
versions take turns, and the median counts. CPU time is that of the process and of its workers. Each part replaces its
rows of the table: before, after, their ratio, and where there is one a reference measured in the same run (decoding
the same PNG files, or multiplying matrices). The notebook 998_speed.ipynb shows the table.
"""

import argparse
import configparser
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from packaging.requirements import Requirement
from PIL import Image

HERE = Path(__file__).resolve().parents[1]
MATRIX = 2048  # rows of the matrices that the machine's rate is measured with
LARGEST = 8  # distributions whose sizes are listed
PART = "of the core, MB on disk: "  # begins the description of one of them
SCALARS = {
    "training.validate_every": 10**6,
    "training.checkpoint_every": 10**6,
    "training.validation": 0.1,
    "training.warmup": 1,
    "training.batch": 8,
    "patching.frames": 9,
    "patching.size": 32,
    "patching.stride": 8,
}  # of the trainings that are timed


def run(version, *command):
    "Wall time, CPU time (s) and largest memory (MB) of a process."
    environment = os.environ | {"PYTHONPATH": str(version), "TF_CPP_MIN_LOG_LEVEL": "3"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=version,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    message = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{version}: {' '.join(map(str, command))} ended with status {status}: {message[-500:]}")
    return np.array([time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024])


def in_turns(versions, repeats, measure):
    "Medians of what `measure(version, number)` returns, an array, for each version."
    found = {version: [] for version in versions}
    for k in range(repeats):
        for version in versions:
            found[version].append(measure(version, k))
    return [np.median(values, axis=0) for values in found.values()]


def links(scenes, folder):
    "A data set that links to some scenes."
    for path in scenes:
        target = folder / path.parents[1].name / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.resolve())
    return folder


def decoding(scenes):
    "Seconds for decoding the PNG files of scenes, one after another, with Pillow alone."
    start = time.process_time()
    for path in (p for folder in scenes for p in sorted(folder.glob("*.png"))):
        with Image.open(path) as image:
            image.load()
    return time.process_time() - start


def measure_start(versions, scenes, work, repeats):
    "A first image, cold."
    one = links(scenes[:1], work / "one")
    times = in_turns(
        versions, repeats + 1, lambda v, k: run(v, "-m", "enhanceme", "predict", one, work / f"s{v.name}{k}")
    )
    for name, column in (("wall time, s", 0), ("CPU time, s", 1), ("memory, MB", 2)):
        yield {"what": f"first image, cold: {name}", "before": times[0][column], "after": times[1][column]}


def measure_scenes(versions, scenes, work, repeats):
    "More scenes in one call, less the first one."
    few, all_ = links(scenes[:4], work / "few"), links(scenes, work / "all")
    predict = lambda v, data, k: run(v, "-m", "enhanceme", "predict", data, work / f"p{data.name}{v.name}{k}")
    short = in_turns(versions, repeats, lambda v, k: predict(v, few, k))
    long = in_turns(versions, 1, lambda v, k: predict(v, all_, k))
    each = [(a - b)[:2] / (len(scenes) - 4) for a, b in zip(long, short)]
    for name, column in (("wall time, s", 0), ("CPU time, s", 1)):
        yield {"what": f"a further scene: {name}", "before": each[0][column], "after": each[1][column]}
    cost = [whole[0] / (len(scenes) * one[0]) for whole, one in zip(long, each)]
    what = f"scenes in one call ({len(scenes)})"
    yield {"what": f"{what}: wall time over that of so many further scenes", "before": cost[0], "after": cost[1]}
    yield {"what": f"{what}: memory, MB", "before": long[0][2], "after": long[1][2]}


def measure_simulation(versions, scenes, work, repeats):
    "Simulated scenes, written, with two processes."
    sizes = (8, 48)
    call = lambda v, n, k: run(
        v, "-m", "enhanceme", "simulate", work / f"d{v.name}{n}-{k}", "--scenes", n, "--workers", 2
    )
    times = [in_turns(versions, repeats, lambda v, k, n=n: call(v, n, k)) for n in sizes]
    each = [(b - a) / (sizes[1] - sizes[0]) for a, b in zip(*times)]
    for name, column in (("wall time, s", 0), ("CPU time, s", 1)):
        yield {"what": f"a simulated scene: {name}", "before": each[0][column], "after": each[1][column]}


def measure_archive(versions, scenes, work, repeats):
    "Check, predict and score real scenes, against decoding their PNG files once."
    data, root = links(scenes, work / "archive"), scenes[0].parents[2]
    for name in ("norm.csv", "reference.json"):
        (data / name).write_bytes((root / name).read_bytes())
    reference = statistics.median(decoding(scenes) for _ in range(repeats))

    def steps(v, k):
        out = work / f"a{v.name}{k}"
        chain = [("check", data), ("predict", data, out), ("score", data, out)]
        return np.stack([run(v, "-m", "enhanceme", *command) for command in chain])

    times = in_turns(versions, 1, steps)
    for k, name in enumerate(("check", "predict", "score")):
        yield {
            "what": f"{name} of {len(scenes)} real scenes: wall time over decoding their files",
            "before": times[0][k, 0] / reference,
            "after": times[1][k, 0] / reference,
        }
    total = [t[:, 0].sum() / reference for t in times]
    yield {"what": f"the three together, {len(scenes)} scenes: over decoding", "before": total[0], "after": total[1]}
    most = [t[:, 2].max() for t in times]
    yield {"what": "the three: largest memory, MB", "before": most[0], "after": most[1]}


def machine_rate():
    "Multiply-adds a second of CPU time, of large matrices in TensorFlow."
    code = (
        f"import time, tensorflow as tf; a = tf.random.normal(({MATRIX}, {MATRIX})); f = tf.function(lambda: a @ a); "
        "f(); s = time.process_time(); [f().numpy() for _ in range(10)]; "
        "print((time.process_time() - s) / 10)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return MATRIX**3 / float(done.stdout)


def step_macs(preset):
    "Multiply-adds of a training step: three times those of the image."
    from enhanceme.drawing import trace
    from enhanceme.models import build_model
    from enhanceme.settings import ModelConfig

    model = build_model(ModelConfig(preset=preset), seed=0)
    return 3 * SCALARS["training.batch"] * sum(s.macs for s in trace(model, SCALARS["patching.size"], 9))


def measure_training(versions, scenes, work, repeats):
    "A step of training."
    data = {v: work / f"t{v.name}" for v in versions}
    for v in versions:
        run(v, "-m", "enhanceme", "simulate", data[v], "--scenes", 12, "--workers", 2)
    rate = machine_rate()
    for preset in ("fusion", "fusion-small", "enhanceme-32"):
        steps = (6, 26)

        def train(v, k, count, preset=preset):
            changes = {**SCALARS, "model.preset": preset, "training.steps": count}
            words = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
            place = (
                "--data",
                data[v],
                "--run",
                work / f"r{v.name}{preset}{count}-{k}",
                "--store",
                work / f"st{v.name}",
            )
            return run(v, "-m", "enhanceme", "train", "--profile", "smoke", *place, *words)

        train(versions[0], "warm", 2), train(versions[1], "warm", 2)
        times = [in_turns(versions, 1, partial(train, count=n)) for n in steps]
        each = [(b - a)[1] / (steps[1] - steps[0]) for a, b in zip(*times)]
        yield {"what": f"a training step of {preset}: CPU time, s", "before": each[0], "after": each[1]}
        share = [step_macs(preset) / second / rate for second in each]
        what = f"a training step of {preset}: share of the machine's rate of matrix multiplication"
        yield {"what": what, "before": share[0], "after": share[1]}


def measure_study(versions, scenes, work, repeats):
    "What `make study` does after the installation."
    call = lambda v, k: run(v, "-m", "enhanceme", "study", "--profile", "quick", "--out", work / f"study{v.name}")
    times = in_turns(versions, 1, call)
    for name, column in (("wall time, s", 0), ("CPU time, s", 1)):
        yield {"what": f"study of the profile quick: {name}", "before": times[0][column], "after": times[1][column]}


def sizes_of_core(version):
    "Size in MB of each distribution that the core of a version needs, as they are installed here."
    settings = configparser.ConfigParser()
    settings.read(version / "settings.ini")
    todo, sizes = [Requirement(line) for line in settings["DEFAULT"]["requirements"].split("\n") if line.strip()], {}
    while todo:
        need = todo.pop()
        found = metadata.distribution(need.name)
        if found.name in sizes:
            continue
        files = [Path(file.locate()) for file in found.files or ()]
        sizes[found.name] = sum(file.stat().st_size for file in files if file.is_file()) / 2**20
        more = [Requirement(text) for text in found.requires or ()]
        todo += [r for r in more if not r.marker or any(r.marker.evaluate({"extra": e}) for e in ("", *need.extras))]
    return sizes


def measure_install(versions, scenes, work, repeats):
    "Disk space of what the core needs, Python left out."
    before, after = map(sizes_of_core, versions)
    yield {"what": "core installed: MB on disk", "before": sum(before.values()), "after": sum(after.values())}
    for name in sorted(after, key=after.get)[: -LARGEST - 1 : -1]:
        yield {"what": f"{PART}{name}", "before": before.get(name, 0.0), "after": after[name]}


PARTS = {
    "start": measure_start,
    "scenes": measure_scenes,
    "simulation": measure_simulation,
    "archive": measure_archive,
    "training": measure_training,
    "study": measure_study,
    "install": measure_install,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a checkout of the earlier version")
    parser.add_argument("data", type=Path)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scenes", type=int, default=32, help="of DATA, both bands in turn")
    parser.add_argument("--out", type=Path, help="a CSV file; each part replaces its rows")
    args = parser.parse_args()
    bands = [sorted((args.data / "train" / band).glob("imgset*")) for band in ("RED", "NIR")]
    scenes = [path for pair in zip(*bands) for path in pair][: args.scenes]
    for part in args.parts.split(","):
        with tempfile.TemporaryDirectory() as work:
            rows = PARTS[part]((args.before.resolve(), HERE), scenes, Path(work), args.repeats)
            table = pd.DataFrame(rows).assign(part=part, ratio=lambda t: t.before / t.after).round(4)
        table = table[["part", "what", "before", "after", "ratio"]]
        print(table.to_string(index=False), flush=True)
        if args.out:
            old = pd.read_csv(args.out) if args.out.exists() else table[:0]
            both = pd.concat([old[old.part != part], table])
            both.sort_values("part", kind="stable", key=lambda p: p.map(list(PARTS).index)).to_csv(
                args.out, index=False
            )


if __name__ == "__main__":
    main()
