"""The augmentation policies against their papers: what they choose how often, how strong it is, and that it can be repeated."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import chisquare

from kclassify.data.augment.image_ops import NAMES, NUMBER, apply_operations
from kclassify.data.augment.policies import POLICIES
from kclassify.presets import augmentations as settings
from kclassify.presets.policies import SUB_POLICIES

SIZE = 200
UNLIKELY = 1e-4  # the seeds are fixed: what passes once passes always


def uniforms(count: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, columns), np.float32)


def chosen(name: str, options, count: int = 20_000, seed: int = 0) -> list[np.ndarray]:
    policy = POLICIES[name]
    choose = tf.function(lambda table: policy.choose(table, options, SIZE))
    return [part.numpy() for part in choose(tf.constant(uniforms(count, policy.draws(options), seed)))]


def assert_frequencies(found: np.ndarray, expected: dict[str, float]) -> None:
    """The operations numbered in `found` are those of `expected`, with these probabilities."""
    counts = {name: int((found == NUMBER[name]).sum()) for name in NAMES}
    assert {name for name, count in counts.items() if count} == {name for name, share in expected.items() if share}
    names = [name for name, share in expected.items() if share]
    assert len(names) == 1 or chisquare([counts[name] for name in names], [expected[name] * found.size for name in names]).pvalue > UNLIKELY


def magnitudes_of(name: str, found: list[np.ndarray]) -> np.ndarray:
    return found[1][found[0] == NUMBER[name]]


def assert_either_sign(values: np.ndarray) -> None:
    assert abs((values < 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(len(values))


# --- every policy -------------------------------------------------------------------------------------------------------------------

VARIANTS = {
    "autoaugment": settings.AutoAugment(),
    "randaugment": settings.RandAugment(layers=3, noise=0.5, increasing=True, interpolation="bilinear"),
    "trivialaugment": settings.TrivialAugment(),
    "augmix": settings.AugMix(),
    "color_jitter": settings.ColorJitter(hue=0.1),
    "rotation": settings.Rotation(),
    "grey": settings.Grey(),
    "blur": settings.Blur(),
    "solarize": settings.Solarize(),
}


def test_every_policy_is_tested_and_can_be_named():
    assert list(VARIANTS) == list(POLICIES)
    assert all(type(options) is settings.AUGMENTATIONS[name] for name, options in VARIANTS.items())


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name == "augmix" else name for name in POLICIES])
def test_a_row_of_numbers_gives_one_image_everywhere(name, photo_arrays):
    policy, options = POLICIES[name], VARIANTS[name]
    pixels = tf.constant(photo_arrays["coffee"][100:148, 200:248])
    table = tf.constant(uniforms(16, policy.draws(options)))

    def mapped(threads):
        rows = tf.data.Dataset.from_tensor_slices(table).batch(8).map(lambda row: policy.choose(row, options, 48)).unbatch()
        images = rows.map(lambda *row: policy.apply(pixels, row, options), num_parallel_calls=threads)
        assert images.element_spec == tf.TensorSpec([48, 48, 3], tf.uint8)
        return np.stack(list(images.as_numpy_iterator()))

    def eagerly(rows):
        return np.stack([policy.apply(pixels, row, options) for row in zip(*policy.choose(rows, options, 48), strict=True)])

    expected = eagerly(table)
    assert np.array_equal(mapped(1), expected) and np.array_equal(mapped(8), expected)
    assert (eagerly(uniforms(16, policy.draws(options), seed=1)) != expected).any()


@pytest.mark.parametrize("name", POLICIES)
def test_an_image_does_not_depend_on_its_batch(name):
    policy, options = POLICIES[name], VARIANTS[name]
    table = uniforms(50, policy.draws(options))
    together = policy.choose(tf.constant(table), options, SIZE)
    for row in (0, 7, 49):
        alone = policy.choose(tf.constant(table[row : row + 1]), options, SIZE)
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_of_them[row], rtol=1e-6)


@pytest.mark.parametrize("edge", [0.0, 1 - 2**-24])
@pytest.mark.parametrize("name", POLICIES)
def test_the_outermost_random_numbers_are_no_trouble(name, edge):
    policy, options = POLICIES[name], VARIANTS[name]
    found = policy.choose(tf.fill([2, policy.draws(options)], tf.constant(edge, tf.float32)), options, SIZE)
    assert all(np.isfinite(part).all() for part in found)
    assert found[0].numpy().min() >= 0 and found[0].numpy().max() < len(NAMES)


# --- AutoAugment --------------------------------------------------------------------------------------------------------------------

# By hand from the paper's ranges: the magnitude at a level of 0 to 10, its size alone where the sign is random.
PAPER = {
    "shear_x": lambda level: 0.03 * level,
    "shear_y": lambda level: 0.03 * level,
    "translate_x": lambda level: 150 / 331 * SIZE / 10 * level,
    "translate_y": lambda level: 150 / 331 * SIZE / 10 * level,
    "rotate": lambda level: 3.0 * level,
    "solarize": lambda level: int(25.6 * level),
    "posterize": lambda level: 4 + int(0.4 * level),
    "contrast": lambda level: 0.1 + 0.18 * level,
    "color": lambda level: 0.1 + 0.18 * level,
    "brightness": lambda level: 0.1 + 0.18 * level,
    "sharpness": lambda level: 0.1 + 0.18 * level,
}
SIGNED = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")


@pytest.mark.parametrize(("policy", "total"), [("imagenet", (31.0, 287)), ("cifar10", (26.5, 267)), ("svhn", (32.9, 231))])
def test_the_sub_policies_are_whole(policy, total):
    """The sums of all probabilities and levels, taken from the tables of torchvision and timm."""
    steps = [step for row in SUB_POLICIES[policy] for step in row]
    assert len(steps) == 50
    assert (round(sum(step[1] for step in steps), 6), sum(step[2] for step in steps)) == total


@pytest.mark.parametrize("policy", SUB_POLICIES)
def test_autoaugment_takes_each_sub_policy_as_often(policy):
    found = chosen("autoaugment", settings.AutoAugment(policy=policy))
    assert [part.shape for part in found] == [(20_000, 2), (20_000, 2)]
    for layer in range(2):
        expected = dict.fromkeys(NAMES, 0.0)
        for row in SUB_POLICIES[policy]:
            name, probability, _ = row[layer]
            expected[name] += probability / 25
        expected["identity"] = 1 - sum(expected.values())
        assert_frequencies(found[0][:, layer], expected)


def test_autoaugment_keeps_the_two_operations_of_a_sub_policy_together():
    operations, _ = chosen("autoaugment", settings.AutoAugment(policy="svhn"))
    pairs = {(NUMBER[first[0]], NUMBER[second[0]]) for first, second in SUB_POLICIES["svhn"]}
    both = operations[(operations != 0).all(axis=1)]
    assert {tuple(pair) for pair in both.tolist()} <= pairs
    share = sum(first[1] * second[1] for first, second in SUB_POLICIES["svhn"]) / 25
    assert abs(len(both) / len(operations) - share) < 0.015  # the two are drawn independently


@pytest.mark.parametrize("policy", SUB_POLICIES)
def test_autoaugment_has_the_paper_s_magnitudes(policy):
    found = chosen("autoaugment", settings.AutoAugment(policy=policy))
    steps = {step for row in SUB_POLICIES[policy] for step in row if step[1] > 0}
    for name, magnitude in PAPER.items():
        expected = sorted({round(magnitude(level), 4) for operation, _, level in steps if operation == name})
        values = magnitudes_of(name, found)
        assert sorted({round(float(value), 4) for value in np.abs(values)}) == pytest.approx(expected, abs=2e-4)
        if name in SIGNED and expected:
            assert_either_sign(values)
        elif expected:
            assert values.min() > 0


# --- RandAugment --------------------------------------------------------------------------------------------------------------------

FOURTEEN = (*PAPER, "identity", "autocontrast", "equalize")
INCREASING = {  # timm's, by hand
    **{name: PAPER[name] for name in ("shear_x", "shear_y", "rotate")},
    "translate_x": lambda level: 0.045 * level * SIZE,
    "translate_y": lambda level: 0.045 * level * SIZE,
    "solarize": lambda level: 256 - int(25.6 * level),
    "solarize_add": lambda level: int(11 * level),
    "posterize": lambda level: 4 - int(0.4 * level),
}
EITHER_WAY = ("contrast", "color", "brightness", "sharpness")


def test_randaugment_takes_each_operation_as_often():
    found = chosen("randaugment", settings.RandAugment())
    assert [part.shape for part in found] == [(20_000, 2), (20_000, 2)]
    assert_frequencies(found[0], dict.fromkeys(FOURTEEN, 1 / 14))
    pairs = np.bincount(found[0][:, 0] * len(NAMES) + found[0][:, 1])
    assert chisquare(pairs[pairs > 0]).pvalue > UNLIKELY and (pairs > 0).sum() == 14 * 14  # layers are independent


def test_randaugment_increasing_has_fifteen_and_a_probability():
    found = chosen("randaugment", settings.RandAugment(layers=1, increasing=True, probability=0.3))
    assert_frequencies(found[0], {"identity": 0.7, **dict.fromkeys((*INCREASING, *EITHER_WAY, "invert", "autocontrast", "equalize"), 0.02)})


@pytest.mark.parametrize("level", [0.0, 5.0, 9.0, 10.0])
def test_randaugment_has_the_paper_s_magnitudes(level):
    found = chosen("randaugment", settings.RandAugment(magnitude=level), count=4000)
    for name, magnitude in PAPER.items():
        values = magnitudes_of(name, found)
        assert np.abs(values) == pytest.approx(magnitude(level), rel=1e-5)
        if name in SIGNED and level:
            assert_either_sign(values)


@pytest.mark.parametrize("level", [0.0, 5.0, 9.0, 10.0])
def test_randaugment_increasing_has_timm_s_magnitudes(level):
    found = chosen("randaugment", settings.RandAugment(magnitude=level, increasing=True), count=4000)
    for name, magnitude in INCREASING.items():
        assert np.abs(magnitudes_of(name, found)) == pytest.approx(magnitude(level), rel=1e-5)
    for name in EITHER_WAY:
        values = magnitudes_of(name, found) - 1
        assert np.abs(values) == pytest.approx(0.09 * level, abs=1e-5)
        if level:
            assert_either_sign(values)


def test_the_noise_of_randaugment_is_normal_and_stays_within_the_levels():
    levels = np.abs(magnitudes_of("rotate", chosen("randaugment", settings.RandAugment(magnitude=5.0, noise=0.5)))) / 3
    assert abs(levels.mean() - 5) < 0.04 and abs(levels.std() - 0.5) < 0.03
    assert abs((np.abs(levels - 5) < 0.5).mean() - 0.683) < 0.03
    levels = np.abs(magnitudes_of("rotate", chosen("randaugment", settings.RandAugment(magnitude=9.0, noise=3.0)))) / 3
    assert levels.max() == pytest.approx(10, abs=1e-5)
    assert abs((levels > 9.999).mean() - 0.369) < 0.03  # of a normal distribution, what is above 1/3
    assert levels.min() < 3


# --- TrivialAugment -----------------------------------------------------------------------------------------------------------------

WIDE = {  # the paper's wide space at one of 31 levels, by hand
    **dict.fromkeys(("shear_x", "shear_y"), lambda level: 0.99 * level / 30),
    **dict.fromkeys(("translate_x", "translate_y"), lambda level: int(32 * level / 30)),
    "rotate": lambda level: int(135 * level / 30),
    "solarize": lambda level: 256 - int(256 * level / 30),
    "posterize": lambda level: 8 - int(6 * level / 30),
    **dict.fromkeys(("contrast", "color", "brightness", "sharpness"), lambda level: 0.01 + 1.99 * level / 30),
}


def test_trivialaugment_is_the_paper_s_wide_space():
    found = chosen("trivialaugment", settings.TrivialAugment())
    assert [part.shape for part in found] == [(20_000, 1), (20_000, 1)]
    assert_frequencies(found[0], dict.fromkeys(FOURTEEN, 1 / 14))
    for name, magnitude in WIDE.items():
        values = magnitudes_of(name, found)
        expected, times = np.unique(np.round([magnitude(level) for level in range(31)], 4), return_counts=True)
        levels, counts = np.unique(np.round(np.abs(values), 4), return_counts=True)
        assert levels == pytest.approx(expected, abs=2e-4)
        assert chisquare(counts, times * len(values) / 31).pvalue > UNLIKELY
        if name in SIGNED:
            assert_either_sign(values[values != 0])


# --- AugMix -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_augmix_mixes_by_beta_and_dirichlet(alpha):
    *_, weights = chosen("augmix", settings.AugMix(alpha=alpha), count=4000)
    assert weights.shape == (4000, 4) and weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    image, chains = weights[:, 0], weights[:, 1:] / np.maximum(1 - weights[:, :1], 1e-12)
    spread = 1 / (4 * (2 * alpha + 1))  # the variance of Beta(alpha, alpha)
    assert abs(image.mean() - 0.5) < 0.03 and image.var() == pytest.approx(spread, rel=0.1)
    sure = image < 0.999  # elsewhere the shares of the chains are lost in rounding
    spread = 2 / (9 * (3 * alpha + 1))  # and of each share of a Dirichlet of three
    assert np.abs(chains[sure].mean(axis=0) - 1 / 3).max() < 0.03
    assert chains[sure].var(axis=0) == pytest.approx(spread, rel=0.15)


def test_augmix_draws_chains_of_one_to_three_operations():
    operations, magnitudes, _ = chosen("augmix", settings.AugMix(), count=3000)
    assert operations.shape == magnitudes.shape == (3000, 3, 3)
    lengths = (operations != NUMBER["identity"]).sum(axis=2)
    assert chisquare(np.bincount(lengths.ravel())[1:]).pvalue > UNLIKELY and lengths.min() == 1
    nine = ("autocontrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y", "translate_x", "translate_y")
    assert_frequencies(operations[..., 0], dict.fromkeys(nine, 1 / 9))
    rotations = magnitudes[operations == NUMBER["rotate"]]
    assert set(np.abs(rotations)) == set(range(9))  # levels of 0.1 to below 3, three degrees each, in whole degrees
    assert_either_sign(rotations[rotations != 0])
    shears = np.abs(magnitudes[operations == NUMBER["shear_x"]])
    assert 0.003 <= shears.min() < 0.005 and 0.088 < shears.max() <= 0.09 + 1e-6


def test_augmix_takes_its_settings():
    operations, magnitudes, weights = chosen("augmix", settings.AugMix(severity=0.0, width=5, depth=4), count=1000)
    assert operations.shape == (1000, 5, 4) and weights.shape == (1000, 6)
    assert (operations != NUMBER["identity"]).all()
    for name, still in (("rotate", 0), ("shear_y", 0), ("translate_x", 0), ("solarize", 256), ("posterize", 4)):
        assert (magnitudes[operations == NUMBER[name]] == still).all()


def test_augmix_adds_up_chains_and_image(photo_arrays):
    pixels = tf.constant(photo_arrays["cat"][:48, :48])
    options = settings.AugMix()
    operations = tf.constant([[NUMBER["invert"], 0, 0], [NUMBER["rotate"], NUMBER["equalize"], 0], [0, 0, 0]])
    magnitudes = tf.constant([[0.0] * 3, [9.0, 0.0, 0.0], [0.0] * 3])
    apply = POLICIES["augmix"].apply
    untouched = apply(pixels, (operations, magnitudes, tf.constant([1.0, 0.0, 0.0, 0.0])), options)
    assert np.array_equal(untouched, pixels)
    weights = (0.1, 0.3, 0.4, 0.2)
    chains = [apply_operations(pixels, operations[i], magnitudes[i], interpolation="bilinear") for i in range(3)]
    expected = sum(weight * part.numpy().astype(float) for weight, part in zip(weights, [pixels, *chains], strict=True))
    found = apply(pixels, (operations, magnitudes, tf.constant(weights)), options)
    assert found.dtype == tf.uint8 and np.abs(found.numpy() - expected).max() <= 0.501


# --- single operations --------------------------------------------------------------------------------------------------------------


def test_color_jitter_draws_factors_and_an_order():
    operations, magnitudes = chosen("color_jitter", settings.ColorJitter(brightness=0.4, contrast=0.3, saturation=2.0, hue=0.1))
    ranges = {"brightness": (0.6, 1.4), "contrast": (0.7, 1.3), "color": (0.0, 3.0), "hue": (-0.1, 0.1)}
    for name, (low, high) in ranges.items():
        values = magnitudes[operations == NUMBER[name]]
        assert len(values) == 20_000  # each once an image
        counts, _ = np.histogram(values, bins=20, range=(low, high))
        assert counts.sum() == 20_000 and chisquare(counts).pvalue > UNLIKELY
    _, orders = np.unique(operations, axis=0, return_counts=True)
    assert len(orders) == 24 and chisquare(orders).pvalue > UNLIKELY


def test_color_jitter_leaves_out_what_has_no_strength():
    operations, _ = chosen("color_jitter", settings.ColorJitter(brightness=0.0, contrast=0.0, saturation=0.5, hue=0.0), count=500)
    assert_frequencies(operations, {"color": 0.25, "identity": 0.75})


@pytest.mark.parametrize(
    ("name", "options", "operation", "probability", "span"),
    [
        ("rotation", settings.Rotation(degrees=20.0), "rotate", 1.0, (-20.0, 20.0)),
        ("grey", settings.Grey(probability=0.3), "grey", 0.3, None),
        ("blur", settings.Blur(probability=0.6, sigma=(0.5, 1.5)), "blur", 0.6, (0.5, 1.5)),
        ("solarize", settings.Solarize(probability=0.1, threshold=99.0), "solarize", 0.1, (99.0, 99.0)),
    ],
)
def test_single_operations(name, options, operation, probability, span):
    operations, magnitudes = chosen(name, options)
    assert operations.shape == magnitudes.shape == (20_000, 1)
    assert_frequencies(operations, {operation: probability, "identity": 1 - probability})
    values = magnitudes_of(operation, [operations, magnitudes])
    if span and span[0] == span[1]:
        assert (values == span[0]).all()
    elif span:
        counts, _ = np.histogram(values, bins=20, range=span)
        assert counts.sum() == len(values) and chisquare(counts).pvalue > UNLIKELY


@pytest.mark.parametrize("name", ["randaugment", "grey", "blur", "solarize"])
def test_probability_none_changes_nothing(name):
    operations, _ = chosen(name, dataclasses.replace(VARIANTS[name], probability=0.0), count=200)
    assert (operations == NUMBER["identity"]).all()
