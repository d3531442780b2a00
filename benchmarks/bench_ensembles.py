"""Gain and cost of test-time augmentations and ensembles.

    python benchmarks/bench_ensembles.py DATA RUN_OR_FILE [RUN_OR_FILE ...] [--scenes N] [--csv FILE [--append]]

DATA is a data set with HR (or simulated), RUN a trained network; scenes that the run trained on are left out.
Prints, for each option, the mean gain in cPSNR over a single pass with its 95 % interval over scenes, the share of
scenes that gain, network passes and seconds per scene (registration included), then the classical methods against the
baseline. With several networks, their mean is compared with the best of them. One core: OMP_NUM_THREADS=1.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from enhanceme.classical import CLASSICAL, classical_image
from enhanceme.effects import ensemble_gains
from enhanceme.metrics import baseline, cpsnr
from enhanceme.prediction import super_resolve
from enhanceme.scenes import find_scenes, read_norms, read_scene
from enhanceme.statistics import bootstrap_mean, paired_difference, win_rate
from enhanceme.study import held_out
from enhanceme.surveys import ensemble_rows, options_of
from enhanceme.weights import load_model


def timed(make, scenes):
    "cPSNR of each scene and mean seconds."
    start = time.perf_counter()
    images = [make(s) for s in scenes]
    return np.array([cpsnr(sr, *s.target) for sr, s in zip(images, scenes)]), (time.perf_counter() - start) / len(
        scenes
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data")
    arguments.add_argument("runs", nargs="+")
    arguments.add_argument("--scenes", type=int, default=16)
    arguments.add_argument("--csv")
    arguments.add_argument("--append", action="store_true", help="add the options that FILE does not have")
    arguments.add_argument("--only", nargs="*", help="options by name")
    a = arguments.parse_args()
    norms = read_norms(a.data)
    try:
        folders = list(held_out(a.data, a.runs[0]))
    except (FileNotFoundError, NotADirectoryError):
        folders = find_scenes(a.data)
    scenes = [s for s in (read_scene(f, norms) for f in folders) if s.target is not None][: a.scenes]
    norm = np.array([baseline(s) if s.norm is None else s.norm for s in scenes])
    rows = []

    def tell(option, gain, against, n_passes, seconds, wins=None):
        rows.append(
            dict(
                option=option,
                against=against,
                gain=gain.mean,
                low=gain.low,
                high=gain.high,
                wins=wins,
                passes=n_passes,
                seconds=seconds,
            )
        )
        print(
            f"{option:28} {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] dB over the "
            f"{against}{'' if wins is None else f', wins {wins:4.0%}'}, {n_passes} passes, {seconds:.2f} s",
            flush=True,
        )

    print(f"{len(scenes)} held-out scenes of {a.data}")
    wanted = {name: how for name, how in options_of().items() if not a.only or name in (*a.only, "single")}
    singles = {}
    for run in a.runs:
        network, config = load_model(run)
        super_resolve(network, config, scenes[0])
        found = pd.DataFrame(
            [
                {"network": config.model.preset, "scene": s.key, **row}
                for s in scenes
                for row in ensemble_rows(network, config, s, wanted)
            ]
        )
        single = found[found.option == "single"].set_index("scene").cpsnr[[s.key for s in scenes]].to_numpy()
        singles[run] = single
        tell(
            f"{Path(run).stem}, single",
            bootstrap_mean(single - norm),
            "baseline",
            1,
            found[found.option == "single"].seconds.mean(),
        )
        for e in ensemble_gains(found).itertuples():
            if e.option != "single":
                tell(
                    e.option, e, "single", e.passes, e.seconds, win_rate(found[found.option == e.option].cpsnr, single)
                )
    if len(a.runs) > 1:
        networks, configs = zip(*map(load_model, a.runs))
        values, seconds = timed(lambda s: super_resolve(networks, configs, s), scenes)
        paired = paired_difference(values, max(singles.values(), key=np.mean))
        tell(f"mean of {len(a.runs)} networks", paired.difference, "best single", len(a.runs), seconds, paired.wins)
    for name in CLASSICAL:
        values, seconds = timed(lambda s, name=name: classical_image(name, s), scenes)
        tell(name, bootstrap_mean(values - norm), "baseline", 0, seconds)
    table = pd.DataFrame(rows)
    if a.append:
        table = pd.concat([pd.read_csv(a.csv), table]).drop_duplicates("option")
    if a.csv:
        table.to_csv(a.csv, index=False)


if __name__ == "__main__":
    sys.exit(main())
