"""Cost of feeding: the time of the stream for a batch against the time of the training step that consumes it, in one
run.

    python benchmarks/bench_feeding.py [--profile cpu] [--steps 30] [--out FILE.json]
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import argparse
import json
import tempfile
import time
from pathlib import Path

from enhanceme.architectures import input_names
from enhanceme.config import Config
from enhanceme.losses import build_loss
from enhanceme.models import build_model
from enhanceme.preparation import prepare
from enhanceme.scene_writing import write_scene
from enhanceme.simulation import simulate_scene
from enhanceme.simulation_settings import SimulationConfig
from enhanceme.stream import Samples, patch_dataset


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="cpu", help="the profile whose network, patches and batch are timed")
    parser.add_argument("--steps", type=int, default=30, help="training steps to time")
    parser.add_argument("--scenes", type=int, default=12, help="simulated scenes to draw from")
    parser.add_argument("--out", help="JSON file for the results")
    args = parser.parse_args()
    config, result = Config.load(args.profile), {"profile": args.profile}
    with tempfile.TemporaryDirectory() as tmp:
        for i in range(args.scenes):
            write_scene(simulate_scene(i, 0, "RED", SimulationConfig()), Path(tmp) / "data")
        store = prepare(Path(tmp) / "data", Path(tmp) / "store", config.registration, workers=1, progress=False)
        batch = config.training.batch
        model = build_model(config.model, config.bands, config.patching.frames)
        model.compile("adam", build_loss(config.loss))
        names = input_names(model)
        feed = lambda x: {k: x[k] for k in names}
        samples = Samples(store, config.patching, store.keys(), batch, 0)
        samples[0]
        start = time.process_time()
        for k in range(args.steps):
            samples[k]
        result["batch_ms"] = 1e3 * (time.process_time() - start) / args.steps
        kept = [(feed(x), y) for x, y in patch_dataset(store, config.patching, store.keys(), batch, 0).take(8)]
        for x, y in kept:
            model.train_on_batch(x, y)  # trace every number of frames
        start = time.perf_counter()
        for k in range(args.steps):
            model.train_on_batch(*kept[k % 8])
        result["step_without_feeding_ms"] = 1e3 * (time.perf_counter() - start) / args.steps
        stream = iter(patch_dataset(store, config.patching, store.keys(), batch, 0))
        waited = 0.0
        for k in range(args.steps):
            start = time.perf_counter()
            x, y = next(stream)
            if k >= 2:
                waited += time.perf_counter() - start
            model.train_on_batch(feed(x), y)
        result["waiting_ms"] = 1e3 * waited / (args.steps - 2)
        result["feeding_over_step"] = result["batch_ms"] / result["step_without_feeding_ms"]
        result["waiting_over_step"] = result["waiting_ms"] / result["step_without_feeding_ms"]
    for k, v in result.items():
        print(f"{k:28} {v if isinstance(v, str) else format(v, '.3f')}")
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
