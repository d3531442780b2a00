"""The realism scorecard: simulated scenes against real ones.

    python benchmarks/bench_realism.py [--scenes 200] [--seed 2016] [--simulated FOLDER] [--checkpoint PATH]

Simulates scenes (or takes the data set in FOLDER), measures each, lets the classical `map` and, with --checkpoint,
the published 3DWDSR reconstruct it, prints the card and keeps it: the scenes in `benchmarks/realism_scenes.csv`, the
card in `benchmarks/realism.csv`, both by version of the simulator. The real scenes are those of
`benchmarks/sensor_scenes.csv`. The bands take turns, and a run that was interrupted goes on where it stopped.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd

from enhanceme.classical import classical_image
from enhanceme.core import written_whole
from enhanceme.datasets import FIRST_ID, SIMULATOR
from enhanceme.metrics import baseline, cpsnr
from enhanceme.scenes import find_scenes, read_scene
from enhanceme.scorecard import scorecard
from enhanceme.sensor_survey import survey_scene
from enhanceme.simulation import simulate_scene
from enhanceme.simulation_settings import SimulationConfig

HERE = Path(__file__).parent
BAND_OF = {"RED": (0, 594), "NIR": (594, 1160)}  # ids of the archive's training scenes


def archive_norms(path):
    "The baselines of the archive's training scenes by band, dB."
    table = pd.read_csv(path, sep=r"\s+", header=None, names=["scene", "norm"])
    number = table["scene"].str[6:].astype(int)
    return {band: table["norm"][(number >= low) & (number < high)] for band, (low, high) in BAND_OF.items()}


def open_network(checkpoint):
    "A function that reconstructs a scene with the published network, or None."
    if checkpoint is None:
        return None
    from enhanceme.prediction import super_resolve
    from enhanceme.weights import import_published, load_model

    with tempfile.TemporaryDirectory() as folder:
        network, config = load_model(import_published(checkpoint, Path(folder) / "3dwdsr.keras"))
    return lambda scene: super_resolve(network, config, scene)


def measured(scene, network, most):
    "A row: the survey of a scene and what the methods gain on it."
    row = survey_scene(scene, int(scene.truth["same_frame"]), most)
    row["map gain"] = cpsnr(classical_image("map", scene), *scene.target) - row["norm"]
    if network is not None:
        row["3dwdsr gain"] = cpsnr(network(scene), *scene.target) - row["norm"]
    return row


def written(folder):
    "The training scenes of a simulated data set, the bands in turn: (name, function that gives the scene)."
    paths = [sorted(p for p in find_scenes(folder, split="train") if p.parent.name == band) for band in BAND_OF]
    for pair in zip(*paths):
        for path in pair:
            yield path.name, lambda path=path: read_scene(path)


def drawn(count, seed):
    "New scenes, the bands in turn: (name, function that gives the scene)."

    def scene(number, band):
        simulated = simulate_scene(number, seed, band, SimulationConfig())
        return replace(simulated, norm=baseline(simulated))

    for k in range(count):
        band = list(BAND_OF)[k % 2]
        number = FIRST_ID["train", band][0] + k // 2
        yield f"imgset{number:04d}", lambda number=number, band=band: scene(number, band)


def keep(table, path, version):
    "Write a table's rows of a version into a file that holds other versions too."
    old = pd.read_csv(path) if path.exists() else None
    others = old[old["version"].astype(str) != str(version)] if old is not None else None
    whole = pd.concat([others, table.assign(version=version)], ignore_index=True)
    with written_whole(path) as part:
        whole.round(4).to_csv(part, index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200, help="in all, both bands together")
    parser.add_argument("--seed", type=int, default=2016)
    parser.add_argument("--simulated", type=Path, help="a simulated data set to measure, instead of new scenes")
    parser.add_argument("--norms", type=Path, default=HERE / "../../shared/data/probav96/norm.csv")
    parser.add_argument("--checkpoint", type=Path, help="the published checkpoint of 3DWDSR")
    parser.add_argument("--most", type=int, default=8, help="frames of other dates that are fitted in each scene")
    parser.add_argument("--version", default=str(SIMULATOR), help="name of the rows in the files")
    parser.add_argument("--out", type=Path, default=HERE)
    args = parser.parse_args()
    if not args.norms.is_file():
        sys.exit(f"{args.norms}: no such file; give the archive's norm.csv with --norms")
    args.out.mkdir(parents=True, exist_ok=True)
    network, part = open_network(args.checkpoint), args.out / f".realism_{args.version}.csv"
    rows = {row["scene"]: row for row in pd.read_csv(part).to_dict("records")} if part.exists() else {}
    names = []
    for name, scene in written(args.simulated) if args.simulated else drawn(args.scenes, args.seed):
        names.append(name)
        if name not in rows:
            rows[name] = measured(scene(), network, args.most)
            pd.DataFrame(list(rows.values())).to_csv(part, index=False)
    scenes, real = pd.DataFrame([rows[name] for name in names]), pd.read_csv(HERE / "sensor_scenes.csv")
    card = scorecard(scenes, real, archive_norms(args.norms))
    keep(scenes, args.out / "realism_scenes.csv", args.version)
    keep(card, args.out / "realism.csv", args.version)
    print(card.round(3).to_string(index=False))
    print(f"{card['met'].sum()} of {len(card)} lines are met by {len(scenes)} scenes of version {args.version}")


if __name__ == "__main__":
    main()
