"""The loop from the inside: checkpoints, and what happens when a file turns bad."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from sklearn.datasets import load_digits

import kclassify as kc
from kclassify.errors import DataError, UsageError
from kclassify.training import checkpoint


def arrays(number: int) -> dict[str, np.ndarray]:
    return {"a": np.full((3, 2), number, "float32"), "b": np.array(number, "int64")}


def test_checkpoints_come_back_and_old_ones_go(tmp_path):
    for step in (1, 2, 10):
        checkpoint.save(tmp_path, step, arrays(step), {"note": step}, keep=2)
    found = checkpoint.latest(tmp_path)
    assert (found.step, found.facts["note"]) == (10, 10)
    np.testing.assert_array_equal(found.arrays["a"], arrays(10)["a"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000010"]


@pytest.mark.parametrize("damage", ["state", "manifest", "unfinished"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, damage):
    for step in (1, 2):
        checkpoint.save(tmp_path, step, arrays(step), {}, keep=5)
    newest = tmp_path / "step-00000002"
    if damage == "state":
        content = bytearray((newest / "state.npz").read_bytes())
        content[len(content) // 2] ^= 1
        (newest / "state.npz").write_bytes(content)
    elif damage == "manifest":
        (newest / "manifest.json").write_text('{"format": 1')
    else:
        newest.rename(tmp_path / "step-00000002.tmp")
    said = []
    assert checkpoint.latest(tmp_path, note=said.append).step == 1
    assert said == ([] if damage == "unfinished" else [f"{newest} is damaged and passed over"])
    checkpoint.save(tmp_path, 2, arrays(2), {}, keep=5)  # the same step again replaces what was damaged
    assert checkpoint.latest(tmp_path).step == 2


@pytest.fixture
def digits(tmp_path) -> Path:
    """30 digits of two classes."""
    pictures, labels = load_digits(n_class=2, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:30], labels[:30], strict=True)):
        (tmp_path / "data" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(
            tmp_path / "data" / str(label) / f"{number}.png"
        )
    return tmp_path / "data"


SMALL = {"preset": "resnet18", "image_size": 32, "epochs": 1, "batch_size": 8, "verbose": False}


def test_a_file_that_turns_bad_is_named(digits, tmp_path, monkeypatch):
    from kclassify.training import loop

    original, spoilt = loop.Loop.fit, sorted(digits.rglob("*.png"))[3]

    def fit(self, signals):
        spoilt.write_bytes(spoilt.read_bytes()[:100])
        return original(self, signals)

    tiny.install(monkeypatch)
    monkeypatch.setattr(loop.Loop, "fit", fit)
    with pytest.raises(DataError, match=rf"{spoilt.name}: .*\nMend it, then go on with: kclassify resume"):
        kc.train(data=digits, out=tmp_path / "runs", **SMALL)
    [run] = (tmp_path / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "failed"


def test_a_name_that_is_taken(digits, tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"mine exists\. Choose another --name"):
        kc.train(data=digits, out=tmp_path / "runs", name="mine", **SMALL)
    assert list((tmp_path / "runs" / "mine").iterdir()) == []


def test_a_model_in_grey_takes_coloured_pictures(digits, tmp_path, monkeypatch):
    """Its first convolution has one channel, and a picture answers as its grey copy does."""
    import keras

    tiny.install(monkeypatch)
    run = kc.train(data=digits, out=tmp_path / "runs", in_channels=1, **SMALL)
    model = keras.models.load_model(run.path / "last.keras")
    assert model.input_shape == (None, 32, 32, 3) and model.get_layer("stem-conv").kernel.shape == (3, 3, 1, 8)
    colour = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")
    grey = (colour @ np.array([[0.299], [0.587], [0.114]], "float32")).repeat(3, axis=-1)
    np.testing.assert_allclose(model.predict_on_batch(colour), model.predict_on_batch(grey), atol=1e-6)
    assert np.ptp(model.predict_on_batch(colour), axis=0).max() > 1e-5
