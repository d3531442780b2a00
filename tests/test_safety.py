"""Nothing of a user is lost, two commands do not disturb each other, and an error of the system is one line."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pandas as pd
import pytest
from conftest import ENV, at_once, enhanceme, refused

READY = "import sys; print(flush=True); from enhanceme.__main__ import main; main()"  # prints a line, then begins
SMALL = ("--scenes", "4", "--seed", "3", "--profile", "smoke")


def content(folder):
    "All files below a folder, hidden ones too, and what they hold; the archives of truth by name alone."
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return {str(p.relative_to(folder)): b"" if p.suffix == ".npz" else p.read_bytes() for p in files}


def begun(*args, **options):
    "A command that runs; it can be interrupted also when the tests cannot."
    ready = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV, preexec_fn=ready)
    process = subprocess.Popen([sys.executable, "-c", READY, *map(str, args)], **(pipes | options))
    process.stdout.readline()
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    "The data set that every `simulate` here must make."
    out = tmp_path_factory.mktemp("undisturbed") / "data"
    assert enhanceme("simulate", out, *SMALL).returncode == 0
    return content(out)


def test_data_inside_a_study_s_folder_stay(copy, tmp_path):
    study = tmp_path / "s"
    study.mkdir()
    copy.rename(study / "mydata")
    (study / "study.json").write_text("{}")
    before = content(study)
    refused(enhanceme("study", "--out", study, "--data", study / "mydata", "--force"), "holds the data")
    assert content(study) == before


def test_a_study_without_a_record_of_its_files_stays(tmp_path):
    study = tmp_path / "s"
    (study / "run").mkdir(parents=True)
    (study / "study.json").write_text("{}")
    (study / "run" / "best.keras").write_text("weights")
    before = content(study)
    line = refused(enhanceme("study", "--profile", "smoke", "--out", study, "--force"), "kept no record of its files")
    assert line.endswith("; remove what you do not need, or give another folder with OUT=...")
    assert content(study) == before


@pytest.mark.parametrize("out", ["", ".", "/", "link", "pipe", "/dev/null", "data/train/RED/imgset0000/x"])
def test_places_where_something_could_be_lost(copy, tmp_path, out):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    refused(enhanceme("simulate", out, *SMALL, cwd=tmp_path), "give another folder")
    assert sorted(tmp_path.rglob("*")) == before


def test_files_of_another_kind_are_not_replaced(copy, tmp_path):
    assert enhanceme("baseline", copy, tmp_path / "sr").returncode == 0
    (tmp_path / "thesis.csv").write_text("mine")
    before = content(tmp_path)
    for out in (copy / "norm.csv", copy / "train/RED/imgset0000/LR000.png", copy / "new.csv", tmp_path / "thesis.csv"):
        refused(enhanceme("score", copy, tmp_path / "sr", "--out", out), out.name)
    refused(enhanceme("import-checkpoint", tmp_path / "none", tmp_path / "thesis.csv"), "exists", "--force")
    assert content(tmp_path) == before
    for _ in range(2):  # a table of scores is replaced
        assert enhanceme("score", copy, tmp_path / "sr", "--out", tmp_path / "scores.csv").returncode == 0


@pytest.mark.parametrize("gaps", [[0], [0.5, 1, 2]])
def test_simulations_at_once(undisturbed, tmp_path, gaps):
    at_once("simulate", tmp_path / "data", *SMALL, gaps=gaps)
    assert content(tmp_path / "data") == undisturbed
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def images(folder):
    "The images in a folder, and what they hold."
    return {p.name: p.read_bytes() for p in folder.glob("*.png")}


def test_predictions_at_once(data, tmp_path):
    predict = ("predict", data, tmp_path / "out", "--model", "median")
    at_once(*predict, gaps=[0, 0.5, 1, 2])
    assert enhanceme(*predict[:2], tmp_path / "alone", *predict[3:]).returncode == 0
    assert images(tmp_path / "out") == images(tmp_path / "alone") and len(images(tmp_path / "out")) == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone", "out"]


def weights(run):
    "The weights of a run, and the losses of its steps."
    with zipfile.ZipFile(run / "best.keras") as archive:
        return archive.read("model.weights.h5"), pd.read_csv(run / "history.csv").drop(columns="seconds").to_csv()


def test_trainings_at_once(data, tmp_path):
    train = ("train", "--data", data, "--profile", "smoke", "--workers", 1, "--run")
    at_once(*train, tmp_path / "run", gaps=[0, 2])
    assert enhanceme(*train, tmp_path / "alone").returncode == 0
    assert weights(tmp_path / "run") == weights(tmp_path / "alone")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone", "run"]


@pytest.mark.parametrize("size", [20, 30000])
def test_a_full_disk_is_one_line(undisturbed, tmp_path, size):
    full = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    process = begun("simulate", tmp_path / "data", *SMALL, preexec_fn=full)
    _, err = process.communicate(timeout=120)
    lines = [line for line in err.splitlines() if line.startswith("enhanceme: ")]
    assert process.returncode == 1 and "Traceback" not in err and len(lines) == 1, err
    assert re.search(r"file too large; raise the limit", lines[0]), lines
    assert not list(tmp_path.iterdir())
    assert enhanceme("simulate", tmp_path / "data", *SMALL).returncode == 0
    assert content(tmp_path / "data") == undisturbed


@pytest.mark.parametrize("after", [0.1, 0.8, 2])
def test_an_interrupt_is_one_line(undisturbed, tmp_path, after):
    process = begun("simulate", tmp_path / "data", *SMALL)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err and "Error" not in err, err
    if process.returncode != 0:  # it was not finished yet
        assert process.returncode == 130 and err.splitlines()[-1] == (
            "enhanceme: interrupted; the same command resumes from here"
        ), err
    assert enhanceme("simulate", tmp_path / "data", *SMALL).returncode == 0
    assert content(tmp_path / "data") == undisturbed
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_a_failed_training_leaves_no_folder(copy, tmp_path):
    (copy / "train/RED/imgset0001/LR001.png").write_bytes(b"")
    train = ("train", "--data", copy, "--run", tmp_path / "run", "--profile", "smoke")
    refused(enhanceme(*train), "LR001.png")
    refused(enhanceme(*train, "--store", copy / "store"), "lies inside the data")
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
    shutil.rmtree(copy / "train")
    refused(enhanceme(*train))
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
