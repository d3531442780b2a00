"""Gain of a network that is adapted to each scene without HR: the SR image, degraded again, is made consistent with
the frames. Measured on held-out simulated scenes.

    python benchmarks/bench_adaptation.py DATA NETWORK [--scenes 12] [--csv FILE]

Two methods: back-projection of the difference between the frames and the degraded image (which changes the image,
not the network), and for each scene some optimiser steps on the network's last layers or on all of its weights. The
steps minimise the absolute difference between the frames and the image filtered by the measured kernel; frames that
agree better with each other have more weight. A method is kept only if the 95 % interval of its gain lies above 0.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from enhanceme.architectures import inputs_for
from enhanceme.classical import RIM, camera, frame_weights, match_brightness, with_rim
from enhanceme.metrics import cpsnr
from enhanceme.operators import apply, enlarger, usable
from enhanceme.patching import scene_input
from enhanceme.registration import register
from enhanceme.scenes import find_scenes, read_norms, read_scene
from enhanceme.sensor import SCALE
from enhanceme.statistics import paired_difference
from enhanceme.weights import load_model, reconstruct

BACK = [(0.1, 3), (0.3, 3), (0.3, 10)]  # rate, steps of back-projection
STEPS = (3, 10, 30)  # optimiser steps after which the image is judged
PARTS = {"last layers": ("up", "sharpen"), "all weights": None}
RATE = 2e-5


def back_projected(image, frames, optics, y, weights, rate, steps):
    "Return the image, corrected by the residuals of the frames: (3h, 3w), DN."
    enlarge = [(enlarger(frames.shape[0], sy), enlarger(frames.shape[1], sx)) for sy, sx in frames.shifts]
    for _ in range(steps):
        rim = with_rim(image)
        image = image + rate * sum(
            w * apply(a, m * (v - optics.forward(t, rim)), b)
            for t, (w, v, m, (a, b)) in enumerate(zip(weights, y, frames.clear, enlarge))
        )
    return image


def adapted(model, x, frames, optics, y, weights, layers):
    "Images (3h, 3w) after each of STEPS optimiser steps; the network is as before afterwards."
    before = model.get_weights()
    variables = [
        v for layer in model.layers if layers is None or layer.name in layers for v in layer.trainable_variables
    ]
    optimizer = keras.optimizers.Adam(RATE)
    optimizer.build(variables)
    rows, cols = (
        tf.constant(np.stack([m.toarray() for m in side]), tf.float32) for side in (optics.rows, optics.cols)
    )  # (T, h, 3 (h + 2 RIM))
    clear, target = tf.constant(frames.clear * weights[:, None, None], tf.float32), tf.constant(y)
    pad, inputs = [[SCALE * RIM] * 2] * 2, {k: tf.constant(v) for k, v in inputs_for(model, x).items()}

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            image = tf.pad(model(inputs, training=False)[0, ..., 0], pad, "SYMMETRIC")
            seen = tf.einsum("tij,jk,tlk->til", rows, image, cols)
            value = tf.reduce_sum(clear * tf.abs(target - seen)) / tf.reduce_sum(clear) / 256
        return tape.gradient(value, [v.value for v in variables])

    images = []
    for step in range(max(STEPS)):
        optimizer.apply(gradients(), variables)
        if step + 1 in STEPS:
            images.append(reconstruct(model, x)[0])
    model.set_weights(before)
    return images


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("network", type=Path)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    model, config = load_model(args.network)
    norms, scores = read_norms(args.data), {}
    scenes = [f for f in find_scenes(args.data) if (f / "HR.png").exists()]
    scenes = scenes[:: max(1, len(scenes) // args.scenes)][: args.scenes]
    for folder in tqdm(scenes, desc="adapting", unit="scene"):
        scene = read_scene(folder, norms)
        stack = register(scene, config.registration)
        x, frames = scene_input(stack, config.patching), usable(stack)
        plain, weights, optics = reconstruct(model, x)[0], frame_weights(frames.features), camera(frames)
        y = match_brightness(frames, optics, with_rim(plain), weights)
        images = {"as it is": plain}
        images |= {
            f"back-projection, {steps} steps of {rate}": back_projected(plain, frames, optics, y, weights, rate, steps)
            for rate, steps in BACK
        }
        for part, layers in PARTS.items():
            images |= {
                f"{part}, {n} steps": image
                for n, image in zip(STEPS, adapted(model, x, frames, optics, y, weights, layers))
            }
        for name, image in images.items():
            scores.setdefault(name, []).append(cpsnr(image, *scene.target))
    rows = []
    for name, values in scores.items():
        if name == "as it is":
            continue
        paired = paired_difference(np.array(values), np.array(scores["as it is"]))
        rows.append(
            {
                "adaptation": name,
                "gain": paired.difference.mean,
                "low": paired.difference.low,
                "high": paired.difference.high,
                "wins": paired.wins,
                "scenes": len(values),
            }
        )
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    print("kept:", ", ".join(table[table.low > 0].adaptation) or "none")
    if args.csv:
        table.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
