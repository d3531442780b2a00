"""Gains of networks on real stacks without HR, reduced to a third of their resolution
(`enhanceme.realism.reduced_scene`): a clear, sharp frame becomes HR, so that the score includes real change, real
clouds and real differences in sharpness.

    python benchmarks/bench_reduced.py DATA [--network NAME=RUN_OR_FILE[,RUN_OR_FILE ...] ...] [--tops 3] [--draws 2]
    [--csv FILE]

DATA is a data set of real scenes, whose HR is not used. Of each stack, each of the `--tops` best frames (by clearance,
then sharpness) becomes HR `--draws` times, with other shifts. Scored are the weights that ship, with several settings
of prediction, other networks with their own settings, and classical methods. Gains over the official baseline in dB
are averaged over each stack, which counts once; brackets hold 95 % intervals over stacks.
"""

import argparse
from pathlib import Path

import pandas as pd
from tqdm import tqdm

WAYS = {
    "fusion": [],
    "4 flips": ["prediction.flips=4"],
    "9 frames": ["prediction.frames=9"],
    "all frames": ["prediction.frames=64"],
    "all frames, 4 flips": ["prediction.frames=64", "prediction.flips=4"],
}
CLASSIC = ("bicubic-mean", "median", "map")


def cases(data, tops, draws):
    "(stack, scene with HR) of each reduced scene."
    from enhanceme.config import Config
    from enhanceme.patching import choose_frames
    from enhanceme.realism import reduced_scene
    from enhanceme.registration import register
    from enhanceme.scenes import find_scenes, read_scene

    config = Config.load("weights")
    for folder in find_scenes(data):
        scene = read_scene(folder, {})
        best = choose_frames(register(scene, config.registration), len(scene.lr), config.patching)[0]
        for home in list(dict.fromkeys(best.tolist()))[:tops]:
            for seed in range(draws):
                yield scene.key, reduced_scene(scene, home, seed, config.simulation)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--network",
        nargs="*",
        default=[],
        metavar="NAME=RUN_OR_FILE[,...]",
        help="the mean of the images where there are several",
    )
    parser.add_argument("--tops", type=int, default=3)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--csv", type=Path, help="write the gain of each method on each stack there")
    args = parser.parse_args()
    from enhanceme.classical import classical_image
    from enhanceme.methods import default_weights
    from enhanceme.metrics import baseline, cpsnr
    from enhanceme.prediction import super_resolve
    from enhanceme.statistics import bootstrap_mean
    from enhanceme.weights import load_model

    model, config = load_model(default_weights())
    ways = {name: config.change(*changes) for name, changes in WAYS.items()}
    methods = {name: (lambda scene, c=own: super_resolve(model, c, scene)) for name, own in ways.items()}
    for text in args.network:
        name, _, source = text.partition("=")
        networks, configs = zip(*map(load_model, source.split(",")))
        methods[name] = lambda scene, networks=networks, configs=configs: super_resolve(networks, configs, scene)
    methods |= {name: (lambda scene, name=name: classical_image(name, scene)) for name in CLASSIC}
    rows = []
    for key, scene in tqdm(list(cases(args.data, args.tops, args.draws)), desc="reduced scenes"):
        norm = baseline(scene)
        rows += [
            {"stack": key, "method": name, "gain": cpsnr(make(scene), *scene.target) - norm}
            for name, make in methods.items()
        ]
    table = pd.DataFrame(rows).groupby(["method", "stack"], sort=False, as_index=False).gain.mean()
    wide = table.pivot(index="stack", columns="method", values="gain")[list(methods)]
    print(wide.round(2).T.to_string())
    for name in methods:
        mean, apart = bootstrap_mean(wide[name]), bootstrap_mean(wide[name] - wide["fusion"])
        print(
            f"{name:24} {mean.mean:+.2f} dB [{mean.low:.2f}, {mean.high:.2f}], against fusion "
            f"{apart.mean:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}]"
        )
    if args.csv:
        table.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
