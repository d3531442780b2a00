"""Speed of the networks as ratios measured in one run, which are comparable between machines.

    python benchmarks/bench_models.py [--rounds 5]

The unit is the machine's own rate of matrix multiplication. The networks take turns, so that other work on the machine
affects all alike, and the least time of each counts. Two columns: wall time, and CPU time of this process, which
depends less on other work.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from enhanceme.architectures import inputs_for
from enhanceme.drawing import trace
from enhanceme.layers import fold
from enhanceme.models import build_model
from enhanceme.settings import ModelConfig


def stack(batch, frames, size, features):
    "Random inputs as tensors."
    rng, shape = np.random.default_rng(0), (batch, frames, size + 6, size + 6, 1)
    arrays = {
        "frames": rng.normal(6000, 500, shape),
        "masks": np.ones(shape),
        "shifts": rng.normal(0, 0.3, (batch, frames, 2)),
        "features": rng.normal(size=(batch, frames, features)),
    }
    return {k: tf.constant(v, tf.float32) for k, v in arrays.items()}


def least_times(candidates, rounds):
    "Least wall and CPU seconds of each candidate, which take turns; the first turn does not count."
    best = {name: np.full(2, np.inf) for name in candidates}
    for i in range(rounds + 1):
        for name, function in candidates.items():
            start = np.array([time.perf_counter(), time.process_time()])
            function()
            if i:
                best[name] = np.minimum(best[name], [time.perf_counter(), time.process_time()] - start)
    return best


def compiled(model):
    "The model as one graph, run to the end; takes the inputs it needs from many."
    graph = tf.function(lambda x: model(x, training=False), reduce_retracing=True, jit_compile=False)
    return lambda samples: graph(inputs_for(model, samples)).numpy()


def train_step(model, samples):
    "One step of Nadam on the mean absolute error, as a graph."
    optimizer, target = keras.optimizers.Nadam(5e-4), tf.random.normal((len(samples["frames"]), 48, 48, 1))
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=False)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(model(x, training=True) - target))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss

    return lambda: step(inputs_for(model, samples)).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each candidate (default 5)")
    rounds = parser.parse_args().rounds
    matrix = tf.random.normal((2048, 2048))
    multiply = tf.function(lambda: tf.matmul(matrix, matrix), jit_compile=False)
    big, small = (build_model(ModelConfig(preset=name), seed=0) for name in ("enhanceme-32", "fusion"))
    features = small.input["features"].shape[-1]
    scene, tile, batch = stack(1, 9, 128, features), stack(1, 9, 16, features), stack(8, 9, 16, features)
    runs = {"enhanceme-32": compiled(big), "folded": compiled(fold(big)), "fusion": compiled(fold(small))}
    tiles = lambda run: [run(tile) for _ in range(64)]
    t = least_times(
        {
            "multiply": lambda: multiply().numpy(),
            "step": train_step(big, batch),
            "step fusion": train_step(small, batch),
            "scene": lambda: runs["enhanceme-32"](scene),
            "scene folded": lambda: runs["folded"](scene),
            "scene fusion": lambda: runs["fusion"](scene),
            "tiles": lambda: tiles(runs["enhanceme-32"]),
            "tiles folded": lambda: tiles(runs["folded"]),
        },
        rounds,
    )
    rate = 2048**3 / t["multiply"]
    macs = {
        (model.name, size): sum(step.macs for step in trace(model, size))
        for model in (big, small)
        for size in (16, 128)
    }
    share = lambda model, size, seconds, times=1: times * macs[model.name, size] / seconds / rate
    rows = [
        ("matrix multiply, 10^9 multiply-adds a second", rate / 1e9, ""),
        ("training step of enhanceme-32, batch 8: share of that rate", share(big, 16, t["step"], 24), "target 0.5"),
        ("training step of fusion, batch 8: share of that rate", share(small, 16, t["step fusion"], 24), ""),
        ("fusion trains faster than enhanceme-32, times", t["step"] / t["step fusion"], ""),
        ("scene through enhanceme-32, folded: share of that rate", share(big, 128, t["scene folded"]), ""),
        ("folding makes a scene faster, times", t["scene"] / t["scene folded"], ""),
        ("folding makes 64 tiles faster, times", t["tiles"] / t["tiles folded"], ""),
        (
            "one call faster than 64 tiles as the original runs them (weight-normalised), times",
            t["tiles"] / t["scene folded"],
            "target 2.5",
        ),
        (
            "one call faster than 64 tiles, both folded, times",
            t["tiles folded"] / t["scene folded"],
            f"fewer multiply-adds alone: {64 * macs[big.name, 16] / macs[big.name, 128]:.2f}",
        ),
        ("one call faster than 64 tiles, both weight-normalised, times", t["tiles"] / t["scene"], ""),
        ("fusion faster than 64 tiles of enhanceme-32, times", t["tiles"] / t["scene fusion"], "target 20"),
        ("fusion faster than a scene through enhanceme-32, times", t["scene folded"] / t["scene fusion"], ""),
        ("a scene through fusion, seconds", t["scene fusion"], ""),
    ]
    print("    wall      CPU")
    for what, value, note in rows:
        print(f"{value[0]:8.2f} {value[1]:8.2f}  {what}" + (f"  ({note})" if note else ""))


if __name__ == "__main__":
    main()
