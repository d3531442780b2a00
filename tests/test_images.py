"""Images of other sensors: values, masks, fill, coordinates and units of small stacks come through, or are refused."""

import random
import sys

import numpy as np
import pytest
from conftest import enhanceme
from scipy import ndimage

rasterio = pytest.importorskip("rasterio")

from rasterio.transform import from_origin  # noqa: E402

from enhanceme.core import UserError  # noqa: E402
from enhanceme.methods import default_weights  # noqa: E402
from enhanceme.rasters import write_bands  # noqa: E402
from enhanceme.sensor import sampler  # noqa: E402
from enhanceme.upscaling import upscale  # noqa: E402

SIDE, DATES, RIM = 48, 9, 18  # px, frames, HR px of ground around
PLACE = {"crs": "EPSG:32631", "transform": from_origin(500000.0, 4600000.0, 300.0, 300.0)}
shipped = pytest.mark.skipif(not default_weights(needed=False), reason="no weights ship")


def texture(seed):
    "Ground (HR) of mean 0 and standard deviation 1."
    rng, side = np.random.default_rng(seed), 3 * SIDE + 2 * RIM
    out = sum(s * ndimage.gaussian_filter(rng.normal(size=(side, side)), s) for s in (1.5, 3, 8))
    return (out - out.mean()) / out.std()


def seen(ground, noise, width=2.0):
    "Frames of a ground at random shifts. A kernel this narrow has hardly any lobes."
    rng, out = np.random.default_rng(1), []
    for _ in range(DATES):
        y, x = (sampler(len(ground), SIDE, width, shift, a=-0.05) for shift in rng.normal(0, 0.35, 2))
        out.append(y @ ground @ x.T + noise * rng.normal(size=(SIDE, SIDE)))
    return np.array(out)


def written(folder, frames, names=None, masks=None, **profile):
    "Frames, and masks as {file name with {}: values}, as GeoTIFFs."
    for n, x in enumerate(frames):
        write_bands(folder / (names or "d{}.tif").format(n), x[None], **{**PLACE, **profile})
        for name, values in (masks or {}).items():
            write_bands(folder / name.format(n), values[n][None], **PLACE)
    return folder


def fused(source, out, **options):
    "The image, where it has values, and the notes."
    notes = []
    with rasterio.open(upscale(source, out, report=notes.append, **options)) as file:
        return file.read(1).astype(np.float64), file.read_masks(1) > 0, notes


@pytest.fixture(scope="module")
def plain():
    "Frames of an ordinary place, in DN."
    return np.rint(seen(5000 + 900 * texture(5), 20))


EXTREMES = {  # type, level and spread of the ground, value and share of an object on it
    "snow with a lake": ("float32", 0.85, 0.02, 0.03, 0.008),
    "sea with an island": ("int16", -15, 3, 3000, 0.02),
    "desert with a lake": ("uint8", 200, 5, 10, 0.01),
    "whole numbers of 32 bits": ("uint32", 1e6, 1e4, 4e9, 0.006),
    "radiance": ("float64", 2e-6, 1e-7, 9e-4, 0.05),
    "a hole in the sea": ("int32", 0, 20, -200000, 0.01),
}


@shipped
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_and_what_surrounds_them_are_kept(name, tmp_path):
    dtype, level, spread, value, share = EXTREMES[name]
    ground = level + spread * texture(3)
    y, x = np.mgrid[: len(ground), : len(ground)] - 0.5 * len(ground)
    inside = y**2 + x**2 < share * (3 * SIDE) ** 2 / np.pi
    ground = np.where(inside, value, ground)
    frames = seen(ground, 0.05 * spread)
    if np.dtype(dtype).kind in "iu":
        frames = np.rint(frames).clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
    image, _, _ = fused(written(tmp_path / "f", frames.astype(dtype)), tmp_path / "out.tif")
    ground, inside = ground[RIM:-RIM, RIM:-RIM], inside[RIM:-RIM, RIM:-RIM]
    core = ndimage.binary_erosion(inside, iterations=3)
    around = ~ndimage.binary_dilation(inside, iterations=18)
    around[:9] = around[-9:] = around[:, :9] = around[:, -9:] = False
    assert abs(np.median(image[core]) - value) < 0.03 * abs(value - level)
    assert abs(np.median(image[around]) - np.median(ground[around])) < 0.2 * spread
    assert 0.8 < image[around].std() / ground[around].std() < 1.25
    assert np.corrcoef(image[around], ground[around])[0, 1] > 0.85


