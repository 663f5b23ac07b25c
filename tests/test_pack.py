"""TFRecord shards: what is written comes back, here and in other programs; what is broken is named, and nothing half-made is left."""

import io
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kclassify.data import dataset, index, repack, sources
from kclassify.data.images.decode import probe, read_rgb
from kclassify.data.pipeline import TrainTransform, train_batches
from kclassify.data.sources import pack
from kclassify.errors import DataError, SetupError, UsageError

NAMES = ("cat", "größe ✓")


def encoded(level: int, size=(9, 7)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, (level, 0, 255 - level)).save(target, "PNG")
    return target.getvalue()


SAMPLES = [(f"a/{number} ü.png", encoded(number), number % 2) for number in range(40)]


@pytest.fixture
def packed(tmp_path):
    """40 images in several shards, and 3 to validate on."""
    folder = tmp_path / "packed"
    assert pack.write(folder, {"train": iter(SAMPLES), "val": SAMPLES[:3]}, NAMES, shard_bytes=2000) == {"train": 40, "val": 3}
    return folder


def images(listing) -> list[bytes]:
    found = index.scan(listing)
    assert not found.bad
    return [found.source(row) for row in range(len(found))]


@pytest.mark.parametrize("shard_bytes", [1, 2000, pack.SHARD_BYTES])
def test_what_is_written_comes_back(tmp_path, own_cache, shard_bytes):
    pack.write(tmp_path / "p", {"train": SAMPLES, "val": SAMPLES[:3]}, NAMES, shard_bytes=shard_bytes)
    found = pack.listings(tmp_path / "p")
    assert [found["train"].paths, found["train"].labels] == [tuple(name for name, _, _ in SAMPLES), (0, 1) * 20]
    assert found["train"].class_names == found["val"].class_names == NAMES and found["val"].labels == (0, 1, 0)
    assert images(found["train"]) == [image for _, image, _ in SAMPLES]
    shards = list((tmp_path / "p").glob("train-*"))
    assert len(shards) == {1: 40, pack.SHARD_BYTES: 1}.get(shard_bytes, len(shards))
    assert shard_bytes != 2000 or 3 <= len(shards) <= 10
    assert {path.name for path in tmp_path.iterdir()} == {"p", own_cache.name}


def test_tensorflow_reads_the_shards(packed):
    """As the readers of TensorFlow's ImageNet scripts do; the check sums of the records are right, or this would fail."""
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/filename": tf.io.FixedLenFeature([], tf.string),
        "image/class/label": tf.io.FixedLenFeature([], tf.int64),
        "image/class/text": tf.io.FixedLenFeature([], tf.string),
    }
    shards = tf.data.TFRecordDataset(sorted(map(str, packed.glob("train-*.tfrecord"))))
    rows = list(shards.map(lambda record: tf.io.parse_single_example(record, features)).as_numpy_iterator())
    assert [row["image/encoded"] for row in rows] == [image for _, image, _ in SAMPLES]
    assert [row["image/filename"].decode() for row in rows] == [name for name, _, _ in SAMPLES]
    assert [(int(row["image/class/label"]), row["image/class/text"].decode()) for row in rows] == [(0, NAMES[0]), (1, NAMES[1])] * 20


def foreign(folder, rows, *, shard="train-00000-of-00001.tfrecord"):
    """A shard from elsewhere: Examples with these features."""
    folder.mkdir(exist_ok=True)
    kinds = {bytes: "bytes_list", int: "int64_list", float: "float_list"}
    with tf.io.TFRecordWriter(str(folder / shard)) as writer:
        for row in rows:
            example = tf.train.Example()
            for key, value in row.items():
                getattr(example.features.feature[key], kinds[type(value)]).value.append(value)
            writer.write(example.SerializeToString())
    return folder


def test_shards_from_elsewhere_are_read_too(tmp_path, own_cache):
    """With the keys of TensorFlow Datasets, without pack.json and without names."""
    rows = [{"image": image, "label": label} for _, image, label in SAMPLES[:9]]
    foreign(tmp_path / "tfds", rows[:6], shard="set-train.tfrecord-00000-of-00002")
    foreign(tmp_path / "tfds", rows[6:], shard="validation.tfrecord")
    listing = sorted(path.name for path in (tmp_path / "tfds").iterdir())
    for _ in range(2):  # the second time from the cache
        found = pack.listings(tmp_path / "tfds")
        assert (found["train"].labels, found["val"].labels) == ((0, 1) * 3, (0, 1, 0)) and found["train"].class_names == ("0", "1")
        assert images(found["train"]) + images(found["val"]) == [image for _, image, _ in SAMPLES[:9]]
    assert sorted(path.name for path in (tmp_path / "tfds").iterdir()) == listing
    text = [{"image/encoded": SAMPLES[0][1], "image/class/label": 1, "image/class/text": b"dog"}]
    assert pack.listings(foreign(tmp_path / "text", text))["train"].class_names == ("0", "dog")


