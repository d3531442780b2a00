"""cPSNR of one 384 x 384 scene over 49 shifts: agreement with the plain loop, and speed as a ratio to it, on one
core.

    python benchmarks/bench_metrics.py [REPEATS]

Prints one line a case; exits with 1 where the difference exceeds 1e-9 dB or the ratio falls below 10. Takes about 5
seconds.
"""

import argparse
import sys
import time

import numpy as np
from scipy import ndimage

from enhanceme.metrics import cpsnr_surface, cssim
from enhanceme.scenes import Scene
from enhanceme.scores import score_scenes


def loop_surface(sr, hr, sm):
    "cPSNR at each shift in dB (7, 7), as the definition reads."
    h, w = hr.shape
    sr, surface = sr[3:-3, 3:-3] / 65535, np.zeros((7, 7))
    for u in range(7):
        for v in range(7):
            m, t = sm[u : u + h - 6, v : v + w - 6], hr[u : u + h - 6, v : v + w - 6] / 65535
            d = t[m] - sr[m]
            surface[u, v] = -10 * np.log10(np.mean((d - d.mean()) ** 2))
    return surface


def seconds(f, *args, clock=time.perf_counter):
    "Time of one call: on the wall, or of this thread alone (clock=time.thread_time)."
    start = clock()
    f(*args)
    return clock() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repeats", metavar="REPEATS", type=int, nargs="?", default=25, help="of each case")
    repeats = parser.parse_args().repeats
    rng = np.random.default_rng(0)
    hr = ndimage.gaussian_filter(rng.normal(size=(384, 384)), 1.5)
    hr = (6000 + 900 * hr / hr.std()).astype(np.uint16)
    sr = hr + rng.normal(0, 200, hr.shape)
    clouds = ndimage.gaussian_filter(rng.normal(size=hr.shape), 20)
    masks = {
        "all clear": np.ones(hr.shape, bool),
        "10 % under cloud": clouds < np.quantile(clouds, 0.9),
        "half, scattered": rng.random(hr.shape) < 0.5,
    }
    print(
        "first call, compiling or reading what was compiled: "
        f"{seconds(cpsnr_surface, sr, hr, masks['all clear']):.2f} s"
    )
    good = True
    for name, sm in masks.items():
        slow, fast = (
            np.array([seconds(f, sr, hr, sm, clock=time.thread_time) for _ in range(repeats)])
            for f in (loop_surface, cpsnr_surface)
        )
        ratio, difference = (
            np.median(slow) / np.median(fast),
            np.abs(loop_surface(sr, hr, sm) - cpsnr_surface(sr, hr, sm)).max(),
        )
        good &= ratio >= 10 and difference <= 1e-9
        print(
            f"{name:17} loop {1e3 * np.median(slow):5.1f} ms, ours {1e3 * np.median(fast):4.1f} ms: "
            f"{ratio:4.1f} times as fast (10 asked), largest difference {difference:.0e} dB (1e-9 allowed)"
        )
    cssim(sr, hr, masks["all clear"])
    print(f"cSSIM, 49 shifts: {1e3 * seconds(cssim, sr, hr, masks['all clear']):.0f} ms")
    scene = Scene(
        "imgset0000",
        "RED",
        "train",
        np.ones((1, 128, 128), np.uint16),
        np.ones((1, 128, 128), bool),
        hr,
        masks["all clear"],
        48.0,
        (0,),
    )
    one, two = (min(seconds(score_scenes, [(sr, scene)] * 6, n) for _ in range(3)) for n in (1, 2))
    print(f"six scenes scored: {one:.2f} s by one thread, {two:.2f} s by two: ratio {one / two:.2f}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
