"""Whether HR's own acquisition can be identified among the frames, and how much a network gains from it. A test of the
simulator as much as of the network.

    python benchmarks/bench_same_frame.py DATA [NETWORK] [--scenes 60] [--csv FILE]

DATA is simulated: its truth names the frame. First a conditional logit (McFadden 1974) estimates the frame from the
features of registration; it is fitted on every other scene and tested on the rest. Its measure is the mean of -log p of
the right frame, compared with a uniform guess. Sharpness and clearance are informative, as on real scenes; any other
informative feature is an artefact of the simulator, on which a network that is trained long enough would rely.
Then, for NETWORK, the gain over the official baseline with the frames as they are, with the right frame three times,
with it alone, and without it. A training that closes the gap between the first two without sharper features has found
an artefact.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from tqdm import tqdm

from enhanceme.config import Config
from enhanceme.features import FEATURES
from enhanceme.metrics import cpsnr
from enhanceme.patching import choose_frames, scene_input
from enhanceme.registration import register
from enhanceme.scenes import find_scenes, read_norms, read_scene
from enhanceme.statistics import bootstrap_mean
from enhanceme.weights import load_model, reconstruct

GROUPS = {
    "sharpness": ["dx1", "dx2", "dy1", "dy2"],
    "clearance": ["clearance"],
    "contrast": ["contrast"],
    "disagreement": ["disagreement", "fine disagreement"],
}


def surprise(weights, x, right):
    "-log p of the right frame, and its gradient: features (T, F)."
    z = x @ weights
    p = np.exp(z - z.max())
    p /= p.sum()
    return -np.log(p[right]), p @ x - x[right]


def logit(scenes, names, ridge=1e-3):
    "Mean -log p on the scenes that it was not fitted on, and the share of scenes whose right frame it puts first."
    columns = [FEATURES.index(n) for n in names]
    fitted, judged = ([(f[:, columns], right) for f, right in scenes[k::2]] for k in (0, 1))

    def total(weights):
        values, slopes = zip(*(surprise(weights, *s) for s in fitted))
        return np.mean(values) + ridge * weights @ weights, np.mean(slopes, axis=0) + 2 * ridge * weights

    weights = minimize(total, np.zeros(len(columns)), jac=True, method="L-BFGS-B").x
    return np.mean([surprise(weights, *s)[0] for s in judged]), np.mean(
        [np.argmax(x @ weights) == right for x, right in judged]
    )


def variants(model, config, stack, right):
    """The network's images (3h, 3w) for the frames as they are, with the right one three times, with it alone,
    without it; None where it is not among those chosen."""
    frames = config.prediction.frames or config.patching.frames
    chosen = list(dict.fromkeys(choose_frames(stack, frames, config.patching)[0].tolist()))
    if right not in chosen or len(chosen) < 3:
        return None
    x, place = scene_input(stack, config.patching, len(chosen)), chosen.index(right)
    which = {
        "as they are": range(len(chosen)),
        "three times": [*range(len(chosen)), place, place],
        "alone": [place] * 5,
        "without": [k for k in range(len(chosen)) if k != place],
    }
    return {name: reconstruct(model, {k: v[:, list(keep)] for k, v in x.items()})[0] for name, keep in which.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("network", type=Path, nargs="?")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    model, config = load_model(args.network) if args.network else (None, Config())
    norms, known, gains = read_norms(args.data), [], []
    for folder in tqdm([f for f in find_scenes(args.data) if (f / "HR.png").exists()][: args.scenes], unit="scene"):
        scene = read_scene(folder, norms)
        stack, right = register(scene, config.registration), int(scene.truth["same_frame"])
        if right < 0 or not stack.kept[right]:
            continue
        known.append((stack.features[stack.kept].astype(float), int(stack.kept[:right].sum())))
        images = variants(model, config, stack, right) if model else None
        if images:
            gains.append(
                {"scene": scene.key} | {name: cpsnr(sr, *scene.target) - scene.norm for name, sr in images.items()}
            )
    blind = np.mean([np.log(len(f)) for f, _ in known[1::2]])
    print(f"{len(known)} scenes; a blind guess is surprised by {blind:.3f}")
    groups = GROUPS | {"sharpness and clearance": GROUPS["sharpness"] + GROUPS["clearance"], "all": list(FEATURES)}
    table = pd.DataFrame(
        [
            {"features": name, "told": blind - value, "first": first}
            for name, names in groups.items()
            for value, first in [logit(known, names)]
        ]
    )
    print(table.round(3).to_string(index=False))
    if gains:
        gains = pd.DataFrame(gains)
        for name in gains.columns[1:]:
            mean = bootstrap_mean(gains[name])
            print(
                f"{name:12} {mean.mean:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}] dB over the baseline, "
                f"{len(gains)} scenes"
            )
        if args.csv:
            gains.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
