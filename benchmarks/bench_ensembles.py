"""What each way of asking a network again gains, and what it costs.

Usage: python benchmarks/bench_ensembles.py DATA RUN_OR_FILE [RUN_OR_FILE ...] [--scenes N] [--csv FILE]
DATA is a data set with HR (or simulated), RUN a trained network; scenes that the run trained on are left out. Prints, for each option, the mean gain in cPSNR over the single answer
with its 95 % interval over scenes, the share of scenes won, network passes and seconds per scene (registration included), then the classical methods against the baseline.
Given several networks, their mean is an option too, against the best of them. One core: OMP_NUM_THREADS=1.
"""
import argparse, sys, time

import numpy as np
import pandas as pd

from enhanceme.classical import CLASSICAL, classical_image
from enhanceme.metrics import baseline, bootstrap_mean, cpsnr, paired_difference
from enhanceme.prediction import passes, super_resolve
from enhanceme.scenes import find_scenes, read_norms, read_scene
from enhanceme.study import held_out
from enhanceme.training import load_model

OPTIONS = {"flips 4": ["flips=4"], "flips and turns 8": ["flips=8"], "permutations 4": ["permutations=4"], "permutations 20": ["permutations=20"],
           "windows 2": ["windows=2"], "windows 3": ["windows=3"], "windows 5": ["windows=5"], "windows 3, equal weights": ["windows=3", "window_decay=1"],
           "flips 4, windows 3": ["flips=4", "windows=3"], "tiles of 64, overlap 16": ["tile=64"], "tiles of 32, overlap 16": ["tile=32"], "lattice of 16 DN": ["lattice=true"], "clip to 14 bits": ["clip=true"]}


def timed(make, scenes):
    "cPSNR of each scene and mean seconds."
    start = time.perf_counter()
    images = [make(s) for s in scenes]
    return np.array([cpsnr(sr, *s.target) for sr, s in zip(images, scenes)]), (time.perf_counter() - start) / len(scenes)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data"); arguments.add_argument("runs", nargs="+")
    arguments.add_argument("--scenes", type=int, default=16); arguments.add_argument("--csv"); arguments.add_argument("--only", nargs="*", help="options by name")
    a = arguments.parse_args()
    norms = read_norms(a.data)
    try: folders = list(held_out(a.data, a.runs[0]))
    except (FileNotFoundError, NotADirectoryError): folders = find_scenes(a.data)
    scenes = [s for s in (read_scene(f, norms) for f in folders) if s.target is not None][:a.scenes]
    norm = np.array([baseline(s) if s.norm is None else s.norm for s in scenes])
    rows = []

    def tell(option, gain, against, n_passes, seconds, wins=None):
        rows.append(dict(option=option, against=against, gain=gain.mean, low=gain.low, high=gain.high, wins=wins, passes=n_passes, seconds=seconds))
        print(f"{option:28} {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] dB over the {against}{'' if wins is None else f', wins {wins:4.0%}'}, {n_passes} passes, {seconds:.2f} s", flush=True)

    print(f"{len(scenes)} held-out scenes of {a.data}")
    singles = {}
    for run in a.runs:
        network, config = load_model(run)
        super_resolve(network, config, scenes[0])
        single, cost = timed(lambda s: super_resolve(network, config, s), scenes)
        tell(f"{config.model.preset}, single", bootstrap_mean(single - norm), "baseline", 1, cost)
        singles[run] = single
        for option, changes in OPTIONS.items():
            if a.only and option not in a.only: continue
            other = config.change(*[f"prediction.{c}" for c in changes])
            values, seconds = timed(lambda s: super_resolve(network, other, s), scenes)
            paired = paired_difference(values, single)
            tell(option, paired.difference, "single", passes(other.prediction), seconds, paired.wins)
    if len(a.runs) > 1:
        networks, configs = zip(*map(load_model, a.runs))
        values, seconds = timed(lambda s: super_resolve(networks, configs, s), scenes)
        paired = paired_difference(values, max(singles.values(), key=np.mean))
        tell(f"mean of {len(a.runs)} networks", paired.difference, "best single", len(a.runs), seconds, paired.wins)
    for name in CLASSICAL:
        values, seconds = timed(lambda s: classical_image(name, s), scenes)
        tell(name, bootstrap_mean(values - norm), "baseline", 0, seconds)
    if a.csv: pd.DataFrame(rows).to_csv(a.csv, index=False)


if __name__ == "__main__": sys.exit(main())
