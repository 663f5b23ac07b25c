"""Mixed images and their labels against the papers' definitions, the loss on mixed labels, and runs that train on them."""

import contextlib
import csv
import io
import json
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from scipy import stats

import kclassify as kc
from kclassify.data import order
from kclassify.data.augment.mixing import MIXINGS, beta, mix
from kclassify.errors import Interrupted
from kclassify.presets.augmentations import CutMix, Mixup, ResizeMix

DRAWS, IMAGES, SIZE = 1000, 4, 20
SIGNIFICANT = 1e-3  # seeds are fixed: a test that passes once passes always
ONE_HOT = tf.one_hot(range(IMAGES), IMAGES)


def mixed(options, pixels, *, draws=DRAWS, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """The same batch mixed in as many steps: uint8 [draws, n, size, size, 3] and targets float32 [draws, n, n]."""

    def step(number):
        random = order.uniforms(seed, number, 1, table="mixing", columns=4)[0]
        return mix(pixels, ONE_HOT, options, random=random, seed=seed, number=number)

    dataset = tf.data.Dataset.range(draws).map(step, num_parallel_calls=2, deterministic=True).batch(draws)
    return tuple(part.numpy() for part in next(iter(dataset)))


def flat(*levels: int) -> tf.Tensor:
    """Images of one grey each."""
    return tf.constant(np.tile(np.array(levels, np.uint8)[:, None, None, None], (1, SIZE, SIZE, 3)))


@pytest.fixture(scope="module")
def photographs(photo_arrays) -> np.ndarray:
    """uint8 [4, SIZE, SIZE, 3]."""
    cat, coffee, rocket = (Image.fromarray(pixels) for pixels in photo_arrays.values())
    return np.stack([np.asarray(photo.resize((SIZE, SIZE))) for photo in (cat, coffee, rocket, cat.rotate(90))])


def own_share(targets: np.ndarray) -> np.ndarray:
    """What every image keeps of its own label: float32 [draws]; the rest must be its partner's, in all images alike."""
    share = targets[:, 0, 0]
    expected = share[:, None, None] * np.eye(IMAGES) + (1 - share)[:, None, None] * np.eye(IMAGES)[::-1]
    np.testing.assert_allclose(targets, expected, atol=1e-6)
    np.testing.assert_allclose(targets.sum(axis=2), 1, atol=1e-6)
    return share


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0])
def test_shares_are_those_of_the_beta_distribution(alpha):
    numbers = tf.data.Dataset.range(2000)
    shares = next(iter(numbers.map(lambda number: beta(5, number, alpha)).batch(2000))).numpy()
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > SIGNIFICANT
    assert abs(np.corrcoef(shares[1:], shares[:-1])[0, 1]) < 4 / np.sqrt(2000)
    assert beta(5, tf.constant(7, tf.int64), alpha).numpy() == shares[7] != beta(6, tf.constant(7, tf.int64), alpha).numpy()


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_is_the_weighted_mean_of_pixels_and_labels(photographs, alpha):
    """Zhang et al., arXiv:1710.09412; a share is a whole number of 256ths."""
    pixels, targets = mixed([("mixup", Mixup(alpha=alpha))], tf.constant(photographs))
    shares = own_share(targets)
    np.testing.assert_array_equal(shares * 256, np.round(shares * 256))
    seen = np.sort(shares * 256)
    steps = np.arange(257)
    observed = np.searchsorted(seen, steps, side="right") / DRAWS
    expected = stats.beta(alpha, alpha).cdf(np.minimum((steps + 0.5) / 256, 1))
    assert np.abs(observed - expected).max() < 1.95 / np.sqrt(DRAWS)  # Kolmogorov-Smirnov at 0.001
    weight = shares[:, None, None, None, None].astype(np.float64)
    mean = weight * photographs + (1 - weight) * photographs[::-1]  # exact in double precision
    np.testing.assert_array_equal(pixels, np.floor(mean + 0.5))


def test_cutmix_labels_count_the_pixels_that_are_seen():
    """Yun et al., arXiv:1905.04899: the share of the label is that of the visible area, boxes cut off at the edges included."""
    pixels, targets = mixed([("cutmix", CutMix())], flat(10, 20, 30, 40))
    own = pixels[:, 0, :, :, 0] == 10
    assert np.isin(pixels[:, 0], (10, 40)).all()
    np.testing.assert_allclose(own_share(targets), own.mean(axis=(1, 2)), atol=1e-6)
    for image, (mine, other) in enumerate(((10, 40), (20, 30), (30, 20), (40, 10))):
        np.testing.assert_array_equal(pixels[:, image, :, :, 0], np.where(own, mine, other))
    np.testing.assert_array_equal((~own).sum(axis=(1, 2)), (~own).any(axis=2).sum(1) * (~own).any(axis=1).sum(1))  # a rectangle
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])


