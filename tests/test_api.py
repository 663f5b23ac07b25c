"""The Python API gives what the command line prints, and the models that it leaves need no kclassify."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kclassify as kc

FUNCTIONS = ("create_model", "evaluate", "export", "load_model", "predict", "resume", "train")

# Everything that needs TensorFlow, in one process: first by the API, then by the command line, each answer as JSON.
SESSION = """
import contextlib, io, json, sys
import numpy as np
import kclassify as kc

def kinds():
    return {name: type(getattr(kc, name)).__name__ for name in kc.__all__}

def command(*words):
    from kclassify import cli

    sys.argv, text = ["kclassify", *words], io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        cli.run()
    return json.loads(text.getvalue())

def error(call, *arguments, **options):
    try:
        return repr(call(*arguments, **options))
    except kc.KClassifyError as found:
        return [type(found).__name__, found.exit_code, str(found)]

from pathlib import Path

api, before, here = {}, kinds(), Path.cwd()

from kclassify import devices

devices.start()  # quietly, before the tests' own module loads Keras
import tiny

tiny.install()
run = kc.train(
    preset="resnet18", data=here / "data", weights="none", epochs=1, settings=["batch_size=8"], verbose=False,
    image_size=32, out=here / "runs", name="api", optimizer={"lr": 0.01, "ema": 0.0},
)
api["train"], api["path"], api["best_model"] = run.to_json(), str(run.path), str(run.best_model)
api["resume"] = kc.resume(run.path, verbose=False).to_json()
api["evaluate"] = kc.evaluate(run.path, verbose=False).to_json()
api["evaluate file"] = kc.evaluate(run.best_model, here / "data", verbose=False).to_json()
api["predict"] = [row.to_json() for row in kc.predict([here / "data/val", "no.png"], model=run.path, topk=2)]
api["predict one"] = [row.to_json() for row in kc.predict(here / "data/val/one/4.png", model=run.best_model)]
report = kc.export(run.path, path="api.onnx")
api["export"] = {"path": str(report.path), "format": report.format, "images": report.images, "max_difference": report.max_difference}
api["predict onnx"] = [row.to_json() for row in kc.predict("data/val", model="api.onnx")]
model = kc.load_model(run.path)
pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype("float32")
np.savez("loaded.npz", pixels=pixels, probabilities=np.asarray(model(pixels)), again=np.asarray(kc.load_model(run.best_model)(pixels)))
built = kc.create_model("resnet18", num_classes=4, input_shape=(32, 32, 3))
api["create_model"] = [built.name, list(built.output_shape)]

api["errors"] = {
    "preset": error(kc.train, preset="resnet_18"),
    "key": error(kc.train, epoch=3),
    "section": error(kc.train, optimizer={"lrr": 0.1}),
    "data": error(kc.train, data="nowhere", verbose=False),
    "model": error(kc.predict, "x.png", model="nowhere"),
    "run": error(kc.resume, "data"),
    "topk": error(kc.predict, "x.png", model="api.onnx", topk=0),
    "format": error(kc.export, run.path, format="onxx"),
}
path = str(run.path)
cli = {
    "resume": command("resume", path, "--json", "--quiet"),
    "evaluate": command("eval", path, "--json", "--quiet"),
    "evaluate file": command("eval", str(run.best_model), "--data", str(here / "data"), "--json", "--quiet"),
    "predict": command("predict", str(here / "data/val"), "no.png", "--model", path, "--topk", "2", "--json"),
    "predict onnx": command("predict", "data/val", "--model", "api.onnx", "--json"),
    "export": command("export", path, "--output", "cli.onnx", "--json"),
}
Path("answers.json").write_text(json.dumps({"api": api, "cli": cli, "before": before, "after": kinds()}))
"""

# What a stranger runs who has Keras and no kclassify.
STRANGER = """
import sys

sys.modules["kclassify"] = None
import keras
import numpy as np

