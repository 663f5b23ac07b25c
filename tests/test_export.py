"""Exports: every format against Keras on photographs, the gate, what rides along, and files that are damaged, foreign or hostile."""

import dataclasses
import gc
import json
import logging
import os
import shutil
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from kclassify import formats as export
from kclassify.data.preprocess import preprocess
from kclassify.errors import DataError, GateError, ModelError, SetupError, UsageError
from kclassify.formats import gate, keras_file, saved_model, tf_trt
from kclassify.formats import onnx as onnx_file
from kclassify.presets.card import ModelCard, Preprocessing

SIZE = 64
NAMES = ("cat", "Hündin", "犬", 'a "quoted" name', "other")
CARD = ModelCard("tiny", NAMES, Preprocessing(size=SIZE, interpolation="bicubic"))


def tiny_model(spec: Preprocessing = CARD.preprocessing, classes: int = len(NAMES), last: str = "relu6") -> keras.Model:
    """The shape of our models in miniature, with a grouped and a depthwise convolution; its answers depend clearly on the picture."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    image = keras.Input((spec.size, spec.size, 3), name="image")
    x = layers.Rescaling([1 / (255 * s) for s in spec.std], [-m / s for m, s in zip(spec.mean, spec.std, strict=True)])(image)
    x = layers.Activation("hard_silu")(layers.BatchNormalization()(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)))
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Activation(last)(layers.Conv2D(32, 3, groups=4)(x))
    x = layers.Dense(classes, kernel_initializer=keras.initializers.RandomNormal(stddev=2))(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Activation("softmax")(x))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return tiny_model()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory) -> dict[str, Path]:
    """One export of each format that works everywhere."""
    folder = tmp_path_factory.mktemp("exports")
    names = {"onnx": "m.onnx", "saved_model": "saved"}
    return {name: export.export_model(model, CARD, name, folder / file).path for name, file in names.items()}


def photo(height: int, width: int, which: int = 0) -> np.ndarray:
    return np.asarray(Image.fromarray(load_sample_images().images[which]).resize((width, height), Image.Resampling.BICUBIC))[None]


def contents(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# What the formats answer


@pytest.mark.parametrize("name", ["onnx", "saved_model"])
def test_every_format_answers_as_keras(name, model, files):
    reference, exported = keras_file.keras_forward(model, CARD), export.open_export(files[name])
    gc.collect()  # what the forward pass needs must live as long as it does
    spread = []
    for shape in ((427, 640), (640, 427), (61, 83), (1200, 900), (1, 50), (90, 400), (73, 73), (64, 64)):
        for which in (0, 1):
            expected = reference(photo(*shape, which))
            found = exported.forward(photo(*shape, which))
            assert found.dtype == np.float32 and found.shape == (1, len(NAMES))
            assert np.abs(found - expected).max() < 2e-5
            spread.append(expected)
    assert np.std(np.concatenate(spread), axis=0).max() > 0.01  # the model tells the pictures apart, so equality means something


def test_onnx_takes_batches_as_it_takes_single_pictures(files):
    exported = export.open_export(files["onnx"])
    both = np.concatenate([photo(90, 120), photo(90, 120, 1)])
    np.testing.assert_allclose(exported.forward(both)[1:], exported.forward(photo(90, 120, 1)), atol=1e-6)
    np.testing.assert_allclose(
        exported.forward(both[:, ::-1, ::-1])[1:], exported.forward(both[1:, ::-1, ::-1]), atol=1e-6
    )  # a strided view


MEMORY = """
import resource
import keras
import numpy as np
import onnxruntime
from kclassify.formats import onnx

def net(width):
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(width, 3, strides=2, activation="relu")(image)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(width, 3, use_bias=False)(x))
    x = keras.layers.Dense(4 * width, activation="gelu")(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, keras.layers.Dense(5)(x))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

