"""ImageNet where it lies: its archives in small, read without unpacking, and the folders that people make of them."""

import random
from dataclasses import replace

import numpy as np
import pytest
from tiny_archives import check, jpeg, matlab, tar

from kclassify.data.sources import imagenet, named
from kclassify.errors import DataError
from kclassify.presets import imagenet_class_names
from kclassify.presets.datasets import DATASETS

WNIDS = [f"n{number:08d}" for number in range(1440764, 1440764 + 7000, 7)]
TRAIN, VAL, DEVKIT = (file.name for file in DATASETS["imagenet1k"].files)
NAMES = imagenet_class_names()


@pytest.fixture(scope="module")
def made():
    """Files and pixels of 12 images; image i of the training part has the class i % 1000."""
    return [jpeg((8 + i, 9)) for i in range(12)]


@pytest.fixture(scope="module")
def train(made):
    """Two images of each of the first classes and one of each other; the tar of tars, its members in no order, and the parts."""
    classes = {
        wnid: [(f"{wnid}_{i}.JPEG", made[(label + i) % 12]) for i in range(2 if label < 5 else 1)] for label, wnid in enumerate(WNIDS)
    }
    tars = {f"{wnid}.tar": tar({name: image[0] for name, image in images}) for wnid, images in classes.items()}
    shuffled = random.Random(0).sample(sorted(tars), len(tars))
    labels = [label for label, wnid in enumerate(WNIDS) for _ in classes[wnid]]
    part = [image[1] for images in classes.values() for _, image in images], labels
    return classes, tar({name: tars[name] for name in shuffled}), part


@pytest.fixture(scope="module")
def val(made):
    """Twelve validation images, the development kit, whose numbers are not in the order of the WordNet ids, and the part."""
    numbers = random.Random(1).sample(range(1, 1001), 1000)  # ILSVRC2012_ID of each WordNet id, in their order
    inner = [(1000 + i, f"n0{i:07d}", 3) for i in range(1, 9)]  # synsets above the 1,000 have larger numbers
    rows = [(number, wnid, 0) for number, wnid in sorted(zip(numbers, WNIDS, strict=True))] + inner
    synsets = np.array([rows], dtype=[("ILSVRC2012_ID", "O"), ("WNID", "O"), ("num_children", "O")])
    labels = random.Random(2).sample(range(1000), 12)
    truth = "".join(f"{numbers[label]}\n" for label in labels).encode()
    folder = "ILSVRC2012_devkit_t12"
    members = {f"{folder}/readme.txt": b"", f"{folder}/data/meta.mat": matlab(synsets=synsets.T)}
    devkit = tar({**members, f"{folder}/data/ILSVRC2012_validation_ground_truth.txt": truth}, "w:gz")
    images = {f"ILSVRC2012_val_{i:08d}.JPEG": image for i, (image, _) in enumerate(made, start=1)}
    return images, devkit, ([image for _, image in made], labels)


@pytest.fixture
def root(tmp_path, monkeypatch, own_cache):
    """The folder for the files; the row without the sizes of the real ones."""
    row = DATASETS["imagenet1k"]
    files = tuple(replace(file, size=None) for file in row.files)
    monkeypatch.setitem(DATASETS, row.name, replace(row, files=files, images={"train": 1005, "val": 12}))
    monkeypatch.setenv("KCLASSIFY_DATASETS", str(tmp_path / "sets"))
    folder = tmp_path / "sets" / row.name
    folder.mkdir(parents=True)
    return folder


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def message(split=("train", "val")):
    with pytest.raises(DataError) as error:
        named.listings("imagenet1k", splits=split)
    text = str(error.value)
    assert len(text.splitlines()) <= 3
    return text


def test_the_archives(root, train, val, monkeypatch):
    images, devkit, val_part = val
    write(root, {TRAIN: train[1], VAL: tar(dict(reversed(images.items()))), DEVKIT: devkit})
    before = {path: path.stat().st_mtime_ns for path in (root, *root.iterdir())}
    seen = []
    found = named.listings("imagenet1k", progress=lambda *counts: seen.append(counts))
    check(found, {"train": train[2], "val": val_part}, NAMES)
    assert seen[-1] == (1000, 1000) and len(seen) == 1000
    assert found["train"].paths[:3] == ("n01440764/n01440764_0.JPEG", "n01440764/n01440764_1.JPEG", "n01440771/n01440771_0.JPEG")
    assert (found["train"].class_names[0], found["val"].paths[0]) == ("tench", "ILSVRC2012_val_00000001.JPEG")
    assert {path: path.stat().st_mtime_ns for path in (root, *root.iterdir())} == before
    monkeypatch.setattr(imagenet, "_members", None)  # the second time the headers are not read
    again = named.listings("imagenet1k")
    for split, listing in found.items():
        assert (again[split].paths, again[split].labels) == (listing.paths, listing.labels)
        assert np.array_equal(again[split].ranges, listing.ranges)


