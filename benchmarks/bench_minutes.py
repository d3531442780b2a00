"""Quality against CPU minutes: how soon does the recipe of the shipped weights reach what `enhanceme-32`, by its own published recipe, reaches after a long run on the same scenes and cores?

    python benchmarks/bench_minutes.py DATA STORE [--minutes 120] [--share 0.1] [--looks 12] [--work FOLDER] [--csv FILE]

DATA is a (simulated) data set, STORE a folder for its prepared scenes (one a registration mode is made there). `enhanceme-32` trains for `--minutes` of CPU time (both cores together), the recipe of
`profiles/weights.yaml` with the preset `fusion` for `--share` of that. Both are validated on the same held-out scenes; validation is not counted. Runs resume. Simulated figures.
"""
import argparse
import time
from pathlib import Path

import pandas as pd

OWN = ["model.preset=enhanceme-32", "patching.size=16", "patching.stride=16", "patching.rule=original", "patching.align_target=false", "patching.flips=false", "patching.shift_noise=0", "patching.feature_noise=0",
       "patching.frames=9", "patching.frames_min=null", "patching.frames_max=null", "registration.mode=integer", "loss.name=l1", "training.batch=128", "training.optimizer=nadam", "training.learning_rate=0.0005",
       "training.schedule=constant", "training.warmup=0", "training.clip_norm=0", "training.ema=0"]  # as in profiles/original.yaml
RECIPES = {"fusion": ["model.preset=fusion"], "enhanceme-32": OWN}


def cpu_of_a_step(train, config, data, store, run):
    "CPU seconds of one step, compilation left out."
    spent = []
    for steps in (2, 12):
        start = time.process_time()
        train(config.change("training.steps=1000000", "training.validate_every=1000000", "training.checkpoint_every=1000000"), data, store, run / f"probe-{time.time_ns()}", steps_now=steps, quiet=True)
        spent.append(time.process_time() - start)
    return max((spent[1] - spent[0]) / 10, 1e-3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--minutes", type=float, default=120, help="CPU minutes of enhanceme-32 (120 = an hour of 2 cores)")
    parser.add_argument("--share", type=float, default=0.1, help="of these, for our recipe")
    parser.add_argument("--looks", type=int, default=12, help="validations along each run")
    parser.add_argument("--work", type=Path, default=Path("reports/local-minutes"))
    parser.add_argument("--csv", type=Path, help="write the curves there")
    args = parser.parse_args()
    from enhanceme.config import Config
    from enhanceme.patching import prepare
    from enhanceme.training import baselines, load_model, train, training_scenes, validate

    curves, final = [], {}
    for name, changes in RECIPES.items():
        minutes = args.minutes * (1 if name == "enhanceme-32" else args.share)
        config = Config.load("weights", [*changes, "training.validation_scenes=10"])
        store = prepare(args.data, args.store / config.registration.mode, config.registration, split="train")
        run = args.work / f"{name}-{minutes:g}min"
        if not (run / "training.json").exists():
            if not (run / "config.yaml").exists():
                steps = max(args.looks, round(60 * minutes / cpu_of_a_step(train, config, args.data, store, args.work / "probes")))
                config = config.change(f"training.steps={steps}", f"training.validate_every={max(1, steps // args.looks)}", f"training.checkpoint_every={max(1, steps // 50)}")
            else: config = Config.load(run / "config.yaml")
            train(config, args.data, store, run)
        model, config = load_model(run)
        history = pd.read_csv(run / "history.csv").dropna(subset="val_gain")
        curves.append(history.assign(recipe=name, cpu_minutes=minutes * history.step / config.training.steps)[["recipe", "step", "cpu_minutes", "val_gain"]])
        norms = baselines(args.data, training_scenes(store, config)[1])
        final[name] = validate(model, store, norms, config).gain
    curves = pd.concat(curves, ignore_index=True)
    print(curves.round(3).to_string(index=False))
    last = curves[curves.recipe == "enhanceme-32"].val_gain.max()
    ours = curves[(curves.recipe == "fusion") & (curves.val_gain >= last)]
    if len(ours): print(f"fusion reaches the best of enhanceme-32 ({last:+.2f} dB in {args.minutes:g} CPU minutes) after {ours.cpu_minutes.min():.1f} CPU minutes: a share of {ours.cpu_minutes.min() / args.minutes:.3f}")
    else: print(f"fusion does not reach {last:+.2f} dB in {args.minutes * args.share:g} CPU minutes: NOT MET")
    if args.csv: curves.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
