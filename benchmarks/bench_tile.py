"""Wall time and peak memory of `enhanceme upscale` on a synthetic PROBA-V tile: 30 daily products (S1, 333 m, HDF5).

    python benchmarks/bench_tile.py [--side 3360] [--days 30] [--kills 2] [--again] [--keep FOLDER] [--csv FILE]

Writes the products, runs the command in a process of its own, kills it with SIGKILL after each of some pauses, and
lets it go on. Prints wall seconds, CPU seconds and peak resident memory of each call, and how far the corners of the
result lie from those of the products, in degrees. `--again` also runs it without a kill and compares the bytes.
Exits with 1 where a call takes 4 GB or more, a corner is off by 1e-9 degrees or the bytes differ. `--csv` appends a row
whose load is the mean number of processes that wished for a core, so that seconds on a busy machine are known as such.
"""

import argparse
import contextlib
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

GB, CORNER, STEP = 2**30, (0.0, 50.0), 1 / 336
RUN = [sys.executable, "-c", "from enhanceme.cli import main; main()", "upscale"]


def write_days(folder, side, days):
    "Smooth ground at small shifts with clouds of some days, one product a day."
    from enhanceme.products import write_product

    rng = np.random.default_rng(0)
    ground = 450 + 110 * ndimage.gaussian_filter(rng.normal(size=(side, side)).astype(np.float32), 1.2) / 0.23
    for day in range(days):
        each = np.random.default_rng([1, day])
        seen = ndimage.shift(ground, each.normal(0, 0.2, 2), order=1, mode="nearest")
        seen += each.normal(0, 3, seen.shape).astype(np.float32)
        cloud = ndimage.zoom(each.random((side // 64 + 1, side // 64 + 1)) > 0.8, 64, order=0)[:side, :side]
        red = np.where(cloud, 1800, seen.clip(20, 1000)).astype(np.int16)
        status = np.where(cloud, 0b11111011, 0b11111000).astype(np.uint8)
        name = f"PROBAV_S1_TOA_X18Y02_201806{day + 1:02d}_333M_V101.HDF5"
        write_product(folder / name, {"RED": red}, status, CORNER, STEP, compression="gzip", chunks=(256, 256))


def call(command, kill_after=None):
    "Exit status, wall and CPU seconds, peak resident memory in bytes of a command, killed after some seconds."
    start = time.perf_counter()
    process = subprocess.Popen(command)
    if kill_after is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(kill_after)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0) if process.returncode is None else (0, 0, None)
    if used is None:
        return process.returncode, time.perf_counter() - start, 0.0, 0
    unit = 1 if sys.platform == "darwin" else 1024
    cost = used.ru_utime + used.ru_stime, used.ru_maxrss * unit
    return os.waitstatus_to_exitcode(status), time.perf_counter() - start, *cost


def corners_off(path, side):
    "The largest distance of a corner of the result from that of the products, degrees."
    import rasterio

    with rasterio.open(path) as file:
        found = file.bounds
        moved = abs(found.left - CORNER[0] + STEP / 2), abs(found.top - CORNER[1] - STEP / 2)
        shift = [round(m / (STEP / 3)) * STEP / 3 for m in moved]  # whole pixels by which the median frame lies off
        size = abs(found.right - found.left - side * STEP), abs(found.top - found.bottom - side * STEP)
        print(f"moved by {[round(s / STEP * 3) for s in shift]} fine pixels; {file.width} x {file.height} px")
    return max(*(abs(m - s) for m, s in zip(moved, shift)), *size)


def append(path, row):
    "Add a row to a table, with a head where it is new."
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--side", type=int, default=3360)
    ask.add_argument("--days", type=int, default=30)
    ask.add_argument("--kills", type=int, default=2)
    ask.add_argument("--pause", type=float, default=60, help="seconds before each kill")
    ask.add_argument("--again", action="store_true")
    ask.add_argument("--keep", type=Path)
    ask.add_argument("--csv", type=Path)
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        folder = args.keep or Path(tmp)
        days = folder / "days"
        if not days.exists():
            days.mkdir(parents=True)
            write_days(days, args.side, args.days)
        out, worst, total, load = folder / "tile.tif", 0, np.zeros(2), []
        for kill in [args.pause] * args.kills + [None]:
            code, wall, cpu, peak = call([*RUN, str(days), str(out), "--count"], kill)
            print(f"exit {code}, {wall:.0f} s, {cpu:.0f} s of CPU, peak {peak / GB:.2f} GB", flush=True)
            worst, total = max(worst, peak), total + (wall, cpu)
            load.append(os.getloadavg()[2])
        off = corners_off(out, args.side)
        print(f"corners {off:.1e} degrees off", flush=True)
        row = dict(side=args.side, days=args.days, kills=args.kills, wall_s=round(total[0]), cpu_s=round(total[1]))
        row |= dict(peak_gb=round(worst / GB, 2), corners_degrees=f"{off:.1e}", same_bytes="", cores=os.cpu_count())
        row |= dict(load=round(float(np.mean(load)), 1))
        failed = code != 0 or worst >= 4 * GB or off > 1e-9
        if args.again:
            call([*RUN, str(days), str(folder / "again.tif"), "--count"])
            same = out.read_bytes() == (folder / "again.tif").read_bytes()
            print("the same bytes without a kill" if same else "OTHER BYTES without a kill")
            failed, row["same_bytes"] = failed or not same, same
        if args.csv:
            append(args.csv, row)
        return int(failed)


if __name__ == "__main__":
    sys.exit(main())
