"""The commands on good and bad input: a refusal is one line with file, rule and correction, exit code 2, and leaves
nothing behind."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, enhanceme, refused
from PIL import Image

SHARED = ROOT.parent / "shared"


def first(data, split="train", band="RED"):
    "The first scene folder of a band."
    return sorted((data / split / band).glob("imgset*"))[0]


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def gray(path, mode, size):
    Image.new(mode, size).save(path)


DAMAGE = {
    "truncated LR": (lambda f: truncate(f / "LR000.png"), "LR000.png", "truncated"),
    "truncated HR": (lambda f: truncate(f / "HR.png"), "HR.png", "truncated"),
    "empty QM": (lambda f: (f / "QM001.png").write_bytes(b""), "QM001.png", "cannot be read"),
    "missing QM": (lambda f: (f / "QM002.png").unlink(), "QM002.png", "missing"),
    "missing LR": (lambda f: (f / "LR002.png").unlink(), "LR002.png", "missing"),
    "HR without SM": (lambda f: (f / "SM.png").unlink(), "SM.png", "missing"),
    "SM without HR": (lambda f: (f / "HR.png").unlink(), "HR.png", "missing"),
    "wrong size": (lambda f: gray(f / "LR003.png", "I;16", (100, 128)), "LR003.png", "100x128"),
    "wrong HR size": (lambda f: gray(f / "HR.png", "I;16", (128, 128)), "HR.png", "128x128"),
    "wrong bit depth": (lambda f: gray(f / "LR003.png", "L", (128, 128)), "LR003.png", "16-bit"),
    "colour": (lambda f: gray(f / "LR003.png", "RGB", (128, 128)), "LR003.png", "16-bit"),
    "empty folder": (lambda f: [p.unlink() for p in f.iterdir()], "imgset", "no LRnnn.png"),
    "no norm row": (lambda f: (f.parents[2] / "norm.csv").write_text("imgset9999 50.0\n"), "norm.csv", "no row"),
    "bad norm": (lambda f: (f.parents[2] / "norm.csv").write_text("imgset0000\n"), "norm.csv", "line 1"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_data_set_is_refused(copy, tmp_path, what):
    damage, *words = DAMAGE[what]
    damage(first(copy))
    refused(enhanceme("baseline", copy, tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()
    check = enhanceme("check", copy)
    assert check.returncode == 2 and words[0] in check.stdout + check.stderr and "Traceback" not in check.stderr


def test_check_reports_all_faults_at_once(copy):
    truncate(first(copy) / "LR000.png")
    (first(copy, band="NIR") / "SM.png").unlink()
    done = enhanceme("check", copy)
    assert done.returncode == 2 and done.stdout.count("fault: ") == 2


def test_check_of_a_good_data_set(data):
    done = enhanceme("check", data)
    assert done.returncode == 0 and "can be used" in done.stdout, done.stdout + done.stderr


def test_folders_with_other_content_are_refused(data, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    refused(enhanceme("check", tmp_path / "nowhere"), "no such folder")
    refused(enhanceme("check", tmp_path / "empty"), "not a data set")
    refused(enhanceme("simulate", tmp_path / "other", "--scenes", 4), "other", "other content")
    refused(enhanceme("baseline", data, tmp_path / "other"), "other content")
    refused(enhanceme("train", "--data", data, "--run", tmp_path / "other", "--profile", "smoke"), "other content")
    refused(enhanceme("study", "--out", tmp_path / "other"), "other content")
    assert [p.name for p in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_impossible_settings_are_refused(data, tmp_path):
    run = tmp_path / "run"
    refused(enhanceme("train", "--data", data, "--run", run, "--profile", "nosuch"), "nosuch", "profile")
    refused(
        enhanceme("train", "--data", data, "--run", run, "--set", "training.stepz=1"),
        "training.stepz",
        "training.steps",
    )
    refused(
        enhanceme("train", "--data", data, "--run", run, "--set", "training.steps=many"), "training.steps", "integer"
    )
    refused(enhanceme("train", "--data", data, "--run", run, "--set", "training.steps=0"), "training.steps")
    refused(enhanceme("train", "--data", data, "--run", run, "--set", "steps"), "section.key=value")
    refused(enhanceme("baseline", data, run, "--band", "BLUE"), "BLUE", "NIR")
    assert not run.exists()


def test_a_file_that_is_no_network_is_refused(data, tmp_path):
    (tmp_path / "model.keras").write_text("weights")
    out = tmp_path / "out"
    refused(enhanceme("predict", data, out, "--model", tmp_path / "model.keras"), "model.keras", "not a network")
    refused(enhanceme("predict", data, out, "--model", tmp_path / "none.keras"), "none.keras", "neither a run folder")
    (tmp_path / "run").mkdir()
    refused(enhanceme("predict", data, out, "--model", tmp_path / "run"), "best.keras")
    assert not out.exists()


def test_without_a_model_the_shipped_weights_are_used(data, tmp_path):
    from enhanceme.methods import default_weights

    some = ("--split", "test", "--band", "RED")
    calls = [
        enhanceme("predict", data, tmp_path / "sr", *some, "--uncertainty"),
        enhanceme("upscale", first(data), tmp_path / "out.tif", "--uncertainty"),
        enhanceme("compare", data, "baseline", "default", *some, "--out", tmp_path / "page"),
        enhanceme("submit", data, tmp_path / "s.zip", "--incomplete"),
    ]
    if default_weights(needed=False):
        assert [done.returncode for done in calls[:3]] == [0, 0, 0], [done.stderr for done in calls]
        images, scales = (list((tmp_path / "sr").glob(f"imgset*.{kind}")) for kind in ("png", "scale.tif"))
        assert (
            images
            and len(images) == len(scales)
            and (tmp_path / "out.tif").exists()
            and (tmp_path / "page" / "comparison.html").exists()
        )
        assert "errors in units of the scale: 50% within" in calls[0].stdout, calls[0].stdout
        assert "50% interval holds" in calls[0].stdout, calls[0].stdout
        refused(calls[3], "384x384")
    else:
        for done in calls:
            refused(done, "holds no trained weights", "--model")
        assert not list(tmp_path.iterdir())


def test_several_networks_and_their_uncertainty(data, tmp_path):
    settings = [
        word
        for s in ("loss.name=laplace", "training.steps=2", "training.validate_every=2", "patching.frames=3")
        for word in ("--set", s)
    ]
    done = enhanceme("train", "--data", data, "--run", tmp_path / "run", "--profile", "smoke", *settings)
    assert done.returncode == 0, done.stderr
    both = ("--model", tmp_path / "run", "--model", tmp_path / "run" / "last.keras")
    done = enhanceme(
        "predict", data, tmp_path / "sr", *both, "--split", "test", "--uncertainty", "--set", "prediction.flips=4"
    )
    assert done.returncode == 0 and "interval holds" in done.stdout, done.stdout + done.stderr
    images, scales = (
        sorted(p.name.split(".")[0] for p in (tmp_path / "sr").glob(f"imgset*.{kind}")) for kind in ("png", "scale.tif")
    )
    assert images and images == scales
    with Image.open(tmp_path / "sr" / f"{images[0]}.scale.tif") as scale:
        assert scale.mode == "F" and np.asarray(scale).min() > 4
    assert enhanceme("score", data, tmp_path / "sr", "--split", "test").returncode == 0
    refused(
        enhanceme("predict", data, tmp_path / "map", "--model", "map", "--uncertainty"), "map", "no scale of its error"
    )
    done = enhanceme(
        "train",
        "--data",
        data,
        "--run",
        tmp_path / "plain",
        "--profile",
        "smoke",
        "--store",
        tmp_path / "run" / "store",
        *settings[2:],
    )
    assert done.returncode == 0, done.stderr
    refused(
        enhanceme("predict", data, tmp_path / "out", "--model", tmp_path / "plain", "--uncertainty"),
        "predicts no scale",
        "loss.name=laplace",
    )
    assert not (tmp_path / "out").exists() and not (tmp_path / "map").exists()


def test_baseline_scores_one(data, tmp_path):
    assert enhanceme("baseline", data, tmp_path / "pred", "--split", "train").returncode == 0
    done = enhanceme("score", data, tmp_path / "pred", "--split", "train", "--out", tmp_path / "scores.csv")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "scores.csv")
    assert np.allclose(table.score, 1, atol=1e-4), table  # PNGs hold whole DN, the official baseline does not
    assert re.search(r"mean score 1\.000\d+|mean score 0\.9999\d+", done.stdout), done.stdout


def test_score_refuses_bad_predictions(data, tmp_path):
    refused(enhanceme("score", data, tmp_path / "nowhere"), "no such folder")
    (tmp_path / "pred").mkdir()
    refused(enhanceme("score", data, tmp_path / "pred"), "no prediction")
    gray(tmp_path / "pred" / f"{first(data).name}.png", "L", (384, 384))
    refused(enhanceme("score", data, tmp_path / "pred", "--band", "RED", "--split", "train"), "16-bit")


@pytest.mark.skipif(not SHARED.exists(), reason="no real scenes beside the project")
def test_the_official_baseline_of_a_real_scene(tmp_path):
    from enhanceme.metrics import baseline
    from enhanceme.scenes import read_scene

    scene = read_scene(SHARED / "data/probav/train/RED/imgset0000")
    assert abs(baseline(scene) - scene.norm) < 1e-9
    assert f"{scene.norm:.9f}" == "52.352172662"


@pytest.mark.skipif(not SHARED.exists(), reason="no published weights beside the project")
def test_published_weights_score_as_published(tmp_path):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(SHARED / "data/probav/train/RED/imgset0000", data / "train/RED/imgset0000")
    shutil.copy(SHARED / "data/probav/norm.csv", data)
    done = enhanceme("import-checkpoint", SHARED / "reference/3dwdsr_red", tmp_path / "3dwdsr.keras")
    assert done.returncode == 0, done.stderr
    assert enhanceme("predict", data, tmp_path / "sr", "--model", tmp_path / "3dwdsr.keras").returncode == 0
    done = enhanceme("score", data, tmp_path / "sr", "--out", tmp_path / "scores.csv")
    assert done.returncode == 0 and pd.read_csv(tmp_path / "scores.csv").cpsnr[0] > 54.5, (
        done.stdout
    )  # its authors: 54.819 dB with 16 tiles
    refused(enhanceme("import-checkpoint", SHARED / "reference/3dwdsr_red", tmp_path / "x.h5"), "x.h5", ".keras")
    refused(enhanceme("import-checkpoint", SHARED / "data", tmp_path / "x.keras"), "data")


def test_compare_writes_a_page(data, tmp_path):
    done = enhanceme("compare", data, "baseline", "shift-and-add", "--split", "train", "--out", tmp_path / "page")
    assert done.returncode == 0 and (tmp_path / "page" / "comparison.html").stat().st_size > 10_000, done.stderr
    refused(enhanceme("compare", data, "baseline", "magic", "--out", tmp_path / "other"), "magic")
    assert not (tmp_path / "other").exists()


def test_submissions_are_refused_and_checked(data, tmp_path):
    refused(
        enhanceme("submit", data, tmp_path / "full.zip", "--model", "bicubic-mean"), "290 test scenes", "--incomplete"
    )
    refused(enhanceme("submit", data, tmp_path / "small.zip", "--model", "bicubic-mean", "--incomplete"), "384x384")
    (tmp_path / "text.zip").write_text("no zip")
    done = enhanceme("check", tmp_path / "text.zip")
    assert done.returncode == 2 and "fault: " in done.stdout and "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["text.zip"]
