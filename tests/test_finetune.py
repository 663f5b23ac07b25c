"""Finetuning: where weights come from, which rows of a head stay, what stands still, and what a teacher adds."""

import dataclasses
import json
import re
import shutil

import keras
import numpy as np
import pytest
import tiny
from loopback_server import Loopback
from safetensors.numpy import save
from test_training import SMALL, digits  # noqa: F401 - a fixture

import kclassify as kc
from kclassify import bundle, presets, remote
from kclassify.config import DistillConfig, LossConfig
from kclassify.errors import DataError, ModelError, SetupError
from kclassify.models import create_model, load_weights, state_dict
from kclassify.presets.card import ModelCard
from kclassify.training.distillation import open_teacher, with_teacher
from kclassify.training.initial import draw_weights
from kclassify.training.losses import ClassificationLoss

ROW = presets.get("resnet18")
SIDE = (32, 32, 3)


def drawn(classes: int, seed: int, **settings) -> keras.Model:
    model = create_model("resnet18", num_classes=classes, input_shape=SIDE, **settings)
    draw_weights(model, seed)
    return model


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory):
    """A run's folder with a model of the classes 0, 1 and 2, and that model."""
    run, model = tmp_path_factory.mktemp("runs"), drawn(3, seed=1)
    model.get_layer("fc").bias.assign([0.1, 0.2, 0.3])
    bundle.save(model, ModelCard("resnet18", ("0", "1", "2"), presets.card.Preprocessing(size=32)), run / "best.keras")
    (run / "run.json").write_text('{"status": "finished"}')
    return run, model


def test_classes_that_both_have_keep_their_rows(three_classes):
    run, old = three_classes
    new = drawn(4, seed=2)
    untouched = np.asarray(new.get_layer("fc").kernel)[:, 0]
    report = load_weights(new, remote.find(str(run)), row=ROW, class_names=("3", "2", "0", "1"))
    assert report.kept == 3 and report.left_out == ("fc.weight", "fc.bias")
    np.testing.assert_array_equal(np.asarray(new.get_layer("conv1").kernel), np.asarray(old.get_layer("conv1").kernel))
    found, before = (np.asarray(model.get_layer("fc").kernel) for model in (new, old))
    np.testing.assert_array_equal(found[:, [2, 3, 1]], before)
    np.testing.assert_array_equal(found[:, 0], untouched)
    np.testing.assert_allclose(np.asarray(new.get_layer("fc").bias), [0.0, 0.3, 0.1, 0.2], rtol=1e-6)


def test_a_head_of_as_many_other_classes_is_not_taken_for_the_same(three_classes):
    run, old = three_classes
    report = load_weights(new := drawn(3, seed=2), run / "best.keras", row=ROW, class_names=("2", "cat", "0"))
    assert report.kept == 2
    np.testing.assert_array_equal(np.asarray(new.get_layer("fc").kernel)[:, [0, 2]], np.asarray(old.get_layer("fc").kernel)[:, [2, 0]])


@pytest.fixture
def hub(monkeypatch, tmp_path, own_cache):
    """A hub of models on this machine with one repository, and the model in it."""
    model = drawn(3, seed=3)
    files = {"/timm/resnet18.toy/resolve/main/model.safetensors": save(state_dict(model)), "/timm/empty.toy/resolve/main/README.md": b"-"}
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with Loopback(files) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server, model


