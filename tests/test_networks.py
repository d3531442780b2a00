"""Networks of other authors from training to the user's own images, each in a few steps and at a small size."""

import numpy as np
import pytest

SMALL = {  # preset -> sizes of the test, and frames
    "deepsum": ({"filters": 4, "blocks": 1}, 3),
    "piunet": ({"filters": 8, "blocks": 1}, 5),
    "san-lite": ({"filters": 8, "blocks": 1}, 4),
    "wdsr-b": ({"filters": 8, "blocks": 2}, 1),
    "maertens": ({"filters": 8}, 5),
}


def settings(preset):
    "The settings of a short training of a small network."
    from enhanceme.config import Config

    sizes, frames = SMALL[preset]
    changes = {"model.preset": preset, **{f"model.{name}": value for name, value in sizes.items()}}
    changes |= {"patching.frames": frames, "patching.size": 8, "training.steps": 2, "training.validate_every": 2}
    return Config.load("smoke", [f"{name}={value}" for name, value in changes.items()])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    "A data set of six small scenes."
    from enhanceme.datasets import simulate_dataset
    from enhanceme.simulation_settings import SimulationConfig

    sizes = SimulationConfig(size=32, frames_mean=9, frames_max=10)
    return simulate_dataset(tmp_path_factory.mktemp("networks") / "data", 6, 5, sizes, workers=1)


@pytest.fixture(scope="module")
def prepared(scenes):
    "A store of prepared scenes."
    from enhanceme.preparation import prepare

    return prepare(scenes, scenes.parent / "store", settings("deepsum").registration, workers=1)


@pytest.mark.parametrize("preset", SMALL)
def test_a_network_from_training_to_ones_own_images(preset, scenes, prepared, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    from enhanceme.metrics import cpsnr
    from enhanceme.prediction import super_resolve
    from enhanceme.scenes import find_scenes, read_scene
    from enhanceme.training import train
    from enhanceme.upscaling import upscale
    from enhanceme.weights import load_model

    # two steps of training change the weights, and the run keeps a network that loads in safe mode
    outcome = train(settings(preset), scenes, prepared, tmp_path / "run", quiet=True)
    assert outcome["steps"] == 2 and np.isfinite(outcome["best_val_cpsnr"])
    model, config = load_model(tmp_path / "run")
    assert config.model.preset == preset and model.count_params() == outcome["parameters"]

    # a scene of the data set, twice the same
    folder = find_scenes(scenes, split="train")[0]
    scene = read_scene(folder)
    sr = super_resolve(model, config, scene)
    assert sr.shape == tuple(3 * n for n in scene.lr.shape[1:]) and cpsnr(sr, *scene.target) > 20
    again, _ = load_model(tmp_path / "run" / "last.keras")
    assert np.array_equal(super_resolve(again, config, scene), super_resolve(again, config, scene))

    # frames of one's own
    out = upscale(folder, tmp_path / "fused.tif", model=tmp_path / "run", band=scene.band)
    with rasterio.open(out) as image:
        assert (image.height, image.width) == sr.shape and np.ptp(image.read(1)) > 0


@pytest.mark.parametrize(
    "preset, changes, words",
    [
        ("deepsum", ["patching.frames=8"], ("odd number", "set it to 9")),
        ("wdsr-b", ["patching.frames=9"], ("single frame", "set it to 1")),
        ("rams", ["patching.frames_min=3", "patching.frames_max=9"], ("takes 9 frames", "fusion, piunet")),
        ("tr-misr", ["model.filters=12"], ("multiple of 8", "8 or 16")),
        ("piunet", ["model.filters=4"], ("at least 8", "42")),
    ],
)
def test_what_a_network_cannot_take_is_refused_with_what_would_fit(preset, changes, words):
    from enhanceme.config import Config
    from enhanceme.core import UserError
    from enhanceme.runs import first_network

    with pytest.raises(UserError) as caught:
        first_network(Config.load("quick", [f"model.preset={preset}", *changes]))
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused(prepared, scenes, tmp_path):
    from enhanceme.core import UserError
    from enhanceme.training import train

    train(settings("wdsr-b"), scenes, prepared, tmp_path / "run", quiet=True)
    with pytest.raises(UserError, match="model.preset=maertens: the network in .* has wdsr-b"):
        train(settings("maertens"), scenes, prepared, tmp_path / "other", quiet=True, weights=tmp_path / "run")
    assert not (tmp_path / "other").exists()
