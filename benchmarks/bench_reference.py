"""Gain of a network that is given the frame of HR's acquisition, by the number of copies of that frame.

    python benchmarks/bench_reference.py DATA [NETWORK] [--every 4] [--first 0] [--copies 1 3 6 14 30] [--csv FILE]

DATA holds train scenes with HR and reference.json, such as ../shared/data/probav96. NETWORK is a run folder or a
.keras file (default: the weights that ship). One scene of EVERY is used, beginning with the scene FIRST. A row for
each scene: gains over the baseline in dB with an unknown frame (`guess`) and with copies of the known one.
"""

import argparse

import pandas as pd
from tqdm import tqdm

from enhanceme import reference
from enhanceme.layout import read_norms
from enhanceme.methods import open_networks
from enhanceme.metrics import cpsnr
from enhanceme.prediction import super_resolve
from enhanceme.scenes import find_scenes, read_scene


def main():
    "Measure, print the means and write the table."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("network", metavar="NETWORK", nargs="?", default="network")
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 3, 6, 14, 30])
    parser.add_argument("--csv", metavar="FILE")
    args = parser.parse_args()
    (network,), (config,), _ = open_networks([args.network])
    guess, given = (config.change(f"prediction.reference={how}") for how in ("guess", "given"))
    norms, rows = read_norms(args.data), []
    for folder in tqdm(find_scenes(args.data, split="train")[args.first :: args.every], unit="scene"):
        scene = read_scene(folder, norms)
        if scene.hr is None or scene.label is None:
            continue
        gain = lambda how, scene=scene: cpsnr(super_resolve(network, how, scene), scene.hr, scene.sm) - scene.norm
        row = {"scene": scene.key, "guess": gain(guess)}
        for copies in args.copies:
            reference.COPIES = copies
            row[f"{copies} copies"] = gain(given)
        rows.append(row)
        if args.csv:
            pd.DataFrame(rows).round(4).to_csv(args.csv, index=False)
    print(pd.DataFrame(rows).drop(columns="scene").mean().round(3).to_string())


if __name__ == "__main__":
    main()
