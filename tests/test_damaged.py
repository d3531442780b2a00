"""Damaged data sets: each is refused in one line with file, rule and correction, and nothing is left behind."""

import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from conftest import enhanceme, refused
from PIL import Image

from enhanceme.checks import check_data, fingerprint
from enhanceme.core import UserError
from enhanceme.images import write_image
from enhanceme.layout import write_norms
from enhanceme.scene_writing import write_scene
from enhanceme.scenes import Scene, find_scenes, read_scene

SIDE = 32


def scene(name, band, split="train", seed=0):
    "A small scene of random pixels."
    rng = np.random.default_rng(seed)
    dn = lambda *shape: (rng.integers(100, 900, shape) * 16).astype(np.uint16)
    train = split == "train"
    return Scene(
        name,
        band,
        split,
        dn(9, SIDE, SIDE),
        rng.random((9, SIDE, SIDE)) > 0.1,
        dn(3 * SIDE, 3 * SIDE) if train else None,
        rng.random((3 * SIDE, 3 * SIDE)) > 0.05 if train else None,
        None,
        tuple(range(9)),
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    "A data set of four sound scenes. Copy it before changing it."
    root = tmp_path_factory.mktemp("sound") / "data"
    for n, (name, band, split) in enumerate(
        [
            ("imgset0000", "RED", "train"),
            ("imgset0001", "RED", "train"),
            ("imgset0594", "NIR", "train"),
            ("imgset1160", "RED", "test"),
        ]
    ):
        write_scene(scene(name, band, split, n), root)
    write_norms(root, {"imgset0000": 50.0, "imgset0001": 51.0, "imgset0594": 48.0})
    return root


def edit(name, change):
    "Damage that rewrites the bytes of a file of the scene."
    return lambda f: (f / name).write_bytes(change((f / name).read_bytes()))


def image(name, mode, size=(SIDE, SIDE)):
    "Damage that puts another image in a file's place."
    return lambda f: Image.new(mode, size).save(f / name, format="PNG")


def claim(width, height):
    "A change of a PNG's header: another size, its checksum right."

    def change(data):
        head = data[12:16] + struct.pack(">II", width, height) + data[24:29]
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]

    return change


def flip(data):
    "A byte in the middle of the pixels changed."
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


def swap(a, b):
    "Damage that exchanges two files of the scene."

    def do(f):
        one, two = (f / a).read_bytes(), (f / b).read_bytes()
        (f / a).write_bytes(two)
        (f / b).write_bytes(one)

    return do


def away(name, *then):
    "Damage that moves a file out of the scene and does something in its place."

    def do(f):
        (f / name).rename(f.parents[3] / name)
        for act in then:
            act(f / name, f.parents[3] / name)

    return do


def norms(text):
    "Damage that rewrites norm.csv, as text or bytes."
    return lambda f: (f.parents[2] / "norm.csv").write_bytes(text if isinstance(text, bytes) else text.encode())


def greys(f):
    Image.fromarray(np.arange(SIDE * SIDE, dtype=np.uint32).reshape(SIDE, SIDE).astype(np.uint8)).save(f / "QM001.png")


