"""Every benchmark prints its help, and what it imports exists; none is run."""

import ast
import importlib
import runpy
import sys

import pytest
from conftest import tracked

BENCHMARKS = tracked("benchmarks/*.py")


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_prints_its_help(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [path.name, "--help"])
    monkeypatch.syspath_prepend(path.parent)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    shown = capsys.readouterr().out
    first = ast.get_docstring(ast.parse(path.read_text())).split()[:5]
    assert end.value.code == 0 and "usage:" in shown and " ".join(first) in " ".join(shown.split())


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_the_names_that_a_benchmark_imports_exist(path):
    "Also those that its functions import."
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    own = [node for node in nodes if (node.module or "").split(".")[0] == "enhanceme"]
    for node in own:
        module = importlib.import_module(node.module)
        for name in node.names:
            if not hasattr(module, name.name):
                importlib.import_module(f"{node.module}.{name.name}")
