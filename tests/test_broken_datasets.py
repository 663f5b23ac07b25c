"""Broken data sets through the command line: each ends with its own message and code 3, changes nothing, trains on nothing else."""

import os
import shutil
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from kclassify import cli
from kclassify.data import dataset

SAME = "these are the training images themselves"


def picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(path)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def pets(tmp_path):
    """A sound data set, pets/, with four pictures each of cats and dogs, to be broken; and val_pets/ with one of each."""
    for number, name in enumerate(("cat", "dog")):
        for image in range(4):
            picture(tmp_path / "pets" / name / f"{image}.png", 10 * number + image)
        picture(tmp_path / "val_pets" / name / "9.png", 9 + number)
    return tmp_path / "pets"


def listed(*lines, name="list.txt", header=()):
    """Breaks pets by listing its eight images and then these lines; the list is the data."""

    def make(pets):
        if not header:
            rows = [f"pets/{label}/{image}.png {number}" for number, label in enumerate(("cat", "dog")) for image in range(4)]
        else:
            rows = [*header, *(f"pets/{label}/{image}.png,{label}" for label in ("cat", "dog") for image in range(4))]
        write(pets.parent / name, "\n".join([*rows, *lines]) + "\n")
        return ["--data", name]

    return make


def written(name, content, *options):
    """Breaks pets by one more file, which is the data if it is a list beside it."""

    def make(pets):
        write(pets.parent / name, content)
        return [*(["--data", name] if "/" not in name else []), *options]

    return make


def moved(*pairs, options=()):
    """Breaks pets by giving files and folders other names, or none."""

    def make(pets):
        for old, new in pairs:
            if new is None:
                shutil.rmtree(pets.parent / old)
            else:
                (pets.parent / new).parent.mkdir(parents=True, exist_ok=True)
                (pets.parent / old).rename(pets.parent / new)
        return list(options)

    return make


def emptied(*patterns, options=()):
    """Breaks pets by images of no bytes."""

    def make(pets):
        for pattern in patterns:
            for path in pets.parent.glob(pattern):
                path.write_bytes(b"")
        return list(options)

    return make


def only_text_in_dog(pets):
    shutil.rmtree(pets / "dog")
    write(pets / "dog" / "notes.txt", "x")
    return []


def loose(pets):
    for path in pets.glob("*/*"):
        path.rename(pets / f"{path.parent.name}{path.name}")
    for name in ("cat", "dog"):
        (pets / name).rmdir()
    write(pets / "labels.csv", "path,label\ncat0.png,cat\n")
    return []


def unlabelled_beside(pets):
    picture(pets.parent / "x" / "unlabelled" / "1.png")
    pets.rename(pets.parent / "x" / "train")
    return ["--data", "x"]


def two_sets(pets):
    for name in ("a", "b"):
        shutil.copytree(pets, pets.parent / "both" / name / "train")
    return ["--data", "both"]


def single_images(pets):
    for path in pets.glob("*/[123].png"):
        path.unlink()
    return []


def archive(pets):
    with zipfile.ZipFile(pets.parent / "pets.zip", "w") as file:
        file.write(pets / "cat" / "0.png")
    return ["--data", "pets.zip"]


def directory_in_list(pets):
    (pets / "cat.png").mkdir()
    return listed("pets/cat.png 0")(pets)


