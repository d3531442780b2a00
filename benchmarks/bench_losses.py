"""Cost of the 49 shifts: time of a training step with the shift-compensated loss against a step with the unshifted one.

    python benchmarks/bench_losses.py [PROFILE] [LOSS ...]

Network, batch and patches are those of the profile (default: cpu), the data random; steps of the two losses alternate.
Without LOSS it times the profile's loss and exits with 1 where the shifts add more than 5 %.
"""

import argparse
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

from enhanceme.config import Config
from enhanceme.losses import build_loss
from enhanceme.models import build_model


def batch(model, config, seed=0):
    "Random inputs and truth of the profile's size: dict of arrays, and (B, H, W, 2)."
    rng, B, T, side = np.random.default_rng(seed), config.training.batch, config.patching.frames, config.patching.size
    x = dict(
        frames=rng.normal(6000, 900, (B, T, side + 6, side + 6, 1)),
        masks=rng.random((B, T, side + 6, side + 6, 1)) < 0.95,
        shifts=rng.normal(0, 0.2, (B, T, 2)),
    )
    inputs = {}
    for name, tensor in model.input.items():
        inputs[name] = tf.constant(x[name] if name in x else rng.normal(size=(B, T, tensor.shape[-1])), tf.float32)
    hr = np.stack([rng.normal(6000, 900, (B, 3 * side, 3 * side)), rng.random((B, 3 * side, 3 * side)) < 0.95], -1)
    return inputs, tf.constant(hr, tf.float32)


def train_step(model, loss):
    "A compiled step x, y -> gradients: what a step costs but for the optimiser, which is the same for both."

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        return tape.gradient(value, model.trainable_variables)

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", metavar="PROFILE", nargs="?", default="cpu")
    parser.add_argument("names", metavar="LOSS", nargs="*")
    args = parser.parse_args()
    profile, names = args.profile, args.names
    config = Config.load(profile)
    model = build_model(config.model, bands=("RED",), frames=config.patching.frames)
    x, y = batch(model, config)
    print(
        f"profile {profile}: {config.model.preset}, {model.count_params():,} parameters, batch "
        f"{config.training.batch} of {3 * config.patching.size} px"
    )
    good, channels = True, model.output.shape[-1]
    cases = [(n, s) for n in names for s in ("loss", "cmse")] or [(config.loss.name, config.loss.search)]
    for name, search in cases:
        losses = [
            build_loss(config.loss.model_copy(update=dict(name=name, search=search, max_shift=shift)))
            for shift in (0, 3)
        ]
        if losses[0].channels != channels:
            print(f"{name}: needs a network with {losses[0].channels} output channels; skipped")
            continue
        steps, times = [train_step(model, loss) for loss in losses], []
        for step in steps:
            step(x, y)
            step(x, y)
        stop = time.perf_counter() + 40
        while len(times) < 60 and (time.perf_counter() < stop or len(times) < 5):
            pair = []
            for step in steps if len(times) % 2 else steps[::-1]:  # each goes first as often as the other
                start = time.perf_counter()
                step(x, y)[0].numpy()
                pair.append(time.perf_counter() - start)
            times.append(pair if len(times) % 2 else pair[::-1])
        plain, shifted = np.median(times, axis=0)
        added = np.median([b / a for a, b in times]) - 1
        good &= added <= 0.05 or bool(names)
        print(
            f"{name:12} search={search}: step {1e3 * plain:.0f} ms unshifted, {1e3 * shifted:.0f} ms over "
            f"49 shifts: {added:+.1%} (at most +5 % asked), {len(times)} pairs of steps"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
