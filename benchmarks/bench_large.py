"""Peak memory and speed of `enhanceme upscale` on GeoTIFFs of a slice of a large place, and an estimate from them for
a place of 10,000 x 10,000 LR pixels.

    python benchmarks/bench_large.py [RUN_OR_FILE [WIDTH [HEIGHT [TILE]]]]

Writes 9 GeoTIFFs of a slice (default 10,000 x 240 LR px: two rows of tiles of 128) into a temporary folder, runs the
command on them in a process of its own, and prints its peak resident memory as the kernel counts it. Exits with 1
where 10,000 x 10,000 would take 4 GB or more. Without RUN_OR_FILE it takes the weights that ship or, where there are
none, an untrained `fusion` network: memory and time do not depend on the weights. Memory grows with the width; one
byte for each LR pixel, which grows with the height, is added. Takes some minutes on one core.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from scipy import ndimage

FRAMES, SIDE, GB = 9, 10_000, 2**30


def write_slice(folder, width, height):
    "Smooth noise seen at small shifts, a block of columns at a time: a tiled GeoTIFF and a mask for each frame."
    import rasterio
    from rasterio.transform import from_origin

    kind = dict(
        driver="GTiff",
        count=1,
        width=width,
        height=height,
        crs="EPSG:32631",
        transform=from_origin(500_000, 5_800_000, 300, 300),
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
    )
    for t in range(FRAMES):
        with (
            rasterio.open(folder / f"day{t}.tif", "w", dtype="uint16", **kind) as frame,
            rasterio.open(folder / f"day{t}_mask.tif", "w", dtype="uint8", **kind) as mask,
        ):
            for x in range(0, width, 1024):
                rng, window = np.random.default_rng(x), ((0, height), (x, min(x + 1024, width)))
                ground = ndimage.gaussian_filter(rng.normal(size=(height, window[1][1] - x)), 1)
                seen = ndimage.shift(ground, np.random.default_rng(t).normal(0, 0.2, 2), mode="reflect")
                frame.write(
                    (6000 + 3000 * seen + np.random.default_rng([x, t]).normal(0, 15, ground.shape)).astype(np.uint16),
                    1,
                    window=window,
                )
                mask.write(np.ones(ground.shape, np.uint8), 1, window=window)
    return folder


def write_network(path, source, tile):
    "Write a network with its tile size, in another process: this one stays small and does not load TensorFlow."
    program = """
import sys
from enhanceme.config import Config
from enhanceme.models import build_model
from enhanceme.methods import default_weights
from enhanceme.weights import load_model, save_model
path, source, tile = sys.argv[1:]
source = source or default_weights(needed=False)
config = Config.load("cpu")
network, config = load_model(source) if source else (build_model(config.model, config.bands), config)
save_model(network, config.change(f"prediction.tile={tile}"), path)
print(network.name, "of", source or "random weights")
"""
    return subprocess.run(
        [sys.executable, "-c", program, str(path), source, str(tile)], check=True, capture_output=True, text=True
    ).stdout.strip()


def measured(command):
    "Exit status, wall and CPU seconds, and peak resident memory in bytes of a command."
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    return (
        os.waitstatus_to_exitcode(status),
        time.perf_counter() - start,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * unit,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="RUN_OR_FILE", nargs="?", default="", help="default: the weights that ship")
    parser.add_argument("width", metavar="WIDTH", type=int, nargs="?", default=SIDE, help="LR px of the slice")
    parser.add_argument("height", metavar="HEIGHT", type=int, nargs="?", default=240, help="LR px of the slice")
    parser.add_argument("tile", metavar="TILE", type=int, nargs="?", default=128, help="LR px, side of a tile")
    args = parser.parse_args()
    source, width, height, tile = args.source, args.width, args.height, args.tile
    from enhanceme.tiles import large_memory
    from enhanceme.upscaling import LARGE

    if FRAMES * width * height <= LARGE:
        sys.exit(
            f"{width} x {height}: is processed in memory, not in tiles; take more rows than {LARGE // (FRAMES * width)}"
        )
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        name = write_network(tmp / "net.keras", source, tile)
        (tmp / "frames").mkdir()
        write_slice(tmp / "frames", width, height)
        command = [
            sys.executable,
            "-c",
            "from enhanceme.cli import main; main()",
            "upscale",
            str(tmp / "frames"),
            str(tmp / "sr.tif"),
            "--model",
            str(tmp / "net.keras"),
        ]
        idle = measured([sys.executable, "-c", "import enhanceme.training, enhanceme.stacks, rasterio"])[3]
        code, wall, cpu, peak = measured(command)
        if code:
            return code
        import rasterio

        with rasterio.open(tmp / "sr.tif") as file:
            assert (file.width, file.height) == (3 * width, 3 * height)
    rest = max(0, SIDE - height) * width
    print(
        f"{name}, tiles of {tile}: {width} x {height} LR px to {3 * width} x {3 * height} in {wall:.0f} s, "
        f"{cpu:.0f} s of CPU"
    )
    print(
        f"peak resident memory {peak / GB:.2f} GB, of which {idle / GB:.2f} GB with everything imported "
        f"and nothing done; the strips' share by arithmetic {large_memory(width, FRAMES, tile) / GB:.2f} GB"
    )
    print(
        f"{width} x {SIDE} LR px: {(peak + rest) / GB:.2f} GB, the same and {rest / GB:.2f} GB for the map "
        f"of valid pixels; about {cpu * SIDE / height / 3600:.1f} hours of CPU; "
        f"{width * SIDE * FRAMES * 5 / 1e9:.1f} GB of files beside the result"
    )
    return 0 if peak + rest < 4 * GB else 1


if __name__ == "__main__":
    sys.exit(main())