UNITS = {  # what is written for a DN, and how it is read again
    "Sentinel-2 reflectance": (lambda x: (x / 1e4).astype("f4"), lambda y: y * 1e4, {}),
    "Sentinel-2 with an offset": (lambda x: (x - 1000).astype("i2"), lambda y: y + 1000, {}),
    "the same with tags": (lambda x: (x - 1000).astype("i2"), lambda y: y + 1000, {"scale": (1e-4, -0.1)}),
    "Landsat with tags": (
        lambda x: np.rint((x / 1e4 + 0.2) / 2.75e-5).astype("u2"),
        lambda y: (y * 2.75e-5 - 0.2) * 1e4,
        {"scale": (2.75e-5, -0.2), "unit": "reflectance"},
    ),
    "double": (lambda x: x / 1e4 - 0.1, lambda y: (y + 0.1) * 1e4, {}),
    "whole numbers of 32 bits": (lambda x: 3 * x.astype("i4") - 5, lambda y: (y + 5) / 3, {}),
}


@shipped
def test_the_unit_does_not_change_the_image(plain, tmp_path):
    usual = fused(written(tmp_path / "usual", plain.astype("u2")), tmp_path / "usual.tif")[0]
    for n, (name, (write, back, tags)) in enumerate(UNITS.items()):
        image = back(fused(written(tmp_path / str(n), write(plain), **tags), tmp_path / f"{n}.tif")[0])
        assert np.abs(image - usual).max() <= 3, (name, np.abs(image - usual).max())


def clouded(frames):
    "Frames with a cloud on each, and where it lies."
    rng, cloud = np.random.default_rng(0), np.zeros(frames.shape, bool)
    for x in cloud:
        top, left = rng.integers(4, 30, 2)
        x[top : top + 14, left : left + 14] = True
    return np.where(cloud, 11000 + rng.normal(0, 300, frames.shape), frames).astype("u2"), cloud


MASKS = {  # file name, value where there is a cloud, value elsewhere, type
    "{}_mask.tif": (0, 255, "u1"),
    "{}_cloudmask.tif": (1, 0, "u1"),
    "{}_QA_PIXEL.TIF": (22280, 21824, "u2"),
    "{}.Fmask.tif": (66, 64, "u1"),
    "{}_SCL_20m.tif": (9, 4, "f4"),
    "{}_CLDPRB_20m.tif": (87, 7, "u1"),
    "{}_cloud_probability.tif": (0.87, 0.07, "f4"),
}
REFUSED = {
    "{}_B4_mask.tif": ((66, 64, "u1"), "holds 64, 66"),
    "{}_B4_clouds.tif": ((1, 0, "u1"), "may be a mask"),
    "{}_QA60.tif": ((1024, 0, "u2"), "may be a mask"),
    "{}_B4_cloud_probability.tif": ((1, 0, "u1"), "only 0 and 1"),
}


@shipped
def test_masks_of_all_kinds_conceal_the_same(plain, tmp_path):
    frames, cloud = clouded(plain)
    of = lambda on, off, dtype: np.where(cloud, on, off).astype(dtype)
    images = []
    for n, (name, values) in enumerate(MASKS.items()):
        folder = written(tmp_path / str(n), frames, "{}_B4.tif", {name: of(*values)})
        images.append(fused(folder, tmp_path / f"{n}.tif")[0])
        assert np.array_equal(images[-1], images[0]), name
    for name, (values, why) in REFUSED.items():
        folder = written(tmp_path / name, frames, "{}_B4.tif", {name: of(*values)})
        with pytest.raises(UserError, match=why):
            upscale(folder, tmp_path / "no.tif")
    assert not (tmp_path / "no.tif").exists()


FILLS = {-9999: "i2", 0: "u2", -3.4028234663852886e38: "f4", 1e20: "f8"}


@shipped
@pytest.mark.parametrize("value", FILLS)
def test_untagged_fill_is_noticed_and_masked(value, plain, tmp_path):
    frames = plain.astype(FILLS[value])
    frames[:, :, :4] = value
    image, there, notes = fused(written(tmp_path / "f", frames), tmp_path / "out.tif")
    assert not there[:, :12].any() and there[:, 12:].all() and 1000 < image[there].min() < image[there].max() < 9000
    assert sum("d0.tif (and 8 files like it): has no nodata tag" in n for n in notes) == 1


