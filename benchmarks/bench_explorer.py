"""Time of each control of the explorer, from its setting until the pictures are redrawn, relative to opening a scene.

    python benchmarks/bench_explorer.py [REPEATS]

Prints the median CPU time of both and their ratio for each control; exits with 1 where a control costs more than
opening the scene. On simulated scenes of 9 to 16 frames; takes some seconds.
"""

import argparse
import sys
import time
from itertools import cycle, islice
from operator import attrgetter

import numpy as np

from enhanceme.explore import Explorer
from enhanceme.views import Library, simulate

# control: the values that it takes in turn; each differs from the one before, so that each setting draws
CONTROLS = {
    "frames.frame": (1, 2, 3),
    "frames.registered": (False, True),
    "frames.matched": (False, True),
    "frames.mode": ("difference", "frame"),
    "images.wipe": (20, 70),
    "images.across": (3, 60),
    "images.down": (3, 60),
    "images.size": (150, 90),
    "images.left": ("one frame", "HR"),
    "images.right": ("shift-and-add", "baseline"),
}


def cpu(explorer, control, value):
    "Return CPU seconds from setting a control until everything that depends on it is drawn."
    widget, start = attrgetter(control)(explorer), time.process_time()
    widget.value = value
    return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repeats", metavar="REPEATS", type=int, nargs="?", default=9, help="of each control")
    repeats = parser.parse_args().repeats
    scenes = {s.key: s for s in (simulate(n, "RED") for n in (0, 1))}
    library = Library("two simulated scenes", tuple(scenes), scenes.__getitem__, lambda scene: None, None)
    explorer, opening = Explorer(library), []
    for key in islice(cycle(list(scenes)[::-1]), repeats):
        explorer.view_of.cache_clear()
        opening.append(cpu(explorer, "scene", key))
    reference = np.median(opening)
    print(f"opening a scene: {1e3 * reference:.0f} ms")
    good = True
    for control, values in CONTROLS.items():
        took = np.median([cpu(explorer, control, value) for value in islice(cycle(values), repeats)])
        good &= took <= reference
        print(f"{control:18} {1e3 * took:5.0f} ms: {reference / took:5.1f} times as fast as opening")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