def test_cutmix_keeps_the_pixels_in_their_places(photographs):
    pixels, _ = mixed([("cutmix", CutMix())], tf.constant(photographs), draws=50)
    assert ((pixels == photographs) | (pixels == photographs[::-1])).all()
    assert (pixels != photographs).any(axis=(1, 2, 3, 4)).mean() > 0.8


def test_cutmix_boxes_have_the_area_that_the_share_leaves_and_uniform_centres():
    choose, middle = MIXINGS["cutmix"].choose, tf.fill([3], 0.5)
    for share in np.linspace(0.001, 0.999, 21, dtype=np.float32):
        top, left, bottom, right = choose(middle, tf.constant(share), CutMix(), 1000).numpy()
        assert bottom - top == right - left and abs((bottom - top) ** 2 / 1e6 - (1 - share)) < 2.1e-3
    _, targets = mixed([("cutmix", CutMix())], flat(0, 1, 2, 3))
    dice = np.random.default_rng(2)
    side, centre = np.floor(SIZE * np.sqrt(1 - dice.beta(1, 1, 20_000))), dice.integers(0, SIZE, (2, 20_000))
    visible = np.clip(centre - side // 2 + side, 0, SIZE) - np.clip(centre - side // 2, 0, SIZE)
    expected = 1 - visible.prod(axis=0) / SIZE**2
    assert stats.ks_2samp(own_share(targets), np.round(expected, 6)).pvalue > SIGNIFICANT


def test_resizemix_pastes_the_partner_made_small(photographs):
    """Qin et al., arXiv:2012.11101, with Pillow's antialiased bilinear resize as the reference."""
    pixels, targets = mixed([("resizemix", ResizeMix(scale=(0.1, 0.8)))], tf.constant(photographs), draws=100)
    sides = np.sqrt((1 - own_share(targets)) * SIZE**2)
    np.testing.assert_allclose(sides, np.round(sides), atol=1e-3)
    for batch, side in zip(pixels, np.round(sides).astype(int), strict=True):
        changed = (batch != photographs).any(axis=(0, 3))
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) == (side, side)
        for image, partner in zip(batch, photographs[::-1], strict=True):
            small = np.asarray(Image.fromarray(partner).resize((side, side), Image.Resampling.BILINEAR))
            patch = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert np.abs(patch.astype(int) - small).max() <= 1


def test_resizemix_draws_scale_and_place_uniformly():
    pixels, targets = mixed([("resizemix", ResizeMix())], flat(10, 20, 30, 40))
    other = pixels[:, 0, :, :, 0] == 40
    np.testing.assert_allclose(own_share(targets), 1 - other.mean(axis=(1, 2)), atol=1e-6)
    side, rows = other.any(axis=2).sum(axis=1), other.any(axis=2).argmax(axis=1)
    counts = np.bincount(side, minlength=17)
    assert counts[:2].sum() == 0 and counts[17:].sum() == 0
    expected = np.array([0.5, *[1] * 13, 0.5]) * DRAWS / 14  # 2 to 16 of 20 pixels; rounding halves what is at the ends
    assert stats.chisquare(counts[2:17], expected).pvalue > SIGNIFICANT
    place = (rows + np.random.default_rng(0).random(DRAWS)) / (SIZE + 1 - side)
    assert stats.kstest(place, "uniform").pvalue > SIGNIFICANT


def way(pixels: np.ndarray) -> str:
    """How a batch of the greys 0, 100, 100 and 200 was mixed; with shares near a half, as all these have, that shows."""
    new = (pixels[0] != 0).mean()
    if new == 0:
        return "none"
    return "mixup" if new == 1 else "cutmix" if new > 0.2 else "resizemix"


