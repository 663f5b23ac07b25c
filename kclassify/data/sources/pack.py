"""TFRecord shards: written from any data set, and read by place, so that shuffling stays exact and needs no buffer.

A shard holds tf.train.Examples with the keys of TensorFlow's ImageNet scripts, so other programs can read it too. A `pack.json` beside
the shards says at which byte every image stands; shards from elsewhere are gone through once to find that out.
"""

import contextlib
import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError, SetupError, UsageError
from kclassify.remote.cache import cache_folder

SHARD_BYTES = 128 << 20
MOST_CLASSES = 1 << 20  # a larger label is a number of another kind, such as an image's
_FORMAT = 1
_FACTS = "pack.json"
_SPLITS = {"train": ("train",), "val": ("val", "test")}  # how the names of shards begin
_KEYS = (("image/encoded", "image/class/label", "image/filename"), ("image", "label", "file_name"))  # ours, and those of TFDS

Sample = tuple[str, bytes, int]  # name, encoded image, label


@dataclass
class _Places:
    """Where the images of one split are: a shard's number, an offset and a length each."""

    shards: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    shard: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


def is_pack(folder: Path) -> bool:
    """Whether a folder holds TFRecord shards."""
    return folder.is_dir() and bool(_shards(folder))


def write(
    folder: Path, splits: Mapping[str, Iterable[Sample]], class_names: Sequence[str], *, shard_bytes: int = SHARD_BYTES
) -> dict[str, int]:
    """Write samples as TFRecord shards of about `shard_bytes` into a new folder, which appears only when it is complete.

    Args:
        splits: "train", and "val" if there is one: (name, encoded image, label) each.

    Returns:
        the number of images a split.

    Raises:
        UsageError: the folder exists.
        SetupError: it cannot be written.
    """
    import tensorflow as tf

    if folder.exists():
        raise UsageError(f"'{folder}' exists. Expected the name of a folder to be made.")
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    except OSError as error:
        raise SetupError(f"Cannot make '{folder}': {error.strerror}.") from error
    try:
        places = {name: _write_split(draft, name, samples, class_names, shard_bytes) for name, samples in splits.items()}
        _save(draft / _FACTS, places, tuple(class_names))
        draft.chmod(0o755)
        os.replace(draft, folder)
    except (OSError, tf.errors.OpError) as error:
        raise SetupError(f"Cannot write '{folder}': {getattr(error, 'strerror', None) or error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return {name: len(found.names) for name, found in places.items()}


def listings(folder: Path) -> dict[str, Listing]:
    """The images of a folder of shards, by split: "train", and "val" where there are shards of that name.

    Raises:
        DataError: a shard is broken, or holds something else than labelled images.
    """
    folder = folder.resolve()
    facts = folder / _FACTS
    places, class_names = _load(facts) if facts.is_file() else _survey(folder)
    listed = {name: _listing(folder, found, class_names) for name, found in places.items() if found.names}
    if not listed:
        raise DataError(f"{folder}: its TFRecord files hold no image.")
    return listed


def _listing(folder: Path, places: _Places, class_names: tuple[str, ...]) -> Listing:
    containers = tuple(places.shards[number] for number in places.shard)
    ranges = np.stack([np.array(places.offsets, np.int64), np.array(places.lengths, np.int64)], axis=1)
    ends = np.zeros(len(places.shards), np.int64)
    np.maximum.at(ends, places.shard, ranges.sum(axis=1))
    for shard, end in zip(places.shards, ends, strict=True):
        path = folder / shard
        if not path.is_file() or path.stat().st_size < end:
            raise DataError(f"{path}: {'shorter than' if path.is_file() else 'missing, but named by'} {_FACTS}. Copy the folder again.")
    return Listing(folder, tuple(places.names), tuple(places.labels), class_names, containers=containers, ranges=ranges)


def _write_split(draft: Path, split: str, samples: Iterable[Sample], class_names: Sequence[str], shard_bytes: int) -> _Places:
    places, start, writer = _Places(), 0, None
    try:
        for name, image, label in samples:
            if writer is None or start > shard_bytes:
                places.shards.append(f"{split}-{len(places.shards):05d}.tfrecord")
                writer, start = _open_shard(draft / places.shards[-1], writer), 0
            record = _example(name, image, label, class_names[label])
            writer.write(record)
            places.names.append(name)
            places.labels.append(int(label))
            places.shard.append(len(places.shards) - 1)
            places.offsets.append(start + 12 + record.index(image))
            places.lengths.append(len(image))
            start += 16 + len(record)
    finally:
        if writer is not None:
            writer.close()
    return places


def _open_shard(path: Path, previous: Any) -> Any:
    import tensorflow as tf

    if previous is not None:
        previous.close()
    return tf.io.TFRecordWriter(str(path))


def _example(name: str, image: bytes, label: int, class_name: str) -> bytes:
    import tensorflow as tf

    def texts(value: bytes) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {
        "image/encoded": texts(image),
        "image/filename": texts(name.encode("utf-8", "surrogateescape")),
        "image/class/text": texts(class_name.encode("utf-8", "surrogateescape")),
        "image/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString(deterministic=True))


def _shards(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if ".tfrecord" in item.name and item.is_file() and not item.name.startswith("."))


def _survey(folder: Path) -> tuple[dict[str, _Places], tuple[str, ...]]:
    """Find the images in shards without `pack.json`; what was found is kept in the cache folder."""
    shards = _shards(folder)
    stats = [(folder / shard).stat() for shard in shards]
    mark = json.dumps([str(folder), shards, [(stat.st_size, stat.st_mtime_ns) for stat in stats], _FORMAT])
    cached = cache_folder() / "packs" / f"{hashlib.sha256(mark.encode()).hexdigest()}.json"
    with contextlib.suppress(DataError):  # not there or damaged: it is made again
        return _load(cached)
    places = {name: _Places() for name in _SPLITS}
    texts: dict[int, str] = {}
    for shard in shards:
        split = next((name for name, starts in _SPLITS.items() if shard.lower().startswith(starts)), "train")
        _add_shard(places[split], folder, shard, texts)
    count = max((label for found in places.values() for label in found.labels), default=-1) + 1
    class_names = tuple(texts.get(label, str(label)) for label in range(count))
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
        cached.parent.mkdir(parents=True, exist_ok=True)
        _save(cached, places, class_names)
    return places, class_names


def _add_shard(places: _Places, folder: Path, shard: str, texts: dict[int, str]) -> None:
    import tensorflow as tf

    places.shards.append(shard)
    for start, record in _records(folder / shard):
        try:
            features = tf.train.Example.FromString(record).features.feature
            image_key, label_key, name_key = next(keys for keys in _KEYS if keys[0] in features and keys[1] in features)
            image, label = features[image_key].bytes_list.value[0], features[label_key].int64_list.value[0]
        except Exception as error:  # protobuf raises a class of its own for every way of not being an Example
            raise DataError(
                f"{folder / shard}: record {len(places.names)} is no labelled image.\n"
                "Expected Examples with image/encoded and image/class/label."
            ) from error
        if not 0 <= label < MOST_CLASSES:
            raise DataError(f"{folder / shard}: record {len(places.names)} has the label {label}. Expected 0, 1, 2 ... by class.")
        names = features[name_key].bytes_list.value
        places.names.append(names[0].decode("utf-8", "surrogateescape") if names else f"{shard}#{len(places.names)}")
        places.labels.append(label)
        places.shard.append(len(places.shards) - 1)
        places.offsets.append(start + record.index(image))
        places.lengths.append(len(image))
        if text := features["image/class/text"].bytes_list.value:
            texts[label] = text[0].decode("utf-8", "replace")


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every record of a shard with its place in the file. A record is its length, a check sum, its bytes and a check sum."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while head := file.read(12):
            start = file.tell()
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else size
            if start + length + 4 > size:
                raise DataError(f"{path}: not a whole TFRecord file; it ends inside the record at byte {start}. Copy it again.")
            yield start, file.read(length)
            file.seek(4, os.SEEK_CUR)


def _save(path: Path, places: Mapping[str, _Places], class_names: tuple[str, ...]) -> None:
    document = {"format": _FORMAT, "class_names": class_names, "splits": {name: asdict(found) for name, found in places.items()}}
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(json.dumps(document), encoding="ascii")
    os.replace(partial, path)


def _load(path: Path) -> tuple[dict[str, _Places], tuple[str, ...]]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] > _FORMAT:
            raise DataError(f"{path}: written by a newer kclassify. Update with: pip install -U kclassify")
        places = {name: _Places(**found) for name, found in document["splits"].items()}
        class_names = tuple(map(str, document["class_names"]))
        for found in places.values():
            _check(found, len(class_names))
        return places, class_names
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read ({error!r}). Pack the data again with: kclassify data pack") from error


def _check(places: _Places, classes: int) -> None:
    """ValueError if a document names a shard outside of its folder, a class that it does not have, or no place for an image."""
    numbers = np.array([places.labels, places.shard, places.offsets, places.lengths], np.int64)  # ValueError too where one is shorter
    limits = np.array([classes, len(places.shards), 1 << 62, 1 << 62])[:, None]
    if numbers.shape[1] != len(places.names) or (numbers < 0).any() or (numbers >= limits).any():
        raise ValueError("a label without a class, or an image without a place")
    if any(Path(shard).name != shard for shard in places.shards):
        raise ValueError("a shard outside of the folder")
