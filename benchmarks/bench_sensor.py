"""Measure the sensor on real scenes whose HR frame is known; numbers only, no pixels.

    python benchmarks/bench_sensor.py ../shared/data/probav96 [--out benchmarks] [--most 8]

The folder holds `reference.json`: for each band and scene the number of the LR frame of HR's acquisition. Writes
`sensor_scenes.csv`, one row a scene, with the gain of the classical `map`, and `sensor.csv`, mean with interval
and quantiles of each quantity by band.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

from enhanceme.classical import classical_image
from enhanceme.core import written_whole
from enhanceme.metrics import cpsnr
from enhanceme.scenes import read_scene
from enhanceme.sensor_survey import summary, survey_scene


def jobs(data):
    "Folder and frame of each training scene that the reference names."
    reference = json.loads((data / "reference.json").read_text())
    for band, frames in reference.items():
        for name, frame in frames.items():
            if (data / "train" / band / name).is_dir():
                yield data / "train" / band / name, frame


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument("--most", type=int, default=8, help="frames of other dates that are fitted in each scene")
    args = parser.parse_args()
    if not (args.data / "reference.json").is_file():
        sys.exit(f"{args.data}: holds no reference.json; give a data set whose HR frames are known")
    rows = []
    for folder, frame in jobs(args.data):
        scene = read_scene(folder)
        row = survey_scene(scene, scene.frames.index(frame), args.most)
        row["map gain"] = cpsnr(classical_image("map", scene), scene.hr, scene.sm) - row["norm"]
        rows.append(row)
    scenes = pd.DataFrame(rows)
    for table, name in ((scenes, "sensor_scenes.csv"), (summary(scenes), "sensor.csv")):
        with written_whole(args.out / name) as part:
            table.round(5).to_csv(part, index=False)
    print(summary(scenes).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
