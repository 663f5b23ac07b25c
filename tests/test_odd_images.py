"""Over a hundred odd image files, made by odd_images.py: every way into the program gives the stated pixels, or the stated reason."""

import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import odd_images
import pytest
from odd_picture import HEIGHT, PICTURE, WIDTH, Odd
from PIL import AvifImagePlugin, Image

from kclassify.data import index
from kclassify.data.images import decode
from kclassify.data.images.decode import PILLOW, TENSORFLOW_JPEG, TENSORFLOW_PNG, BadImage, probe, read_rgb
from kclassify.data.sources.listing import Listing
from kclassify.errors import UsageError
from kclassify.predictor import Predictor, predict_files
from kclassify.presets.card import ModelCard, Preprocessing

# Pillow's remarks on odd metadata; what matters is in the reasons.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
    pytest.mark.skipif(sys.platform != "linux", reason="names and kinds of files that only Linux allows"),
]

GOOD, BAD = list(odd_images.good()), list(odd_images.bad())
SIZE = 32
CARD = ModelCard("tiny", ("red", "green", "blue"), Preprocessing(size=SIZE))
BOMBS = [odd.name for odd in BAD if odd.name in {name for name, _, _ in odd_images.bombs()}]


def each(odds: list[Odd]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("odd", odds, ids=[ascii(odd.name)[1:60] for odd in odds])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """All odd files, which nothing may change."""
    root = tmp_path_factory.mktemp("odd")
    odd_images.write(root)
    before = state(root)
    yield root
    assert state(root) == before


def state(root: Path) -> dict[str, tuple[int, int]]:
    found = {path.name: path.lstat() for path in root.iterdir()}
    return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}


@pytest.fixture(scope="module")
def scanned(folder) -> index.Index:
    """The index of all files, good and bad by turns."""
    names = [odd.name for pair in zip(GOOD, BAD * 2, strict=False) for odd in pair]
    names = tuple(dict.fromkeys([*names, *(odd.name for odd in GOOD + BAD)]))
    return index.scan(Listing(folder, names, (0,) * len(names), CARD.class_names))


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found.astype(float) - expected).mean())


def sources(odd: Odd, folder: Path) -> list[decode.Source]:
    """The file, and its bytes where it has any of its own."""
    return [folder / odd.name, *([odd.content] if isinstance(odd.content, bytes) else [])]


def test_there_are_a_hundred_files_and_no_two_of_a_name():
    assert len(GOOD) >= 100 and len(BAD) >= 100
    assert len({odd.name for odd in GOOD + BAD}) == len(GOOD + BAD)


@each(GOOD)
def test_a_good_file_is_read_as_the_picture_that_was_written(folder, odd):
    for source in sources(odd, folder):
        assert difference(read_rgb(source), odd.pixels) <= odd.tolerance
        header = probe(source)
        assert (header.height, header.width) == odd.pixels.shape[:2]
        assert header.format in decode.FORMATS


@each(BAD)
def test_a_bad_file_is_refused_for_its_reason(folder, odd):
    for source in sources(odd, folder):
        for read in (probe, read_rgb):
            with pytest.raises(BadImage) as caught:
                read(source)
            assert odd.reason in str(caught.value)
            assert len(str(caught.value)) < 250 and "\n" not in str(caught.value)


def test_the_index_lists_every_bad_file_with_its_reason(scanned):
    reasons = dict(scanned.bad)
    assert set(reasons) == {odd.name for odd in BAD}
    assert not [odd.name for odd in BAD if odd.reason not in reasons[odd.name]]
    assert set(scanned.paths) == {odd.name for odd in GOOD}


@pytest.mark.parametrize("name", ["baseline.jpg", "progressive.jpg", "exif 6.jpg", "rgb 8 bit.png", "plain.gif", "lossy.webp"])
def test_a_file_whose_end_is_there_is_not_decoded_to_be_indexed(folder, monkeypatch, name):
    monkeypatch.setattr(decode.rgb, "upright_rgb", lambda image: pytest.fail("the pixels were decoded"))
    assert probe(folder / name).height