def test_what_was_found_in_foreign_shards_is_kept_but_never_out_of_date(tmp_path, own_cache, monkeypatch):
    folder = foreign(tmp_path / "tfds", [{"image": SAMPLES[0][1], "label": 0}])
    pack.listings(folder)
    [kept] = (own_cache / "packs").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(pack, "_records", lambda _: pytest.fail("read again"))
        assert len(pack.listings(folder)["train"].paths) == 1
    kept.write_text('{"format": 1')
    assert len(pack.listings(folder)["train"].paths) == 1
    foreign(folder, [{"image": image, "label": 0} for _, image, _ in SAMPLES[:2]])
    assert len(pack.listings(folder)["train"].paths) == 2
    (tmp_path / "file").touch()
    monkeypatch.setenv("KCLASSIFY_CACHE", str(tmp_path / "file" / "below"))
    assert len(pack.listings(folder)["train"].paths) == 2


def test_training_through_a_pack_gives_the_batches_of_its_files(photos, tmp_path, own_cache):
    (photos / "cat" / "broken.jpg").write_bytes(b"")
    data = dataset.load(str(photos), None, val_fraction=0.25, seed=0, max_bad=0.2)
    calls = []
    counts = repack.pack_dataset(data, tmp_path / "packed", progress=calls.append)
    again = dataset.load(str(tmp_path / "packed"), None, val_fraction=0.25, seed=0, max_bad=0.0)
    assert counts == {"train": 9, "val": 3} and calls == list(range(1, 13))
    steps = {"batch_size": 4, "seed": 1, "first_step": 0, "last_step": 4}
    for before, after in ((data.train, again.train), (data.val, again.val)):
        assert (before.paths, before.class_names, before.labels.tolist()) == (after.paths, after.class_names, after.labels.tolist())
        expected, found = (
            [part.numpy().tobytes() for batch in train_batches(part_of, TrainTransform(24), **steps) for part in batch]
            for part_of in (before, after)
        )
        assert expected == found


def test_smaller_images_keep_their_shape_and_what_is_small_stays(photos, tmp_path, own_cache):
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.open(photos / "cat" / "cat0.jpg").resize((180, 120))
    picture.save(photos / "cat" / "turned.jpg", exif=turned, quality=95)
    data = dataset.load(str(photos), None, val_fraction=0.25, seed=0, max_bad=0.0)
    repack.pack_dataset(data, tmp_path / "packed", short_side=45, quality=95)
    again = dataset.load(str(tmp_path / "packed"), None, val_fraction=0.25, seed=0, max_bad=0.0)
    for before, after in ((data.train, again.train), (data.val, again.val)):
        for row in range(len(before)):
            old, new = read_rgb(before.source(row)), read_rgb(after.source(row))
            if min(old.shape[:2]) <= 45:
                assert after.source(row) == before.source(row).read_bytes()
            else:
                assert min(new.shape[:2]) == 45 and abs(max(new.shape[:2]) - max(old.shape[:2]) * 45 / min(old.shape[:2])) <= 0.5
                assert probe(after.source(row)).format == "jpeg"
                expected = np.asarray(Image.fromarray(old).resize(new.shape[1::-1], Image.Resampling.BICUBIC)).astype(int)
                assert np.abs(new - expected).mean() < 6
    sizes = dict(zip(again.train.paths + again.val.paths, [*again.train.heights, *again.val.heights], strict=True))
    assert sizes["cat/turned.jpg"] == 68  # 180 x 120 on its side is 120 wide; 45 wide makes it 67.5 high
    assert len(repack.smaller(encoded(0, (60, 50)), 40, 5)) < len(repack.smaller(encoded(0, (60, 50)), 49, 95))


def edited(folder, **changes) -> None:
    facts = json.loads((folder / "pack.json").read_text())
    train = facts["splits"]["train"]
    facts["splits"]["train"] = {**train, **{key: value(train[key]) for key, value in changes.items() if key in train}}
    facts |= {key: value for key, value in changes.items() if key not in train}
    (folder / "pack.json").write_text(json.dumps(facts))