BROKEN = {
    "empty folder": (
        moved(("pets/cat", None), ("pets/dog", None)),
        ["'pets' holds no images", "one folder a class, such as pets/cat/1.jpg"],
    ),
    "no such folder": (lambda _: ["--data", "pest"], ["No data at 'pest'. Did you mean 'pets'?", "Expected a folder of images"]),
    "no such validation set": (lambda _: ["--val", "val_pest"], ["No data at 'val_pest'. Did you mean 'val_pets'?"]),
    "one class": (moved(("pets/dog", None)), ["'pets' has one class ('cat'). Expected two or more, one folder each."]),
    "one class and an empty one": (only_text_in_dog, ["'pets' has one class ('cat')", "pets without an image, which are no classes: dog"]),
    "an empty class": (emptied("pets/dog/*", options=["-o", "max_bad=1"]), ["'pets' has one class ('cat')."]),
    "images without class folders": (loose, ["'pets' holds 8 images without class folders", "--data pets/labels.csv"]),
    "other classes in validation": (
        moved(("val_pets/cat", "val_pets/Cat"), options=["--val", "val_pets"]),
        ["val_pets: classes that were never trained: Cat. Did you mean 'cat'?", "these 2: cat, dog. Without an image here: cat."],
    ),
    "a class too many in val/": (
        moved(("pets", "x/train"), ("val_pets", "x/val"), ("x/val/cat", "x/val/emu"), options=["--data", "x"]),
        ["/x/val: classes that were never trained: emu.", "Without an image here: cat."],
    ),
    "validation beside the classes": (
        moved(("val_pets", "pets/val")),
        ["'pets' holds val/ beside class folders", "pets/train and pets/val"],
    ),
    "images beside train": (unlabelled_beside, ["'x' holds train/ and images in unlabelled beside it", "--data x/train"]),
    "two data sets": (two_sets, ["'both' holds several data sets: a/ has a train/ of its own", "in b/ too", "--data both/a"]),
    "no training part": (moved(("val_pets", "x/val"), options=["--data", "x"]), ["'x' holds a part for val, but none for training"]),
    "empty validation folder": (
        moved(("val_pets/cat", None), ("val_pets/dog", None), options=["--val", "val_pets"]),
        ["'val_pets' holds no images"],
    ),
    "validation is the training folder": (lambda _: ["--val", "./pets"], [f"./pets: {SAME}"]),
    "validation is the training list": (lambda pets: [*listed()(pets), "--val", "pets/../list.txt"], [f"pets/../list.txt: {SAME}"]),
    "case twins": (moved(("pets/dog", "pets/Cat")), ["pets: the classes 'Cat' and 'cat'", "If they are one class"]),
    "single images": (single_images, ["pets: Every class has a single image", "--val"]),
    "all files broken": (
        emptied("pets/*/*"),
        ["pets: 8 of 8 files cannot be used, more than 5%", "The first is cat/0.png: empty file (0 bytes)."],
    ),
    "too many broken": (emptied("pets/cat/0.png"), ["pets: 1 of 8 files cannot be used", "max_bad"]),
    "broken validation": (emptied("val_pets/cat/9.png", options=["--val", "val_pets"]), ["val_pets: 1 of 2 files cannot be used"]),
    "line without label": (
        listed("pets/cat/0.png"),
        ["list.txt:9: expected 'path label' with a whole number as label, got 'pets/cat/0.png'"],
    ),
    "name as label": (listed("pets/cat/0.png cat"), ["list.txt:9: expected 'path label'", "path,label"]),
    "label list too short": (
        written("val.txt", "val_pets/cat/9.png 2\n", "--data", "pets", "--val", "val.txt"),
        ["val.txt:1: label 2 found, but there are 2 classes (0 to 1)"],
    ),
    "a label far out": (listed("pets/x.png 20000"), ["list.txt:9: label 20000 with 9 images in all"]),
    "missing files": (
        listed("pets/nowhere.png 1"),
        ["list.txt: 1 of 9 files cannot be used", "The first is pets/nowhere.png: No such file or directory."],
    ),
    "all files missing": (
        lambda pets: [*listed(name="lists/list.txt")(pets), "--data", "lists/list.txt"],
        ["lists/list.txt: none of its 8 images exists, such as pets/cat/0.png", "They were sought in ", "/lists."],
    ),
    "folder in a list": (directory_in_list, ["list.txt: 1 of 9 files cannot be used", "pets/cat.png: not a regular file"]),
    "two labels": (listed("./pets/cat/0.png 1"), ["list.txt:9: ./pets/cat/0.png stands in line 1 already (0, train) and here (1, train)"]),
    "empty list": (written("list.txt", "\n\n"), ["list.txt: no line with an image in it"]),
    "UTF-16 list": (written("list.txt", "pets/cat/0.png 0\n".encode("utf-16")), ["list.txt: UTF-16 text. Expected UTF-8"]),
    "an image as list": (lambda _: ["--data", "pets/cat/0.png"], ["pets/cat/0.png: not a text file"]),
    "an archive": (archive, ["pets.zip: not a text file", "Expected a folder of images"]),
    "prose": (written("readme.md", "Pets of ours\n\nThey are nice.\n"), ["readme.md:1: expected 'path label'"]),
    "no columns": (written("a.csv", "id,breed\n1,poodle\n"), ["a.csv:1: found the columns 'id, breed'.", "path, filepath, file"]),
    "several labels": (
        listed("pets/cat/0.png,cat;dog", name="a.csv", header=["path,label"]),
        ["a.csv:10: several labels, cat;dog. Expected one"],
    ),
    "broken JSON": (
        written("a.jsonl", '{"path": "pets/cat/0.png", "label": "cat"}\n{"path": \n'),
        ["a.jsonl:2: expected one JSON object a line"],
    ),
}


