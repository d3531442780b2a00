"""The package built, installed into a fresh environment and used in an empty folder outside any checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ENV, ROOT, at_once, tracked
from PIL import Image

pytestmark = pytest.mark.xdist_group("study")  # it compares with the study of the checkout
HEAVY = sysconfig.get_path("purelib")  # the packages that the fresh environment shares
EXTRAS = {  # what must be importable only with an extra
    "train": ["tensorflow", "keras", "onnx", "tf2onnx"],
    "study": ["papermill", "nbclient", "nbconvert", "ipykernel", "latex2mathml"],
    "explore": ["jupyterlab", "ipywidgets", "voila"],
    "geo": ["rasterio", "rioxarray"],
}
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


AWAY = {k: v for k, v in ENV.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "JUPYTER_PATH")}  # from the checkout


def run(*command, cwd, timeout=900, **more):
    "A finished process, without the environment variables that lead to the checkout."
    command, env = list(map(str, command)), AWAY | more
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    "The sdist, and the wheel that was built from it, of the files that git tracks."
    pytest.importorskip("build")
    source = tmp_path_factory.mktemp("source") / "enhanceme"
    for path in tracked("**"):
        if path.is_file() and path.relative_to(ROOT).parts[0] != "reports":
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    done = run(sys.executable, "-m", "build", "--no-isolation", source, cwd=source.parent)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    found = sorted((source / "dist").iterdir())
    return {p.suffix: p for p in found}


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    "The command `enhanceme` of a fresh environment that holds the wheel and shares the packages of this one."
    home = tmp_path_factory.mktemp("env")
    done = run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    assert done.returncode == 0, done.stderr
    python = home / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet"]
    done = run(*install, built[".whl"], cwd=home)
    assert done.returncode == 0, done.stderr
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).stdout.strip()
    (Path(own) / "shared.pth").write_text(
        HEAVY + "\n"
    )  # a .pth file there is not read: no editable install comes along
    (home / "venv" / "share").mkdir(exist_ok=True)
    (home / "venv" / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")  # nbconvert's templates
    return python.with_name("enhanceme")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    "An empty folder in a repository of somebody else."
    folder = tmp_path_factory.mktemp("elsewhere")
    run("git", "init", "--quiet", cwd=folder)
    return folder


def without(extra, folder):
    "A folder for PYTHONPATH that hides the packages of some extras."
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCKER.format(blocked=[n for e in extra for n in EXTRAS[e]]))
    return str(folder)


def test_the_sdist_and_the_wheel_hold_what_commands_need(built):
    import tarfile
    import zipfile

    names = zipfile.ZipFile(built[".whl"]).namelist()
    needed = [*tracked("profiles/*.yaml"), *tracked("nbs/experiments/*.ipynb"), *tracked("enhanceme/*/*")]
    assert len(needed) > 12
    assert not [p for p in needed if f"enhanceme/{p.parent.name}/{p.name}" not in names]
    sources = {name.split("/", 1)[1] for name in tarfile.open(built[".gz"]).getnames() if "/" in name}
    assert {"settings.ini", "README.md", "LICENSE", "profiles/quick.yaml", "nbs/000_core.ipynb"} <= sources


@pytest.fixture(scope="module")
def mine(installed, empty):
    "The study of the checkout, made again by the installed command; others started into the same folder are refused."
    out = "reports/mine"
    at_once(
        "study", "--profile", "smoke", "--out", out, gaps=[0, 2], cwd=empty, timeout=900, command=installed, env=AWAY
    )
    return empty / out


def test_one_seed_one_result(mine, study):
    assert (mine / "scores.csv").read_bytes() == (study / "scores.csv").read_bytes()
    tables = [
        {
            p.relative_to(root / "trials"): pd.read_csv(p)
            for p in sorted((root / "trials").rglob("*.csv"))
            if p.name in ("scores.csv", "paths.csv", "cuts.csv", "gradients.csv", "rows.csv")
        }
        for root in (study, mine)
    ]
    assert len(tables[0]) > 10 and tables[0].keys() == tables[1].keys()
    for name, one in tables[0].items():
        pd.testing.assert_frame_equal(
            one.drop(columns="seconds", errors="ignore"),
            tables[1][name].drop(columns="seconds", errors="ignore"),
            check_exact=True,
            obj=str(name),
        )


def test_every_command_works_in_an_empty_folder(installed, empty, mine, study):
    def enhanceme(*args):
        done = run(installed, *args, cwd=empty)
        assert done.returncode == 0, (args, (done.stdout + done.stderr)[-3000:])
        return done.stdout

    where = run(installed.with_name("python"), "-c", "import enhanceme; print(enhanceme.__file__)", cwd=empty).stdout
    assert installed.parents[1].as_posix() in where
    assert "training:" in enhanceme("settings", "--profile", "cpu")
    enhanceme("simulate", "data", "--scenes", 6, "--seed", 5, "--profile", "smoke")
    assert "can be used" in enhanceme("check", "data")
    enhanceme("predict", "data", "sr", "--split", "test")
    assert "mean score" in enhanceme("score", "data", "sr", "--split", "test")
    enhanceme("baseline", "data", "base", "--split", "test")
    enhanceme("compare", "data", "base", "sr", "--split", "test", "--out", "page")
    enhanceme("upscale", next((empty / "data/test/RED").iterdir()), "fused.tif")
    assert {p.name for p in mine.glob("*.html")} == {p.name for p in study.glob("*.html")}
    assert "all there" in enhanceme("trials", "reports/mine", "--factor", "losses")
    (mine / "index.html").unlink()
    enhanceme("report", "reports/mine")
    assert (mine / "index.html").is_file() and '"commit": null' in (mine / "run/provenance.json").read_text()
    assert {p.name for p in empty.iterdir()} <= {
        *(".git", "data", "sr", "base", "page", "reports", "fused.tif", "fused.png", "fused.html")
    }


def test_without_extras_one_line_names_the_extra(installed, tmp_path):
    def refused(extra, *args):
        done = run(installed, *args, cwd=tmp_path, PYTHONPATH=without([extra], tmp_path / f"without-{extra}-{args[0]}"))
        lines = [line for line in done.stderr.splitlines() if line.startswith("enhanceme: ")]
        assert done.returncode == 2 and len(lines) == 1 and f"enhanceme[{extra}]" in lines[0], done.stderr[-3000:]

    Image.fromarray(np.full((40, 40), 900, np.uint16)).save(tmp_path / "a.tif")
    refused("study", "study", "--profile", "smoke", "--out", "out")
    refused("study", "report", "out")
    refused("geo", "upscale", "a.tif", "fused.tif")
    refused("train", "train", "--data", "data", "--run", "out", "--profile", "smoke")
    assert not (tmp_path / "out").exists() and not (tmp_path / "fused.tif").exists()


def test_the_core_fuses_images_without_tensorflow(installed, tmp_path):
    path = without(EXTRAS, tmp_path / "without")
    for args in (
        ("settings",),
        ("simulate", "data", "--scenes", 6, "--seed", 5, "--profile", "smoke"),
        ("predict", "data", "sr", "--split", "test"),
        ("predict", "data", "flips", "--split", "test", "--model", "fusion", "--set", "prediction.flips=4"),
        ("score", "data", "sr", "--split", "test"),
        ("compare", "data", "baseline", "sr", "--split", "test", "--out", "page"),
    ):
        done = run(installed, *args, cwd=tmp_path, PYTHONPATH=path)
        assert done.returncode == 0, (args, (done.stdout + done.stderr)[-3000:])
    assert os.listdir(tmp_path / "sr")
    path = without([e for e in EXTRAS if e != "geo"], tmp_path / "with geo")
    done = run(
        installed, "upscale", next((tmp_path / "data/test/RED").iterdir()), "out.tif", cwd=tmp_path, PYTHONPATH=path
    )
    assert done.returncode == 0 and (tmp_path / "out.tif").is_file(), done.stderr[-3000:]


def test_training_needs_one_extra(installed, tmp_path):
    path = without([e for e in EXTRAS if e != "train"], tmp_path / "without")
    for args in (
        ("simulate", "data", "--scenes", 6, "--seed", 5, "--profile", "smoke"),
        ("train", "--data", "data", "--run", "run", "--profile", "smoke"),
        ("export", "run", "mine.keras"),
        ("predict", "data", "sr", "--model", "run", "--split", "test"),
        ("predict", "data", "same", "--model", "mine.keras", "--split", "test"),
    ):
        done = run(installed, *args, cwd=tmp_path, PYTHONPATH=path)
        assert done.returncode == 0, (args, (done.stdout + done.stderr)[-3000:])
    for image in (tmp_path / "sr").rglob("*.png"):
        same = tmp_path / "same" / image.relative_to(tmp_path / "sr")
        difference = np.asarray(Image.open(image)).astype(int) - np.asarray(Image.open(same))
        assert np.abs(difference).max() <= 1
