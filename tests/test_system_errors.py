"""A disk that fills up, and other errors of the system: one line for every command, and nothing half-written."""

import subprocess
import sys

from conftest import ENV, ROOT


def test_every_command_survives_errors_of_the_system():
    command = [sys.executable, ROOT / "tests" / "system_errors.py", "--light", "--moments", "1", "--share", "0.25"]
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env=ENV, capture_output=True, text=True, timeout=1200)
    print(done.stdout[-6000:])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert ": 0 failed" in done.stdout
