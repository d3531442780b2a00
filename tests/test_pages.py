"""Every page of a small study in headless Chromium with the network off; see `check_pages.py`."""

import subprocess
import sys

import pytest
from conftest import ENV, ROOT, tracked

pytestmark = pytest.mark.xdist_group("study")


def check(folder):
    "Run `check_pages.py` on a folder; skips where there is no browser."
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "check_pages.py", folder],
        env=ENV,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.stdout.startswith("check_pages: skipped"):
        pytest.skip(done.stdout.strip())
    return done


def test_pages_need_no_network(study):
    done = check(study)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", tracked("reports/*/index.html"), ids=lambda p: p.parent.name)
def test_committed_reports_need_no_network(page):
    done = check(page.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_page_is_noticed(tmp_path):
    (tmp_path / "index.html").write_text(
        '<!DOCTYPE html><title>x</title><img src="none.png"><script '
        'src="https://example.org/x.js"></script><p>$$\\frac{a}{b}$$</p>'
    )
    done = check(tmp_path)
    assert done.returncode == 1 and all(word in done.stdout for word in ("network", "images", "LaTeX")), done.stdout
