"""The notebooks are the source: the modules are their export, they are clean, they run, and they import downwards
only."""

import ast
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENV, ROOT, in_fork, redirect

NOTEBOOKS = sorted((ROOT / "nbs").glob("[0-9][0-9][0-9]_*.ipynb"))
EXPERIMENTS = sorted((ROOT / "nbs" / "experiments").glob("*.ipynb"))
BIN = Path(sys.executable).parent


def cells(path, kind="code"):
    "The sources of a notebook's cells of one kind."
    return ["".join(c["source"]) for c in json.loads(path.read_text())["cells"] if c["cell_type"] == kind]


def checkout(tmp_path):
    "A copy of what nbdev reads and writes, to run its tools on without touching the project."
    for name in ("nbs", "enhanceme"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    shutil.copy(ROOT / "settings.ini", tmp_path)
    return tmp_path


def names(folder, pattern):
    "The project's files under `folder`, relative."
    return {
        p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob(pattern) if ".ipynb_checkpoints" not in p.parts
    }


def test_modules_are_the_export_of_the_notebooks(tmp_path):
    copy = checkout(tmp_path)
    before = names("enhanceme", "*.py")
    for path in (copy / "enhanceme").glob("*.py"):
        if path.name != "__init__.py":
            path.unlink()
    done = subprocess.run([BIN / "nbdev_export"], cwd=copy, env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = {p.relative_to(copy).as_posix() for p in (copy / "enhanceme").glob("*.py")}
    assert after == before, f"run nbdev_export: {sorted(after ^ before)}"
    differ = [name for name in sorted(after) if not filecmp.cmp(copy / name, ROOT / name, shallow=False)]
    assert not differ, f"run nbdev_export, these differ from their notebooks: {differ}"


def test_notebooks_are_clean(tmp_path):
    copy = checkout(tmp_path)
    done = subprocess.run([BIN / "nbdev_clean"], cwd=copy, env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    differ = [p.name for p in NOTEBOOKS + EXPERIMENTS if not filecmp.cmp(copy / p.relative_to(ROOT), p, shallow=False)]
    assert not differ, f"run nbdev_clean, these are not clean: {differ}"


def execute(path, log):
    "Run a notebook as `nbdev_test --path` does, in this process; its exit code is 1 where the notebook fails."
    redirect(log, log)
    from nbdev.config import get_config
    from nbdev.test import test_nb

    os.chdir(ROOT / "nbs")
    passed, _ = test_nb(path, skip_flags=get_config().tst_flags.split(), basepath=ROOT)
    sys.exit(0 if passed else 1)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path):
    log = tmp_path / "log"
    code = in_fork(execute, path, log, limit=600)
    text = log.read_text() if log.exists() else ""
    assert code == 0, (code, text[-3000:])
    for line in text.splitlines():
        if line.startswith("skipped"):
            print(f"{path.stem}: {line}")


def imports(source):
    "The enhanceme modules a cell imports."
    tree = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.M))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "enhanceme":
                yield from (a.name for a in node.names)
            elif node.module.startswith("enhanceme."):
                yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("enhanceme."))


def test_a_notebook_imports_only_earlier_ones():
    "Sorted by name, notebooks are in import order. A notebook may import its own module: worker processes need it."
    order = {path.stem[4:]: place for place, path in enumerate(NOTEBOOKS)}
    upward = [
        f"{path.name} imports {name}"
        for path in NOTEBOOKS
        for source in cells(path)
        for name in imports(source)
        if order.get(name, -1) > order[path.stem[4:]]
    ]
    assert order["core"] == 0 and order["cli"] > 90 and not upward, upward


def test_the_readme_links_every_notebook():
    text = (ROOT / "README.md").read_text()
    linked = re.findall(r"\]\((nbs/[\w/]+\.ipynb)\)", text)
    here = [p.relative_to(ROOT).as_posix() for p in NOTEBOOKS + EXPERIMENTS]
    assert sorted(here) == sorted(set(linked) - {"nbs/explore.ipynb"})


def test_experiments_only_import():
    for path in EXPERIMENTS:
        for source in cells(path):
            tree = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.M))
            assert not [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))], (
                f"{path.name} defines something; move it to a library notebook"
            )
        assert "skip_exec: true" in "".join(cells(path, "raw")), (
            f"{path.name}: experiments are run by papermill, mark it skip_exec: true"
        )


def test_exported_cells_have_no_star_imports():
    starred = [
        p.name
        for p in NOTEBOOKS
        for s in cells(p)
        if re.search(r"^#\|\s*export", s, re.M) and re.search(r"^from\s+\S+\s+import\s+\*", s, re.M)
    ]
    assert not starred, starred