@pytest.mark.parametrize(
    ("probabilities", "expected"), [((0.3, 0.2, 0.1), (0.3, 0.2, 0.1, 0.4)), ((1.0, 0.5, 0.5), (0.5, 0.25, 0.25, 0.0))], ids=str
)
def test_a_batch_is_mixed_in_one_of_several_ways_by_their_probabilities(probabilities, expected):
    mixup, cutmix, resizemix = probabilities
    options = [
        ("mixup", Mixup(1e3, mixup)), ("cutmix", CutMix(1e3, cutmix)), ("resizemix", ResizeMix((0.1, 0.3), resizemix)),
    ]  # fmt: skip
    pixels, targets = mixed(options, flat(0, 100, 100, 200))
    ways = np.array([way(batch) for batch in pixels])
    for name, share in zip(("mixup", "cutmix", "resizemix", "none"), expected, strict=True):
        assert abs((ways == name).mean() - share) <= 4 * np.sqrt(share * (1 - share) / DRAWS), name
    assert ((own_share(targets) == 1) == (ways == "none")).all()


def test_label_smoothing_of_mixed_labels_is_that_of_the_formula(photographs):
    """Soft targets y become y (1 - e) + e / K (Szegedy et al., arXiv:1512.00567)."""
    _, targets = mixed([("mixup", Mixup(alpha=1.0))], tf.constant(photographs), draws=20)
    logits = np.random.default_rng(0).normal(size=(20, IMAGES, IMAGES)).astype(np.float32)
    found = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction=None)(targets, logits)
    smooth = targets * 0.9 + 0.1 / IMAGES
    logarithms = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(found, -(smooth * logarithms).sum(axis=-1), rtol=1e-5)


AUGMENTATIONS = ["autoaugment", "random_erasing", "mixup", "cutmix"]


@pytest.fixture(scope="module", autouse=True)
def tiny_net():
    with pytest.MonkeyPatch.context() as patch:
        tiny.install(patch)
        yield


def run(data, where, name):
    """A small run on arrays: 24 images to train on, batches of 8."""
    return kc.train(
        preset="resnet18", data=data, image_size=32, batch_size=8, epochs=1, weights="none", out=where, name=name,
        augment={"ops": AUGMENTATIONS}, optimizer={"ema": 0.0},
    )  # fmt: skip


@pytest.fixture(scope="module")
def greys() -> tuple[np.ndarray, np.ndarray]:
    """30 noisy images of two classes."""
    dice, labels = np.random.default_rng(0), np.arange(30) % 2
    return (dice.integers(0, 90, (30, 32, 32, 3)) + 100 * labels[:, None, None, None]).astype(np.uint8), labels


@pytest.fixture(scope="module")
def straight(greys, tmp_path_factory):
    """An uninterrupted run and what it said."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        found = run(greys, tmp_path_factory.mktemp("runs"), "straight")
    return found, said.getvalue()


def columns(path) -> set[str]:
    with (path / "metrics.csv").open() as file:
        return set(next(csv.reader(file)))


def test_a_run_on_mixed_images_reports_no_training_accuracy(straight):
    found, said = straight
    [line] = [line for line in said.splitlines() if line.startswith("[epoch 1/1]")]
    training, validation = line.split(" | ")[:2]
    assert "train loss: " in training and "top1" not in training and "top1: " in validation and "loss: " in validation
    assert {"train_loss", "val_loss", "val_top1", "val_top5"} <= columns(found.path)
    assert not {"train_top1", "train_top5"} & (columns(found.path) | set(found.last))


def test_a_broken_run_with_augmentations_ends_in_the_same_weights(straight, greys, tmp_path, monkeypatch):
    """Interrupted after the second of three steps, and resumed."""
    from kclassify.training import loop, stop

    after_step, enter, signals = loop.Loop.after_step, stop.StopSignals.__enter__, []

    def interrupted(self, logs):
        at_end = after_step(self, logs)
        signals[0].received = signal.SIGINT if self.state.progress.step == 2 else 0
        return at_end

    with monkeypatch.context() as patch:
        patch.setattr(stop.StopSignals, "__enter__", lambda self: signals.append(self) or enter(self))
        patch.setattr(loop.Loop, "after_step", interrupted)
        with pytest.raises(Interrupted, match="step 2 of 3"):
            run(greys, tmp_path, "broken")
    found, broken = straight[0], kc.resume(tmp_path / "broken", verbose=False)
    marks = {json.loads((path / "run.json").read_text())["weights_sha256"] for path in (found.path, broken.path)}
    assert len(marks) == 1 and columns(found.path) == columns(broken.path)
    assert broken.last["train_loss"] == pytest.approx(found.last["train_loss"], rel=1e-5)
