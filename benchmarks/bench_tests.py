"""Where the CPU time of `make test` goes, test file by test file.

    python benchmarks/bench_tests.py [--out benchmarks/tests.csv] [arguments of pytest, for example tests/test_real.py]

Runs the tests as `make test` does, prints the most costly ones, and, where all pass, writes a row a file: its tests,
and the CPU time of the tests' processes with all their children, warm processes and forks too. What no test used
(imports, collection, the ends of shared fixtures) is the row `around the tests`. What is made once for several files
counts for the one that asked first. The notebook 998_speed.ipynb shows the table.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import psutil
import pytest

HERE = Path(__file__).resolve().parents[1]
RECORD = "ENHANCEME_TEST_COSTS"  # environment variable with the folder of the records
AROUND = "around the tests"
SHOWN = 40  # tests that are printed


def spent():
    "CPU time (s) of this process and of all its children, dead and alive."
    total = 0.0
    for process in (own := psutil.Process(), *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:  # it ended meanwhile: its parent has its time
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def note(*fields):
    "Add a line to this process's record."
    with open(Path(os.environ[RECORD]) / f"{os.getpid()}.csv", "a", encoding="utf-8") as record:
        print(*fields, sep="\t", file=record)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    "Note the CPU time of a test with its fixtures."
    before = spent()
    try:
        return (yield)
    finally:
        note(item.nodeid, 1, spent() - before)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    "Note the CPU time of the whole process, unless others run the tests for it."
    if hasattr(session.config, "workerinput") or not session.config.getoption("numprocesses", None):
        note(AROUND, 0, spent())


def costs(folder):
    "Return the records: a row a test, and one for what is around them, the most costly first."
    tables = [pd.read_csv(path, sep="\t", names=["test", "tests", "cpu_s"]) for path in Path(folder).glob("*.csv")]
    table = pd.concat(tables).groupby("test").sum()
    table.loc[AROUND, "cpu_s"] -= table.cpu_s.drop(AROUND).sum()
    return table.sort_values("cpu_s", ascending=False).round(1).reset_index()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=HERE / "benchmarks" / "tests.csv", type=Path)
    args, chosen = parser.parse_known_args()
    chosen = chosen or ["tests", "-n", "2", "--dist", "loadgroup"]
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(HERE / "benchmarks"), os.environ.get("PYTHONPATH")]
        environment = os.environ | {RECORD: folder, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-m", "pytest", "-p", Path(__file__).stem, "-q", "-rs", *chosen]
        code = subprocess.run(command, cwd=HERE, env=environment).returncode
        tests = costs(folder)
    print(tests.head(SHOWN).to_string(index=False), f"all: {tests.cpu_s.sum() / 60:.1f} CPU minutes", sep="\n")
    if code:
        sys.exit(code)
    files = tests.assign(file=tests.test.str.partition("::")[0]).groupby("file")[["tests", "cpu_s"]].sum()
    files.sort_values("cpu_s", ascending=False).round(1).to_csv(args.out)


if __name__ == "__main__":
    main()
