"""Ensembles, and the label of HR's frame, on real scenes that the networks have not seen.

    python benchmarks/bench_real_ensembles.py DATA RUN

RUN is the folder of `enhanceme validate`: the network of each fold (the mean of several) predicts the
scenes that were held out from it.
Writes benchmarks/ensembles_real.csv and benchmarks/validation_given.csv: gains over the official baseline in dB.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from enhanceme.choice import LOWEST
from enhanceme.core import project_root, written_whole
from enhanceme.folds import CrossFitted, fold_store, label_positions, make_folds
from enhanceme.methods import default_weights
from enhanceme.metrics import cpsnr
from enhanceme.patching import Prepared
from enhanceme.prediction import ensemble, with_margin
from enhanceme.preparation import Store
from enhanceme.stream import store_places
from enhanceme.validation import held_out_scores, load_average
from enhanceme.weights import baselines, load_model


def images(scene: Prepared, network, config, other, other_config):  # gains are computed from these, by name
    "Predict a scene in several ways."
    stack = with_margin(scene.stack, 0, 0, scene.stack.frames.shape[1:])
    at = lambda *changes: ensemble(network, config.change(*changes) if changes else config, stack)
    one, flips, eleven, six = at(), at("prediction.flips=4"), at("prediction.frames=11"), at("prediction.frames=6")
    fusion = ensemble(other, other_config, stack)
    yield from {"one pass": one, "4 flips": flips, "nested 3": (one + eleven + six) / 3}.items()
    yield from {"11 frames": eleven, "6 frames": six, "fusion": fusion, "with fusion": (one + fusion) / 2}.items()
    yield "flips and nested", flips / 2 + (eleven + six) / 4


def told(store, keys, labels):
    "The store with the label of each scene as its certain frame."
    features = {}
    for key in keys:
        features[key] = np.array(store.load(key).stack.features)
        features[key][:, -1] = np.where(np.arange(len(features[key])) == labels[key], 0, LOWEST)
    return CrossFitted(store.root, features)


def write(table, name):
    "Write a table into the folder of benchmarks."
    with written_whole(project_root() / "benchmarks" / name) as part:
        table.to_csv(part, index=False, float_format="%.4f")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("run", type=Path)
    args = parser.parse_args()
    store = Store(args.run / "store")
    keys = store.trainable()
    labels, norms = label_positions(args.data, keys), baselines(args.data, keys)
    folds = make_folds(keys, store_places(store, keys))
    other, other_config = load_model(default_weights(name="fusion"))
    rows, given = [], []
    for i, held_out in enumerate(folds):
        fitted = fold_store(store, labels, [key for key in keys if key not in held_out], held_out)
        runs = [p for p in sorted((args.run / "folds").glob(f"fold{i}*")) if p.name.split("-")[0] == f"fold{i}"]
        network, config = load_average(runs)
        for key in held_out:
            scene = fitted.load(key)
            gain = lambda image: cpsnr(image, scene.hr, scene.sm) - norms[key]  # noqa: B023, used at once
            ways = images(scene, network, config, other, other_config)
            rows.append({"scene": key, "fold": i} | {way: gain(image) for way, image in ways})
        labelled = [key for key in held_out if key in labels]
        given.append(held_out_scores(network, config, told(store, labelled, labels), labelled, labels, norms))
    write(pd.DataFrame(rows), "ensembles_real.csv")
    write(pd.concat(given)[["scene", "gain"]], "validation_given.csv")


if __name__ == "__main__":
    main()