def contents(root):
    return {path: (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in root.rglob("*")}


def kclassify(monkeypatch, capsys, *words):
    """The exit code and the message of a command in this process."""
    monkeypatch.setattr(sys, "argv", ["kclassify", *words])
    with pytest.raises(SystemExit) as ended:
        cli.run()
    return ended.value.code, capsys.readouterr()


def dry_run(monkeypatch, capsys, *options):
    words = ("train", "--data", "pets", "--preset", "resnet18", "--image-size", "32", "--batch-size", "2", "--gpus", "none", "--dry-run")
    return kclassify(monkeypatch, capsys, *words, *options)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_data_set_is_refused_by_name(case, pets, monkeypatch, capsys):
    make, phrases = BROKEN[case]
    monkeypatch.chdir(pets.parent)
    options = make(pets)
    before = contents(pets.parent)
    code, streams = dry_run(monkeypatch, capsys, *options)
    assert code == 3 and streams.out == ""
    message = streams.err[streams.err.index("Error: ") :]
    assert len(message.splitlines()) <= 3 and "Traceback" not in streams.err
    assert [phrase for phrase in phrases if phrase not in message] == [], message
    assert contents(pets.parent) == before


@pytest.mark.parametrize("below", ["pets", "pets/dog"])
def test_a_folder_that_may_not_be_read_is_refused(below, pets, monkeypatch, capsys):
    monkeypatch.chdir(pets.parent)
    scan = os.scandir

    def deny(path):
        if os.fspath(path) == below:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", deny)
    code, streams = dry_run(monkeypatch, capsys)
    assert code == 3 and f"Error: {below}: Permission denied. Expected files and folders that can be read." in streams.err


def test_the_sound_data_set_and_what_is_told_of_its_oddities(pets, monkeypatch, capsys):
    monkeypatch.chdir(pets.parent)
    (pets / "bird").mkdir()
    picture(pets / "loose.png")
    write(pets / "cat" / "0.xcf", "x")
    shutil.rmtree(pets.parent / "val_pets" / "cat")
    code, streams = dry_run(monkeypatch, capsys, "--val", "val_pets")
    assert code == 0
    for note in ("without class folder in pets that are not used: 1", "without an image, which are no classes: bird", ".xcf 1",
                 "classes without an image to validate on: cat", "8 training and 1 validation images, 2 classes"):  # fmt: skip
        assert note in streams.err.replace("\n", " ")


def test_a_model_is_judged_on_nothing_else_either(pets):
    for val, expected in (("val_pets", [0, 1]), ("pets", [0, 0, 0, 0, 1, 1, 1, 1])):
        assert dataset.load_for_eval(str(pets.parent / val), ("cat", "dog")).labels.tolist() == expected
    for make, names, phrase in (
        (moved(("val_pets", "pets/test")), ("cat", "dog"), "holds test/ beside class folders"),
        (moved(("pets/test", "elsewhere")), ("cat", "Dog"), "never trained: dog. Did you mean 'Dog'?"),
        (emptied("pets/cat/0.png"), ("cat", "dog"), "1 of 8 files cannot be used"),
        (single_images, ("cat", "dog"), "1 of 2 files cannot be used"),
    ):
        make(pets)
        with pytest.raises(dataset.DataError, match=phrase.replace("?", r"\?")):
            dataset.load_for_eval(str(pets), names)
    write(pets.parent / "list.txt", "cat/0.png 0\n")
    with pytest.raises(dataset.DataError, match="They were sought in"):
        dataset.load_for_eval(str(pets.parent / "list.txt"), ("cat", "dog"))
