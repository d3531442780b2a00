"""The whole study at smoke size: every experiment through papermill, twice for the same scores, once on real scenes."""
import json

import pandas as pd
import pytest

from conftest import ROOT, enhanceme, refused

SHARED = ROOT.parent / "shared" / "data" / "probav"
pytestmark = pytest.mark.xdist_group("study")  # one worker: they share a costly fixture
EXPERIMENTS = sorted(p.stem for p in (ROOT / "nbs" / "experiments").glob("*.ipynb"))


def test_it_leaves_a_page_for_each_experiment(study):
    assert EXPERIMENTS and all((study / f"{name}.html").stat().st_size > 10_000 for name in EXPERIMENTS)
    index = (study / "index.html").read_text()
    assert all(f"{name}.html" in index for name in EXPERIMENTS) and "simulated" in index.lower()
    assert not list(study.rglob("*.partial*"))


def test_a_second_call_reuses_everything(study):
    scores = (study / "scores.csv").read_bytes()
    done = enhanceme("study", "--profile", "smoke", "--out", study)
    assert done.returncode == 0 and done.stdout.count("reused") >= 6, done.stdout
    assert (study / "scores.csv").read_bytes() == scores


def test_other_settings_are_not_mixed_in(study):
    refused(enhanceme("study", "--profile", "smoke", "--out", study, "--seed", 1), "other settings", "FORCE=1")


def test_one_seed_one_result(study, tmp_path):
    done = enhanceme("study", "--profile", "smoke", "--out", tmp_path / "b", timeout=900)
    assert done.returncode == 0
    assert (tmp_path / "b" / "scores.csv").read_bytes() == (study / "scores.csv").read_bytes()


def test_the_record_tells_what_was_done(study):
    record = json.loads((study / "study.json").read_text())
    assert record["simulated"] and {"simulate", "prepare", "train", "predict", "score", *EXPERIMENTS} <= {s["name"] for s in record["stages"]}
    scores = pd.read_csv(study / "scores.csv")
    assert set(scores.method) == {"baseline", "network"} and scores.cpsnr.between(20, 80).all() and {"test", "validation"} >= set(scores.role)


@pytest.mark.skipif(not SHARED.exists(), reason="no real scenes beside the project")
def test_it_runs_on_real_scenes(tmp_path):
    done = enhanceme("study", "--profile", "smoke", "--data", SHARED, "--out", tmp_path / "real", timeout=900)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    scores = pd.read_csv(tmp_path / "real" / "scores.csv")
    assert scores.scene.unique().tolist() == ["imgset0000"]
    assert abs(scores.norm.iloc[0] - 52.352172662) < 1e-9
    assert "masks are estimated" in done.stdout and "no HR.png" in done.stdout


def test_the_readme_shows_the_headline_of_a_committed_report():
    from enhanceme.study import readme_table, with_headline
    text = (ROOT / "README.md").read_text()
    assert with_headline(text, readme_table(ROOT / "reports" / "quick")) == text, "run `enhanceme readme`"
