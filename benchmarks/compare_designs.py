"""Designs of networks, trained for equal CPU time on the same simulated scenes and compared on held-out ones.

    python benchmarks/compare_designs.py [--minutes 4] [--scenes 160] [--seed 0] [--work FOLDER]

Each design has its own recipe (`enhanceme-32` the published one: Nadam, 5e-4, 9 frames on whole pixels), the same
scenes and the same CPU time (of all cores together). The table
has the mean gain over the official baseline with a 95 % interval over held-out scenes, and the paired difference
from `fusion`. Simulated figures. `--out` writes it as the CSV that the models notebook shows.
"""

import argparse
import time
from pathlib import Path

import pandas as pd

PARTS = {  # name -> settings that differ from the profile `quick`
    "fusion": [],
    "fusion, plain convolutions": ["model.weight_norm=false"],
    "fusion-small": ["model.preset=fusion-small"],
    "fusion, whole-pixel registration": ["registration.mode=integer"],
    "tiny": ["model.preset=tiny"],
    "WDSR-3D, 16 filters, 3 blocks": [
        "model.preset=tiny",
        "model.filters=16",
        "model.blocks=3",
        "model.reduction=late",
    ],
    "enhanceme-32": [
        "model.preset=enhanceme-32",
        "registration.mode=integer",
        "patching.size=16",
        "patching.stride=16",
        "training.optimizer=nadam",
        "training.learning_rate=0.0005",
        "training.schedule=constant",
        "training.warmup=0",
    ],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4, help="CPU minutes for each design")
    parser.add_argument("--scenes", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("reports/local-designs"),
        help="where scenes, stores and runs go; what is done there is reused",
    )
    parser.add_argument("--designs", nargs="*", default=list(PARTS), help="names, as in the table")
    parser.add_argument("--out", type=Path, help="a CSV for the table, such as benchmarks/designs.csv")
    args = parser.parse_args()
    from enhanceme.config import Config
    from enhanceme.datasets import simulate_dataset
    from enhanceme.preparation import prepare
    from enhanceme.runs import training_scenes
    from enhanceme.statistics import bootstrap_mean, paired_difference
    from enhanceme.training import train
    from enhanceme.weights import baselines, load_model, validate

    changes = ["model.preset=fusion", "training.validation=0.2", "training.validation_scenes=100"]
    base = Config.load("quick", [f"seed={args.seed}", *changes])
    data = simulate_dataset(
        args.work / "data", args.scenes, 1, base.simulation
    )  # scenes of their own: not those of any profile
    rows, gains = [], {}
    for name in args.designs:
        config = base.change(*PARTS[name])
        store = prepare(data, args.work / f"store-{config.registration.mode}", config.registration, split="train")
        run = args.work / name.replace(", ", "-").replace(" ", "_") / f"{args.minutes:g}min"
        if not (run / "training.json").exists():
            trial = config.change(
                "training.steps=100000", "training.validate_every=100000", "training.checkpoint_every=100000"
            )
            probe = run.parent / f"probe-{time.time_ns()}"
            train(trial, data, store, probe, steps_now=5, quiet=True)  # compiled and warm
            start = time.process_time()
            train(trial, data, store, run.parent / f"probe-{time.time_ns()}", steps_now=25, quiet=True)
            both = time.process_time() - start
            start = time.process_time()
            train(trial, data, store, run.parent / f"probe-{time.time_ns()}", steps_now=5, quiet=True)
            step = (both - (time.process_time() - start)) / 20
            steps = max(20, round(60 * args.minutes / step))
            train(config.change(f"training.steps={steps}", f"training.validate_every={steps}"), data, store, run)
        model, config = load_model(run)
        norms = baselines(data, training_scenes(store, config)[1])
        gains[name] = validate(model, store, norms, config).gain
        mean = bootstrap_mean(gains[name])
        rows.append(
            {
                "design": name,
                "parameters": model.count_params(),
                "steps": config.training.steps,
                "gain, dB": f"{mean.mean:+.2f} [{mean.low:+.2f}, {mean.high:+.2f}]",
                "fusion is better by, dB": ""
                if name == "fusion" or "fusion" not in gains
                else str(paired_difference(gains["fusion"], gains[name])),
            }
        )
        print(pd.DataFrame(rows).to_string(index=False), flush=True)
    if args.out:
        pd.DataFrame(rows).assign(scenes=args.scenes, held_out=len(gains[name]), cpu_minutes=args.minutes).to_csv(
            args.out, index=False
        )
    print(
        f"simulated: {args.scenes} scenes, {len(gains[name])} of them for validation, {args.minutes:g} CPU "
        "minutes a design"
    )


if __name__ == "__main__":
    main()
