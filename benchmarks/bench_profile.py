"""Where the time of a training step goes, kernel by kernel, as TensorFlow's profiler sees it on one thread.

    python benchmarks/bench_profile.py [--networks fusion,fusion-small,enhanceme-32] [--out benchmarks/profile.csv]

A row a kind of operation: its share of the step's time, and whether it multiplies matrices (convolutions and products,
which count as work in the share of the machine's rate). `bound` is the rate of these alone, over that of large
matrices in the same process, and so what the whole step would reach if the others took no time.
"""

import argparse
import glob
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from enhanceme.architectures import inputs_for
from enhanceme.config import Config
from enhanceme.devices import Devices
from enhanceme.losses import build_loss
from enhanceme.models import build_model
from enhanceme.optimisation import make_optimizer, make_step
from enhanceme.training_costs import training_costs

MATRIX = ("Conv", "MatMul")  # in the names of operations that multiply matrices
AROUND = ("EagerExecute", "TFE_Py_ExecuteCancelable", "EagerKernelExecute", "Run", "Process", "FunctionRun", "step")
FRAMES, STEPS = 9, 5
SIDE = 2048  # of the matrices that give the machine's rate


def samples(model, config):
    "Random inputs and targets of one batch."
    rng, batch, size = np.random.default_rng(0), config.training.batch, config.patching.size
    x = {}
    for name, tensor in model.input.items():
        sides = [batch, *tensor.shape[1:]]
        sides = [n or (FRAMES if i == 1 else size + 6) for i, n in enumerate(sides)]
        values = {"frames": rng.normal(6000, 300, sides), "masks": np.ones(sides)}
        x[name] = tf.constant(values.get(name, rng.normal(0, 0.3, sides)), tf.float32)
    hr = rng.normal(6000, 300, (batch, 3 * size, 3 * size, 1))
    return inputs_for(model, x), tf.constant(np.concatenate([hr, np.ones_like(hr)], -1), tf.float32)


def cpu_seconds(function):
    "CPU time of a call, the first one left out."
    float(function())
    start = time.process_time()
    for _ in range(STEPS):
        float(function())
    return (time.process_time() - start) / STEPS


def traced(step):
    "Seconds of each kind of operation in a step."
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(STEPS):
            float(step())
        tf.profiler.experimental.stop()
        found, space = Counter(), xplane_pb2.XSpace()
        space.ParseFromString(Path(glob.glob(f"{folder}/plugins/profile/*/*.xplane.pb")[0]).read_bytes())
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name.split(":")[-1].strip()
            if name not in AROUND and not name.startswith("__"):
                found[name] += event.duration_ps / 1e12 / STEPS
    return found


def profile(preset):
    "Rows of one network."
    fusion = preset.startswith("fusion")
    changes = ["patching.frames_max=9"] if fusion else ["training.batch=8"]
    config = Config.load("weights" if fusion else "original", [f"model.preset={preset}", *changes])
    model = build_model(config.model, seed=0)
    optimizer = make_optimizer(config.training, 1)
    optimizer.build(model.trainable_variables)
    average = [tf.Variable(v.numpy()) for v in model.trainable_variables]
    step = make_step(model, build_loss(config.loss), optimizer, average)
    x, y = samples(model, config)
    run = lambda: step(x, y, tf.constant(0.9))
    square = tf.random.normal((SIDE, SIDE))
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(square, square)[0]))
    rate, macs = SIDE**3 / cpu_seconds(multiply), training_costs(model, config, Devices()).macs
    step_s = cpu_seconds(run)  # compiles it, too
    kinds = pd.Series(traced(run)).sort_values(ascending=False)
    kinds = kinds / kinds.sum()
    matrix = kinds.index.str.contains("|".join(MATRIX))
    share, inside = macs / step_s / rate, float(kinds[matrix].sum())
    print(
        f"{preset}: share of the rate {share:.2f}; matrices take {inside:.0%} of a step and reach {share / inside:.2f}"
    )
    table = pd.DataFrame({"network": preset, "operation": kinds.index, "share": kinds.values, "matrix": matrix})
    return table.assign(of_rate=share, bound=share / inside)[lambda t: t.share >= 0.003]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="fusion,fusion-small,enhanceme-32")
    parser.add_argument("--out", type=Path, help="a CSV file for the table")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    table = pd.concat([profile(name) for name in args.networks.split(",")])
    print(table.round(3).to_string(index=False))
    if args.out:
        table.round(4).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
