"""Effect of the landscape: one recipe, trained on procedural landscapes, on landscapes cut from images and, with
`--set`, under other settings of the simulator, scored on the same scenes.

    python benchmarks/bench_imagery.py IMAGERY DATA [DATA ...] [--set KEY=VALUE ...] [--scenes 150] [--steps 800]
    [--seeds 2026 ...] [--work FOLDER] [--csv FILE]

IMAGERY is a folder of georeferenced images, DATA are the data sets that are scored, with HR or simulated. All networks
have the recipe of `profiles/weights.yaml` with fewer scenes and steps and, but for `--set`, the same simulated
sensor; each seed trains one network of each kind, on scenes of its own. A positive difference favours imagery, or the
settings, over procedural landscapes with the default settings and the same seed. Gains also vary between seeds: use
several. Runs resume.
"""

import argparse
from pathlib import Path

import pandas as pd


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("imagery", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, nargs="*", help="default: that of profiles/weights.yaml")
    parser.add_argument("--most", type=int, default=32, help="scenes of each DATA that are judged on")
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="settings of a third network, trained on procedural landscapes, such as simulation.hr_blur=[0.25,0.55]",
    )
    parser.add_argument("--work", type=Path, default=Path("reports/local-imagery"))
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    from enhanceme.config import Config
    from enhanceme.datasets import simulate_dataset
    from enhanceme.metrics import baseline, cpsnr
    from enhanceme.prediction import super_resolve
    from enhanceme.preparation import prepare
    from enhanceme.scenes import find_scenes, read_norms, read_scene
    from enhanceme.statistics import paired_difference
    from enhanceme.training import train
    from enhanceme.weights import load_model

    plain = Config.load(
        "weights",
        [f"training.steps={args.steps}", f"training.validate_every={args.steps}", "training.validation_scenes=2"],
    )
    ways = {
        "procedural": (None, []),
        "imagery": (args.imagery, []),
        **({"procedural, " + ", ".join(args.set): (None, args.set)} if args.set else {}),
    }
    networks = {}
    for seed in args.seeds or [plain.seed]:
        for name, (imagery, changes) in ways.items():
            config, work = (
                plain.change(f"seed={seed}", *changes),
                args.work / f"{'changed' if changes else name}-{seed}",
            )
            if not (work / "run" / "training.json").exists():
                data = simulate_dataset(work / "data", args.scenes, config.seed, config.simulation, imagery=imagery)
                train(config, data, prepare(data, work / "store", config.registration, split="train"), work / "run")
            networks[name, seed] = load_model(work / "run" / "last.keras")
    rows = []
    for data in args.data:
        norms = read_norms(data)
        scenes = [s for s in (read_scene(f, norms) for f in find_scenes(data)) if s.target is not None][: args.most]
        norm = pd.Series([baseline(s) if s.norm is None else s.norm for s in scenes])
        scores = {
            key: pd.Series([cpsnr(super_resolve(model, settings, s), *s.target) for s in scenes])
            for key, (model, settings) in networks.items()
        }
        for (name, seed), values in scores.items():
            found = paired_difference(values, scores["procedural", seed]) if name != "procedural" else None
            rows.append(
                {
                    "landscapes": name,
                    "seed": seed,
                    "steps": networks[name, seed][1].training.steps,
                    "judged on": data.name,
                    "scenes": len(scenes),
                    "gain": (values - norm).mean(),
                    **(
                        {
                            "difference": found.difference.mean,
                            "low": found.difference.low,
                            "high": found.difference.high,
                            "wins": found.wins,
                        }
                        if found
                        else {}
                    ),
                }
            )
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    if args.csv:
        table.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
