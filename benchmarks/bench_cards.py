"""Write the model cards of the weights that ship, and score `fusion` on real scenes, which it never saw.

    python benchmarks/bench_cards.py DATA --store reports/local-weights-real/store

Writes benchmarks/validation_fusion.csv (unless it is there), enhanceme/weights/{fusion,fusion-real}.md and the page
reports/weights.html.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from enhanceme.cards import cards_page, model_card
from enhanceme.choice import CHOICE
from enhanceme.config import Config
from enhanceme.core import project_root, written_whole
from enhanceme.folds import FOLDS
from enhanceme.inference import load_network
from enhanceme.prediction import super_resolve
from enhanceme.preparation import prepare
from enhanceme.scenes import find_scenes, read_scene
from enhanceme.validation import score_weights

LICENCE = "weights: as the project; PROBA-V data: ESA/VITO, for research, not redistributed here"
LIMITS = (
    "PROBA-V RED and NIR at 300 m; other sensors have other kernels. Scenes that change within the month are the "
    "hardest. The image is a mean over what is likely, so fine detail that no frame shows is smooth"
)
WEIGHTS = project_root() / "enhanceme" / "weights"
BENCH = project_root() / "benchmarks"


def seconds_a_scene(path, data, count=10):
    "Median CPU time, all threads together, to predict a scene of at least 16 frames, registration included."
    network, config = load_network(path)
    scenes = (read_scene(folder, {}) for folder in find_scenes(data, split="train")[::4])
    scenes = [scene for scene in scenes if len(scene.frames) >= 16][: count + 1]
    seconds = []
    for scene in scenes:
        before = time.process_time()
        super_resolve(network, config, scene)
        seconds.append(time.process_time() - before)
    return float(np.median(seconds[1:]))  # the first compiles


def cpu_seconds(records):
    "CPU time of trainings, all threads together, from their training.json."
    return sum(json.loads(path.read_text())["cpu_s"] for path in records)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a data set with labelled real scenes")
    parser.add_argument("--store", required=True, help="folder of its prepared scenes")
    parser.add_argument("--run", help="folder of `enhanceme validate`, for the training times")
    parser.add_argument("--weights-run", default="reports/local-weights/run", help="run folder of `make weights`")
    args = parser.parse_args()

    path = BENCH / "validation_fusion.csv"
    if not path.exists():
        store = prepare(args.data, args.store, Config.load("weights-real").registration, split="train", workers=1)
        scores = score_weights(WEIGHTS / "fusion.keras", args.data, store)
        with written_whole(path) as part:
            scores.to_csv(part, index=False, float_format="%.4f")
    seconds = cpu_seconds([Path(args.weights_run) / "training.json"])
    runs = sorted(Path(args.run or ".").glob("folds/fold*/training.json"))
    cards = {
        "fusion": dict(
            title="fusion: simulated scenes only",
            data="1000 scenes by version 3 of the simulator (profile `weights`), no real image; the logit that chooses "
            f"HR's frame (`choice.csv`, {len(CHOICE)} weights) is fitted on labels of real scenes",
            command="make weights",
            minutes=f"{seconds / 60:.0f} minutes of CPU time for the training",
            judged="gain over the official baseline in dB on real scenes, none of them used in training; the choice of "
            "HR's frame is fitted without the place of the scene",
        ),
        "fusion-real": dict(
            title="fusion-real: simulated and real scenes (default)",
            data="starts from `fusion`; then 96 labelled real scenes of the PROBA-V archive "
            "(`profiles/weights-real.txt`), labels of PROBA-V-REF",
            command="make weights-real DATA=folder",
            minutes=f"{cpu_seconds(runs) / 60:.0f} minutes of CPU time for {len(runs)} networks of {FOLDS} folds",
            judged="gain over the official baseline in dB by cross-validation: each scene by a network that has not "
            "seen its place; the weights that ship are the mean of these networks",
        ),
    }
    for name, text in cards.items():
        source = BENCH / ("validation.csv" if name == "fusion-real" else "validation_fusion.csv")
        if (WEIGHTS / f"{name}.keras").exists() and source.exists():
            seconds = seconds_a_scene(WEIGHTS / f"{name}.keras", args.data)
            text["minutes"] += f"; prediction {seconds:.1f} s of CPU time a scene of 16 frames"
            card = model_card(WEIGHTS / f"{name}.keras", pd.read_csv(source), limits=LIMITS, licence=LICENCE, **text)
            with written_whole(WEIGHTS / f"{name}.md") as part:
                part.write_text(card)
            print(card)
    written = [WEIGHTS / f"{name}.md" for name in reversed(cards)]
    with written_whole(project_root() / "reports" / "weights.html") as part:
        part.write_text(cards_page([path.read_text() for path in written if path.exists()]), encoding="utf-8")


if __name__ == "__main__":
    main()
