"""Shared by the tests: the project, its commands, and a small simulated data set."""

import atexit
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).parent / "enhanceme")
ENV = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0"}
ENV.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle threads of BLAS spin: up to half of the CPU time
os.environ.update({**ENV, "MPLBACKEND": "agg"})  # before numpy is imported, here and in the server

SERVER = multiprocessing.get_context("forkserver")  # commands and notebooks run in forks of one process for each
SERVER.set_forkserver_preload(  # worker, which has imported this and computed nothing
    [
        *"tensorflow keras pandas matplotlib.pyplot skimage numba IPython nbdev.test nbformat".split(),
        *(f"enhanceme.{name}" for name in "cli comparison_page doctor study submission upscaling validation".split()),
    ]
)


def in_fork(function, *args, limit):
    "Call a function in a fork of the server; return its exit code, or None where it was killed after `limit` seconds."
    process = SERVER.Process(target=_led, args=(function, *args))
    process.start()
    process.join(limit)
    if process.is_alive():
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return None
    return process.exitcode


def _led(function, *args):
    "Call a function as the leader of a group of processes."
    os.setsid()
    function(*args)


def redirect(*paths):
    "Send the output and the error stream of this process to files."
    for stream, path in zip((1, 2), paths, strict=True):
        with open(path, "ab") as file:
            os.dup2(file.fileno(), stream)


def run_command(arguments, cwd, room, *streams):
    "Run a command of `enhanceme` in this process, to the end of a process; no file grows beyond `room` bytes."
    redirect(*streams)
    if room is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    os.chdir(cwd)
    sys.argv = [COMMAND, *arguments]
    from enhanceme.__main__ import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # a fork ends without them


def enhanceme(*args, cwd=ROOT, timeout=600, room=None):
    """Run a command as a user would, but for the imports, and return the finished process. `test_wheel` starts each
    command as a process of its own."""
    command = [COMMAND, *map(str, args)]
    with tempfile.TemporaryDirectory() as home:
        streams = [Path(home) / name for name in ("stdout", "stderr")]
        code = in_fork(run_command, command[1:], cwd, room, *streams, limit=timeout)
        out, err = (path.read_text() if path.exists() else "" for path in streams)
    if code is None:
        raise subprocess.TimeoutExpired(command, timeout, out, err)
    return subprocess.CompletedProcess(command, code, out, err)


def tracked(pattern):
    """The files that git tracks and that match a pattern below the project's root; all that match where git tracks
    nothing."""
    asked = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--", f":(glob){pattern}"], capture_output=True, text=True
    )
    found = [ROOT / name for name in asked.stdout.split("\0") if name]
    return sorted(found or ROOT.glob(pattern))


def refused(done, *words):
    "Assert that a command refused its input in one line that has all `words`."
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("enhanceme: ")]
    assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    assert ";" in lines[0] and all(word in lines[0] for word in words), lines[0]
    return lines[0]


def at_once(*args, gaps=(0,), cwd=ROOT, timeout=600, command=COMMAND, env=ENV):
    """Run a command several times into one place, the others some seconds after the first; return the finished
    processes, with their ids. Assert that one worked, and that the others waited or were refused by its name."""
    began, running = time.monotonic(), []
    for gap in (0, *gaps):
        time.sleep(max(0, began + gap - time.monotonic()))
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(subprocess.Popen([str(command), *map(str, args)], cwd=cwd, env=env, **pipes))
    ended = [(process, *process.communicate(timeout=timeout)) for process in running]
    worked = [process.pid for process, _, _ in ended if process.returncode == 0]
    assert worked, ended
    for process, _, err in ended:
        if process.returncode != 0:
            line = refused(subprocess.CompletedProcess([], process.returncode, "", err), "is writing it; wait until")
            assert any(f"process {pid} (enhanceme {args[0]})" in line for pid in worked), (line, worked)
    return ended


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    "A simulated data set of six scenes. Copy it before changing it."
    out = tmp_path_factory.mktemp("data") / "simulated"
    done = enhanceme("simulate", out, "--scenes", 6, "--seed", 5, "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def copy(data, tmp_path):
    "A copy of the simulated data set, to be damaged."
    return Path(shutil.copytree(data, tmp_path / "data"))


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    "A whole study at smoke size. Its tests are one xdist group, so that it is made once."
    out = tmp_path_factory.mktemp("study") / "a"
    done = enhanceme("study", "--profile", "smoke", "--out", out, timeout=900)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return out