EDITS = {
    "a shard elsewhere": {"shards": lambda shards: ["../" + shard for shard in shards]},
    "an absolute shard": {"shards": lambda shards: ["/etc/passwd"] * len(shards)},
    "no shard": {"shards": lambda shards: ["train-99999.tfrecord", *shards[1:]]},
    "a folder": {"shards": lambda shards: ["..", *shards[1:]]},
    "a shard's number": {"shard": lambda column: [99, *column[1:]]},
    "a label": {"labels": lambda column: [2, *column[1:]]},
    "a label below": {"labels": lambda column: [-1, *column[1:]]},
    "a short column": {"labels": lambda column: column[1:]},
    "text": {"offsets": lambda column: ["x", *column[1:]]},
    "an offset below": {"offsets": lambda column: [-1, *column[1:]]},
    "a length beyond": {"lengths": lambda column: [1 << 50, *column[1:]]},
    "a newer format": {"format": 2},
    "no format": {"format": None},
    "other columns": {"splits": {"train": {"files": []}}},
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_wrong_pack_json_is_named(packed, own_cache, edit):
    edited(packed, **EDITS[edit])
    with pytest.raises(DataError) as caught:
        pack.listings(packed)
    assert str(packed) in str(caught.value) and len(str(caught.value).splitlines()) <= 3
    assert (edit == "a newer format") == ("pip install -U" in str(caught.value))


@pytest.mark.parametrize("content", ["", "[]", '"x"', "{", "\x00", '{"format": 1}'])
def test_a_pack_json_that_is_none_is_named(packed, own_cache, content):
    (packed / "pack.json").write_text(content)
    with pytest.raises(DataError, match=r"pack\.json: .*kclassify data pack"):
        pack.listings(packed)


def test_a_shard_that_was_cut_or_lost_is_named(packed, own_cache):
    shard = packed / "train-00001.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-500])
    with pytest.raises(DataError, match=r"train-00001\.tfrecord: shorter than"):
        pack.listings(packed)
    shard.unlink()
    with pytest.raises(DataError, match=r"train-00001\.tfrecord: missing"):
        sources.find(str(packed))


IMAGE = SAMPLES[0][1]
FOREIGN = {
    "no image": {"label": 1},
    "no label": {"image": IMAGE},
    "an image that is a number": {"image": 3, "label": 1},
    "a label with a point": {"image": IMAGE, "label": 1.0},
    "a label below": {"image": IMAGE, "label": -1},
    "a label beyond": {"image": IMAGE, "label": 1 << 40},
    "other keys": {"pixels": IMAGE, "class": 1},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_examples_that_are_no_labelled_images_are_named(tmp_path, own_cache, kind):
    folder = foreign(tmp_path / "tfds", [{"image": IMAGE, "label": 0}, FOREIGN[kind]])
    with pytest.raises(DataError, match="record 1 ") as caught:
        pack.listings(folder)
    assert str(next(folder.iterdir())) in str(caught.value) and len(str(caught.value).splitlines()) <= 3
    assert not (own_cache / "packs").exists()


@pytest.mark.parametrize("damage", ["cut", "cut in a length", "text", "zeros inside", "empty"])
def test_files_that_are_no_shards_are_named(tmp_path, own_cache, damage):
    folder = foreign(tmp_path / "tfds", [{"image": IMAGE, "label": 0}] * 2)
    [shard] = folder.iterdir()
    data = shard.read_bytes()
    broken = {"cut": data[:-3], "cut in a length": data[: len(data) // 2 + 5], "text": b"hello, this is no shard\n" * 9, "empty": b""}
    shard.write_bytes(broken.get(damage, data[:14] + bytes(20) + data[34:]))
    with pytest.raises(DataError) as caught:
        pack.listings(folder)
    assert str(folder) in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def test_a_folder_that_exists_is_refused(packed):
    before = {path: path.read_bytes() for path in packed.iterdir()}
    with pytest.raises(UsageError, match="exists"):
        pack.write(packed, {"train": SAMPLES}, NAMES)
    assert {path: path.read_bytes() for path in packed.iterdir()} == before
    with pytest.raises(SetupError, match="Cannot make"):
        pack.write(packed / "pack.json" / "below", {"train": SAMPLES}, NAMES)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_broken_write_leaves_nothing(tmp_path, error):
    def samples():
        yield from SAMPLES[:5]
        raise error(28, "No space left on device")

    with pytest.raises(SetupError if error is OSError else error):
        pack.write(tmp_path / "p", {"train": samples()}, NAMES, shard_bytes=100)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path):
    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = [(name, os.urandom(20_000), label) for name, _, label in SAMPLES]
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limit[1]))
    try:
        with pytest.raises(SetupError, match="Cannot write") as caught:
            pack.write(tmp_path / "p", {"train": large}, NAMES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert str(tmp_path / "p") in str(caught.value) and not list(tmp_path.iterdir())


def test_a_changed_file_between_looking_and_packing_is_named(photos, tmp_path, own_cache):
    data = dataset.load(str(photos), None, val_fraction=0.25, seed=0, max_bad=0.0)
    file = data.train.source(2)
    for content, short_side in ((None, None), (b"broken", 20)):
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(DataError) as caught:
            repack.pack_dataset(data, tmp_path / "packed", short_side=short_side)
        assert str(file) in str(caught.value) and not (tmp_path / "packed").exists()
