"""How much less a frame should count in the MAP estimate where it is not HR's own.

    python benchmarks/bench_likelihood.py [STUDY] [--out benchmarks/likelihood.csv]

STUDY is a study of labelled real scenes, such as reports/cpu, with its data set in place. Measured on the scenes on
which its networks were trained, with likelihoods from a logit that has not seen the scene; those that the study holds
out are not touched. The notebook 630_classical.ipynb shows the table.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from enhanceme.bench import Bench, cached_scene
from enhanceme.classical import most_probable
from enhanceme.metrics import cpsnr
from enhanceme.prediction import to_dn
from enhanceme.settings import RegistrationConfig

HERE = Path(__file__).resolve().parents[1]
TRIED = (1.0, 0.3, 0.1, 0.03, 0.01, 0.0)  # weights of a frame that is not HR's own; 1 = likelihood not used


def measured(bench):
    "Gain over the baseline of each training scene by each weight, dB."
    store, rows = bench.store(bench.config.model_copy(update={"registration": RegistrationConfig()})), []
    for key in tqdm([*bench.scenes[0], *bench.scenes[1]], unit="scene"):
        stack, scene = store.load(key).stack, cached_scene(bench.data / "train" / key)
        for other in TRIED:
            gain = cpsnr(to_dn(most_probable(stack, other=other)), *scene.target) - scene.norm
            rows.append({"scene": key, "other": other, "gain": gain})
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", default="reports/cpu", help="a study's folder; default: reports/cpu")
    parser.add_argument("--out", default=HERE / "benchmarks" / "likelihood.csv", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # of the prepared scenes
        shutil.copy(Path(args.study) / "study.json", folder)
        table = measured(Bench.open(folder))
    table.to_csv(args.out, index=False, float_format="%.4f")
    print(table.groupby("other").gain.agg(["mean", "median", "min"]).round(3).to_string())


if __name__ == "__main__":
    main()
