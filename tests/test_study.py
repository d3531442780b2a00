"""A whole study at smoke size, and once on real scenes; `test_wheel` makes it again, for the same scores."""

import json
import re
import shutil

import pandas as pd
import pytest
from conftest import ROOT, enhanceme, refused, tracked

SHARED = ROOT.parent / "shared" / "data" / "probav"
pytestmark = pytest.mark.xdist_group("study")  # one worker: they share a costly fixture
EXPERIMENTS = sorted(p.stem for p in (ROOT / "nbs" / "experiments").glob("*.ipynb"))


def test_tests_with_one_study_run_on_one_worker(request):
    "pytest 9.2 ignores the groups of pytest-xdist 3.8; then every worker makes a study of its own."
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("no workers")
    assert request.node.nodeid.endswith("@study")


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


def test_every_question_has_an_answer_on_its_page_and_in_the_summary(study):
    from enhanceme.questions import experiments, front_matter, read_answers

    found = read_answers(study)
    asked = [path.stem for path in experiments() if front_matter(path).get("question")]
    there = [name for name in asked if (study / f"{name}.html").is_file()]
    assert len(there) > 6 and list(found.experiment) == there
    summary = (study / "e12_summary.html").read_text()
    for row in found.itertuples():
        words = max(re.findall(r"[A-Za-z ]+", row.answer), key=len)
        page = (study / f"{row.experiment}.html").read_text()
        assert len(words) > 12 and words in page and words in summary
        assert 0 < page.index('class="em-answer"') < page.index("<h2")  # the answer stands under the question


def test_all_pages_together_are_light(study):
    assert sum(page.stat().st_size for page in study.glob("*.html")) < 25e6


def test_missing_and_interrupted_trials_are_reported(study, tmp_path):
    broken = tmp_path / "c"
    shutil.copytree(study / "trials", broken / "trials", ignore=shutil.ignore_patterns("*.keras"))
    shutil.copy(study / "study.json", broken)
    from enhanceme.core import UserError
    from enhanceme.scene_surveys import read_survey
    from enhanceme.trial_results import read_trials

    other = next(t for t in read_trials(broken, "losses").wanted if not t.standard)
    (broken / "trials" / other.folder / "trial.json").unlink()
    with pytest.raises(UserError, match="interrupted.*enhanceme trials .* --factor losses"):
        read_trials(broken, "losses")
    shutil.rmtree(broken / "trials" / "fusion" / "losses")
    with pytest.raises(UserError, match="no trial of losses is there; run"):
        read_trials(broken, "losses")
    shutil.rmtree(broken / "trials" / "surveys" / "ensembles")
    with pytest.raises(UserError, match="the survey is not there; run"):
        read_survey(broken, "ensembles")
    refused(enhanceme("trials", broken, "--factor", "colours"), "colours", "choose one")


def test_the_command_for_one_factor_reuses_trials(study):
    done = enhanceme("trials", study, "--factor", "losses", "--factor", "baselines")
    assert done.returncode == 0 and done.stdout.count("all there") == 2, done.stdout + done.stderr


def test_the_record_lists_the_stages(study):
    record = json.loads((study / "study.json").read_text())
    trials = {
        f"trials-{name}" for name in (*record["wanted"]["config"]["study"]["factors"], "baselines", "ensembles", "real")
    }
    assert record["data"] == record["training_data"] == "simulated" and {
        "simulate",
        "prepare",
        "train",
        "predict",
        "score",
        *trials,
        *EXPERIMENTS,
    } <= {s["name"] for s in record["stages"]}
    scores = pd.read_csv(study / "scores.csv")
    assert (
        set(scores.method) == {"baseline", "network"}
        and scores.cpsnr.between(20, 80).all()
        and {"test", "validation"} >= set(scores.role)
    )


@pytest.mark.skipif(not SHARED.exists(), reason="no real scenes beside the project")
def test_it_runs_on_real_scenes(tmp_path):
    done = enhanceme("study", "--profile", "smoke", "--data", SHARED, "--out", tmp_path / "real", timeout=900)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    scores = pd.read_csv(tmp_path / "real" / "scores.csv")
    assert scores.scene.unique().tolist() == ["imgset0000"]
    assert abs(scores.norm.iloc[0] - 52.352172662) < 1e-9
    assert "masks are estimated" in done.stdout and "no HR.png" in done.stdout


def test_the_readme_shows_the_headline_of_a_committed_report():
    from enhanceme.publication import MARKS, readme_table, with_headline

    text = (ROOT / "README.md").read_text()
    shown = re.search(r"\((reports/\w+)/cover.png\)", text.split(MARKS[0])[1])[1]
    assert with_headline(text, readme_table(ROOT / shown)) == text, (
        f"run `enhanceme publish STUDY {shown} --readme README.md`"
    )


def test_the_committed_reports_are_whole_and_light():
    from enhanceme.questions import experiments, factors_of
    from enhanceme.results import Results

    shelf = ROOT / "reports"
    studies = [record.parent for record in tracked("reports/*/study.json")]
    assert studies and all(f'href="{study.name}/index.html"' in (shelf / "index.html").read_text() for study in studies)
    for study in map(Results.open, studies):
        assert study.provenance["git"]["commit"] and not study.provenance["git"]["dirty"]
        made = {stage.name for stage in study.record.stages}  # an experiment may be younger than the report
        pages = [page.stem for page in experiments(factors_of(study)) if page.stem in made]
        assert len(pages) > 6
        assert all((study.folder / f"{page}{ending}").is_file() for page in pages for ending in (".html", ".ipynb"))
        assert not list(study.folder.glob("*.failed.*")) and "http://" not in (study.folder / "index.html").read_text()
    published = [p for study in studies for p in tracked(f"reports/{study.name}/**")] + [shelf / "index.html"]
    assert sum(p.stat().st_size for p in published) < 25e6
