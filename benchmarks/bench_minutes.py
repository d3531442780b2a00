"""Quality against CPU minutes: the time in which the recipe of the shipped weights reaches the score of `enhanceme-32`
with its published recipe after a long run, on the same scenes and cores.

    python benchmarks/bench_minutes.py DATA STORE [--minutes 60] [--share 0.1] [--looks 12] [--judge DATA ...]
    [--work FOLDER] [--csv FILE]

DATA is a (simulated) data set, such as `enhanceme simulate DATA --profile weights --scenes 150` makes; STORE a
folder for its prepared scenes (one a registration mode is made there). `enhanceme-32` trains for `--minutes` of CPU
time (of all cores together), the recipe of
`profiles/weights.yaml` with the preset `fusion` for `--share` of that. Both are validated on the same twelve
held-out scenes; validation is not counted.
At the end both are scored on the scenes of each `--judge` that have HR. Runs resume.
"""

import argparse
import time
from pathlib import Path

import pandas as pd

OWN = [
    "model.preset=enhanceme-32",
    "patching.size=16",
    "patching.stride=16",
    "patching.rule=original",
    "patching.align_target=false",
    "patching.flips=false",
    "patching.shift_noise=0",
    "patching.feature_noise=0",
    "patching.frames=9",
    "patching.frames_min=null",
    "patching.frames_max=null",
    "registration.mode=integer",
    "loss.name=l1",
    "training.batch=128",
    "training.optimizer=nadam",
    "training.learning_rate=0.0005",
    "training.schedule=constant",
    "training.warmup=0",
    "training.clip_norm=0",
    "training.ema=0",
    "prediction.frames=0",
]  # as in profiles/original.yaml
RECIPES = {"fusion": ["model.preset=fusion"], "enhanceme-32": OWN}


def cpu_of_a_step(train, config, data, store, run):
    "CPU seconds of one step, compilation left out."
    spent = []
    for steps in (2, 12):
        start = time.process_time()
        train(
            config.change(
                "training.steps=1000000", "training.validate_every=1000000", "training.checkpoint_every=1000000"
            ),
            data,
            store,
            run / f"probe-{time.time_ns()}",
            steps_now=steps,
            quiet=True,
        )
        spent.append(time.process_time() - start)
    return max((spent[1] - spent[0]) / 10, 1e-3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--minutes", type=float, default=60, help="CPU minutes of enhanceme-32")
    parser.add_argument("--share", type=float, default=0.1, help="of these, for our recipe")
    parser.add_argument("--looks", type=int, default=12, help="validations along each run")
    parser.add_argument(
        "--judge", type=Path, nargs="*", default=(), help="data sets on which the two finished networks are judged"
    )
    parser.add_argument("--work", type=Path, default=Path("reports/local-minutes"))
    parser.add_argument("--csv", type=Path, help="write the curves there")
    args = parser.parse_args()
    from enhanceme.config import Config
    from enhanceme.metrics import baseline, cpsnr
    from enhanceme.prediction import super_resolve
    from enhanceme.preparation import prepare
    from enhanceme.scenes import find_scenes, read_norms, read_scene
    from enhanceme.training import train
    from enhanceme.weights import load_model

    curves = []
    for name, changes in RECIPES.items():
        minutes = args.minutes * (1 if name == "enhanceme-32" else args.share)
        config = Config.load("weights", [*changes, "training.validation=0.1", "training.validation_scenes=12"])
        store = prepare(args.data, args.store / config.registration.mode, config.registration, split="train")
        run = args.work / f"{name}-{minutes:g}min"
        if not (run / "training.json").exists():
            if not (run / "config.yaml").exists():
                steps = max(
                    args.looks,
                    round(60 * minutes / cpu_of_a_step(train, config, args.data, store, args.work / "probes")),
                )
                config = config.change(
                    f"training.steps={steps}",
                    f"training.validate_every={max(1, steps // args.looks)}",
                    f"training.checkpoint_every={max(1, steps // 50)}",
                )
            else:
                config = Config.load(run / "config.yaml")
            train(config, args.data, store, run)
        model, config = load_model(run)
        history = pd.read_csv(run / "history.csv").dropna(subset="val_gain")
        about = {"recipe": name, "step": config.training.steps, "cpu_minutes": minutes}
        curves.append(
            history.assign(
                recipe=name, cpu_minutes=minutes * history.step / config.training.steps, judged_on="validation"
            ).rename(columns={"val_gain": "gain"})[[*about, "judged_on", "gain"]]
        )
        for data in args.judge:
            norms = read_norms(data)
            scenes = [s for s in (read_scene(f, norms) for f in find_scenes(data)) if s.target is not None]
            gains = [
                cpsnr(super_resolve(model, config, s), *s.target) - (baseline(s) if s.norm is None else s.norm)
                for s in scenes
            ]
            curves.append(pd.DataFrame([{**about, "judged_on": data.name, "gain": sum(gains) / len(gains)}]))
    curves = pd.concat(curves, ignore_index=True)
    print(curves.round(3).to_string(index=False))
    validation = curves[curves.judged_on == "validation"]
    last = validation[validation.recipe == "enhanceme-32"].gain.max()
    ours = validation[(validation.recipe == "fusion") & (validation.gain >= last)]
    if len(ours):
        print(
            f"fusion reaches the best of enhanceme-32 ({last:+.2f} dB in {args.minutes:g} CPU minutes) "
            f"after {ours.cpu_minutes.min():.1f} CPU minutes: a share of "
            f"{ours.cpu_minutes.min() / args.minutes:.3f}"
        )
    else:
        print(f"fusion does not reach {last:+.2f} dB in {args.minutes * args.share:g} CPU minutes: NOT MET")
    if args.csv:
        curves.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
