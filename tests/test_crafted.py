"""Files of weights made to harm: each is refused in one line, in 2 s and 1 GB beyond what the libraries take."""

import io
import json
import resource
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from conftest import ENV, ROOT

SECONDS, MEMORY = 2, 1000  # CPU s and MB of a refusal
HUGE = 9 * 10**11


def setting(kind, key, value):
    "A change of a description: a setting of the first layer of a kind."

    def change(members):
        description = json.loads(members["config.json"])
        layers = [layer["config"] for layer in description["config"]["layers"] if kind in layer["class_name"]]
        next(layer for layer in layers if key in layer)[key] = value
        members["config.json"] = json.dumps(description).encode()

    return change


def many_layers(members):
    "A change of a description: every layer as wide as a layer may be."
    description = json.loads(members["config.json"])
    for layer in description["config"]["layers"]:
        for key in ("filters", "units", "channels", "width"):
            if isinstance(layer["config"].get(key), int):
                layer["config"][key] = 2**17
    members["config.json"] = json.dumps(description).encode()


def array(**options):
    "A change of the weights: an array that promises more than is there."

    def change(members):
        import h5py

        file = io.BytesIO()
        with h5py.File(file, "w") as weights:
            weights.create_dataset("layers/a/vars/0", dtype="f4", **options)
        members["model.weights.h5"] = file.getvalue()

    return change


def zeros(name, size):
    "A change of a member: zeros, packed small."
    return lambda members: members.update({name: bytes(size)})


CHANGES = {
    "filters 10 million": setting("Conv", "filters", 10**7),
    "filters a hundred thousand": setting("Conv", "filters", 10**5),
    "every layer wide": many_layers,
    "kernel of a thousand": setting("Conv", "kernel_size", [1000, 1000, 1000]),
    "a large kernel": setting("Conv", "kernel_size", [3, 1001, 1001]),
    "a million frames": setting("InputLayer", "batch_shape", [None, 10**6, None, None, 1]),
    "a hundred thousand frames": setting("InputLayer", "batch_shape", [None, 10**5, None, None, 1]),
    "large images": setting("InputLayer", "batch_shape", [None, 9, 10**5, 10**5, 1]),
    "a large batch": setting("InputLayer", "batch_shape", [10**5, None, None, None, 1]),
    "a billion channels": setting("InputLayer", "batch_shape", [None, None, None, None, 10**9]),
    "a hundred thousand channels": setting("InputLayer", "batch_shape", [None, None, None, None, 10**5]),
    "arrays of 900 GB": array(shape=(HUGE // 4,)),
    "arrays of 900 GB in chunks": array(shape=(HUGE // 4,), chunks=(10**6,), compression="gzip"),
    "settings of 1 GB": zeros("enhanceme.yaml", 10**9),
    "a description of 300 MB": zeros("config.json", 3 * 10**8),
    "another member of 1 GB": zeros("assets/a", 10**9),
}


def dense(members):
    "A network of one layer with a billion units."
    units = {"module": "keras.layers", "class_name": "Dense", "registered_name": None}
    sizes = {"name": "dense", "units": 10**5, "trainable": True, "dtype": "float32", "use_bias": True}
    first = {"module": "keras.layers", "class_name": "InputLayer", "registered_name": None}
    first |= {"config": {"batch_shape": [None, 10**5], "dtype": "float32", "name": "x"}}
    config = {"name": "net", "trainable": True, "layers": [first, units | {"config": sizes}]}
    network = {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": config}
    members["config.json"] = json.dumps(network).encode()


def dense_billion(members):
    "The same, with a number that no layer has."
    dense(members)
    members["config.json"] = members["config.json"].replace(b'"units": 100000', b'"units": 1000000000')


CHANGES |= {"dense layer": dense, "dense layer, a billion": dense_billion}


def promising(data: bytes, size: int) -> bytes:
    "A zip file whose list promises members of another size, in the form for large files."
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start, names = archive.start_dir, archive.infolist()
    entries = b""
    for member in names:
        extra = struct.pack("<HHQQ", 1, 16, size, member.compress_size)
        fields = (0x02014B50, 45, 45, 0, member.compress_type, 0, 33, member.CRC, 2**32 - 1, 2**32 - 1)
        name = member.filename.encode()
        more = (len(name), len(extra), 0, 0, 0, 0, member.header_offset)
        entries += struct.pack("<IHHHHHHIII", *fields) + struct.pack("<HHHHHII", *more) + name + extra
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(names), len(names), len(entries), start, 0)
    return data[:start] + entries + end


def write_network(path: Path):
    "Write a small network, trained in no step."
    from enhanceme.config import Config
    from enhanceme.models import build_model
    from enhanceme.weights import save_model

    config = Config.load("smoke")
    save_model(build_model(config.model), config, path)


def refusal(path: Path) -> dict:
    "Load a file of weights; return the message, the CPU seconds and the growth of the peak of memory (MB)."
    from enhanceme.core import UserError
    from enhanceme.weights import load_model

    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    began, before, text = time.process_time(), peak(), None
    try:
        load_model(path)
    except UserError as error:
        text = str(error)
    return {"message": text, "seconds": time.process_time() - began, "memory": peak() - before}


def main(folder: Path):
    "Write all files and load them; print the findings as JSON."
    path, found = folder / "net.keras", {}
    write_network(path)
    found["unchanged"] = refusal(path)
    with zipfile.ZipFile(path) as archive:
        sound = {name: archive.read(name) for name in archive.namelist()}
    for name, change in CHANGES.items():
        members = dict(sound)
        try:
            change(members)
        except StopIteration:
            found[name] = {"message": "no such layer", "seconds": 99, "memory": 0}
            continue
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        found[name] = refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in sound.items():
            archive.writestr(member, content)
    path.write_bytes(promising(path.read_bytes(), HUGE))
    found["zip file that promises 900 GB"] = refusal(path)
    print(json.dumps(found))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    "The finding on each file, from a process of their own."
    command = [sys.executable, __file__, tmp_path_factory.mktemp("crafted")]
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env=ENV, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_unchanged_file_is_loaded(found):
    assert found["unchanged"]["message"] is None


@pytest.mark.parametrize("name", [*CHANGES, "zip file that promises 900 GB"])
def test_files_of_huge_sizes_are_refused_at_once(found, name):
    case = found[name]
    assert case["message"] and "; " in case["message"] and case["message"].isprintable(), case
    assert case["seconds"] < SECONDS and case["memory"] < MEMORY, case


if __name__ == "__main__":
    main(Path(sys.argv[1]))