def check_loaded(weights: str, model: keras.Model) -> None:
    load_weights(new := drawn(3, seed=4), remote.find(weights), row=ROW)
    for one, other in zip(new.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_from_a_hub_are_fetched_once(hub, monkeypatch):
    server, model = hub
    check_loaded("timm/resnet18.toy", model)
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    count = len(server.requests)
    check_loaded("timm/resnet18.toy", model)
    assert len(server.requests) == count
    with pytest.raises(SetupError, match=r"timm/resnet50\.toy: .*KCLASSIFY_OFFLINE"):
        remote.find("timm/resnet50.toy")


def test_a_presets_own_source_is_fetched_and_must_stay_what_it_was(hub, monkeypatch, tmp_path):
    server, model = hub
    row = dataclasses.replace(ROW, weights="", sources=("timm/resnet18.toy",))
    report = load_weights(new := drawn(3, seed=5), "pretrained", row=row)
    assert report.tensors == len(model.get_weights())
    np.testing.assert_array_equal(np.asarray(new.get_layer("fc").kernel), np.asarray(model.get_layer("fc").kernel))
    server.files["/timm/resnet18.toy/resolve/main/model.safetensors"] = save(state_dict(drawn(3, seed=6)))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "another hub"))
    before = new.get_weights()
    with pytest.raises(ModelError, match=r"timm/resnet18\.toy are others than when they were used first") as error:
        load_weights(new, "pretrained", row=row)
    assert str(error.value).count("\n") == 1
    assert all(np.array_equal(one, other) for one, other in zip(before, new.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("name", "told"),
    [("timm/nothing", r"no such repository.*timm/resnet18\.a1_in1k"), ("timm/empty.toy", r"holds none of model\.safetensors")],
)
def test_what_a_hub_does_not_have_is_said(hub, name, told):
    with pytest.raises(ModelError, match=rf"{re.escape(name)}: .*{told}"):
        remote.find(name)


def test_weights_from_an_address(hub, own_cache, monkeypatch):
    server, model = hub
    url = f"{server.url}/timm/resnet18.toy/resolve/main/model.safetensors"
    check_loaded(f"{url}?download=true", model)
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    check_loaded(url, model)
    monkeypatch.delenv("KCLASSIFY_OFFLINE")
    with pytest.raises(DataError, match="answers 404"):
        remote.find(f"{server.url}/other/model.safetensors")
    with pytest.raises(ModelError, match="no id of a hub either"):
        remote.find("timm/a..b")
    with pytest.raises(ModelError, match="expected the address of a file"):
        remote.find(f"{server.url}/timm/resnet18.toy")


def test_a_frozen_net_changes_in_its_head_alone(digits, tmp_path, capsys, monkeypatch):  # noqa: F811
    """The data has the start's classes 0 and 1; the record of groups is what the engine did."""
    tiny.install(monkeypatch)
    old = drawn(3, seed=1)
    bundle.save(old, ModelCard("resnet18", ("0", "1", "2"), presets.card.Preprocessing(size=32)), tmp_path / "start.keras")
    settings = {**SMALL, "verbose": True, "finetune": {"freeze_epochs": 1, "freeze_bn": True}}
    run = kc.train(data=digits, weights=str(tmp_path / "start.keras"), out=tmp_path / "runs", **settings)
    assert "(a new head for 2 classes, 2 of them with their old rows)" in capsys.readouterr().err
    last = keras.models.load_model(run.path / "last.keras", compile=False)
    for layer in last.layers:
        same = [np.array_equal(one, other) for one, other in zip(layer.get_weights(), old.get_layer(layer.name).get_weights(), strict=True)]
        assert not any(same) if layer.name == "fc" else all(same), layer.name
    groups = json.loads((run.path / "run.json").read_text())["parameter_groups"]
    assert [(row["head"], row["frozen_steps"], row["variables"]) for row in groups] == [(False, 3, 1), (True, 0, 1), (True, 0, 1)]
    assert sum(row["parameters"] for row in groups if row["head"]) == 8 * 2 + 2


def test_a_teacher_gives_logits_and_features(three_classes):
    run, old = three_classes
    config = DistillConfig(teacher=str(run), weight=0.5, temperature=2.0, features=0.7)
    student = drawn(3, seed=5, activation=None)
    both = with_teacher(student, open_teacher(config, ("0", "1", "2")), config, head="fc", seed=0)
    pixels = np.random.default_rng(0).uniform(0, 255, (4, *SIDE)).astype("float32")
    outputs = np.asarray(both(pixels))
    np.testing.assert_allclose(outputs[:, :3], np.asarray(student(pixels)), atol=1e-5)
    exponents = np.exp(outputs[:, 3:6])
    np.testing.assert_allclose(exponents / exponents.sum(1, keepdims=True), np.asarray(old(pixels)), rtol=1e-4, atol=1e-6)
    pooled = [np.asarray(keras.Model(model.input, model.get_layer("fc").input)(pixels)) for model in (student, old)]
    projected = pooled[0] @ np.asarray(both.get_layer("distill-projection").kernel)
    cosine = (projected * pooled[1]).sum(1) / np.linalg.norm(projected, axis=1) / np.linalg.norm(pooled[1], axis=1)
    np.testing.assert_allclose(outputs[:, 6], cosine, atol=1e-4)
    targets = np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    taught = ClassificationLoss(LossConfig(), 3, distill=config)(targets, outputs)
    without = ClassificationLoss(LossConfig(), 3, distill=DistillConfig(teacher="x", weight=0.5, temperature=2.0))(targets, outputs[:, :6])
    assert float(taught) == pytest.approx(float(without) + 0.7 * float(np.mean(1 - cosine)), rel=1e-4)
    trained = {variable.path for variable in both.trainable_variables}
    assert trained == {variable.path for variable in student.trainable_variables} | {"distill-projection/kernel"}


def test_a_teacher_of_other_classes_teaches_features_alone(three_classes):
    run, _ = three_classes
    with pytest.raises(ModelError, match=r"knows 3 classes[\s\S]*distill\.weight=0"):
        open_teacher(DistillConfig(teacher=str(run)), ("cat", "dog"))
    config = DistillConfig(teacher=str(run), weight=0.0, features=1.0)
    student = create_model("resnet18", num_classes=2, input_shape=(48, 48, 3), activation=None)
    both = with_teacher(student, open_teacher(config, ("cat", "dog")), config, head="fc", seed=0)
    assert both.output_shape == (None, 3)  # pictures are resized for the teacher


@pytest.mark.slow
def test_real_weights_are_worth_it_on_the_digits(tmp_path):
    """The default recipe with no setting but three epochs; from random weights it does not get as far in them."""
    found = {}
    for weights in ("auto", "none"):
        run = kc.train(preset="efficientnet_lite0", epochs=3, weights=weights, out=tmp_path, name=weights, verbose=False)
        found[weights] = run.best["top1"]
        shutil.rmtree(run.path)
    print(f"\ntop-1 on the digits after three epochs: {found['auto']:.4f} from real weights, {found['none']:.4f} from random ones")
    assert found["auto"] >= 0.97 and found["auto"] > found["none"]
