"""The campaign of hostile input passes."""

import subprocess
import sys

from conftest import ENV, ROOT

CASES, KILLS = 500, 20


def test_hostile_input_and_kills_do_no_harm():
    command = [sys.executable, ROOT / "tests" / "campaign.py", "--cases", CASES, "--kills", KILLS]
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=ENV, capture_output=True, text=True, timeout=1800
    )
    print(done.stdout[-6000:])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"{CASES} cases, {KILLS} kills" in done.stdout