def test_the_validation_part_alone(root, val):
    images, devkit, part = val
    write(root, {VAL: tar(images), DEVKIT: devkit})
    check(named.listings("imagenet1k", splits=("val",)), {"val": part}, NAMES)
    assert TRAIN in message() and VAL not in message()


def test_class_folders(root, train, val):
    classes, _, part = train
    images, _, (pixels, labels) = val
    write(root, {f"train/{wnid}/{name}": image[0] for wnid, files in classes.items() for name, image in files})
    write(root, {"train/readme.txt": b"", f"train/{WNIDS[0]}/notes.txt": b""})
    for wnid in WNIDS:
        (root / "val" / wnid).mkdir(parents=True)
    write(root, {f"val/{WNIDS[label]}/{name}": content for (name, content), label in zip(images.items(), labels, strict=True)})
    order = sorted(range(12), key=lambda i: labels[i])
    sorted_part = [pixels[i] for i in order], [labels[i] for i in order]
    check(named.listings("imagenet1k"), {"train": part, "val": sorted_part}, NAMES)


@pytest.mark.parametrize("place", ["val.txt", "val_list.txt", "val/val.txt", None])
def test_a_flat_val_folder(root, val, place):
    """Labels from a list in Caffe's or PaddleClas' form, or else from the development kit."""
    images, devkit, part = val
    write(root, {f"val/{name}": content for name, content in images.items()})
    lines = [f"{'val/' * (place == 'val_list.txt')}{name} {label}" for name, label in zip(images, part[1], strict=True)]
    write(root, {place: "\n".join(lines).encode()} if place else {DEVKIT: devkit})
    check(named.listings("imagenet1k", splits=("val",)), {"val": part}, NAMES)


def test_nothing_there(root):
    text = message()
    assert all(name in text for name in (str(root), TRAIN, VAL, DEVKIT, "train/n01440764/*.JPEG", "KCLASSIFY_DATASETS"))


def test_nothing_in_the_cache(monkeypatch, own_cache):
    assert str(own_cache / "data" / "imagenet1k") in message()
    assert not own_cache.exists()


def test_labels_are_missing(root, val):
    write(root, {VAL: tar(val[0])})
    assert DEVKIT in message(("val",)) and "val.txt" in message(("val",))


@pytest.mark.parametrize(
    ("lines", "said"),
    [("a.JPEG 1000", "'a.JPEG 1000'"), ("a.JPEG", "'a.JPEG'"), ("a.JPEG 5", "ILSVRC2012_val_00000001.JPEG has no label")],
)
def test_a_wrong_list(root, val, lines, said):
    write(root, {f"val/{name}": content for name, content in val[0].items()})
    write(root, {"val.txt": lines.encode()})
    assert said in message(("val",))


@pytest.mark.parametrize("content", [b"", b"no archive", tar({"ILSVRC2012_devkit_t12/data/meta.mat": b"no matrix"}, "w:gz")])
def test_a_broken_development_kit(root, val, content):
    write(root, {VAL: tar(val[0]), DEVKIT: content})
    assert str(root / DEVKIT) in message(("val",))


def test_images_are_missing(root, val):
    images, devkit, _ = val
    write(root, {VAL: tar(dict(list(images.items())[:11])), DEVKIT: devkit})
    assert "11 images, but 12 labels" in message(("val",))


def test_a_broken_header_does_not_hide_images(root, train):
    content = bytearray(train[1])
    content[content.index(b"n01440771_1.JPEG")] = 0
    write(root, {TRAIN: content})
    assert "1,004 images" in message(("train",)) and "1,005" in message(("train",))


@pytest.mark.parametrize("end", [0.999, 0.5, 0.00007, 0])
def test_an_archive_that_was_cut_off(root, train, end):
    write(root, {TRAIN: train[1][: int(end * len(train[1])) // 512 * 512 - 100 if end else 0]})
    assert str(root / TRAIN) in message(("train",))


def test_an_archive_of_another_size_is_not_read(root, train, monkeypatch):
    row = DATASETS["imagenet1k"]
    monkeypatch.setitem(DATASETS, row.name, replace(row, files=(replace(row.files[0], size=147_897_477_120), *row.files[1:])))
    write(root, {TRAIN: train[1]})
    assert "147,897,477,120" in message(("train",))


def test_a_part_of_the_classes_is_refused(root, train):
    write(root, {f"train/{wnid}/1.JPEG": b"" for wnid in WNIDS[:100]})
    text = message(("train",))
    assert "100 classes" in text and "--data" in text
