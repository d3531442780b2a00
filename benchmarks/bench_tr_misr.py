"""The published weights of TR-MISR on real scenes, prepared as its authors prepare them.

    python benchmarks/bench_tr_misr.py DATA TRNet_RED.pth TRNet_NIR.pth [--csv FILE] [--scenes N]

DATA is a data set with HR and `norm.csv`. The 32 clearest frames are registered to the clearest in whole pixels, by
masked phase correlation with an overlap of 0.99, with 0 where a frame ends; nothing else is done to them. The reference
of the encoder is the median of the first nine. The minimum is subtracted from the image, which is cut at 14 bits.
FILE keeps the gain over the official baseline of each scene, in dB; a scene that it holds is not computed again.
The authors trained on 90 % of the challenge's training scenes, which are not named: some of these are among DATA's.
"""

import argparse
import csv
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.registration import phase_cross_correlation
from tqdm import tqdm

from enhanceme.core import project_root
from enhanceme.metrics import baseline, cpsnr
from enhanceme.pytorch import import_tr_misr
from enhanceme.scenes import find_scenes, read_norms, read_scene
from enhanceme.statistics import bootstrap_mean

FRAMES, BITS = 32, 16383
ROWS = 16  # of the image that the transformer takes at once, to save memory


def prepared(scene):  # (T, h, w), the clearest first
    "The stack as the authors prepare it."
    order = np.argsort(-scene.clearance, kind="stable")[:FRAMES]
    frames, masks = scene.lr[order].astype(float), scene.qm[order]
    for i in range(1, len(frames)):
        about = dict(reference_mask=masks[0], moving_mask=masks[i], overlap_ratio=0.99)
        moved = phase_cross_correlation(frames[0], frames[i], **about)[0]
        frames[i] = ndimage.shift(frames[i], moved, mode="constant", cval=0)
    return frames


def network(path):  # function of a stack (T, h, w) in DN that returns an image (3h, 3w)
    "The published network without the crop of a margin, the transformer on some rows at a time."
    net = import_tr_misr(path)
    code = net.get_layer("code").output
    encode, fuse = keras.Model(net.input, code), keras.Model(code, net.get_layer("main_shuffle").output)

    def image(stack):
        codes = encode({"frames": stack[None, ..., None].astype("float32")})
        rows = [fuse(codes[:, :, at : at + ROWS]) for at in range(0, stack.shape[1], ROWS)]
        return np.concatenate([np.asarray(part)[0, ..., 0] for part in rows]) * 65535

    return image


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("red")
    parser.add_argument("nir")
    parser.add_argument("--csv", type=Path, default=project_root() / "benchmarks" / "tr_misr.csv")
    parser.add_argument("--scenes", type=int, help="the first N scenes only")
    args = parser.parse_args()
    done = set(pd.read_csv(args.csv).scene) if args.csv.is_file() else set()
    networks, norms = {"RED": network(args.red), "NIR": network(args.nir)}, read_norms(args.data)
    with open(args.csv, "a", newline="") as file:
        table = csv.writer(file)
        if not done:
            table.writerow(("scene", "frames", "gain"))
        folders = find_scenes(args.data, split="train")
        place = {folder: sum(f.parent == folder.parent for f in folders[: folders.index(folder)]) for folder in folders}
        for folder in tqdm(sorted(folders, key=place.get)[: args.scenes]):  # both bands in turn
            scene = read_scene(folder, norms)
            if scene.target is None or scene.key in done:
                continue
            stack = prepared(scene)
            image = networks[scene.band](stack)
            image = np.clip(np.floor(image - image.min()), 0, BITS)
            norm = baseline(scene) if scene.norm is None else scene.norm
            table.writerow((scene.key, len(stack), f"{cpsnr(image, *scene.target) - norm:.4f}"))
            file.flush()
    rows = pd.read_csv(args.csv)
    for band, own in rows.groupby(rows.scene.str[:3]):
        print(band, len(own), "scenes, gain in dB:", bootstrap_mean(own.gain))


if __name__ == "__main__":
    main()
