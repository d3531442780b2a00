"""A run that is killed ends with the weights it would have had anyway; one seed gives one result."""
import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from conftest import COMMAND, ENV, ROOT, enhanceme, refused

pytestmark = pytest.mark.xdist_group("training")  # one worker: they share a costly fixture
SETTINGS = ["--profile", "smoke", "--set", "training.steps=12", "--set", "training.validate_every=6", "--set", "training.checkpoint_every=2"]


def command(data, run, store):
    return [COMMAND, "train", "--data", str(data), "--run", str(run), "--store", str(store), *SETTINGS]


def weights(path):
    "All weights of a network as one array."
    code = ("import sys, numpy as np; from enhanceme.training import load_model; m, _ = load_model(sys.argv[1]); "
            "np.save(sys.argv[2], np.concatenate([np.ravel(w) for w in m.get_weights()]))")
    out = path.parent / "weights.npy"
    subprocess.run([sys.executable, "-c", code, str(path), str(out)], env=ENV, cwd=ROOT, check=True)
    return np.load(out)


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    "One run to the end, and one killed several times on its way."
    folder = tmp_path_factory.mktemp("runs")
    whole, killed, store = folder / "whole", folder / "killed", folder / "store"
    done = subprocess.run(command(data, whole, store), env=ENV, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rng, kills = random.Random(0), 0
    while not (killed / "training.json").exists():
        process = subprocess.Popen(command(data, killed, store), env=ENV, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.time()
        if kills < 3:  # wait until it is at work, then a random moment, then kill -9
            while process.poll() is None and not (killed / "provenance.json").exists() and time.time() - began < 120:
                time.sleep(0.2)
            time.sleep(8 * rng.random())
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        assert time.time() - began < 300
    return whole, killed, store


def test_killed_runs_end_the_same(runs):
    whole, killed, _ = runs
    for name in ("best.keras", "last.keras"):
        assert np.array_equal(weights(whole / name), weights(killed / name)), name
    a, b = (pd.read_csv(run / "history.csv").drop(columns="seconds") for run in (whole, killed))
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert not list(killed.glob("*.partial*")) and not (killed / "checkpoint.npz").exists()


def test_a_finished_run_is_reused_and_guarded(data, runs):
    whole, _, store = runs
    before = (whole / "best.keras").stat().st_mtime_ns
    done = enhanceme(*command(data, whole, store)[1:])
    assert done.returncode == 0 and (whole / "best.keras").stat().st_mtime_ns == before
    refused(enhanceme(*command(data, whole, store)[1:], "--set", "training.batch=3"), "training.batch", "other settings")


def test_provenance_is_complete(runs):
    note = json.loads((runs[0] / "provenance.json").read_text())
    assert note["seed"] == 0 and len(note["data_fingerprint"]) == 16 and note["versions"]["tensorflow"] and note["machine"]["cores"]
    outcome = json.loads((runs[0] / "training.json").read_text())
    assert outcome["steps"] == 12 and outcome["wall_s"] > 0 and outcome["cpu_s"] > 0 and outcome["peak_mb"] > 100
