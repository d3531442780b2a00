"""Time of preparation (read, register, choose, store), as ratios in one run: against decoding the same PNGs, and
against the original's preprocessing steps; and its memory by the number of scenes.

    python benchmarks/bench_preparation.py [--scenes 16] [--memory 100,400,1450] [--out FILE.json]
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import fourier_shift

from enhanceme.preparation import open_store, prepare_scene
from enhanceme.scene_writing import write_scene
from enhanceme.scenes import find_scenes, read_scene
from enhanceme.settings import RegistrationConfig
from enhanceme.simulation import simulate_scene
from enhanceme.simulation_settings import SimulationConfig


def decode(folder):
    "Decode every PNG of a scene, nothing else."
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            np.asarray(image)


def original(folder, out, frames=9, size=16, limit=0.85, copies=19):
    """EnhanceMe's five stages for one scene, written anew: arrays saved after each, masks and frames shifted by
    Fourier transforms, every patch stored with its permutations."""
    scene = read_scene(folder, {})
    lr, qm, hr, sm = scene.lr.astype(np.float64), scene.qm, scene.hr.astype(np.float64), scene.sm
    for name, a in (("lr", lr), ("qm", qm), ("hr", hr), ("sm", sm)):
        np.save(out / f"1_{name}.npy", a)
    order = np.argsort(-qm.sum((1, 2)))  # stage 2: register, drop, choose
    images, masks = [lr[order[0]]], [qm[order[0]]]
    for t in order[1:]:
        product = np.fft.fftn(lr[order[0]]) * np.fft.fftn(lr[t]).conj()
        shift = np.array(np.unravel_index(np.abs(np.fft.ifftn(product)).argmax(), lr[t].shape), float)
        shift = np.where(shift > np.array(lr[t].shape) // 2, shift - lr[t].shape, shift)
        images.append(np.fft.ifftn(fourier_shift(np.fft.fftn(lr[t]), shift)).real)
        masks.append(np.fft.ifftn(fourier_shift(np.fft.fftn(qm[t]), shift)).real > 0.5)
    stack = np.ma.masked_array(images, mask=~np.array(masks))
    clear = [1 - m.mean() > limit for m in np.ma.getmaskarray(stack)]
    if not any(clear):
        return
    stack = stack[clear][np.argsort([m.sum() for m in np.ma.getmaskarray(stack[clear])])]
    while len(stack) < frames:
        stack = np.ma.concatenate((stack, stack[np.random.permutation(len(stack))]))
    stack[:frames].dump(out / "2_lr.npy")
    pad = ((0, 0), (3, 3), (3, 3))  # stage 3: patches
    image, mask = (
        np.pad(stack[:frames].data, pad, "reflect").astype(np.float32),
        np.pad(np.ma.getmaskarray(stack[:frames]), pad, "reflect"),
    )

    def unfold(a, n, step):
        return np.stack(
            [
                a[..., y : y + n, x : x + n]
                for y in range(0, a.shape[-2] - n + 1, step)
                for x in range(0, a.shape[-1] - n + 1, step)
            ]
        )

    low = np.ma.masked_array(unfold(image, size + 6, size), mask=unfold(mask, size + 6, size))  # (N, T, 22, 22)
    high = np.ma.masked_array(unfold(hr.astype(np.float32), 3 * size, 3 * size), mask=unfold(~sm, 3 * size, 3 * size))
    low.dump(out / "3_lr.npy")
    high.dump(out / "3_hr.npy")
    cleaned = []  # stage 4: clear frames of each patch, clear HR patches
    for patch in low:
        good = patch[[m.mean() < 1 - limit for m in patch.mask]]
        if not len(good):
            good = patch
        while len(good) < frames:
            good = np.ma.concatenate((good, good))
        cleaned.append(good[:frames])
    keep = [m.mean() < 1 - limit for m in high.mask]
    low, high = np.ma.array(cleaned)[keep], high[keep]
    low.dump(out / "4_lr.npy")
    high.dump(out / "4_hr.npy")
    low = np.ma.concatenate([low] + [low[:, np.random.permutation(frames)] for _ in range(copies)])  # stage 5
    low.dump(out / "5_lr.npy")
    np.tile(high, (copies + 1, 1, 1)).dump(out / "5_hr.npy")


def seconds(functions, items, repeat=3):
    """CPU seconds of each function over all items: of each item the best of `repeat` passes, in one process; the
    functions take turns at every item, so that a busy machine slows all of them alike."""
    best = np.full((len(functions), len(items)), np.inf)
    for _ in range(repeat):
        for i, item in enumerate(items):
            for f, function in enumerate(functions):
                start = time.process_time()
                function(item)
                best[f, i] = min(best[f, i], time.process_time() - start)
    return best.sum(1)


MEMORY = """
import resource, sys
from enhanceme.preparation import prepare
prepare(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]), progress=False)
counted = [resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN] if int(sys.argv[3]) > 1 else [resource.RUSAGE_SELF]
peak = sum(resource.getrusage(who).ru_maxrss for who in counted)
assert "tensorflow" not in sys.modules
print(peak / 1024)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=16, help="simulated scenes to time")
    parser.add_argument("--memory", default="", help="numbers of scenes to measure memory at, such as 100,400,1450")
    parser.add_argument("--out", help="JSON file for the results")
    args = parser.parse_args()
    result = {}
    with tempfile.TemporaryDirectory() as tmp:
        data, tmp = Path(tmp) / "data", Path(tmp)
        for i in range(args.scenes):
            write_scene(simulate_scene(i, 0, "RED", SimulationConfig()), data)
        folders = find_scenes(data)
        cfg = RegistrationConfig()
        prepare_scene(folders[0], open_store(tmp / "warm", cfg), cfg, {})  # compile

        def ours(folder):
            store.path(f"{folder.parent.name}/{folder.name}").unlink(missing_ok=True)
            prepare_scene(folder, store, cfg, {})

        store = open_store(tmp / "store", cfg)
        out = tmp / "original"
        out.mkdir()
        names = ("decode_ms", "prepare_ms", "read_ms")
        result |= zip(names, 1e3 * seconds((decode, ours, lambda f: read_scene(f, {})), folders, 5) / len(folders))
        names = ("original_ms", "original_without_copies_ms")
        result |= zip(
            names,
            1e3
            * seconds((lambda f: original(f, out), lambda f: original(f, out, copies=0)), folders, 1)
            / len(folders),
        )
        result["prepare_over_decode"] = result["prepare_ms"] / result["decode_ms"]
        result["original_over_prepare"] = result["original_ms"] / result["prepare_ms"]
        result["original_without_copies_over_prepare"] = result["original_without_copies_ms"] / result["prepare_ms"]
        for n in (int(x) for x in args.memory.split(",") if x):
            many = tmp / f"many{n}"
            for i in range(n):
                folder = many / "train" / "RED" / f"imgset{i:04d}"
                shutil.copytree(folders[i % len(folders)], folder, copy_function=os.link)
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", MEMORY, str(many), str(tmp / f"store{n}"), "2"],
                capture_output=True,
                text=True,
                check=True,
            )
            result[f"peak_mb_{n}"], result[f"scenes_per_s_{n}"] = (
                float(done.stdout.split()[-1]),
                n / (time.perf_counter() - start),
            )
            shutil.rmtree(tmp / f"store{n}")
    for k, v in result.items():
        print(f"{k:42} {v:9.2f}")
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