def test_the_fast_decoders_give_the_pixels_of_the_reader(folder, scanned):
    """Of a JPEG within what two builds of libjpeg may differ."""
    import tensorflow as tf

    seen = {TENSORFLOW_JPEG: 0, TENSORFLOW_PNG: 0, PILLOW: 0}
    for path, decoder in zip(scanned.paths, scanned.decoders.tolist(), strict=True):
        seen[decoder] += 1
        data = b"" if decoder == PILLOW else (folder / path).read_bytes()
        if decoder == TENSORFLOW_PNG:
            np.testing.assert_array_equal(tf.io.decode_png(data, channels=3), read_rgb(data), path)
        elif decoder == TENSORFLOW_JPEG:
            pixels = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()
            assert np.abs(pixels.astype(int) - read_rgb(data)).max() <= 2, path
    assert min(seen.values()) >= 10


def test_validation_sees_the_same_pictures(scanned):
    from kclassify.data.pipeline import eval_batches
    from kclassify.data.preprocess import preprocess

    found = np.concatenate([pixels for pixels, _, _ in eval_batches(scanned, CARD.preprocessing, batch_size=16)])
    by_name = {odd.name: odd for odd in GOOD}
    for path, pixels in zip(scanned.paths, found, strict=False):
        odd = by_name[path]
        expected = preprocess(np.round(odd.pixels).astype(np.uint8)[None], CARD.preprocessing)[0]
        assert difference(pixels, expected) <= odd.tolerance + 1, path


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (WIDTH, HEIGHT)])
def test_training_sees_the_same_pictures(scanned, shape):
    """With windows of the whole picture, which is uncommon, and without flips."""
    from kclassify.data import pipeline
    from kclassify.data.augment.crop import resize_window

    found = scanned.take(np.flatnonzero((scanned.heights == shape[0]) & (scanned.widths == shape[1])))
    ratio = (shape[1] / shape[0],) * 2
    transform = pipeline.TrainTransform(SIZE, crop_scale=(1.0, 1.0), crop_ratio=ratio, flip=0.0)
    steps = pipeline.steps_per_epoch(len(found), 16)
    batches = pipeline.train_batches(found, transform, batch_size=16, seed=0, first_step=0, last_step=steps)
    seen = dict(zip(pipeline.rows_of_steps(len(found), 16, 0, range(steps)), np.concatenate([x for x, _, _ in batches]), strict=True))
    assert len(seen) == len(found) >= 20
    by_name = {odd.name: odd for odd in GOOD}
    for row, pixels in seen.items():
        odd = by_name[found.paths[row]]
        expected = resize_window(np.round(odd.pixels).astype(np.uint8), SIZE, np.False_).numpy()
        assert difference(pixels, expected) <= odd.tolerance + 1, odd.name


def test_predict_gives_the_model_the_same_pictures_and_names_the_others(folder):
    seen = []

    def forward(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels[0])
        return np.array([[0.2, 0.5, 0.3]], np.float32)

    odds = GOOD + BAD
    results = list(predict_files(Predictor("stub", CARD, forward), [str(folder / odd.name) for odd in odds], topk=1))
    assert [result.file for result in results] == [str(folder / odd.name) for odd in odds]
    assert [odd.name for odd, pixels in zip(GOOD, seen, strict=True) if difference(pixels, odd.pixels) > odd.tolerance] == []
    for odd, result in zip(odds, results, strict=True):
        assert result.error is None if odd.pixels is not None else odd.reason in (result.error or ""), odd.name


def test_an_export_answers_as_keras_for_every_file(folder, tmp_path):
    import keras

    from kclassify import formats
    from kclassify.formats import keras_file

    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Conv2D(8, 5, strides=3, activation="relu")(keras.layers.Rescaling(1 / 64, -2)(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(x)))
    exported = formats.open_export(formats.export_model(model, CARD, "onnx", tmp_path / "m.onnx").path)
    files = [str(folder / odd.name) for odd in GOOD]
    ours = predict_files(Predictor("keras", CARD, keras_file.keras_forward(model, CARD)), files, topk=3)
    answers = set()
    for one, other in zip(ours, predict_files(exported, files, topk=3), strict=True):
        assert [item.label for item in one.predictions] == [item.label for item in other.predictions], one.file
        np.testing.assert_allclose([p.score for p in one.predictions], [p.score for p in other.predictions], atol=5e-3, err_msg=one.file)
        answers.add(one.predictions[0].label)
    assert len(answers) > 1  # a model that always says the same would prove nothing


