"""The files around the code: valid for their readers, consistent with each other, and with what git tracks."""

import ast
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, tracked

BIN = Path(sys.executable).parent
SCHEMAS = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".github/ISSUE_TEMPLATE/[bi]*.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    "CITATION.cff": "vendor.citation-file-format",
}
TRIALS = {  # experiment -> the stages whose cost its head states, beside its own page
    "e02_training": ["train"],
    "e04_baselines": ["trials-baselines"],
    "e06_losses": ["trials-losses"],
    "e07_residual_paths": ["trials-residual"],
    "e08_normalisation": ["trials-normalisation"],
    "e09_replication": ["trials-replication"],
    "e10_ensembles": ["trials-ensembles"],
    "e11_real": ["trials-real"],
    "e14_wishes": [
        f"trials-wish-{name}" for name in ("clipping", "windows", "registration", "stitching", "boosting", "gan")
    ],
}


@pytest.mark.parametrize("pattern", SCHEMAS)
def test_files_for_hosts_are_valid(pattern):
    paths = sorted(ROOT.glob(pattern))
    command = [BIN / "check-jsonschema", "--builtin-schema", SCHEMAS[pattern], *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert paths and done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "data/README.md"])
def test_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / name).read_text())
    missing = [link for link in links if "://" not in link and not (ROOT / name).parent.joinpath(link).exists()]
    assert not missing, missing


def test_the_version_stands_in_one_place():
    version = re.search(r"^version = (\S+)$", (ROOT / "settings.ini").read_text(), re.M)[1]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f'__version__ = "{version}"' in (ROOT / "enhanceme" / "__init__.py").read_text()


def test_requirements_are_pinned():
    text = (ROOT / "settings.ini").read_text()
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.M)
    pins = {name.lower().replace("_", "-") for name in pins}
    wanted = re.findall(r"^    ([\w.-]+)(?:\[[\w,-]+\])?(?:[=<>]|$)", text, re.M)
    assert len(wanted) > 30 and not {name.lower() for name in wanted} - pins


def test_outputs_of_users_are_ignored():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    ignored = lambda path: not subprocess.run(["git", "-C", ROOT, "check-ignore", "-q", path]).returncode
    assert ignored("reports/x/index.html") and ignored("reports/x/scores.csv") and ignored("data/probav/norm.csv")
    assert not ignored("reports/index.html") and not ignored("reports/cpu/index.html")


def seconds(text):
    "A duration of a head, such as `25 min`."
    number, unit = re.fullmatch(r"([\d.]+) (s|min|h)", text).groups()
    return float(number) * {"s": 1, "min": 60, "h": 3600}[unit]


def test_the_heads_of_experiments_state_command_and_measured_cost():
    "Within a factor of two of the published study: durations depend on the machine."
    stages = {s["name"]: s["seconds"] for s in json.loads((ROOT / "reports/cpu/study.json").read_text())["stages"]}
    compared = 0
    for path in tracked("nbs/experiments/*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        head = "".join(next(c["source"] for c in cells if c["cell_type"] == "markdown"))
        assert f"nbs/experiments/{path.name} out.ipynb" in head and "**" in head, path.name
        if path.stem not in stages:  # the published study is older than the experiment
            continue
        compared += 1
        costs = [seconds(text) for text in re.findall(r"(?<=[:,] )([\d.]+ (?:s|min|h)) for", head.split("**Cost**")[1])]
        if path.stem not in stages:  # the published study has no page of it
            continue
        wanted = [stages[path.stem]]
        if path.stem == "e05_ablations":
            apart = {f"trials-{name}" for name in ("losses", "replication", "baselines", "ensembles", "real")}
            apart |= {f"trials-{name}" for name in ("labels", "detail", "orientations", "transfer")}
            apart |= {name for name in stages if name.startswith("trials-wish-")}
            wanted.insert(0, sum(s for name, s in stages.items() if name.startswith("trials-") and name not in apart))
        elif path.stem in TRIALS:
            wanted.insert(0, sum(stages[name] for name in TRIALS[path.stem]))
        assert len(costs) == len(wanted), (path.name, costs)
        assert all(want / 2 <= cost <= want * 2 for cost, want in zip(costs, wanted)), (path.name, costs, wanted)
    assert compared > 8


def test_bad_input_is_reported_with_its_parts():
    "Outside of comparisons, nothing parses a message: errors carry where, rule and mend."
    single = []
    for path in tracked("enhanceme/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                called = node.exc.func
                whole = len(node.exc.args) == 1 and not isinstance(node.exc.args[0], ast.Starred)
                if isinstance(called, ast.Name) and called.id == "UserError" and whole:
                    single.append(f"{path.name}:{node.lineno}")
    assert not single, single


@functools.cache
def defined(module):
    "The names that a module of the package defines or imports at its top level."
    names = set()
    for node in ast.walk(ast.parse((ROOT / "enhanceme" / f"{module}.py").read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_every_name_that_a_function_imports_exists():
    "Imports inside functions are resolved only when a command runs."
    modules = {path.stem for path in (ROOT / "enhanceme").glob("*.py")}
    missing = []
    for path in sorted((ROOT / "enhanceme").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            source = (node.module or "").removeprefix("enhanceme.") if node.level == 0 else node.module
            own = node.level == 1 or (node.module or "").startswith("enhanceme.")
            if own and source in modules:
                missing += [f"{path.stem}: {source}.{a.name}" for a in node.names if a.name not in defined(source)]
    assert not missing, missing
