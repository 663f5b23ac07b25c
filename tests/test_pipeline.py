"""The tf.data graph: the same bytes however a run is cut and on any number of threads, every sample once, every format right."""

import dataclasses
import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kclassify.data import index, order, pipeline, sources
from kclassify.data.augment.erasing import ERASINGS, erase
from kclassify.data.augment.mixing import mix
from kclassify.data.augment.policies import POLICIES
from kclassify.data.decoded import keep_decoded
from kclassify.data.images.decode import PILLOW, read_rgb
from kclassify.data.pipeline import TrainTransform, eval_batches, find_unreadable, rows_of_steps, steps_per_epoch, train_batches
from kclassify.data.preprocess import preprocess
from kclassify.presets import augmentations
from kclassify.presets.augmentations import AUGMENTATIONS
from kclassify.presets.card import Preprocessing

SMALL = TrainTransform(size=24)
WHOLE = TrainTransform(size=24, crop_scale=(1.0, 1.0), crop_ratio=(0.01, 100.0), flip=0.0)


@pytest.fixture(scope="module")
def photo_index(_photo_folder):
    """The index of twelve photographs in three classes."""
    return scan(_photo_folder)


@pytest.fixture(scope="module")
def numbered(photo_index):
    """The same photographs with a class of its own for each, so that a batch's labels say which files are in it."""
    names = tuple(str(number) for number in range(12))
    return dataclasses.replace(photo_index, labels=np.arange(12, dtype=np.int32), class_names=names)


def scan(root) -> index.Index:
    found = index.scan(sources.find(str(root)).train)
    assert not found.bad
    return found


def batches(found, first, last, *, transform=SMALL, batch_size=5, seed=3, threads=None, decoded=None):
    """The batches as lists of arrays."""
    steps = {"first_step": first, "last_step": last, "threads": threads, "decoded": decoded}
    dataset = train_batches(found, transform, batch_size=batch_size, seed=seed, **steps)
    if threads:
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        dataset = dataset.with_options(options)
    return [[part.numpy() for part in batch] for batch in dataset]


def content(found) -> list[list[bytes]]:
    return [[part.tobytes() for part in batch] for batch in found]


def test_shapes_and_types(photo_index):
    dataset = train_batches(photo_index, SMALL, batch_size=5, seed=0, first_step=0, last_step=2)
    pixels, labels, weights = dataset.element_spec
    assert (pixels.shape, pixels.dtype) == ((5, 24, 24, 3), tf.uint8)
    assert (labels.shape, labels.dtype) == ((5, 3), tf.float32)
    assert (weights.shape, weights.dtype) == ((5,), tf.float32)
    assert len(list(dataset)) == 2 and dataset.options().deterministic is True


# Every augmentation, with settings by which it always does something.
ALWAYS = {"hide_and_seek": {"grid": (3,)}, "gridmask": {"probability": 1.0, "ramp_epochs": 0.0}, "color_jitter": {"hue": 0.1}}
CERTAIN = {name: {"probability": 1.0} for name in ("grey", "blur", "solarize", "random_erasing")} | ALWAYS
VARIANTS = {name: (name, row(**CERTAIN.get(name, {}))) for name, row in AUGMENTATIONS.items()}
VARIANTS |= {f"erasing {mode}": ("random_erasing", augmentations.RandomErasing(probability=1.0, mode=mode)) for mode in ("const", "random")}
LIGHTER = {"augmix": {"width": 1, "depth": 1}, "gridmask": {"ramp_epochs": 0.0}}  # a full AugMix is most of the graph
ALL = dataclasses.replace(SMALL, ops=tuple((name, row(**LIGHTER.get(name, {}))) for name, row in AUGMENTATIONS.items()))


