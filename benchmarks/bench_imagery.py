"""What the landscape brings: one recipe, trained on procedural landscapes, on landscapes cut from images and, with `--set`, under other settings of the simulator, judged on the same scenes.

    python benchmarks/bench_imagery.py IMAGERY DATA [DATA ...] [--set KEY=VALUE ...] [--scenes 150] [--steps 800] [--work FOLDER] [--csv FILE]

IMAGERY is a folder of georeferenced images, DATA are data sets with HR or simulated ones to judge on. All networks have the recipe of `profiles/weights.yaml` with fewer scenes and steps, the same seed and, but for `--set`, the same simulated sensor.
A positive difference speaks for imagery, or for the settings, against procedural landscapes by the defaults. Runs resume. One seed each: differences under 0.1 dB are noise.
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
    parser.add_argument("--most", type=int, default=32, help="scenes of each DATA that are judged on")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of a third network, trained on procedural landscapes, such as simulation.hr_blur=[0.25,0.55]")
    parser.add_argument("--work", type=Path, default=Path("reports/local-imagery"))
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    from enhanceme.config import Config
    from enhanceme.metrics import baseline, bootstrap_mean, cpsnr, paired_difference
    from enhanceme.patching import prepare
    from enhanceme.prediction import super_resolve
    from enhanceme.scenes import find_scenes, read_norms, read_scene
    from enhanceme.simulation import simulate_dataset
    from enhanceme.training import load_model, train

    plain = Config.load("weights", [f"training.steps={args.steps}", f"training.validate_every={args.steps}", "training.validation_scenes=2"])
    networks, ways = {}, {"procedural": (None, []), "imagery": (args.imagery, []), **({"procedural, " + ", ".join(args.set): (None, args.set)} if args.set else {})}
    for name, (imagery, changes) in ways.items():
        config, work = plain.change(*changes), args.work / ("changed" if changes else name)
        data = simulate_dataset(work / "data", args.scenes, config.seed, config.simulation, imagery=imagery)
        store = prepare(data, work / "store", config.registration, split="train")
        train(config, data, store, work / "run")
        networks[name] = load_model(work / "run" / "last.keras")
    rows = []
    for data in args.data:
        norms = read_norms(data)
        scenes = [s for s in (read_scene(f, norms) for f in find_scenes(data)) if s.target is not None][:args.most]
        norm = pd.Series([baseline(s) if s.norm is None else s.norm for s in scenes])
        scores = {name: pd.Series([cpsnr(super_resolve(model, settings, s), *s.target) for s in scenes]) for name, (model, settings) in networks.items()}
        for name, values in scores.items(): print(f"{data.name}: {name} {bootstrap_mean(values - norm).mean:+.3f} dB over the baseline, {len(scenes)} scenes")
        for name in list(ways)[1:]:
            found = paired_difference(scores[name], scores["procedural"])
            rows.append({"landscapes": name, "judged on": data.name, "scenes": len(scenes), "difference": found.difference.mean, "low": found.difference.low, "high": found.difference.high, "wins": found.wins})
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    if args.csv: table.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
