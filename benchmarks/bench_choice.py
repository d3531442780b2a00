"""What tells HR's frame: the mean log-probability given to it with some of the numbers left out, cross-fitted by place.

    python benchmarks/bench_choice.py DATA --store reports/local-weights-real/store

DATA is a data set with labelled real scenes. Writes benchmarks/choice.csv.
"""

import argparse

import numpy as np
import pandas as pd

from enhanceme.choice import CHOICE, Choice, fit_choice, log_likelihoods, read_choice
from enhanceme.config import Config
from enhanceme.core import project_root, written_whole
from enhanceme.folds import label_positions, make_folds
from enhanceme.preparation import prepare
from enhanceme.registration import choice_table
from enhanceme.statistics import bootstrap_mean
from enhanceme.stream import store_places

BRIGHTNESS = ("level", "level distance", "level rank distance", "contrast distance")
SHIFTS = ("shift x", "far in x", "correlation")
CLEARANCE = ("clearance", "clearance rank", "clear sharpness")
SHARPNESS = ("dx2", "dy1", "disagreement", "fine disagreement")
GROUPS = {
    "all numbers": CHOICE,
    "without brightness": [n for n in CHOICE if n not in BRIGHTNESS],
    "without shifts": [n for n in CHOICE if n not in SHIFTS],
    "without clearance": [n for n in CHOICE if n not in CLEARANCE],
    "without sharpness": [n for n in CHOICE if n not in SHARPNESS],
    "sharpness and clearance": SHARPNESS + CLEARANCE[:1],
    "brightness": BRIGHTNESS,
    "chance": (),
}


def kept_only(table, names):
    "The table (T, 14) with zeros in the columns that are left out."
    return table * np.isin(CHOICE, list(names))


def placed(log_p, place):
    "Log-probability of the right frame, and whether it is the first and among the first three."
    better = (log_p > log_p[place]).sum()
    return log_p[place], better == 0, better < 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--store", required=True, help="folder of its prepared scenes")
    args = parser.parse_args()
    store = prepare(args.data, args.store, Config.load("weights-real").registration, split="train", workers=1)
    keys = store.trainable()
    labels = label_positions(args.data, keys)
    stacks = {key: store.load(key).stack for key in keys if key in labels}
    tables = {key: choice_table(stack) for key, stack in stacks.items() if stack.kept[labels[key]]}
    places = {key: int(stacks[key].kept[: labels[key]].sum()) for key in tables}
    folds = make_folds(sorted(tables), store_places(store, sorted(tables)))
    rows = []

    def add(group, found):
        values, first, third = zip(*found)
        mean = bootstrap_mean(values)
        row = {"numbers": group, "scenes": len(values), "log_p": mean.mean, "low": mean.low, "high": mean.high}
        if group != "chance":
            row |= {"first": np.mean(first), "among three": np.mean(third)}
        rows.append(row)
        print(row)

    for group, names in GROUPS.items():
        found = []
        for held_out in folds:
            others = [key for key in tables if key not in held_out]
            choice = fit_choice([kept_only(tables[k], names) for k in others], [places[k] for k in others])
            for key in held_out:
                log_p = log_likelihoods(kept_only(tables[key], names), Choice(choice.scale, choice.weight))
                found.append(placed(log_p, places[key]))
        add(group, found)
    simulated = read_choice(name="simulated")
    add("fitted on simulated scenes", [placed(log_likelihoods(tables[k], simulated), places[k]) for k in tables])
    with written_whole(project_root() / "benchmarks" / "choice.csv") as part:
        pd.DataFrame(rows).to_csv(part, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
