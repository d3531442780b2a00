"""Time and memory of `check`, `baseline`, `predict` and `submit` on a data set with the shape of the official archive.

    python benchmarks/bench_archive.py SOURCE [--work FOLDER] [--sample 20] [--csv FILE]

The data set has 1160 train and 290 test scenes with the official names. Its scene folders are links to the real
scenes of SOURCE (such as ../shared/data/probav96), each used several times; norm.csv and reference.json follow.
`check`, `fingerprint` and the test split's baseline and submission run on all scenes, the network on SAMPLE test
scenes. Nothing is copied.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from enhanceme.layout import read_labels, read_norms, write_norms
from enhanceme.scenes import find_scenes

IDS = {  # the official archive
    ("train", "RED"): range(0, 594),
    ("train", "NIR"): range(594, 1160),
    ("test", "RED"): range(1160, 1306),
    ("test", "NIR"): range(1306, 1450),
}


def link_archive(
    source,  # a data set with real train and test scenes of both bands
    out,  # a new folder
    ids=IDS,  # scene numbers by split and band
):
    "Make an archive-shaped data set of links to real scenes."
    source, out = Path(source).resolve(), Path(out)
    norms, labels, new_norms, new_labels = read_norms(source), read_labels(source), {}, {"RED": {}, "NIR": {}}
    for (split, band), numbers in ids.items():
        place = out / split / band
        place.mkdir(parents=True)
        found = find_scenes(source, band, split)
        for i, number in enumerate(numbers):
            folder, name = found[i % len(found)], f"imgset{number:04d}"
            (place / name).symlink_to(folder)
            if folder.name in norms:
                new_norms[name] = norms[folder.name]
            if (label := labels.get(f"{band}/{folder.name}")) is not None:
                new_labels[band][name] = label
    write_norms(out, new_norms)
    (out / "reference.json").write_text(json.dumps(new_labels))


def measured(what: str, *command) -> dict:  # one row of the table
    "Run a command in a process of its own; measure seconds, CPU seconds and the largest memory of a process."
    start = time.perf_counter()
    code = "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]).returncode; "
    code += "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
    code += "print(u.ru_utime + u.ru_stime, u.ru_maxrss, file=sys.stderr); sys.exit(r)"
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    lines = done.stdout.strip().splitlines()
    cpu, peak = map(float, done.stderr.strip().splitlines()[-1].split())
    peak /= 2**20 if sys.platform == "darwin" else 2**10
    row = dict(what=what, seconds=round(seconds), cpu_s=round(cpu), peak_mb=round(peak), exit_code=done.returncode)
    print(row, lines[-1] if lines else done.stderr.strip()[-300:], flush=True)
    return row


def main():
    "Make the data set, run the commands, print and write the table."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("--work", metavar="FOLDER", help="keep the data set and the results here")
    parser.add_argument("--sample", type=int, default=20, help="test scenes for the network")
    parser.add_argument("--csv", metavar="FILE", help="write the table here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(args.work or temporary)
        data, few, zipped = work / "archive", work / "sample", work / "submission.zip"
        link_archive(args.source, data)
        half = max(args.sample // 2, 1)
        link_archive(args.source, few, {k: ids[:half] for k, ids in IDS.items() if k[0] == "test"})
        enhanceme = Path(sys.executable).with_name("enhanceme")
        digest = "import sys; from enhanceme.checks import fingerprint; print(fingerprint(sys.argv[1]))"
        scenes = len(find_scenes(data))
        rows = [
            measured(f"check, {scenes} scenes", enhanceme, "check", data),
            measured(f"fingerprint, {scenes} scenes", sys.executable, "-c", digest, data),
            measured("baseline, 290 test scenes", enhanceme, "baseline", data, work / "baseline", "--split", "test"),
            measured("submit, baseline of 290 scenes", enhanceme, "submit", data, zipped, "--model", "baseline"),
            measured("check the submission", enhanceme, "check", zipped),
            measured(f"predict, {2 * half} test scenes", enhanceme, "predict", few, work / "network"),
        ]
    if args.csv:
        with open(args.csv, "w", newline="") as file:
            table = csv.DictWriter(file, rows[0], lineterminator=os.linesep)
            table.writeheader()
            table.writerows(rows)
    sys.exit(any(row["exit_code"] for row in rows))


if __name__ == "__main__":
    main()
