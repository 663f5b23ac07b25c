"""`data check`: every planted fault is found and named, nothing else is, and a broken data set still gets its report."""

import hashlib
import io
import itertools
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kclassify.data import duplicates
from kclassify.data.check import check
from kclassify.data.index import scan
from kclassify.data.sources import find
from kclassify.errors import DataError

SETTINGS = {"val_fraction": 0.2, "seed": 0, "crop_pct": 0.875}


def encoded(pixels, image_format="JPEG", **options):
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, image_format, **options)
    return target.getvalue()


def undecodable_png():
    """Whole by its structure, every checksum right; but what should be compressed pixels is not."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def windows(photo_arrays):
    """Twelve different pictures of each photograph, uint8 [150, 200, 3] and [200, 150, 3], far from each other."""
    return {
        name: [
            np.ascontiguousarray(np.rot90(pixels, turn)[top : top + (150, 200)[turn % 2], left : left + (200, 150)[turn % 2]])
            for turn, top, left in itertools.product(range(3), (0, 90), (10, 120))
        ]
        for name, pixels in photo_arrays.items()
    }


@pytest.fixture
def flawed(tmp_path, windows, monkeypatch, own_cache):
    """`data/train` and `data/val`, relative to the working folder, with one fault of each kind."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "data"
    for name, pictures in windows.items():
        for split, rows in (("train", pictures[: 4 if name == "rocket" else 10]), ("val", pictures[10:])):
            (root / split / name).mkdir(parents=True)
            for number, pixels in enumerate(rows):
                (root / split / name / f"{number}.jpg").write_bytes(encoded(pixels, quality=95))
    train, val = root / "train", root / "val"
    shutil.copy(train / "cat/1.jpg", val / "cat/leak.jpg")
    small = Image.fromarray(windows["coffee"][2]).resize((97, 73))
    small.save(val / "coffee/small.png")
    shutil.copy(train / "cat/2.jpg", train / "rocket/mistaken.jpg")
    shutil.copy(train / "coffee/3.jpg", train / "coffee/again.jpg")
    (train / "cat/empty.jpg").write_bytes(b"")
    (train / "cat/hollow.png").write_bytes(undecodable_png())
    (train / "coffee/hollow.png").write_bytes(undecodable_png())
    return root


def paths(groups):
    return [(group["match"], sorted(image["path"] for image in group["images"])) for group in groups]


def marks(folder):
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


# --- what is found ------------------------------------------------------------------------------------------------------------------


def test_every_planted_fault_is_found_and_no_other(flawed):
    before = marks(flawed)
    found = check("data", None, **SETTINGS).findings
    leak = ("exact", ["data/train/cat/1.jpg", "data/val/cat/leak.jpg"])
    resized = ("near", ["data/train/coffee/2.jpg", "data/val/coffee/small.png"])
    mistaken = ("exact", ["data/train/cat/2.jpg", "data/train/rocket/mistaken.jpg"])
    again = ("exact", ["data/train/coffee/3.jpg", "data/train/coffee/again.jpg"])
    assert paths(found["duplicates_across_splits"]) == [leak, resized]
    assert paths(found["label_conflicts"]) == [mistaken]
    assert {image["class"] for image in found["label_conflicts"][0]["images"]} == {"cat", "rocket"}
    assert sorted(paths(found["exact_duplicates"])) == sorted([leak, mistaken, again])
    assert paths(found["near_duplicates"]) == [resized]
    bad = ["data/train/cat/empty.jpg", "data/train/cat/hollow.png", "data/train/coffee/hollow.png"]
    assert sorted(row["path"] for row in found["bad_files"]) == bad
    assert all(row["reason"] for row in found["bad_files"])
    assert [(row["class"], row["train"]) for row in found["small_classes"]] == [("rocket", 5)]
    assert not found["class_problems"]
    assert marks(flawed) == before


def test_counts_sizes_and_crop(flawed):
    found = check("data", None, **SETTINGS)
    assert found.splits["train"]["images"] == 11 + 12 + 5  # the hollow ones look whole until they are decoded
    assert found.splits["val"] == {
        "images": 8,
        "classes": 3,
        "bytes": sum(path.stat().st_size for path in (flawed / "val").rglob("*.*")),
    }
    assert [row["class"] for row in found.classes] == ["coffee", "cat", "rocket"]
    assert found.balance == {"largest": {"class": "coffee", "images": 12}, "smallest": {"class": "rocket", "images": 5}, "ratio": 2.4}
    assert found.sizes["width"]["max"] == 200
    assert found.sizes["height"] == {"min": 8, "median": 150, "max": 200}
    assert found.formats == {"jpeg": 33, "png": 3}
    # of 200 x 150 pixels a square of 0.875 times 150 is seen
    assert found.crop["worst"] == pytest.approx(1 - (0.875 * 150) ** 2 / (200 * 150), abs=1e-3)
    assert found.crop["worst_file"].endswith(".jpg")


def test_a_sound_data_set_has_no_finding(tmp_path, windows, own_cache):
    for name, pictures in windows.items():
        (tmp_path / "sound" / name).mkdir(parents=True)
        for number, pixels in enumerate(pictures):
            (tmp_path / "sound" / name / f"{number}.png").write_bytes(encoded(pixels, "PNG"))
    found = check(str(tmp_path / "sound"), None, **SETTINGS | {"val_fraction": 0.1})
    assert not any(found.findings.values())
    assert any("set aside" in note and "split.csv" not in note for note in found.notes)


# --- what training would refuse ------------------------------------------------------------------------------------------------------


