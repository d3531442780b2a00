"""A run that is killed ends with the weights it would have had anyway; one seed gives one result, on one machine and
on two."""

import io
import json
import random
import re
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
from conftest import COMMAND, ENV, ROOT, enhanceme, refused
from trainings import KILLS, LONG, PHASES, arguments

pytestmark = pytest.mark.xdist_group("training")  # one worker: they share a costly fixture


def weights(path):
    "All weights in a .keras file as one array."
    found = []
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: found.append(item[()].ravel()) if isinstance(item, h5py.Dataset) else None)
    return np.concatenate(found)


def history(run):
    "The history of a run, but for its times."
    return pd.read_csv(run / "history.csv").drop(columns="seconds")


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """One run to the end by the command, and all that trainings.py does; the first three kills are of the command
    itself."""
    out = tmp_path_factory.mktemp("runs")
    done = enhanceme(*arguments(data, out / "store", out / "whole", LONG))
    assert done.returncode == 0, done.stderr
    (out / "whole.log").write_text(done.stderr)
    rng = random.Random(1)
    for _ in range(3):
        process = subprocess.Popen(
            [COMMAND, *arguments(data, out / "store", out / "killed", LONG)],
            env=ENV,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0, 5))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "trainings.py", data, out / "store", out],
        env=ENV,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return out


@pytest.fixture(scope="module")
def record(runs):
    "The record of trainings.py: exit codes, and the phase of each kill."
    return json.loads((runs / "record.json").read_text())


def test_twenty_kills_leave_no_trace(runs, record):
    phases = [phase for phase, _ in record["kills"]]
    print(*record["kills"], record["partial"])
    assert 3 + len(phases) >= 20 and all(phases.count(phase) >= KILLS.count(phase) >= 2 for phase in PHASES), phases
    assert record["killed"] == 0, (runs / "killed.log").read_text()[-3000:]
    for name in ("best.keras", "last.keras"):
        assert np.array_equal(weights(runs / "whole" / name), weights(runs / "killed" / name)), name
    pd.testing.assert_frame_equal(history(runs / "whole"), history(runs / "killed"), check_exact=True)
    names = [
        sorted(p.relative_to(runs / run).as_posix() for p in (runs / run).rglob("*") if "tfevents" not in p.name)
        for run in ("whole", "killed")
    ]
    assert (
        names[0]
        == names[1]
        == ["best.keras", "config.yaml", "history.csv", "last.keras", "provenance.json", "tensorboard", "training.json"]
    )
    sizes = [[p.stat().st_size for p in (runs / run / "tensorboard").iterdir()] for run in ("whole", "killed")]
    assert sizes[0] == sizes[1] and len(sizes[0]) == 1  # one event file, as long as that of the whole run


def test_one_seed_one_result(runs, record):
    assert [record[run] for run in ("one", "again", "other")] == [0, 0, 0]
    one, again, other = (runs / run for run in ("one", "again", "other"))
    assert np.array_equal(weights(one / "last.keras"), weights(again / "last.keras")) and not np.array_equal(
        weights(one / "last.keras"), weights(other / "last.keras")
    )
    pd.testing.assert_frame_equal(history(one), history(again), check_exact=True)
    assert (history(one).loss != history(other).loss).all()


def test_two_machines_are_as_one(runs, record):
    assert record["two"] == [0, 0], (runs / "two.log").read_text()[-3000:]
    print(
        "killed at",
        record["two killed"],
        "off by",
        (history(runs / "two") / history(runs / "one") - 1).abs().max().to_dict(),
    )
    assert all(step >= 4 for _, step in record["two killed"])  # after a checkpoint
    pd.testing.assert_frame_equal(
        history(runs / "two"), history(runs / "one"), rtol=1e-4
    )  # loss and validation; some biases are decided by rounding alone
    assert json.loads((runs / "two/provenance.json").read_text())["devices"] == {
        "kind": "CPU",
        "replicas": 2,
        "machines": 2,
    }
    assert {p.name for p in (runs / "two").iterdir()} == {
        "best.keras",
        "config.yaml",
        "history.csv",
        "last.keras",
        "provenance.json",
        "training.json",
    }


def test_from_weights(runs, record):
    assert record["fine"] == 0, (runs / "fine.log").read_text()[-3000:]
    assert np.allclose(
        weights(runs / "fine/last.keras"), weights(runs / "one/best.keras"), atol=1e-6
    )  # at a rate of next to nothing they stay
    assert json.loads((runs / "fine/provenance.json").read_text())["from"]["file"] == "one/best.keras"
    assert (
        json.loads((runs / "fine/training.json").read_text())["best_val_cpsnr"]
        >= json.loads((runs / "one/training.json").read_text())["best_val_cpsnr"]
    )


@pytest.mark.parametrize(
    "run, words",
    [
        ("wrong", ["history.csv", "not a network"]),
        ("wider", ["model.filters=9"]),
        ("alone", ["training.devices=machines", "TF_CONFIG"]),
        ("odd", ["training.batch=2", "multiple of 3"]),
    ],
)
def test_impossible_trainings_are_refused(runs, record, run, words):
    lines = [line for line in (runs / f"{run}.log").read_text().splitlines() if line.startswith("enhanceme: ")]
    assert (
        record[run] == 2
        and len(lines) == 1
        and all(word in lines[0] for word in words)
        and "Traceback" not in (runs / f"{run}.log").read_text()
    ), lines
    assert not (runs / run).exists()


def test_progress_shows_time_left_and_loss(runs):
    shown = re.split(r"[\r\n]", (runs / "whole.log").read_text())
    assert any(
        re.search(r"training: \d+ of 150 steps, \d\d:\d\d gone, \d\d:\d\d to go, .*loss=\d", line) for line in shown
    ), shown[-5:]


def test_a_finished_run_is_reused_and_guarded(data, runs):
    before = (runs / "whole/best.keras").stat().st_mtime_ns
    done = enhanceme(*arguments(data, runs / "store", runs / "whole", LONG))
    assert done.returncode == 0 and (runs / "whole/best.keras").stat().st_mtime_ns == before
    refused(
        enhanceme(*arguments(data, runs / "store", runs / "whole", [*LONG, "training.batch=3"])),
        "training.batch",
        "other settings",
    )


def test_provenance_is_complete(runs):
    note = json.loads((runs / "whole/provenance.json").read_text())
    assert (
        note["seed"] == 0
        and len(note["data_fingerprint"]) == 16
        and note["versions"]["tensorflow"]
        and note["machine"]["cores"]
        and note["from"] is None
    )
    outcome = json.loads((runs / "whole/training.json").read_text())
    assert outcome["steps"] == 150 and outcome["wall_s"] > 0 and outcome["cpu_s"] > 0 and outcome["peak_mb"] > 100
