"""Real scenes from the layout of the archive to scores and pages. Skipped where ../shared/data/probav96 is absent."""

import json
import shutil

import pandas as pd
import pytest
from conftest import ROOT, enhanceme, refused

from enhanceme.execution import run_notebook
from enhanceme.scenes import find_scenes

REAL = ROOT.parent / "shared" / "data" / "probav96"
pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared/data/probav96"),
    pytest.mark.xdist_group("real"),
]
PAIR = ("imgset0061", "imgset0626")  # one place on the same days


def link_farm(out, train, test):
    "A data set of links to some real scenes of each band, a pair of one place among them."
    for split, band, count in [(s, b, n) for s, n in (("train", train), ("test", test)) for b in ("RED", "NIR")]:
        found = sorted(find_scenes(REAL, band, split), key=lambda f: f.name not in PAIR)
        (out / split / band).mkdir(parents=True)
        for folder in found[:count]:
            (out / split / band / folder.name).symlink_to(folder)
    for name in ("norm.csv", "reference.json"):
        shutil.copy(REAL / name, out / name)
    return out


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    "A data set of four train and two test scenes."
    return link_farm(tmp_path_factory.mktemp("few") / "data", 2, 1)


def test_check_accepts_all_scenes():
    done = enhanceme("check", REAL)
    assert done.returncode == 0 and "All 116 scenes can be used." in done.stdout, done.stdout
    assert "fault" not in done.stdout and "note" not in done.stdout


def test_labels_of_absent_scenes_are_one_note(few):
    done = enhanceme("check", few)
    assert done.returncode == 0 and done.stdout.count("note: ") == 1, done.stdout
    assert "and 91 more, absent from this data set" in done.stdout


def test_other_folders_and_files_are_ignored(few, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(few, data)  # links become copies
    shutil.copytree(data / "train", data / "val")
    scene = next((data / "test" / "RED").iterdir())
    for name in ("clearance.npy", "._LR000.png", ".DS_Store"):
        (scene / name).write_bytes(b"?")
    done = enhanceme("check", data)
    assert done.returncode == 0 and "All 6 scenes" in done.stdout, done.stdout
    assert "val: resembles a split" in done.stdout


@pytest.mark.parametrize(
    "labels, words",
    [
        ('{"RED": {"imgset0061": 99}}', ("reference.json", "labels RED/imgset0061 with frame 99")),
        ('{"RED": {"imgset0061": 1, "imgset0061": 2}}', ("reference.json", "two labels for imgset0061")),
        ('{"RED": {"imgset0061": "x"}}', ("reference.json", "no frame's number")),
        ("[", ("reference.json", "not a valid JSON")),
    ],
)
def test_wrong_labels_are_refused(few, tmp_path, labels, words):
    data = tmp_path / "data"
    shutil.copytree(few, data, symlinks=True)
    (data / "reference.json").write_text(labels)
    done = enhanceme("check", data)
    assert done.returncode == 2 and all(word in done.stdout for word in words), done.stdout
    refused(enhanceme("baseline", data, tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()


def test_official_and_simulated_scenes_are_not_mixed(few, data, tmp_path):
    mixed = tmp_path / "data"
    shutil.copytree(few, mixed, symlinks=True)
    other = next(f for f in find_scenes(data) if not (mixed / "train" / "RED" / f.name).exists())
    shutil.copytree(other, mixed / other.parents[1].name / other.parent.name / other.name)
    (mixed / "reference.json").unlink()  # its labels are for the official scene of this name
    done = enhanceme("check", mixed)
    assert done.returncode == 2 and "mixes simulated scenes" in done.stdout, done.stdout


def test_a_known_reference_frame_gains_and_is_named(few, tmp_path):
    gains = {}
    for how in ("guess", "given"):
        out = tmp_path / how
        done = enhanceme("predict", few, out, "--split", "train", "--set", f"prediction.reference={how}")
        assert done.returncode == 0, done.stderr
        done = enhanceme("score", few, out, "--split", "train", "--out", tmp_path / f"{how}.csv")
        assert done.returncode == 0, done.stderr
        assert ("reference given" in done.stdout) == (how == "given"), done.stdout
        table = pd.read_csv(tmp_path / f"{how}.csv")
        gains[how] = (table.cpsnr - table.norm).mean()
    print(gains)
    assert gains["given"] > gains["guess"] + 0.3
    refused(
        enhanceme("predict", few, tmp_path / "test", "--split", "test", "--set", "prediction.reference=given"),
        "prediction.reference=given",
        "has no label",
    )
    assert not (tmp_path / "test").exists()


def test_a_study_of_real_scenes_has_every_page(tmp_path):
    data, out = link_farm(tmp_path / "data", 8, 1), tmp_path / "study"
    done = enhanceme("study", "--profile", "smoke", "--data", data, "--out", out, timeout=1800)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert not list(out.glob("*.failed.ipynb"))
    experiments = sorted(p.stem for p in (ROOT / "nbs" / "experiments").glob("*.ipynb"))
    assert all((out / f"{name}.html").stat().st_size > 10_000 for name in experiments)
    run = json.loads((out / "run" / "provenance.json").read_text())
    trained = [any(name in key for key in run["training_scenes"]) for name in PAIR]
    assert trained[0] == trained[1], run["training_scenes"]  # the pair is on one side


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("e03_gallery", "holds no images"),
        ("e07_residual_paths", "holds no images"),
        ("e11_real", "their simulated twins, dB"),
    ],
)
def test_a_page_is_made_again_from_the_committed_tables(name, words, tmp_path):
    "From a clone, which has neither images nor networks of the trials."
    copy = shutil.copytree(ROOT / "reports" / "cpu", tmp_path / "cpu")
    run_notebook(ROOT / "nbs" / "experiments" / f"{name}.ipynb", {"study": str(copy)}, tmp_path, quiet=True)
    assert words in (tmp_path / f"{name}.ipynb").read_text()