pixels = np.load("loaded.npz")["pixels"]
np.save("stranger.npy", np.asarray(keras.models.load_model(sys.argv[1])(pixels)))
"""


def python(code, *words, cwd):
    # Without the variable that conftest.py sets, as for a user: kclassify itself has to keep TensorFlow quiet.
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {"CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run([sys.executable, "-c", code, *words], cwd=cwd, env=environment, capture_output=True, timeout=300, check=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with `data/train` and `data/val`: 40 handwritten digits of two classes."""
    from PIL import Image
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("api")
    pictures, labels = load_digits(return_X_y=True)
    for label, name in enumerate(("nought", "one")):
        for number, pixels in enumerate(pictures[labels == label][:20]):
            target = folder / "data" / ("train" if number % 5 < 4 else "val") / name
            target.mkdir(parents=True, exist_ok=True)
            Image.fromarray((255 - pixels.reshape(8, 8) * 15.9).astype("uint8")).resize((32, 32)).save(target / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def session(place):
    """The answers of SESSION, and what it wrote on stdout."""
    done = python(SESSION, cwd=place)
    return {**json.loads((place / "answers.json").read_text()), "stdout": done.stdout}


@pytest.fixture(scope="module")
def api(session):
    return session["api"]


@pytest.fixture(scope="module")
def cli(session):
    return session["cli"]


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, kclassify; print(sorted({'tensorflow', 'keras', 'onnxruntime', 'numpy', 'typer', 'rich', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "[]\n"


def test_what_is_offered():
    assert sorted(kc.__all__) == sorted([*FUNCTIONS, "KClassifyError", "presets"])
    for name in FUNCTIONS:
        assert inspect.isfunction(getattr(kc, name))
        assert inspect.getdoc(getattr(kc, name))


def test_functions_stay_functions_when_everything_has_been_used(session):
    assert session["after"] == session["before"]
    assert {name for name, kind in session["after"].items() if kind == "function"} == set(FUNCTIONS)


def test_no_module_has_the_name_of_a_function():
    """Such a module takes the function's place as soon as anything imports it."""
    folder = Path(inspect.getfile(kc)).parent
    assert not set(FUNCTIONS) & {path.stem for path in folder.iterdir()}


def test_train_gives_what_is_on_the_disk(place, api, cli):
    facts = json.loads((place / "runs/api/run.json").read_text())
    assert api["path"] == str(place / "runs/api")
    assert api["best_model"] == str(place / "runs/api/best.keras")
    assert api["train"] == {"schema_version": 1, "run": api["path"], "best": facts["best"], "last": facts["last"]}
    assert api["train"] == api["resume"] == cli["resume"]
    assert facts["status"] == "finished"
    assert facts["last"]["step"] == 4
    assert "ema_loss" not in facts["last"]  # as optimizer={"ema": 0} says


@pytest.mark.parametrize("verb", ["evaluate", "evaluate file"])
def test_evaluate_gives_what_eval_prints(verb, api, cli):
    assert api[verb] == cli[verb]
    assert api[verb]["images"] == 8
    assert api[verb]["top1"] == api["train"]["best"]["top1"]
    assert api[verb]["loss"] == pytest.approx(api["train"]["best"]["loss"], rel=1e-5)


def test_predict_gives_what_predict_prints(place, api, cli):
    assert api["predict"] == cli["predict"]["results"]
    assert api["predict onnx"] == cli["predict onnx"]["results"]
    assert [len(row.get("predictions", ())) for row in api["predict"]] == [2] * 8 + [0]
    assert api["predict"][-1] == {"file": "no.png", "error": "No such file or directory"}
    (one,) = api["predict one"]
    assert one == next(row for row in api["predict"] if row["file"] == str(place / "data/val/one/4.png"))


def test_export_gives_what_export_prints(place, api, cli):
    for key in ("format", "images", "max_difference"):
        assert api["export"][key] == cli["export"][key]
    assert (api["export"]["path"], cli["export"]["path"]) == ("api.onnx", "cli.onnx")
    assert (place / "api.onnx").is_file()
    assert (place / "cli.onnx").is_file()


def test_create_model_builds_a_preset(api):
    assert api["create_model"] == ["resnet18", [None, 4]]


def test_quiet_calls_write_nothing_on_stdout(session):
    assert session["stdout"] == b""


ERRORS = {
    "preset": ("UsageError", 2, "Did you mean 'resnet18'?"),
    "key": ("UsageError", 2, "Did you mean 'epochs'?"),
    "section": ("UsageError", 2, "Did you mean 'optimizer.lr'?"),
    "data": ("DataError", 3, "No data at 'nowhere'."),
    "model": ("ModelError", 4, "No model at 'nowhere'"),
    "run": ("UsageError", 2, "'data' is not a run folder"),
    "topk": ("UsageError", 2, "topk: expected 1 or more, got 0."),
    "format": ("UsageError", 2, "Did you mean 'onnx'?"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_wrong_call_raises_one_kind_of_error(case, api):
    kind, code, text = ERRORS[case]
    assert api["errors"][case][:2] == [kind, code]
    assert text in api["errors"][case][2]


def test_a_wrong_call_raises_before_anything_is_loaded():
    with pytest.raises(kc.KClassifyError, match="Did you mean 'resnet18'"):
        kc.train(preset="resnet_18")


def test_best_keras_loads_where_there_is_no_kclassify(place, api):
    python(STRANGER, api["best_model"], cwd=place)
    with np.load(place / "loaded.npz") as stored:
        probabilities, again = stored["probabilities"], stored["again"]
    found = np.load(place / "stranger.npy")
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(found, probabilities, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(again, probabilities)
