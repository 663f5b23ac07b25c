"""Archives of the published forms in small, made of random arrays, and the comparison of a listing with these arrays."""

import gzip
import io
import random
import struct
import tarfile

import numpy as np
from PIL import Image
from scipy.io import savemat

from kclassify.data import index
from kclassify.data.images import decode
from kclassify.presets.datasets import DATASETS

NUMBERS = np.random.default_rng(0)


def pixels(*shape):
    return NUMBERS.integers(0, 256, shape, np.uint8)


def jpeg(size=(9, 7)):
    """A small JPEG file and its pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels(2, 2, 3)).resize(size).save(buffer, "JPEG")
    return buffer.getvalue(), np.asarray(Image.open(buffer))


def tar(members, mode="w", kind=tarfile.REGTYPE, target=""):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.type, entry.linkname = len(content), kind, target
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def matlab(**values):
    buffer = io.BytesIO()
    savemat(buffer, values)
    return buffer.getvalue()


def cifar10():
    parts = [(pixels(4, 32, 32, 3), NUMBERS.integers(0, 10, 4)) for _ in range(6)]
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    members = {
        name: b"".join(bytes([y]) + x.transpose(2, 0, 1).tobytes() for x, y in zip(*part, strict=True))
        for name, part in zip(names, parts, strict=True)
    }
    members["batches.meta.txt"] = b"".join(b"class %d\n" % number for number in range(10)) + b"\n"
    members["readme.html"] = b"<html>"
    shuffled = random.Random(0).sample(sorted(members), len(members))
    train = tuple(np.concatenate([part[i] for part in parts[:5]]) for i in (0, 1))
    files = [tar({f"cifar-10-batches-bin/{name}": members[name] for name in shuffled}, "w:gz")]
    return files, {"train": train, "val": parts[5]}, tuple(f"class {number}" for number in range(10))


def cifar100():
    parts = [(pixels(count, 32, 32, 3), NUMBERS.integers(0, 100, count)) for count in (6, 3)]
    train, test = (b"".join(bytes([19, y]) + x.transpose(2, 0, 1).tobytes() for x, y in zip(*part, strict=True)) for part in parts)
    fine, coarse = ("".join(f"{word}_{number}\n" for number in range(count)).encode() for word, count in (("fine", 100), ("coarse", 20)))
    members = {"train.bin": train, "test.bin": test, "fine_label_names.txt": fine, "coarse_label_names.txt": coarse}
    files = [tar({f"cifar-100-binary/{name}": content for name, content in members.items()}, "w:gz")]
    return files, dict(zip(("train", "val"), parts, strict=True)), tuple(f"fine_{number}" for number in range(100))


def idx(array):
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def mnist():
    parts = {split: (pixels(count, 28, 28), NUMBERS.integers(0, 10, count).astype(np.uint8)) for split, count in (("train", 7), ("val", 4))}
    return [idx(array) for split in ("train", "val") for array in parts[split]], parts, tuple("0123456789")


def fashion_mnist():
    files, parts, _ = mnist()
    return files, parts, ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def flowers102():
    made = [jpeg((9 + number, 7)) for number in range(10)]
    labels = np.array([3, 1, 102, 77, 1, 2, 5, 9, 50, 13])
    archive = tar({f"jpg/image_{number:05d}.jpg": made[number - 1][0] for number in (2, 1, 3, 5, 4, 6, 7, 8, 10, 9)}, "w:gz")
    numbers = {"trnid": [9, 2, 4], "valid": [3, 10], "tstid": [1, 5, 6, 7, 8]}
    files = [archive, matlab(labels=labels[None]), matlab(**{key: np.array([value]) for key, value in numbers.items()})]
    of = {split: sorted(numbers[key]) for split, key in (("train", "trnid"), ("val", "valid"))}
    parts = {split: ([made[number - 1][1] for number in chosen], labels[np.array(chosen) - 1] - 1) for split, chosen in of.items()}
    return files, parts, DATASETS["flowers102"].class_names


def check(found, parts, class_names):
    """The index of each part has these images, pixel by pixel, these labels and classes."""
    assert set(found) == set(parts)
    for split, (images, labels) in parts.items():
        scanned = index.scan(found[split])
        assert not scanned.bad and scanned.class_names == class_names
        assert scanned.labels.tolist() == list(labels) and len(set(scanned.paths)) == len(labels)
        for row, expected in enumerate(images):
            array = np.asarray(expected)
            rgb = array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2)
            assert np.array_equal(decode.read_rgb(scanned.source(row)), rgb)
            assert (scanned.heights[row], scanned.widths[row]) == rgb.shape[:2]