onnx.convert(net(8), 16)  # what the libraries take
model = net(2048)
before = peak()
proto = onnx.convert(model, 16)
taken = peak() - before
assert [value.name for value in proto.graph.input] == ["image"]
pixels = np.random.default_rng(5).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
found, expected = session.run(None, {"image": pixels.transpose(0, 3, 1, 2)})[0], model.predict_on_batch(pixels)
print(taken / (4 * model.count_params()), np.abs(found - expected).max() / np.abs(expected).max())
"""


def test_onnx_takes_a_few_times_the_memory_of_the_weights():
    done = subprocess.run([sys.executable, "-c", MEMORY], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    times, difference = map(float, done.stdout.split())
    assert times < 8 and difference < 1e-5


def test_weights_that_no_onnx_file_can_hold_are_refused_before_the_work(model, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "MOST_BYTES", 4 * model.count_params() - 1)
    with pytest.raises(ModelError, match=r"(?s)tiny has .* GB of weights.*--format saved_model"):
        export.export_model(model, CARD, "onnx", tmp_path / "m.onnx")
    assert contents(tmp_path) == []


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("size", "crop_pct"), [(224, 0.875), (33, 1.0)])
def test_the_onnx_preprocessing_equals_the_reference(interpolation, size, crop_pct):
    spec = Preprocessing(size=size, crop_pct=crop_pct, interpolation=interpolation)
    session = onnxruntime.InferenceSession(onnx_file.preprocessing_model(spec).SerializeToString(), onnx_file.session_options(1))
    different = total = 0
    for shape in ((375, 500), (500, 333), (1200, 1600), (60, 80), (100, 256), (256, 256), (1, 40), (700, 100), (5, 300), (2, 1)):
        for which in (0, 1):
            pixels = photo(*shape, which)
            found = session.run(None, {"pixels": pixels})[0].transpose(0, 2, 3, 1)
            difference = np.abs(found - preprocess(pixels, spec).numpy())
            assert difference.max() <= 1
            different, total = different + np.sum(difference > 0), total + difference.size
    assert different / total < 1e-4


def test_pixels_that_onnxruntime_cannot_take_are_a_model_error_and_bombs_a_data_error(files, capfd):
    exported = export.open_export(files["onnx"])
    for wrong in (np.zeros((1, 8, 8, 3), np.float32), np.zeros((1, 8, 8, 4), np.uint8), np.zeros((1, 0, 8, 3), np.uint8)):
        with pytest.raises(ModelError, match=r"m\.onnx: onnxruntime stopped on pixels"):
            exported.forward(wrong)
    with pytest.raises(DataError, match="megapixels"):
        exported.forward(np.zeros((1, 1, 2**20, 3), np.uint8))
    assert capfd.readouterr() == ("", "")


# What rides along


def test_names_and_card_ride_in_every_format(files):
    for path in files.values():
        assert export.open_export(path).card == CARD
    metadata = onnxruntime.InferenceSession(files["onnx"].read_bytes()).get_modelmeta()
    assert metadata.producer_name == "kclassify"
    assert json.loads(metadata.custom_metadata_map["class_names"]) == list(NAMES)
    signatures = tf.saved_model.load(str(files["saved_model"])).signatures
    answer, names = signatures["serving_default"](pixels=tf.constant(photo(50, 60))), signatures["class_names"]()
    assert [name.decode() for name in names["class_names"].numpy()] == list(NAMES)
    assert answer["probabilities"].shape == (1, len(NAMES))


def test_the_onnx_file_says_what_it_takes_and_gives(files):
    proto = onnx.load(files["onnx"])
    shapes = {value.name: value.type.tensor_type for value in (*proto.graph.input, *proto.graph.output)}
    assert set(shapes) == {"pixels", "probabilities"}
    assert shapes["pixels"].elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_param or dim.dim_value for dim in shapes["pixels"].shape.dim] == ["N", "H", "W", 3]
    assert [dim.dim_param or dim.dim_value for dim in shapes["probabilities"].shape.dim] == ["N", len(NAMES)]
    assert {entry.domain: entry.version for entry in proto.opset_import}[""] == 18


def test_the_onnx_file_can_be_cut_behind_its_preprocessing(model, files, tmp_path):
    """For engines that have no antialiased Resize, such as TensorRT: they take `image`."""
    onnx.utils.extract_model(files["onnx"], tmp_path / "core.onnx", ["image"], ["probabilities"])
    image = preprocess(photo(90, 120), CARD.preprocessing).numpy()
    found = onnxruntime.InferenceSession((tmp_path / "core.onnx").read_bytes()).run(None, {"image": image.transpose(0, 3, 1, 2)})[0]
    np.testing.assert_allclose(found, model(image), atol=2e-6)


def test_onnx_runs_without_tensorflow_and_keras(files):
    program = (
        "import sys, json, numpy; from pathlib import Path; from kclassify.formats import open_export\n"
        "answer = open_export(Path(sys.argv[1])).forward(numpy.full((1, 30, 40, 3), 99, numpy.uint8))\n"
        "print(json.dumps([answer.shape, [name for name in ('tensorflow', 'keras', 'tf2onnx', 'sklearn') if name in sys.modules]]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(export.__file__).parents[2])}
    command = [sys.executable, "-W", "error", "-c", program, str(files["onnx"])]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == [[1, len(NAMES)], []]


# The gate


def with_save(monkeypatch, name, save):
    monkeypatch.setitem(export.FORMATS, name, dataclasses.replace(export.FORMATS[name], save=save))


@pytest.mark.parametrize("name", ["onnx", "saved_model"])
def test_a_wrong_mean_is_caught_and_the_older_file_stays(name, model, files, tmp_path, monkeypatch):
    target = tmp_path / files[name].name
    shutil.copytree(files[name], target) if files[name].is_dir() else shutil.copy(files[name], target)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    wrong = tiny_model(dataclasses.replace(CARD.preprocessing, mean=(0.3, 0.456, 0.406)))
    real = export.FORMATS[name].save
    with_save(monkeypatch, name, lambda model, card, path: real(wrong, card, path))
    with pytest.raises(
        GateError, match=rf"^{name}: a probability differs from the Keras model by 0\.\d+ .* the limit is 0\.0001"
    ) as caught:
        export.export_model(model, CARD, name, target)
    assert caught.value.exit_code == 6
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert contents(tmp_path) == [target.name]


def test_a_wrong_resize_is_caught(model, tmp_path, monkeypatch):
    spec = dataclasses.replace(CARD.preprocessing, interpolation="bilinear")
    real = export.FORMATS["onnx"].save
    with_save(monkeypatch, "onnx", lambda model, card, path: real(model, dataclasses.replace(card, preprocessing=spec), path))
    with pytest.raises(GateError):
        export.export_model(model, CARD, "onnx", tmp_path / "m.onnx")
    assert contents(tmp_path) == []


def answers(*rows):
    """A forward pass that gives the first rows of a table, whatever the pixels."""
    return lambda pixels: np.array(rows, np.float64)[np.arange(len(pixels)) % len(rows)]


def test_the_gate_counts_and_measures():
    agreement = gate.check("x", CARD.preprocessing, answers([0.5, 0.25, 0.25]), answers([0.50005, 0.24995, 0.25]))
    assert agreement.images == 7 and agreement.max_difference == pytest.approx(5e-5)


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        ([0.5, 0.5], [0.5002, 0.4998], r"differs .* by 0\.0002 .* limit is 0\.0001"),
        ([0.5, 0.5], [np.nan, np.nan], "differs .* by nan"),
        ([np.nan, np.nan], [0.5, 0.5], "differs .* by nan"),
        ([0.5, 0.5], [0.3, 0.3, 0.4], "answers with shape"),
        ([0.001] * 1000, [0.00102] + [0.001] * 999, "limit is 1e-05"),  # a thousand equal classes: far below 1e-4, and still wrong
        ([0.001] * 998 + [0.00101, 0.001025], [0.001] * 998 + [0.001018, 0.001017], "another class wins"),
    ],
)
def test_the_gate_refuses(expected, found, message):
    with pytest.raises(GateError, match=message):
        gate.check("x", CARD.preprocessing, answers(expected), answers(found))


def test_where_the_resize_is_inexact_the_gate_allows_for_rounding():
    def shifted(difference):
        return lambda pixels: np.array([[0.5, 0.5]] * len(pixels)) + np.array([difference, -difference]) * (pixels.shape[1:3] == (61, 83))

    assert gate.check("x", CARD.preprocessing, answers([0.5, 0.5]), shifted(4e-4)).max_difference == pytest.approx(4e-4)
    with pytest.raises(GateError, match=r"by 0\.01 on a 83x61 photograph, the limit is 0\.005"):
        gate.check("x", CARD.preprocessing, answers([0.5, 0.5]), shifted(1e-2))


@pytest.mark.parametrize("short", [28, 73, 256])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_exact_pictures_are_exact(short, interpolation):
    """Where the gate holds to its strict limit, ONNX and the reference see the same pixels to the last one."""
    spec = Preprocessing(size=short, crop_pct=1.0, interpolation=interpolation)
    session = onnxruntime.InferenceSession(onnx_file.preprocessing_model(spec).SerializeToString(), onnx_file.session_options(1))
    batches = [pixels for pixels, exact in gate.sample_batches(short) if exact]
    assert len(batches) == (4 if short % 2 == 0 else 3)
    for pixels in batches:
        np.testing.assert_array_equal(session.run(None, {"pixels": pixels})[0].transpose(0, 2, 3, 1), preprocess(pixels, spec))


def test_a_tie_may_go_either_way_and_one_class_has_no_second():
    assert gate.check("x", CARD.preprocessing, answers([0.5, 0.50000001]), answers([0.50000001, 0.5])).images == 7
    assert gate.check("x", CARD.preprocessing, answers([1.0]), answers([1.0])).max_difference == 0


# Targets and names


def test_an_unknown_format_names_its_neighbour(model, tmp_path):
    with pytest.raises(UsageError, match=r"'onxx'\. Did you mean 'onnx'\? Known: saved_model, onnx, tf-trt, timm, keras"):
        export.export_model(model, CARD, "onxx", tmp_path / "m.onnx")


def test_a_report_says_what_was_written(model, tmp_path):
    report = export.export_model(model, CARD, "onnx", tmp_path / "deep" / "folder" / "m.onnx")
    assert report.path.is_file() and report.format == "onnx" and report.images == 7
    assert report.megabytes == pytest.approx(report.path.stat().st_size / 1e6)
    assert 0 <= report.max_difference < 2e-5 and report.seconds > 0
    assert contents(report.path.parent) == ["m.onnx"]


def test_nothing_of_others_is_replaced(model, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_text("precious")
    (tmp_path / "note").write_text("precious")
    for name, target in (("saved_model", "photos"), ("saved_model", "note"), ("onnx", "photos")):
        with pytest.raises(UsageError, match=target):
            export.export_model(model, CARD, name, tmp_path / target)
    assert (tmp_path / "photos" / "holiday.jpg").read_text() == (tmp_path / "note").read_text() == "precious"


def test_an_older_export_gives_way_as_a_whole_or_comes_back(files, tmp_path, monkeypatch):
    target, draft = tmp_path / "saved", tmp_path / "drafts" / "saved"
    for folder, extra in ((target, "old"), (draft, "new")):
        shutil.copytree(files["saved_model"], folder)
        (folder / extra).touch()
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, other: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        export.publish(draft, target)
    assert (target / "old").exists()
    monkeypatch.setattr(Path, "replace", real)
    export.publish(draft, target)
    assert (target / "new").exists() and not (target / "old").exists()


def test_a_disk_that_refuses_is_a_setup_error(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"cannot be written \(Not a directory|cannot be written \(File exists"):
        export.export_model(model, CARD, "onnx", tmp_path / "file" / "m.onnx")


def test_another_backend_is_told_what_to_type(model, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(SetupError, match="KERAS_BACKEND=tensorflow"):
        export.export_model(model, CARD, "onnx", tmp_path / "m.onnx")


def test_a_converter_that_stops_is_a_model_error(model, tmp_path, monkeypatch):
    def stop(model, card, path):
        path.write_bytes(b"half")
        raise RuntimeError("No kernel for Foo")

    with_save(monkeypatch, "onnx", stop)
    with pytest.raises(ModelError, match="'tiny' cannot be converted to onnx: RuntimeError: No kernel for Foo"):
        export.export_model(model, CARD, "onnx", tmp_path / "m.onnx")
    assert contents(tmp_path) == []


@pytest.mark.parametrize("last", ["gelu", "silu", "hard_sigmoid", "elu"])
def test_the_usual_activations_convert(last, tmp_path):
    assert export.export_model(tiny_model(last=last), CARD, "onnx", tmp_path / "m.onnx").max_difference < 2e-5


def test_the_keras_file_is_a_format_too(model, tmp_path):
    report = export.export_model(model, CARD, "keras", tmp_path / "m.keras")
    assert report.max_difference == 0
    assert export.open_export(report.path).card == CARD
    with pytest.raises(ModelError, match=r"Rename it to: .*nameless\.keras"):
        export.open_export(report.path.rename(tmp_path / "nameless"))


# Opening


def test_content_decides_what_a_file_is(files, tmp_path):
    assert export.open_export(Path(shutil.copy(files["onnx"], tmp_path / "nameless"))).card == CARD
    Image.fromarray(photo(20, 30)[0]).save(tmp_path / "photo.png")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "archive.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    for name in ("photo.png", "empty", "folder", "archive.zip", "missing"):
        assert export.open_export(tmp_path / name) is None


def test_a_damaged_onnx_file_says_what_to_type(files, tmp_path, capfd):
    good = files["onnx"].read_bytes()
    middle = len(good) // 2
    for content in (b"", b"not a model", good[:50], good[:-20], good[:middle] + bytes(40) + good[middle + 40 :], bytes(4000)):
        (tmp_path / "bad.onnx").write_bytes(content)
        try:
            export.open_export(tmp_path / "bad.onnx")  # a changed weight cannot be told from another weight
        except ModelError as error:
            assert "bad.onnx" in str(error) and str(error).endswith("kclassify export RUN --format onnx")
        else:
            assert content.startswith(good[:middle])
    assert capfd.readouterr() == ("", "")


def test_an_onnx_file_without_a_card_is_refused(files, tmp_path):
    proto = onnx.load(files["onnx"])
    del proto.metadata_props[:]
    onnx.save(proto, tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match=r"foreign\.onnx: no kclassify card"):
        export.open_export(tmp_path / "foreign.onnx")


@pytest.mark.parametrize("where", ["initializer", "attribute"])
@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/etc/hostname"])
def test_an_onnx_file_that_reads_other_files_is_refused(where, location, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(bytes(4096))
    proto = onnx.load(files["onnx"])
    if where == "attribute":
        proto.graph.node.append(
            onnx.helper.make_node("Constant", [], ["spare"], value=onnx.numpy_helper.from_array(np.zeros(4, np.float32)))
        )
        tensor = proto.graph.node[-1].attribute[0].t
    else:
        tensor = max(proto.graph.initializer, key=lambda item: len(item.raw_data))
    onnx.external_data_helper.set_external_data(tensor, location, 0, len(tensor.raw_data))
    tensor.ClearField("raw_data")
    (tmp_path / "spy.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=r"spy\.onnx: refused, because it takes weights from other files"):
        export.open_export(tmp_path / "spy.onnx")


def test_a_damaged_saved_model_says_what_to_type(files, tmp_path):
    def damaged(name: str) -> Path:
        return Path(shutil.copytree(files["saved_model"], tmp_path / name))

    graph = damaged("graph") / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:500])
    shutil.rmtree(damaged("weights") / "variables")
    (damaged("card") / saved_model.CARD).unlink()
    (damaged("json") / saved_model.CARD).write_text("{")
    for name in ("graph", "weights", "card", "json"):
        with pytest.raises(ModelError, match=name):
            export.open_export(tmp_path / name)


def test_a_saved_model_that_reaches_files_or_python_is_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")

    def read(pixels):
        return tf.io.read_file(str(secret))

    def spy(pixels):
        return tf.numpy_function(lambda: np.float32(secret.unlink() is None), [], tf.float32)

    def log(pixels):
        tf.print(pixels, output_stream=f"file://{tmp_path}/written")
        return tf.constant(1.0)

    for function, operator in ((read, "ReadFile"), (spy, "PyFunc"), (log, "PrintV2")):
        path = tmp_path / function.__name__
        module = tf.Module()
        module.serve = tf.function(function, input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")])
        tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
        (path / saved_model.CARD).parent.mkdir()
        (path / saved_model.CARD).write_text(CARD.to_json())
        with pytest.raises(ModelError, match=f"{function.__name__}: refused, .*{operator}"):
            export.open_export(path)
    assert secret.exists() and not (tmp_path / "written").exists()


# TF-TRT


def test_tf_trt_without_tensorrt_says_what_to_type(model, tmp_path, caplog):
    logger = logging.getLogger("tensorflow")  # it does not propagate to caplog by itself
    logger.addHandler(caplog.handler)
    with pytest.raises(SetupError) as caught:
        export.export_model(model, CARD, "tf-trt", tmp_path / "trt")
    text = str(caught.value)
    assert caught.value.exit_code == 7 and len(text.splitlines()) <= 3
    assert all(part in text for part in (tf.__version__, "--format onnx", "trtexec --onnx=model.onnx"))
    logger.removeHandler(caplog.handler)
    assert contents(tmp_path) == [] and not caplog.records


def test_tf_trt_where_the_converter_works(model, tmp_path, monkeypatch):
    asked = types.SimpleNamespace(converted=False)

    class Converter:
        """What TrtGraphConverterV2 does to the files, without TensorRT: a new SavedModel, and no assets.extra."""

        def __init__(self, input_saved_model_dir, precision_mode):
            asked.source, asked.precision = Path(input_saved_model_dir), precision_mode

        def convert(self):
            asked.converted = True

        def save(self, output_saved_model_dir):
            shutil.copytree(asked.source, output_saved_model_dir, ignore=shutil.ignore_patterns("assets.extra"))

    with_save(monkeypatch, "tf-trt", partial(tf_trt.save, save_plain=saved_model.save, converter=Converter))
    report = export.export_model(model, CARD, "tf-trt", tmp_path / "trt")
    assert asked.precision == "FP32" and asked.converted
    assert contents(tmp_path) == ["trt"] and report.max_difference == 0
    assert export.open_export(report.path).card == CARD
    assert not tf_trt.detect(report.path)  # no engine inside: the stand-in made none
    (report.path / "saved_model.pb").write_bytes(b"...TRTEngineOp...")
    assert tf_trt.detect(report.path)
