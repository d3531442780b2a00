"""Peak memory and speed of `upscale_large` on a slice of a large stack, and what they mean for one of 10,000 x 10,000 LR pixels.

Usage: python benchmarks/bench_large.py RUN_OR_FILE [width [height [tile]]]
Writes a slice of 9 frames (default 10,000 x 240 LR px: two rows of tiles) into a temporary folder and prints the peak resident memory before and after; exits
with 1 at 4 GB or more. Memory does not depend on the height, time is proportional to the area. Costs some minutes on one core.
"""
import resource, sys, tempfile, time
from pathlib import Path

import numpy as np
from scipy import ndimage


def peak():
    "Largest resident memory of this process so far, GB."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def write_slice(folder, width, height, frames=9):
    "Smooth noise seen at small shifts, a block at a time: paths of frames and masks."
    lr = np.lib.format.open_memmap(folder / "frames.npy", "w+", np.uint16, (frames, height, width))
    clear = np.lib.format.open_memmap(folder / "masks.npy", "w+", bool, (frames, height, width))
    clear[:] = True
    for x in range(0, width, 1000):
        rng = np.random.default_rng(x)
        ground = ndimage.gaussian_filter(rng.normal(size=(height, min(1000, width - x))), 1)
        for t in range(frames): lr[t, :, x:x + 1000] = 6000 + 3000 * ndimage.shift(ground, np.random.default_rng(t).normal(0, .2, 2), mode="reflect") + rng.normal(0, 15, ground.shape)
    return folder / "frames.npy", folder / "masks.npy"


def main(model, width=10_000, height=240, tile=128):
    with tempfile.TemporaryDirectory() as tmp:
        paths = write_slice(Path(tmp), width, height)
        from enhanceme.prediction import large_memory, upscale_large
        from enhanceme.training import load_model
        network, config = load_model(model)
        print(f"before: {peak():.2f} GB (TensorFlow, network, slice's maker)", flush=True)
        start = time.perf_counter()
        out = upscale_large(network, config.change(f"prediction.tile={tile}"), *paths, Path(tmp) / "sr.npy")
        seconds, sr = time.perf_counter() - start, np.load(out, mmap_mode="r")
        print(f"{width} x {height} LR px to {sr.shape[1]} x {sr.shape[0]}: {seconds:.0f} s, peak {peak():.2f} GB; the image's own share is {large_memory(width, 9, tile) / 2**30:.2f} GB by arithmetic")
        print(f"10,000 x 10,000 LR px: the same memory, about {seconds * 1e8 / (width * height) / 3600:.1f} hours at this speed; files of 1.8 GB frames, 0.9 GB masks, 1.8 GB image")
        return 0 if peak() < 4 else 1


if __name__ == "__main__": sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