GOOD = "imgset0000 50\nimgset0001 51\nimgset0594 48\n"
DAMAGE = {  # damage: (function, words of the message)
    # files cut short, bent, or something else
    "LR truncated": (edit("LR000.png", lambda b: b[: len(b) // 2]), "LR000.png", "truncated"),
    "LR cut in its header": (edit("LR000.png", lambda b: b[:20]), "LR000.png", "truncated"),
    "HR without its last bytes": (edit("HR.png", lambda b: b[: len(b) * 3 // 4]), "HR.png", "truncated"),
    "QM truncated": (edit("QM001.png", lambda b: b[:45]), "QM001.png", "truncated"),
    "LR with a flipped byte": (edit("LR004.png", flip), "LR004.png", "damaged"),
    "HR empty": (edit("HR.png", lambda b: b""), "HR.png", "empty"),
    "SM empty": (edit("SM.png", lambda b: b""), "SM.png", "empty"),
    "LR of text": (edit("LR002.png", lambda b: b"hello"), "LR002.png", "not a PNG"),
    "QM of random bytes": (edit("QM002.png", lambda b: np.random.default_rng(0).bytes(500)), "QM002.png", "not a PNG"),
    "LR a TIFF": (
        lambda f: Image.new("I;16", (SIDE, SIDE)).save(f / "LR002.png", format="TIFF"),
        "LR002.png",
        "not a PNG",
    ),
    "QM a JPEG": (
        lambda f: Image.new("L", (SIDE, SIDE)).save(f / "QM002.png", format="JPEG"),
        "QM002.png",
        "not a PNG",
    ),
    "HR a GIF": (lambda f: Image.new("L", (96, 96)).save(f / "HR.png", format="GIF"), "HR.png", "not a PNG"),
    # sizes
    "LR of another size": (image("LR003.png", "I;16", (SIDE, SIDE + 1)), "LR003.png", "32x33"),
    "QM of another size": (image("QM003.png", "L", (SIDE - 1, SIDE)), "QM003.png", "31x32"),
    "HR of LR's size": (image("HR.png", "I;16"), "HR.png", "must be 96x96"),
    "SM twice HR's size": (image("SM.png", "L", (192, 192)), "SM.png", "must be 96x96"),
    "frames too small": (
        lambda f: [image(p.name, "I;16" if p.name[0] == "L" else "1", (8, 8))(f) for p in f.glob("[LQ][RM]*.png")],
        "imgset0000",
        "too small",
    ),
    "LR that claims to be huge": (edit("LR000.png", claim(10**6, 10**6)), "LR000.png", "1000000x1000000"),
    "HR that claims to be huge": (edit("HR.png", claim(2**31 - 1, 2**31 - 1)), "HR.png", "2147483647"),
    "QM that claims to be huge": (edit("QM000.png", claim(9000, 9000)), "QM000.png", "9000x9000"),
    "LR of no size": (edit("LR000.png", claim(0, 0)), "LR000.png", "cannot be read"),
    # kinds
    "LR of 8 bits": (image("LR002.png", "L"), "LR002.png", "16-bit"),
    "LR in colour": (image("LR002.png", "RGB"), "LR002.png", "RGB"),
    "LR with a palette": (image("LR002.png", "P"), "LR002.png", "palette"),
    "HR with alpha": (image("HR.png", "LA", (96, 96)), "HR.png", "alpha"),
    "QM of 16 bits": (image("QM001.png", "I;16"), "QM001.png", "1-bit or 8-bit"),
    "SM of 16 bits": (image("SM.png", "I;16", (96, 96)), "SM.png", "1-bit or 8-bit"),
    "QM in colour": (image("QM001.png", "RGBA"), "QM001.png", "RGBA"),
    "QM of greys": (greys, "QM001.png", "holds the value"),
    "all QM concealed": (
        lambda f: [image(p.name, "1")(f) for p in f.glob("QM*.png")],
        "QM000.png",
        "no frame",
        "clear pixel",
    ),
    "SM all concealed": (image("SM.png", "1", (96, 96)), "SM.png", "no clear pixel"),
    # in each other's place
    "LR and QM swapped": (swap("LR000.png", "QM000.png"), "LR000.png", "16-bit"),
    "HR and SM swapped": (swap("HR.png", "SM.png"), "HR.png", "16-bit"),
    "LR and HR swapped": (swap("LR005.png", "HR.png"), "LR005.png", "96x96"),
    # missing
    "QM missing": (lambda f: (f / "QM003.png").unlink(), "QM003.png", "missing"),
    "LR missing": (lambda f: (f / "LR004.png").unlink(), "LR004.png", "missing"),
    "SM missing": (lambda f: (f / "SM.png").unlink(), "SM.png", "missing"),
    "HR missing": (lambda f: (f / "HR.png").unlink(), "HR.png", "missing"),
    "no LR": (lambda f: [p.unlink() for p in f.glob("LR*.png")], "imgset0000", "no LRnnn.png"),
    "folder empty": (lambda f: [p.unlink() for p in f.iterdir()], "imgset0000", "no LRnnn.png"),
    # names
    "LR with a short number": (lambda f: (f / "LR008.png").rename(f / "LR8.png"), "LR8.png", "not a name"),
    "capital suffix": (lambda f: (f / "HR.png").rename(f / "HR.PNG"), "HR.PNG", "not a name"),
    "a name of two lines": (lambda f: shutil.copy(f / "LR000.png", f / "LR0\n9.png"), "LR0\\n9.png", "not a name"),
    "a name that is no text": (
        lambda f: shutil.copy(os.fsencode(f / "LR000.png"), os.fsencode(f) + b"/LR\xff00.png"),
        "\\udcff00.png",
        "not a name",
    ),
    "a scene with a short number": (lambda f: f.rename(f.with_name("imgset7")), "imgset7", "must be named"),
    "an id twice": (lambda f: shutil.copytree(f, f.parents[1] / "NIR" / f.name), "imgset0000", "second"),
    "an id in both splits": (
        lambda f: shutil.copytree(f, f.parents[2] / "test" / "RED" / f.name),
        "imgset0000",
        "second",
    ),
    # no files
    "a folder for LR": (away("LR001.png", lambda p, _: p.mkdir()), "LR001.png", "folder"),
    "a folder for HR": (away("HR.png", lambda p, _: p.mkdir()), "HR.png", "folder"),
    "a pipe for LR": (away("LR001.png", lambda p, _: os.mkfifo(p)), "LR001.png", "special file"),
    "a file for the scene": (lambda f: (shutil.rmtree(f), f.write_text("x")), "imgset0000", "not a folder"),
    "a file for a band": (
        lambda f: (shutil.rmtree(f.parents[1] / "NIR"), (f.parents[1] / "NIR").write_text("x")),
        "NIR",
        "not a folder",
    ),
    # links
    "a link to nowhere": (away("LR001.png", lambda p, q: p.symlink_to("gone.png")), "LR001.png", "leads nowhere"),
    "a link to itself": (away("QM001.png", lambda p, q: p.symlink_to(p.name)), "QM001.png", "leads nowhere"),
    "a link out": (away("LR001.png", lambda p, q: p.symlink_to(q)), "LR001.png", "out of its folder"),
    "a link out for SM": (away("SM.png", lambda p, q: p.symlink_to(q)), "SM.png", "out of its folder"),
    "a scene that is a link to nowhere": (lambda f: (shutil.rmtree(f), f.symlink_to("gone")), "imgset0000", "folder"),
    # norm.csv
    "norm row missing": (norms(GOOD.replace("imgset0000 50\n", "")), "norm.csv", "no row for imgset0000"),
    "norm without a value": (norms("imgset0000\n"), "norm.csv", "line 1"),
    "norm not a number": (norms(GOOD.replace("51", "fifty")), "norm.csv", "line 2"),
    "norm NaN": (norms(GOOD.replace("50", "nan")), "norm.csv", "no image has"),
    "norm infinite": (norms(GOOD.replace("50", "1e999")), "norm.csv", "no image has"),
    "norm negative": (norms(GOOD.replace("50", "-50")), "norm.csv", "no image has"),
    "norm zero": (norms(GOOD.replace("50", "0")), "norm.csv", "no image has"),
    "norm twice": (norms(GOOD + "imgset0001 52\n"), "norm.csv", "second"),
    "norm of bytes": (norms(b"\xff\xfe" + GOOD.encode("utf-16-le")), "norm.csv", "line 1"),
    "norm of a huge size": (norms(b"imgset0000 50\n" * 800_000), "norm.csv", "11 MB"),
    "norm a folder": (
        lambda f: ((f.parents[2] / "norm.csv").unlink(), (f.parents[2] / "norm.csv").mkdir()),
        "norm.csv",
        "folder",
    ),
    "norm a link out": (
        lambda f: (
            (f.parents[2] / "norm.csv").rename(f.parents[3] / "n.csv"),
            (f.parents[2] / "norm.csv").symlink_to(f.parents[3] / "n.csv"),
        ),
        "norm.csv",
        "out of its folder",
    ),
    # the truth of simulated scenes
    "truth damaged": (lambda f: (f / "truth.npz").write_bytes(b"PK\x03\x04 and no more"), "truth.npz", "damaged"),
    "truth with objects": (lambda f: np.savez(f / "truth.npz", a=np.array([{}], object)), "truth.npz", "damaged"),
}
THROUGH_COMMANDS = (
    "HR that claims to be huge",
    "a name that is no text",
    "a pipe for LR",
    "norm NaN",
)  # a process each; test_commands.py has more


def state(root):
    "Every path of a data set and what lies there, to see that nothing changed."
    return {p.relative_to(root): (p.lstat().st_size, p.lstat().st_mtime_ns, p.lstat().st_mode) for p in root.rglob("*")}


def read_all(data):
    "Read a data set as a run does at its start."
    fingerprint(data)
    for folder in find_scenes(data):
        read_scene(folder)


def one_line(text, words):
    "Assert the shape of a message."
    assert "\n" not in text and "; " in text and text.isprintable(), text
    assert all(word in text for word in words), (words, text)


def test_the_undamaged_data_set_is_sound(sound):
    found = check_data(sound)
    assert not found.faults and len(found.table) == found.total == 4
    read_all(sound)


def test_there_are_fifty():
    assert len(DAMAGE) >= 50 and set(THROUGH_COMMANDS) <= set(DAMAGE)


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_reported(sound, tmp_path, what):
    how, *words = DAMAGE[what]
    data = shutil.copytree(sound, tmp_path / "data")
    how(data / "train/RED/imgset0000")
    before, around = state(data), sorted(os.listdir(tmp_path))
    with pytest.raises(UserError) as error:
        read_all(data)
    one_line(str(error.value), words)
    try:
        found = check_data(data)
    except UserError as problem:  # there is no data set to go through
        one_line(str(problem), words)
    else:
        assert found.fatal and any(all(word in str(f) for word in words) for f in found.fatal), found.summary()
        for fault in found.faults:
            one_line(str(fault), ())
        assert len(found.table) >= 2 and "fault: " in found.summary()  # the others are still read
    assert state(data) == before and sorted(os.listdir(tmp_path)) == around


@pytest.mark.parametrize("what", THROUGH_COMMANDS)
def test_damage_stops_the_commands(sound, tmp_path, what):
    how, *words = DAMAGE[what]
    data = shutil.copytree(sound, tmp_path / "data")
    how(data / "train/RED/imgset0000")
    around = sorted(os.listdir(tmp_path))
    checked = enhanceme("check", data, timeout=120)
    assert checked.returncode == 2 and "Traceback" not in checked.stderr, checked.stderr
    assert all(word in checked.stdout for word in words), checked.stdout
    refused(enhanceme("baseline", data, tmp_path / "out", timeout=120), *words)
    assert sorted(os.listdir(tmp_path)) == around, os.listdir(tmp_path)


def test_check_lists_several_faults(sound, tmp_path):
    data = shutil.copytree(sound, tmp_path / "data")
    folder = data / "train/RED/imgset0000"
    for what in ("LR truncated", "QM of greys", "SM empty", "norm NaN"):
        DAMAGE[what][0](folder)
    found = check_data(data)
    assert len(found.fatal) == 4 and len(found.table) == 3 and "3 of 4 scenes can be used" in found.summary(), (
        found.summary()
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["LR001.png", "../../../norm.csv", "."])
def test_unreadable_files_are_reported(sound, tmp_path, name):
    data = shutil.copytree(sound, tmp_path / "data")
    path = data / "train/RED/imgset0000" / name
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with pytest.raises(UserError, match="permissions"):
            read_all(data)
        assert check_data(data).fatal
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("seed", range(40))
def test_bytes_changed_at_random_never_end_in_a_traceback(sound, tmp_path, seed):
    "Fuzz: files of a scene are cut, bent or lengthened; each is read, or refused in one line."
    rng = np.random.default_rng(seed)
    data = shutil.copytree(sound, tmp_path / "data")
    files = sorted((data / "train/RED/imgset0000").iterdir()) + [data / "norm.csv"]
    for path in rng.choice(np.array(files, object), 3, replace=False):
        body = bytearray(path.read_bytes())
        for _ in range(rng.integers(1, 5)):
            at = int(rng.integers(0, min(len(body), 200) if rng.random() < 0.5 else len(body)))
            kind = rng.integers(4)
            if kind == 0:
                body = body[: at + 1]
            elif kind == 1:
                body[at] = rng.integers(256)
            elif kind == 2:
                body[at:at] = rng.bytes(7)
            else:
                del body[at : at + 5]
            body = body or bytearray(b"x")
        path.write_bytes(bytes(body))
    for fault in check_data(data).faults:
        one_line(str(fault), ())
    try:
        read_all(data)
    except UserError as error:
        one_line(str(error), ())


def test_masks_of_each_kind_are_the_same_scene(sound, tmp_path):
    data = shutil.copytree(sound, tmp_path / "data")
    folder = data / "train/RED/imgset0000"
    before = read_scene(folder)
    for n, path in enumerate(sorted(folder.glob("QM*.png"))):
        clear = np.asarray(Image.open(path)) > 0
        Image.fromarray([clear, clear.astype(np.uint8), clear.astype(np.uint8) * 255][n % 3]).save(path)
    after = read_scene(folder)
    assert np.array_equal(before.qm, after.qm) and np.array_equal(before.lr, after.lr)
    write_image(folder / "LR000.png", np.where(np.eye(SIDE, dtype=bool), 65520, before.lr[0]))
    clipped = read_scene(folder, clip=True)
    assert read_scene(folder).lr.max() == 65520 and clipped.lr.max() <= 16383 and not clipped.qm[0].diagonal().any()
