"""WDSR-3D on RED and NIR together: trained on pairs of scenes, it predicts both bands, each from its own frames."""

import json

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from enhanceme.architectures import wdsr3d  # noqa: E402
from enhanceme.core import shared_path  # noqa: E402
from enhanceme.scenes import read_scene  # noqa: E402
from enhanceme.simulation import simulate_scene  # noqa: E402
from enhanceme.simulation_settings import SimulationConfig  # noqa: E402

FRAMES, SIDE, MARGIN = 5, 16, 3  # frames, LR px of a patch, LR px around it
PAIRS = ("imgset0014", "imgset0636"), ("imgset0061", "imgset0626"), ("imgset0063", "imgset0638")  # RED, NIR


def simulated():
    "Pairs of scenes whose bands show different ground, so that a band cannot stand for the other."
    cfg = SimulationConfig(size=40, frames_min=9, frames_max=9, frames_mean=9, cloudy_share=0)
    return [[simulate_scene(k, seed, band, cfg) for seed, band in ((0, "RED"), (1, "NIR"))] for k in range(3)]


def real():
    "The pairs of real scenes: one place and the same days, as their status maps tell."
    root = shared_path("data", "probav96")
    if root is None:
        pytest.skip("no real scenes beside the project")
    pairs = [
        [read_scene(root / "train" / band / n) for band, n in zip(("RED", "NIR"), names, strict=True)]
        for names in PAIRS
    ]
    assert all(np.array_equal(red.sm, nir.sm) for red, nir in pairs)
    return pairs


def patches(pairs, rng, count):
    "Stacks (B, T, h+6, w+6, 2), HR (B, 3h, 3w, 2) in DN."
    lr, hr = [], []
    for _ in range(count):
        pair, cut, fine = pairs[rng.integers(len(pairs))], [], []
        y, x = rng.integers(MARGIN, pair[0].lr.shape[1] - SIDE - MARGIN, 2)
        for scene in pair:
            best = np.argsort(-scene.qm.mean((1, 2)), kind="stable")[:FRAMES]
            rows, columns = (slice(v - MARGIN, v + SIDE + MARGIN) for v in (y, x))
            cut.append(scene.lr[best, rows, columns])
            fine.append(scene.hr[3 * y : 3 * (y + SIDE), 3 * x : 3 * (x + SIDE)])
        lr.append(np.stack(cut, -1))
        hr.append(np.stack(fine, -1))
    return np.array(lr, np.float32), np.array(hr, np.float32)


def alike(a, b):
    "The mean correlation of images, patch by patch."
    return np.mean([np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)])


@pytest.mark.parametrize("source", [simulated, real])
def test_two_bands_are_learnt_together(source):
    pairs, rng = source(), np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    network = wdsr3d(frames=FRAMES, filters=8, blocks=2, expansion=4, channels=2)
    network.compile(keras.optimizers.Adam(3e-3), "mae")
    told = network.fit(*patches(pairs, rng, 96), batch_size=8, epochs=6, verbose=0).history["loss"]
    lr, hr = patches(pairs, rng, 16)
    sr = network.predict(lr, verbose=0)
    own, other = (
        [alike(sr[..., k], hr[..., n]) for k, n in zip((0, 1), order, strict=True)] for order in ((0, 1), (1, 0))
    )
    print(json.dumps({"loss": told, "own band": own, "other band": other}))
    assert sr.shape == (16, 3 * SIDE, 3 * SIDE, 2)
    assert told[-1] < 0.7 * told[0]
    assert min(own) > 0.6 and all(a > b for a, b in zip(own, other, strict=True))
