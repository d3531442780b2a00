"""First image of `enhanceme predict`, cold: the network as ONNX graph against the same network in TensorFlow.

Usage: python benchmarks/bench_start.py DATA [--scenes 96] [--repeats 5] [--out FILE]
Predicts one scene in a fresh process, in turns with and without the graph, and writes time, CPU time and memory of both
with their ratio; then predicts all scenes both ways and prints the largest difference in DN. Exits with 1 where it
exceeds 1 DN.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from enhanceme.inference import GRAPH
from enhanceme.methods import default_weights
from enhanceme.scenes import find_scenes

PREDICT = "from enhanceme.cli import main; main()"


def without_graph(weights, out):
    "A copy of a file of weights without its graph."
    with zipfile.ZipFile(weights) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.infolist():
            if item.filename != GRAPH:
                new.writestr(item, old.read(item))
    return out


def predict(data, out, weights):
    "Time on the wall, CPU time (s) and largest memory (MB) of a fresh process."
    command = [
        sys.executable,
        "-c",
        PREDICT,
        "predict",
        str(data),
        str(out),
        "--split",
        "train",
        "--model",
        str(weights),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"predict ended with status {status}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def linked(scenes, folder):
    "A data set that links to some scenes."
    for path in scenes:
        target = folder / "train" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.resolve())
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--scenes", type=int, default=96, help="scenes to compare")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a CSV file for the table")
    args = parser.parse_args()
    paths = find_scenes(args.data, split="train")[: args.scenes]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        graph, one = default_weights(), linked(paths[:1], folder / "one")
        kinds = {"graph": graph, "tensorflow": without_graph(graph, folder / "plain.keras")}
        rows = [
            (kind, *predict(one, folder / f"{kind}{k}", weights))
            for k in range(args.repeats + 1)  # the first one warms the disk
            for kind, weights in kinds.items()
        ]
        table = pd.DataFrame(rows[2:], columns=["network", "wall_s", "cpu_s", "memory_mb"]).groupby("network").median()
        table.loc["ratio"] = table.loc["tensorflow"] / table.loc["graph"]
        print(table.round(2).to_string())
        if args.out:
            table.round(2).to_csv(args.out)
        some = linked(paths, folder / "some")
        for kind, weights in kinds.items():
            predict(some, folder / kind, weights)
        worst = 0
        for path in (folder / "graph").rglob("*.png"):
            other = folder / "tensorflow" / path.relative_to(folder / "graph")
            difference = np.asarray(Image.open(path)).astype(int) - np.asarray(Image.open(other))
            worst = max(worst, int(np.abs(difference).max()))
        print(f"largest difference over {len(paths)} scenes: {worst} DN")
    sys.exit(worst > 1)


if __name__ == "__main__":
    main()