@pytest.fixture(scope="module")
def plain(numbered) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and targets of the second batch without an augmentation: samples 5 to 9."""
    ((pixels, targets, _),) = batches(numbered, 1, 2)
    return pixels, targets


def eagerly(plain, op, *, seed=3) -> tuple[np.ndarray, np.ndarray]:
    """The plain batch augmented by calls outside of tf.data."""
    at, (name, settings) = {"seed": seed, "number": tf.constant(5, tf.int64)}, op
    pixels, targets = map(tf.constant, plain)
    if name in POLICIES:
        uniforms = order.uniforms(seed, at["number"], 5, table=name, columns=POLICIES[name].draws(settings))
        rows = zip(*POLICIES[name].choose(uniforms, settings, 24), strict=True)
        pixels = tf.stack([POLICIES[name].apply(image, row, settings) for image, row in zip(pixels, rows, strict=True)])
    elif name in ERASINGS:
        pixels = erase(pixels, [op], epoch=tf.constant(0, tf.int64), mean=SMALL.mean, **at)
    else:
        random = order.uniforms(seed, at["number"], 1, table="mixing", columns=4)[0]
        pixels, targets = mix(pixels, targets, [op], random=random, **at)
    return pixels.numpy(), targets.numpy()


# Graphs of these two take longest to build; autoaugment and randaugment are made of the same ops.
LONG = ("trivialaugment", "augmix")


@pytest.mark.parametrize("variant", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in VARIANTS])
def test_an_augmentation_gives_the_same_bytes_inside_the_pipeline_and_outside(numbered, plain, variant):
    """In a map of eight threads, and called on the batch that the pipeline gives without it; with another seed it looks different."""
    op = VARIANTS[variant]
    (pixels, targets, _), _ = batches(numbered, 1, 3, transform=dataclasses.replace(SMALL, ops=(op,)), threads=8)
    found, changed = eagerly(plain, op)
    assert (pixels.tobytes(), targets.tobytes()) == (found.tobytes(), changed.tobytes())
    assert (pixels != plain[0]).any()
    if variant not in ("grey", "solarize"):  # which draw nothing but whether
        assert (pixels != eagerly(plain, op, seed=4)[0]).any()


def test_an_augmentation_knows_the_epoch(numbered):
    """GridMask rises from nothing in the first epoch to its probability, here in the third."""
    op = ("gridmask", augmentations.GridMask(probability=1.0, ramp_epochs=2.0, ratio=0.0))
    found = batches(numbered, 0, 9, transform=dataclasses.replace(SMALL, ops=(op,), mean=(1, 2, 3)), batch_size=4)
    away = np.array([(pixels == (1, 2, 3)).all(axis=(1, 2, 3)).mean() for pixels, _, _ in found]).reshape(3, 3).mean(axis=1)
    assert away[0] == 0 and 0 < away[1] < 1 and away[2] == 1


def mark(found) -> str:
    return hashlib.sha256(b"".join(part for batch in content(found) for part in batch)).hexdigest()


def test_threads_cuts_and_processes_change_nothing_with_all_augmentations_at_once(numbered, tmp_path):
    """Twelve files in batches of 5 are 3 steps an epoch; another process begins inside of one, with another number of threads."""
    whole = batches(numbered, 0, 9, transform=ALL, threads=1)
    assert len({batch[0].tobytes() for batch in whole}) == len(whole) == 9
    code = "import sys, numpy, dataclasses, test_pipeline as t; found = t.scan(sys.argv[1])\n"
    code += "found = dataclasses.replace(found, labels=numpy.arange(12, dtype='int32'), class_names=tuple(map(str, range(12))))\n"
    code += "sys.stdout.write(t.mark(t.batches(found, 4, 9, transform=t.ALL, threads=8)))"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "KCLASSIFY_CACHE": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent)}
    other = subprocess.run(
        [sys.executable, "-c", code, str(numbered.root)], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert other.stdout == mark(whole[4:])


BATCHWISE = tuple((name, AUGMENTATIONS[name]()) for name in ("rotation", "random_erasing", "cutmix"))


@pytest.mark.parametrize("repeats", [1, 3])
def test_any_cut_of_the_steps_gives_the_same_bytes(numbered, repeats):
    transform = dataclasses.replace(SMALL, ops=BATCHWISE, repeats=repeats)
    kept = keep_decoded(numbered, "ram")
    whole = content(batches(numbered, 0, 12, transform=transform, decoded=kept))
    cuts = [0, *sorted(np.random.default_rng(repeats).choice(np.arange(1, 12), 2, replace=False)), 12]
    pieces = zip(itertools.pairwise(cuts), (1, 2, 8), strict=True)
    found = [batches(numbered, *cut, transform=transform, decoded=kept, threads=threads) for cut, threads in pieces]
    assert content(itertools.chain(*found)) == whole, cuts


def test_an_image_is_repeated_in_its_batch_and_looks_different_each_time(numbered):
    """Repeated augmentation (Berman et al., arXiv:1902.05509): a third of the images comes three times each in an epoch."""
    transform = dataclasses.replace(SMALL, repeats=3)
    found = batches(numbered, 0, 9, transform=transform, batch_size=6)
    epochs = []
    for first in range(0, 8, 2):
        for pixels, labels, _ in found[first : first + 2]:
            images = labels.argmax(1).tolist()
            assert images == [image for image in dict.fromkeys(images) for _ in range(3)] and len({p.tobytes() for p in pixels}) == 6
        epochs.append(seen(found[first : first + 2], 1.0))
        assert len(epochs[-1]) == 12 and len(set(epochs[-1])) == 4
    assert len({frozenset(epoch) for epoch in epochs}) == 4
    assert rows_of_steps(12, 6, 3, range(8), 3).tolist() == [image for epoch in epochs for image in epoch]


def test_every_image_comes_with_repeats_too(numbered):
    rows = rows_of_steps(12, 6, 3, range(2 * 60), 3)
    counts = np.bincount(rows, minlength=12)
    assert counts.sum() == 720 and counts.min() > 30 and counts.max() < 96  # 60 on average, 3 at a time


def test_a_run_is_the_same_every_time_and_another_one_for_another_seed(photo_index):
    first = content(batches(photo_index, 0, 3))
    assert content(batches(photo_index, 0, 3)) == first
    assert content(batches(photo_index, 0, 3, seed=4)) != first


def test_the_same_data_in_another_place_gives_the_same_bytes(photo_index, photos):
    assert content(batches(scan(photos), 0, 3)) == content(batches(photo_index, 0, 3))


def seen(found, weight: float) -> list[int]:
    """Which of the numbered files came with this weight, in order."""
    return [int(label) for _, labels, weights in found for label in labels.argmax(1)[weights == weight]]


@pytest.mark.parametrize("batch_size", [1, 5, 12, 30])
def test_every_sample_comes_once_an_epoch(numbered, batch_size):
    per_epoch = steps_per_epoch(12, batch_size)
    three_epochs = batches(numbered, 0, 3 * per_epoch, batch_size=batch_size)
    for epoch in range(3):
        found = three_epochs[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(seen(found, 1.0)) == list(range(12))
        weights = np.concatenate([weights for _, _, weights in found])
        assert weights.tolist() == [1.0] * 12 + [0.0] * (per_epoch * batch_size - 12)
        assert all(labels.sum(1).tolist() == [1.0] * batch_size for _, labels, _ in found)


@pytest.mark.parametrize(("samples", "batch_size", "steps"), [(12, 4, 3), (12, 5, 3), (12, 12, 1), (12, 13, 1), (1, 1, 1), (13, 4, 4)])
def test_steps_per_epoch(samples, batch_size, steps):
    assert steps_per_epoch(samples, batch_size) == steps


def test_the_order_is_the_shuffle_of_seed_and_epoch(numbered):
    for epoch in range(2):
        expected = order.shuffled(3, tf.constant(epoch, tf.int64), tf.range(12, dtype=tf.int64), 12).numpy().tolist()
        assert seen(batches(numbered, 3 * epoch, 3 * epoch + 3), 1.0) == expected


def looks(found) -> list[bytes]:
    """The samples that count, in order."""
    return [image.tobytes() for pixels, _, weights in found for image in pixels[weights == 1.0]]


def test_the_batch_size_does_not_change_what_a_sample_looks_like(numbered):
    expected = looks(batches(numbered, 0, 6, batch_size=4))
    assert len(expected) == 24
    assert looks(batches(numbered, 0, 6, batch_size=5)) == expected
    assert looks(batches(numbered, 0, 2, batch_size=12)) == expected


def test_a_sample_looks_different_in_every_epoch(numbered):
    found = [batches(numbered, 2 * epoch, 2 * epoch + 2, batch_size=6) for epoch in range(2)]
    first, second = (dict(zip(seen(part, 1.0), looks(part), strict=True)) for part in found)
    assert len(first) == len(second) == 12
    assert not [number for number in range(12) if first[number] == second[number]]


def test_one_file_alone(numbered):
    found = batches(numbered.take(np.array([3])), 0, 3, batch_size=2)
    assert [(int(labels[0].argmax()), weights.tolist()) for _, labels, weights in found] == [(3, [1.0, 0.0])] * 3


def test_pixels_are_what_the_settings_ask_for(numbered):
    """Without a crop and a flip each picture is the whole file made small."""
    for pixels, labels, _ in batches(numbered, 0, 2, transform=WHOLE, batch_size=6):
        for image, label in zip(pixels, labels.argmax(1), strict=True):
            whole = Image.fromarray(read_rgb(numbered.files()[label]))
            expected = whole.resize((24, 24), Image.Resampling.BILINEAR)
            assert np.abs(image.astype(float) - np.asarray(expected)).mean() < 8


def test_a_flip_of_one_is_the_mirror_of_a_flip_of_zero(photo_index):
    plain, mirrored = (batches(photo_index, 0, 2, transform=dataclasses.replace(SMALL, flip=flip)) for flip in (0.0, 1.0))
    for (left, _, _), (right, _, _) in zip(plain, mirrored, strict=True):
        np.testing.assert_array_equal(left, right[:, :, ::-1])


def through_pillow(found: index.Index) -> index.Index:
    return dataclasses.replace(found, decoders=np.full(len(found), PILLOW, np.int32))


def difference_of_decoders(found: index.Index, transform: TrainTransform) -> dict[int, list[np.ndarray]]:
    """Grey levels between what TensorFlow and what Pillow decode in two epochs, by label."""
    fast, slow = (batches(part, 0, 2, transform=transform, batch_size=len(found)) for part in (found, through_pillow(found)))
    differences: dict[int, list[np.ndarray]] = {}
    for (left, labels, _), (right, _, _) in zip(fast, slow, strict=True):
        for image, other, label in zip(left.astype(int), right, labels.argmax(1), strict=True):
            differences.setdefault(int(label), []).append(np.abs(image - other))
    return differences


def test_tensorflow_and_pillow_decode_the_same_photographs(numbered):
    assert set(numbered.decoders.tolist()) == {0, 1}
    differences = difference_of_decoders(numbered, WHOLE)
    assert len(differences) == 12 and np.max([*differences.values()]) <= 2


JPEG_KINDS = {
    "plain": {}, "progressive": {"progressive": True}, "full colour": {"subsampling": 0}, "half colour": {"subsampling": 1},
    "rough": {"quality": 5}, "rgb": {"keep_rgb": True}, "restarts": {"restart_marker_rows": 1}, "grey": {},
    "grey progressive": {"progressive": True},
}  # fmt: skip


def test_kinds_of_jpeg_decode_the_same_in_both(tmp_path, photo_arrays):
    for kind, options in JPEG_KINDS.items():
        (tmp_path / kind).mkdir()
        for name, pixels in photo_arrays.items():
            photo = Image.fromarray(pixels).convert("L" if "grey" in kind else "RGB")
            photo.resize((101, 67)).save(tmp_path / kind / f"{name}.jpg", **options)
    found = scan(tmp_path)
    assert set(found.decoders.tolist()) == {0}
    assert np.max([*difference_of_decoders(found, WHOLE).values()]) <= 2
    for label, differences in difference_of_decoders(found, SMALL).items():
        if "grey" in found.class_names[label] or found.class_names[label] in ("full colour", "rgb"):
            assert np.max(differences) <= 2
        else:  # libjpeg lacks the neighbours of a window's outermost pixels when it spreads halved colours
            assert np.mean(differences) < 0.5 and np.max([part[3:-3, 3:-3] for part in differences]) <= 2


HALVES = np.zeros((40, 60, 3), np.uint8)
HALVES[:20], HALVES[20:] = (210, 40, 30), (20, 60, 200)  # red above blue


def save_odd_formats(root) -> None:
    """The same picture, red above blue, in the formats that go through Pillow, a class folder each."""
    picture = Image.fromarray(HALVES)
    turned = Image.Exif()
    turned[0x0112] = 6

    def save(name, image, **options):
        (root / name.replace(".", "-")).mkdir(parents=True)
        image.save(root / name.replace(".", "-") / name, **options)

    for name in ("plain.gif", "plain.bmp", "plain.tiff"):
        save(name, picture)
    save("plain.webp", picture, lossless=True)
    save("palette.png", picture.quantize(4))
    save("ink.jpg", picture.convert("CMYK"), quality=95)
    save("turned.jpg", picture.rotate(90, expand=True), exif=turned, quality=95)
    save("opaque.png", picture.convert("RGBA"))
    (root / "named").mkdir()
    picture.save(root / "named" / "really_a_png.jpg", format="PNG")


def test_odd_formats_look_right(tmp_path):
    save_odd_formats(tmp_path)
    found = scan(tmp_path)
    decoders = dict(zip(found.paths, found.decoders.tolist(), strict=True))
    assert {path for path, decoder in decoders.items() if decoder != PILLOW} == {"named/really_a_png.jpg"} and len(found) == 9
    upper, lower = HALVES[0, 0].astype(int), HALVES[-1, 0].astype(int)
    train = batches(found, 0, 2, transform=WHOLE)
    spec = Preprocessing(size=24, crop_pct=1.0)
    evaluated = [[part.numpy() for part in batch] for batch in eval_batches(found, spec, batch_size=5)]
    for pixels, _, _ in train + evaluated:
        assert np.abs(pixels[:, :10].astype(int) - upper).max() <= 12 and np.abs(pixels[:, 14:].astype(int) - lower).max() <= 12


@pytest.mark.parametrize("batch_size", [1, 5, 12, 20])
def test_eval_batches_are_every_file_in_order_as_predict_sees_it(numbered, batch_size):
    spec = Preprocessing(size=32, crop_pct=0.875)
    found = [[part.numpy() for part in batch] for batch in eval_batches(numbered, spec, batch_size=batch_size)]
    pixels, labels, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    assert all(batch[0].shape == (batch_size, 32, 32, 3) and batch[0].dtype == np.uint8 for batch in found)
    assert weights.tolist() == [1.0] * 12 + [0.0] * (len(weights) - 12)
    assert labels.argmax(1)[:12].tolist() == list(range(12))
    for image, path in zip(pixels[:12], numbered.files(), strict=True):
        expected = preprocess(read_rgb(path)[None], spec)[0].numpy()
        assert np.abs(image - expected).max() <= (0 if path.endswith(".png") else 1)


def test_eval_batches_are_the_same_every_time(photo_index):
    first, second = (
        [part.numpy().tobytes() for batch in eval_batches(photo_index, Preprocessing(size=16), batch_size=5) for part in batch]
        for _ in "ab"
    )
    assert first == second


@pytest.mark.parametrize("ops", [(), ("trivialaugment", "random_erasing"), ("mixup", "cutmix")])
def test_parts_of_batches_are_the_batches(photo_index, ops):
    """What several machines prepare, each its part, is together what one machine prepares: every image once, in the same order."""
    chosen = tuple((name, AUGMENTATIONS[name]()) for name in ops)
    steps = {"batch_size": 6, "seed": 3, "first_step": 1, "last_step": 4}
    whole = list(train_batches(photo_index, TrainTransform(24, ops=chosen), **steps).as_numpy_iterator())
    parts = [list(train_batches(photo_index, TrainTransform(24, ops=chosen), **steps, part=(n, 3)).as_numpy_iterator()) for n in range(3)]
    for together, *apart in zip(whole, *parts, strict=True):
        for which, batch in enumerate(together):
            np.testing.assert_array_equal(np.concatenate([apart[n][which][2 * n : 2 * n + 2] for n in range(3)]), batch)
    if not ops:
        assert not any(batch[0][:4].any() for batch in parts[2])  # nothing is decoded for the others


def test_parts_of_a_validation_are_the_validation(photo_index):
    spec = Preprocessing(size=24)
    whole = list(eval_batches(photo_index, spec, batch_size=8).as_numpy_iterator())
    parts = [list(eval_batches(photo_index, spec, batch_size=8, part=(n, 2)).as_numpy_iterator()) for n in range(2)]
    for together, first, second in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(np.concatenate([first[0][:4], second[0][4:]]), together[0])
        assert not first[0][4:].any() and not second[0][:4].any()


NAMES = ["a b.jpg", "größe ✓.jpg", "two\nlines.jpg", "100%25 #1?.jpg", os.fsdecode(b"caf\xe9 \xff.jpg"), "-x.jpg", "a:b*.jpg"]


@pytest.mark.parametrize("decoder", ["fast", "pillow"])
def test_any_file_name_works(tmp_path, decoder):
    """Each in a class of its own, whose name has to be plain text."""
    for number, name in enumerate(NAMES):
        (tmp_path / f"größe {number}").mkdir()
        Image.new("RGB", (20, 30), (30 * number, 20, 20)).save(tmp_path / f"größe {number}" / name, quality=95)
    found = scan(tmp_path)
    if decoder == "pillow":
        found = through_pillow(found)
    expected = {f"größe {number}/{name}": 30 * number for number, name in enumerate(NAMES)}
    evaluated = [part.numpy() for part in next(iter(eval_batches(found, Preprocessing(size=16), batch_size=len(NAMES))))]
    (trained,) = batches(found, 0, 1, batch_size=len(NAMES))
    for pixels, labels, _ in (evaluated, trained):
        assert sorted(labels.argmax(1)) == list(range(len(NAMES)))
        for image, label in zip(pixels, labels.argmax(1), strict=True):
            assert abs(image[..., 0].mean() - expected[found.paths[label]]) <= 3
    assert find_unreadable(found) is None


@pytest.mark.parametrize("change", ["truncate", "empty", "remove"])
@pytest.mark.parametrize("name", ["coffee0.jpg", "coffee1.png"])
def test_find_unreadable_names_a_file_spoilt_after_indexing(photos, change, name):
    found, file = scan(photos), photos / "coffee" / name
    assert find_unreadable(found) is None
    if change == "remove":
        file.unlink()
    else:
        file.write_bytes(b"" if change == "empty" else file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(tf.errors.OpError):
        batches(found, 0, 3)
    error = find_unreadable(found)
    assert str(error).startswith(f"{file}: ") and len(str(error)) > len(f"{file}: ")


def test_a_spoilt_file_stops_the_step_that_needs_it_and_no_earlier_one(numbered, photos):
    found = dataclasses.replace(numbered, root=photos)
    expected = batches(numbered, 0, 3)
    last = seen(expected, 1.0)[-1]
    (photos / found.paths[last]).write_bytes(b"")
    assert content(batches(found, 0, 2)) == content(expected[:2])
    with pytest.raises(tf.errors.OpError):
        batches(found, 2, 3)


def test_a_file_that_only_pillow_reads_is_named_too(photos):
    file = photos / "cat" / "cat0.bmp"
    Image.fromarray(HALVES).save(file)
    found = scan(photos)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(tf.errors.OpError):
        batches(found, 0, 3)
    assert str(file) in str(find_unreadable(found))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)], ids=str)
def test_tiny_and_thin_pictures(tmp_path, shape):
    for name in ("x.png", "x.jpg", "x.bmp"):
        (tmp_path / name[2:]).mkdir()
        Image.new("RGB", shape[::-1], (60, 120, 180)).save(tmp_path / name[2:] / name, **({"quality": 95} if name == "x.jpg" else {}))
    found = scan(tmp_path)
    train = batches(found, 0, 4, batch_size=3)
    evaluated = [[part.numpy() for part in batch] for batch in eval_batches(found, Preprocessing(size=16), batch_size=3)]
    for pixels, _, _ in train + evaluated:
        assert np.abs(pixels.astype(int) - (60, 120, 180)).max() <= 3


def test_python_reads_no_pixel_of_a_plain_file(photo_index, monkeypatch):
    def fail(path):
        raise AssertionError(f"{path} went through Pillow")

    monkeypatch.setattr(pipeline, "read_rgb", fail)
    assert len(batches(photo_index, 0, 3)) == 3