LIMITED = """
import json, resource, sys, time
from kclassify.data.images.decode import BadImage, probe, read_rgb
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
slowest = 0
for path in json.load(sys.stdin):
    for read in probe, read_rgb:
        begin = time.perf_counter()
        try:
            read(path)
            sys.exit(f"{path} was read")
        except BadImage as reason:
            if "MemoryError" in str(reason):
                sys.exit(f"{path}: {reason}")
        slowest = max(slowest, time.perf_counter() - begin)
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"slowest": slowest, "peak": peak, "tensorflow": "tensorflow" in sys.modules}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process its memory")
def test_bombs_are_refused_in_a_second_and_300_mb(folder):
    paths = json.dumps([str(folder / name) for name in BOMBS])
    done = subprocess.run([sys.executable, "-c", LIMITED], input=paths, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["slowest"] < 1 and told["peak"] < 300e6 and not told["tensorflow"]
    assert len(BOMBS) >= 20


def test_the_pixel_limit_can_be_changed(folder, monkeypatch):
    version = decode.reader_version()
    monkeypatch.setenv("KCLASSIFY_MAX_PIXELS", str(HEIGHT * WIDTH - 1))
    for name in ("baseline.jpg", "rgb 8 bit.png", "lossless.webp", "raw.tiff", "plain.gif"):
        with pytest.raises(BadImage, match=f"{WIDTH} x {HEIGHT} pixels, more than 2,239 .*KCLASSIFY_MAX_PIXELS=2240"):
            probe(folder / name)
    assert decode.reader_version() != version  # so that an index made under another limit is not used
    monkeypatch.setenv("KCLASSIFY_MAX_PIXELS", str(60_000**2))
    for name in ("60000 x 60000.ppm", "9460 x 9460.png"):
        with pytest.raises(BadImage, match="cannot be decoded"):
            read_rgb(folder / name)
    for text in ("", "many", "-1", "1e9"):
        monkeypatch.setenv("KCLASSIFY_MAX_PIXELS", text)
        with pytest.raises(UsageError, match=f"KCLASSIFY_MAX_PIXELS is '{text}'"):
            probe(folder / "baseline.jpg")


def test_a_picture_above_the_usual_limit_is_left_to_pillow(tmp_path, monkeypatch):
    monkeypatch.setenv("KCLASSIFY_MAX_PIXELS", str(10**9))
    (tmp_path / "x.png").write_bytes(odd_images.header_png(9460, 9460))
    assert probe(tmp_path / "x.png").decoder == PILLOW  # TensorFlow has a limit of its own


def test_heic_is_read_where_the_user_has_the_plugin(monkeypatch):
    class Plugin(Image.Image):
        def __new__(cls, file, name):
            return Image.fromarray(PICTURE)

    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    without = decode.reader_version()
    with pytest.raises(BadImage, match="pip install pillow-heif"):
        read_rgb(content)
    monkeypatch.setitem(sys.modules, "pillow_heif", types.SimpleNamespace(HeifImageFile=Plugin))
    np.testing.assert_array_equal(read_rgb(content), PICTURE)
    assert probe(content).format == "heic"
    assert decode.reader_version() != without


def test_avif_says_what_to_install_where_pillow_cannot(monkeypatch):
    monkeypatch.setattr(AvifImagePlugin, "SUPPORTED", False)
    with pytest.raises(BadImage, match="AVIF; to read it: pip install --upgrade pillow"):
        probe(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(40))


@pytest.mark.parametrize("name", ["nul\0byte.jpg", ""])
def test_names_that_no_file_can_have(name):
    with pytest.raises(BadImage, match=r"\w"):
        read_rgb(name)