@shipped
def test_one_file_of_another_scale_is_converted(plain, tmp_path):
    write = lambda scale, offset: np.rint((plain / 1e4 - offset) / scale).astype("u2")
    folder = written(tmp_path / "f", write(2.75e-5, -0.2), scale=(2.75e-5, -0.2), unit="reflectance")
    usual = fused(folder, tmp_path / "usual.tif")[0]
    for odd in (0, 5):
        whole = write(1e-4, 0.0)[odd][None]
        write_bands(folder / f"d{odd}.tif", whole, scale=(1e-4, 0.0), unit="reflectance", **PLACE)
    image, _, notes = fused(folder, tmp_path / "out.tif")
    assert np.abs(image - usual).max() * 2.75e-5 < 3e-4 and sum("converted to 2.75e-05" in n for n in notes) == 2


@shipped
def test_the_order_of_files_does_not_matter(plain, tmp_path):
    files = sorted(written(tmp_path / "f", plain.astype("u2")).iterdir())
    write_bands(files[0], plain[0][None].astype("u2"))  # the first one has lost its coordinates
    orders = [files, files[::-1], random.Random(1).sample(files, len(files))]
    images = {upscale(order, tmp_path / f"{n}.tif").read_bytes() for n, order in enumerate(orders)}
    assert len(images) == 1


@shipped
def test_alpha_conceals_and_polynomials_are_kept(plain, tmp_path):
    from rasterio.rpc import RPC

    line = [[0.0, 0, -1] + 17 * [0.0], [0.0, 1] + 18 * [0.0], [1.0] + 19 * [0.0]]
    where = dict(height_off=0, height_scale=500, lat_off=48, lat_scale=0.1, long_off=2, long_scale=0.1)
    half = dict.fromkeys(("line_off", "line_scale", "samp_off", "samp_scale"), SIDE / 2)
    parts = dict(line_num_coeff=line[0], samp_num_coeff=line[1], line_den_coeff=line[2], samp_den_coeff=line[2])
    alpha = np.full((SIDE, SIDE), 65535, "u2")
    alpha[20:26, 10:17] = 0
    profile = dict(driver="GTiff", count=2, height=SIDE, width=SIDE, dtype="uint16", alpha="YES")
    for n, x in enumerate(plain):
        with rasterio.open(tmp_path / f"d{n}.tif", "w", **profile, photometric="MINISBLACK") as file:
            file.write(np.stack([x.astype("u2"), alpha]))
            file.rpcs = RPC(**where, **half, **parts)
    out = upscale(sorted(tmp_path.glob("d*.tif")), tmp_path / "out.tif")
    with rasterio.open(out) as file:
        assert np.array_equal(file.read_masks(1) == 0, np.kron(alpha == 0, np.ones((3, 3), bool)))
        assert (file.rpcs.line_scale, file.rpcs.line_off) == (1.5 * SIDE, 1.5 * SIDE + 1)


@shipped
def test_two_processes_and_a_cluster_give_the_bytes_of_one(plain, tmp_path):
    distributed = pytest.importorskip("distributed")
    folder = written(tmp_path / "f", plain.astype("u2"))
    with distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address=None) as cluster:
        ways = [dict(workers=1), dict(workers=2, block=1), dict(scheduler=cluster.scheduler_address, block=1)]
        images = {upscale(folder, tmp_path / f"{n}.tif", limit=0, **way).read_bytes() for n, way in enumerate(ways)}
    assert len(images) == 1 and sorted(p.name for p in tmp_path.glob(".*")) == []


@shipped
@pytest.mark.skipif(sys.platform == "win32", reason="no limits of this kind")
def test_a_full_disk_is_one_line_and_leaves_nothing(plain, tmp_path):
    folder = written(tmp_path / "f", plain.astype("u2"))
    done = enhanceme("upscale", folder, tmp_path / "out.tif", room=8192)  # bytes: less than the image
    lines = [line for line in done.stderr.splitlines() if line.startswith("enhanceme: ")]
    assert done.returncode == 1 and len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    assert [p.name for p in tmp_path.iterdir() if p.name != "f"] == []