def test_one_class_is_a_finding(photos, own_cache):
    shutil.rmtree(photos / "cat")
    shutil.rmtree(photos / "rocket")
    found = check(str(photos), None, **SETTINGS)
    assert "one class ('coffee')" in found.findings["class_problems"][0]
    assert found.splits["train"]["images"] == 4


def test_a_folder_of_broken_files_is_a_finding(tmp_path, own_cache):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_text("text")
    found = check(str(tmp_path), None, **SETTINGS)
    assert len(found.findings["bad_files"]) == 2
    assert found.serious()["class_problems"]
    assert (found.balance, found.sizes, found.crop) == (None, None, None)


@pytest.mark.parametrize("named", [False, True], ids=["in the folder", "with --val"])
def test_classes_that_were_never_trained_are_a_finding(named, photos, own_cache):
    (photos / "train").mkdir()
    for name in ("cat", "coffee"):
        shutil.move(photos / name, photos / "train" / name)
    (photos / "val").mkdir()
    shutil.move(photos / "rocket", photos / "val/rocket")
    words = (str(photos / "train"), str(photos / "val")) if named else (str(photos), None)
    found = check(*words, **SETTINGS)
    assert "rocket" in found.findings["class_problems"][0]
    assert "class 'rocket' has no image to train on" in found.findings["class_problems"]
    assert {row["class"]: (row["train"], row["val"]) for row in found.classes} == {"cat": (4, 0), "coffee": (4, 0), "rocket": (0, 4)}


def test_where_there_is_nothing_it_is_an_error(tmp_path, own_cache):
    with pytest.raises(DataError, match="No data at"):
        check(str(tmp_path / "nowhere"), None, **SETTINGS)


# --- what counts as the same ---------------------------------------------------------------------------------------------------------

CHANGES = {
    "quality": lambda pixels: encoded(pixels, quality=50),
    "PNG": lambda pixels: encoded(pixels, "PNG"),
    "WebP": lambda pixels: encoded(pixels, "WEBP"),
    "smaller": lambda pixels: encoded(np.asarray(Image.fromarray(pixels).resize((224, 224)))),
    "larger": lambda pixels: encoded(np.asarray(Image.fromarray(pixels).resize((901, 603)))),
    "turned by EXIF": lambda pixels: encoded(
        np.rot90(pixels), exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_saved_anew_is_alike(change, photo_arrays, tmp_path, own_cache):
    for name, pixels in photo_arrays.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(encoded(pixels, quality=95))
        (tmp_path / name / "b.jpg").write_bytes(CHANGES[change](pixels))
    index = scan(find(str(tmp_path)).train)
    prints = duplicates.fingerprints([index])
    groups = duplicates.near_groups(prints)
    assert [sorted(group.tolist()) for group in duplicates.in_groups(groups)] == [[0, 1], [2, 3], [4, 5]]


def test_handwritten_digits_are_not_taken_for_each_other():
    from sklearn.datasets import load_digits

    pictures = load_digits().images.repeat(8, axis=1).repeat(8, axis=2)  # [1797, 64, 64] in 0..16
    thumbnails = np.stack([np.asarray(Image.fromarray((pixels * 15.9).astype(np.uint8)).resize((9, 8), 4)) for pixels in pictures])
    assert len(duplicates.in_groups(alike(thumbnails))) <= 2  # 1.6 million pairs, of which a few are strokes of the same hand


def alike(thumbnails):
    hashes = duplicates.difference_hashes(thumbnails)
    return duplicates.near_groups(duplicates.Fingerprints(np.zeros(len(hashes), "S64"), thumbnails, hashes, ()))


def test_the_index_finds_what_comparing_all_pairs_finds():
    random = np.random.default_rng(0)
    first = random.integers(0, 160, (300, 8, 9))
    noisy = np.clip(first[:200] + random.normal(0, np.linspace(1, 9, 200)[:, None, None], (200, 8, 9)), 0, 255)
    thumbnails = np.concatenate([first, noisy]).astype(np.uint8)
    bits = thumbnails[:, :, 1:] > thumbnails[:, :, :-1]
    differing = (bits[:, None] != bits[None]).sum(axis=(2, 3))
    levels = np.abs(thumbnails[:, None].astype(int) - thumbnails[None]).mean(axis=(2, 3))
    limit = duplicates._NEAR_LEVELS
    expected = {(a, b) for a, b in np.argwhere((differing <= duplicates._NEAR_BITS) & (levels <= limit)).tolist() if a < b}
    found = set(zip(*duplicates._near_pairs(duplicates.difference_hashes(thumbnails), thumbnails), strict=True))
    assert found == expected
    assert {differing[pair] for pair in expected} == set(range(duplicates._NEAR_BITS + 1))  # far ones too, which agree in no whole part
    assert 0 < (~((differing <= duplicates._NEAR_BITS) & (levels <= limit))[range(200), range(300, 500)]).sum() < 200


@pytest.mark.parametrize("bit", range(16))
def test_six_bits_that_leave_no_part_whole_are_found(bit):
    changes = 1 << bit | 1 << (16 + bit) | 0b11 << 32 | 0b11 << 48
    hashes = np.array([0x0123456789ABCDEF, 0x0123456789ABCDEF ^ changes], np.uint64)
    assert [pair.tolist() for pair in duplicates._near_pairs(hashes, np.zeros((2, 8, 9), np.uint8))] == [[0], [1]]


def test_thousands_of_blank_images_are_one_group_and_take_no_time():
    thumbnails = np.full((20_000, 8, 9), 255, np.uint8)
    thumbnails[0] = np.random.default_rng(0).integers(0, 256, (8, 9))
    groups = alike(thumbnails)
    assert len(set(groups[1:])) == 1
    assert groups[0] != groups[1]
