"""Peak memory and time of simulating and preparing data sets of growing size, in processes of their own; TensorFlow
must not be loaded.

    python benchmarks/bench_simulation.py [--scenes 100,400,1450] [--seed 0] [--work FOLDER]

The peak is that of the command's process and of its largest worker (resident set, sampled ten times a second). Flat
means that the largest data set needs at most a quarter more than the smallest. Time is a ratio:
seconds a scene at the largest size over those at the smallest.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

LIMIT = 1000  # MB a process
CODE = {
    "simulate": """
    from enhanceme.config import Config
    from enhanceme.datasets import simulate_dataset
    simulate_dataset(sys.argv[1], int(sys.argv[2]), int(sys.argv[4]), Config().simulation)
    """,
    "prepare": """
    from enhanceme.config import Config
    from enhanceme.preparation import prepare
    prepare(sys.argv[1], sys.argv[3], Config().registration)
    """,
}


def measure(stage, *args):
    "Wall seconds, and peak MB of the process and of its largest child."
    code = f"import sys\nif __name__ == '__main__':\n    {CODE[stage].strip()}\n"
    code += "    assert 'tensorflow' not in sys.modules\n"
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(code)
        script.flush()
        start, own, worker = time.perf_counter(), 0, 0
        process = psutil.Popen([sys.executable, script.name, *map(str, args)], stderr=subprocess.DEVNULL)
        while process.poll() is None:
            try:
                own = max(own, process.memory_info().rss)
                worker = max([worker, *(c.memory_info().rss for c in process.children(recursive=True))])
            except psutil.NoSuchProcess:
                pass
            time.sleep(0.1)
        if process.returncode:
            sys.exit(f"{stage} failed")
    return {"seconds": round(time.perf_counter() - start, 1), "process_mb": own / 1e6, "worker_mb": worker / 1e6}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default="20,60", help="sizes of the data sets; the claim is shown at 100,400,1450")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes")
    parser.add_argument("--work", type=Path, help="where the data sets go; a temporary folder if not given")
    args = parser.parse_args()
    sizes = [int(n) for n in args.scenes.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        work, rows = args.work or Path(temporary), []
        for n in sizes:
            for stage in CODE:
                rows.append(
                    {
                        "stage": stage,
                        "scenes": n,
                        **measure(stage, work / f"data-{n}", n, work / f"store-{n}", args.seed),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    good = True
    for stage in CODE:
        mine = [r for r in rows if r["stage"] == stage]
        peak = [max(r["process_mb"], r["worker_mb"]) for r in mine]
        growth, pace = (
            peak[-1] / peak[0],
            (mine[-1]["seconds"] / mine[-1]["scenes"]) / (mine[0]["seconds"] / mine[0]["scenes"]),
        )
        ok = max(peak) <= LIMIT and growth <= 1.25
        good &= ok
        print(
            f"{stage}: peak {max(peak):.0f} MB a process (limit {LIMIT}), {sizes[-1]} scenes need "
            f"{growth:.2f} times the memory of {sizes[0]}, a scene takes {pace:.2f} times as long: "
            f"{'met' if ok else 'NOT MET'}"
        )
    sys.exit(not good)


if __name__ == "__main__":
    main()
