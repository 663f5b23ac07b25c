"""Several labels a picture, from the list to the exported file: coloured squares on dark pictures, none to three of them on each."""

import contextlib
import csv
import io
import json
import shutil
import signal
import sys

import numpy as np
import pytest
import tiny
from PIL import Image
from sklearn.metrics import average_precision_score, f1_score

import kclassify as kc
from kclassify import cli, config, formats, reference
from kclassify.data import sources
from kclassify.data.split import stratified_by_class
from kclassify.errors import DataError, Interrupted, KClassifyError, UsageError
from kclassify.metrics import multi_label_results

COLOURS = ("blue", "green", "red")  # as they are sorted
IMAGES = 80


def targets(count: int) -> np.ndarray:
    """Each of eight sets of colours comes again and again, the empty one among them: bool [count, 3]."""
    return np.arange(count)[:, None] >> np.arange(3) & 1 == 1


def write_squares(root):
    """The pictures, and one list of them as JSON Lines."""
    root.mkdir()
    dice, lines = np.random.default_rng(0), []
    for number, has in enumerate(targets(IMAGES)):
        pixels = dice.integers(0, 40, (32, 32, 3))
        for place in np.flatnonzero(has):
            top, left = 16 * (place // 2), 16 * (place % 2)
            pixels[top + 2 : top + 14, left + 2 : left + 14, 2 - place] += 200
        Image.fromarray(pixels.astype(np.uint8)).save(root / f"{number}.png")
        labels = [name for name, there in zip(COLOURS, has, strict=True) if there]
        lines.append(json.dumps({"path": f"{number}.png", "labels": labels, "split": "val" if number >= 64 else "train"}))
    (root / "squares.jsonl").write_text("\n".join(lines))
    return root / "squares.jsonl"


@pytest.fixture(scope="module", autouse=True)
def tiny_net():
    """What is around the net is tested here, not the net."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.install(patch)
        yield


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    return write_squares(tmp_path_factory.mktemp("squares") / "data")


def train(data, folder, **values):
    how = {"preset": "resnet18", "image_size": 32, "batch_size": 8, "weights": "none", "epochs": 12, "crop_pct": 1.0}
    augment = {"crop_scale": (0.9, 1.0)}
    return kc.train(data=str(data), out=str(folder), name="run", optimizer={"lr": 0.1}, augment=augment, **how | values)


@pytest.fixture(scope="module")
def trained(squares, tmp_path_factory):
    """A run and what it said."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        found = train(squares, tmp_path_factory.mktemp("runs"), multi_label=True)
    return found, said.getvalue()


def facts(run):
    return json.loads((run / "run.json").read_text())


# -- a run -------------------------------------------------------------------------------------------------------------------


def test_a_run_learns_and_says_what_it_is_judged_by(trained):
    run, said = trained
    assert run.best["map"] > 0.9 and run.best["f1"] > 0.8  # by chance 0.5
    assert "64 training and 16 validation images, 3 classes, 1.50 labels a picture" in said
    [line] = [line for line in said.splitlines() if line.startswith("[epoch 12/12]")]
    assert "top1" not in line and all(f"{word}: " in line for word in ("train loss", "val loss", "map", "f1"))
    with (run.path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"train_loss", "val_loss", "val_map", "val_f1", "ema_map"} <= rows[0].keys()
    assert not {name for name in rows[0] if "top" in name}
    assert run.best["map"] == max(float(row[name]) for row in rows for name in ("val_map", "ema_map"))
    assert "loss:\n  name: bce\n" in (run.path / "config.yaml").read_text()


def test_eval_predict_and_export_answer_alike(trained, squares, tmp_path):
    """And their answers are those of the labels, by scikit-learn's measure."""
    run, _ = trained
    onnx = kc.export(run.path, path=tmp_path / "squares.onnx").path
    saved = kc.export(run.path, format="saved_model", path=tmp_path / "saved").path
    files = [squares.parent / f"{number}.png" for number in range(64, IMAGES)]
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    keras_scores, scores, others = (formats.open_predictor(reference.find(str(model))).forward(pixels) for model in (run.path, onnx, saved))
    np.testing.assert_allclose(scores, keras_scores, atol=1e-4)
    np.testing.assert_allclose(others, keras_scores, atol=1e-4)
    wanted = targets(IMAGES)[64:]
    judged = kc.evaluate(run.path, verbose=False)
    assert judged.map == pytest.approx(average_precision_score(wanted, scores), abs=1e-6)
    assert judged.f1 == pytest.approx(f1_score(wanted, scores >= 0.5, average="macro"))
    assert judged.to_json().keys() == {"schema_version", "model", "data", "images", "classes", "map", "f1", "loss"}
    assert judged.map == pytest.approx(run.best["map"]) and judged.loss == pytest.approx(run.best["loss"], rel=1e-4)
    assert kc.evaluate(run.best_model, squares, verbose=False).map == judged.map
    for model in (run.path, onnx, saved):
        found = [{item.label for item in row.predictions} for row in kc.predict(files, model=model)]
        assert found == [{COLOURS[number] for number in np.flatnonzero(row >= 0.5)} for row in scores]
    most = [len(row.predictions) for row in kc.predict(files, model=onnx, topk=1)]
    assert most == [min(1, count) for count in (scores >= 0.5).sum(axis=1)]


def kclassify(monkeypatch, capsys, *words):
    """The exit code of a command in this process, and what it wrote."""
    monkeypatch.setattr(sys, "argv", ["kclassify", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.run()
    return ended.value.code, *capsys.readouterr()


def test_a_picture_without_a_label_is_told(trained, tmp_path, monkeypatch, capsys):
    run, _ = trained
    Image.fromarray(np.full((32, 32, 3), 20, np.uint8)).save(tmp_path / "dark.png")
    words = ("predict", tmp_path / "dark.png", "--model", run.best_model)
    code, out, _ = kclassify(monkeypatch, capsys, *words)
    assert code == 0 and out == f"{tmp_path / 'dark.png'}\tno label has a probability of 0.5 or more\n"
    code, out, _ = kclassify(monkeypatch, capsys, *words, "--csv", tmp_path / "answers.csv", "--json")
    assert code == 0 and json.loads(out)["results"] == [{"file": str(tmp_path / "dark.png"), "predictions": []}]
    assert (tmp_path / "answers.csv").read_text().splitlines()[1] == f"{tmp_path / 'dark.png'},,,,,"


def test_a_stopped_run_ends_in_the_same_weights_and_stays_what_it_is(trained, squares, tmp_path, monkeypatch):
    """Stopped in the middle of the second epoch."""
    from kclassify.training import loop, stop

    after_step, enter, signals = loop.Loop.after_step, stop.StopSignals.__enter__, []

    def interrupted(self, logs):
        at_end = after_step(self, logs)
        signals[0].received = signal.SIGINT if self.state.progress.step == 11 else 0
        return at_end

    with monkeypatch.context() as patch:
        patch.setattr(stop.StopSignals, "__enter__", lambda self: signals.append(self) or enter(self))
        patch.setattr(loop.Loop, "after_step", interrupted)
        with pytest.raises(Interrupted, match="step 11 of 96"):
            train(squares, tmp_path, multi_label=True, verbose=False)
    with pytest.raises(UsageError, match="multi_label: the run was begun with True and cannot go on with False"):
        kc.resume(tmp_path / "run", multi_label=False, verbose=False)
    straight, resumed = trained[0], kc.resume(tmp_path / "run", verbose=False)
    assert facts(resumed.path)["weights_sha256"] == facts(straight.path)["weights_sha256"]
    assert resumed.last["val_map"] == straight.last["val_map"] and resumed.best == straight.best


def test_class_folders_have_one_label_a_picture(trained, squares, tmp_path):
    for number, name in ((1, "blue"), (2, "green"), (4, "red"), (9, "blue")):
        (tmp_path / name).mkdir(exist_ok=True)
        shutil.copy(squares.parent / f"{number}.png", tmp_path / name)
    judged = kc.evaluate(trained[0].path, tmp_path, verbose=False)
    assert judged.images == 4 and judged.map > 0.9


# -- the measure -------------------------------------------------------------------------------------------------------------


def test_map_and_f1_are_those_of_scikit_learn():
    """With equal scores, and a class that never occurs."""
    dice = np.random.default_rng(1)
    logits, wanted = np.round(dice.normal(size=(60, 7)), 1), dice.random((60, 7)) < 0.3
    wanted[:, 4] = False
    found, occur = multi_label_results(wanted, logits.astype(np.float32)), wanted.any(axis=0)
    assert found["map"] == pytest.approx(average_precision_score(wanted[:, occur], logits[:, occur]), abs=1e-12)
    assert found["f1"] == pytest.approx(f1_score(wanted[:, occur], logits[:, occur] >= 0, average="macro"), abs=1e-12)
    first = multi_label_results(np.array([[1], [0], [1]]), np.array([[3.0], [2.0], [-1.0]]))
    assert first["map"] == pytest.approx((1 + 2 / 3) / 2) and first["f1"] == pytest.approx(1 / 2)  # by the definitions
    probability = 1 / (1 + np.exp(-logits))
    assert found["loss"] == pytest.approx(-np.log(np.where(wanted, probability, 1 - probability)).sum(axis=1).mean(), rel=1e-6)


def test_a_split_gives_every_class_its_share():
    """Of 400 pictures with up to six of twenty classes, common and rare ones, in hundreds of sets that mostly come once."""
    dice = np.random.default_rng(2)
    own = dice.random((400, 20)) < np.geomspace(0.01, 0.5, 20)
    table, labels = np.unique(own, axis=0, return_inverse=True)
    kept, chosen = stratified_by_class(labels, table.astype(np.uint8), 0.2, seed=0)
    assert sorted([*kept, *chosen]) == list(range(400)) and len(table) > 200
    counts, held_out = own.sum(axis=0), own[chosen].sum(axis=0)
    assert ((held_out >= 1) & (held_out < counts))[counts > 1].all()
    assert abs(held_out - 0.2 * counts).max() <= 6 and abs(len(chosen) - 80) <= 12
    again = stratified_by_class(labels, table.astype(np.uint8), 0.2, seed=0)[1]
    assert (again == chosen).all() and len(np.setdiff1d(stratified_by_class(labels, table.astype(np.uint8), 0.2, seed=1)[1], chosen))


# -- lists -------------------------------------------------------------------------------------------------------------------

LISTS = {
    "semicolons": ("a.csv", "path,labels\n1.png,cat;dog\n2.png,\n3.png,owl|cat\n4.png,dog\n"),
    "lists in cells": ("a.csv", "path,labels\n1.png,\"['dog', 'cat']\"\n2.png,[]\n3.png,\"['cat', 'owl']\"\n4.png,\"['dog']\"\n"),
    "tabs": ("a.tsv", "path\tlabels\n1.png\tcat;dog\n2.png\t\n3.png\tcat;owl\n4.png\tdog\n"),
    "json": (
        "a.jsonl",
        '{"path": "1.png", "labels": ["cat", "dog"]}\n{"path": "2.png", "labels": []}\n'
        '{"path": "3.png", "labels": ["owl", "cat"]}\n{"path": "4.png", "labels": "dog"}',
    ),
    "PaddleClas": ("a.txt", "1.png\t1,1,0\n2.png 0,0,0\n3.png\t1,0,1\n4.png\t0,1,0\n"),
    "numbers": ("a.csv", "path,labels\n1.png,0;1\n2.png,\n3.png,0;2\n4.png,1\n"),
}


@pytest.mark.parametrize("case", LISTS)
def test_every_form_of_a_list_says_the_same(tmp_path, case):
    name, text = LISTS[case]
    (tmp_path / name).write_text(text)
    if case in ("PaddleClas", "numbers"):
        (tmp_path / "label_list.txt").write_text("0 cat\n1 dog\n2 owl\n")
    found = sources.find(str(tmp_path / name), multi_label=True).train
    assert found.class_names == ("cat", "dog", "owl")
    assert [found.label_sets[label] for label in found.labels] == [(0, 1), (), (0, 2), (1,)]


BROKEN = {
    "too short a vector": ("a.txt", "1.png 0,1,0\n2.png 0,1\n", ":2: the labels are '0,1'. Expected a 0 or 1 for each of 3 classes"),
    "a number among vectors": ("a.txt", "1.png 0,1,0\n2.png 2\n", ":2: the labels are '2'. Expected a 0 or 1"),
    "numbers for a vector": ("a.txt", "1.png 0,1\n2.png 3,7\n", ":2: the labels are '3,7'"),
    "no field": ("a.csv", "path,labels\n1.png,cat\n2.png\n", ":3: no field for the labels"),
    "half a list": ("a.csv", "path,labels\n1.png,\"['cat'\"\n", ":2: the labels are \"['cat'\""),
    "a fraction": ("a.jsonl", '{"path": "1.png", "labels": ["cat", 0.5]}', ":1: the label is 0.5"),
    "no list": ("a.jsonl", '{"path": "1.png", "labels": null}', ":1: the label is None"),
    "a list in a list": ("a.jsonl", '{"path": "1.png", "labels": [["cat", "dog"]]}', ":1: the label is ['cat', 'dog']"),
    "two lines": ("a.csv", "path,labels\n1.png,cat\n1.png,dog\n", ":3: 1.png stands in line 2 already (cat, "),
    "a name among numbers": ("a.csv", "path,labels\n1.png,0;1\n2.png,1;cat\n", ":3: the label is the name 'cat'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_in_a_list_is_named_with_its_line(tmp_path, case):
    name, text, expected = BROKEN[case]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        sources.find(str(tmp_path / name), multi_label=True)
    assert f"{tmp_path / name}{expected}" in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def test_without_the_option_several_labels_are_refused_by_its_name(tmp_path):
    for name, text in (LISTS[case] for case in ("semicolons", "json", "PaddleClas")):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=r":[12]: several labels, .*--multi-label"):
            sources.find(str(tmp_path / name))


def test_labels_of_another_list_are_counted_in_the_classes_of_the_first(tmp_path):
    (tmp_path / "train.csv").write_text("path,labels\n1.png,cat;dog\n2.png,owl\n")
    (tmp_path / "other.csv").write_text("path,labels\n3.png,owl;dog\n4.png,\n")
    held_out = sources.find(str(tmp_path / "train.csv"), str(tmp_path / "other.csv"), multi_label=True).val
    assert held_out.class_names == ("cat", "dog", "owl") and [held_out.label_sets[label] for label in held_out.labels] == [(1, 2), ()]


def test_nothing_to_learn_or_to_judge_is_told(squares, tmp_path):
    from kclassify.data import dataset

    how = {"val_fraction": 0.2, "seed": 0, "max_bad": 0.0, "multi_label": True}
    for text, told in (
        ("0.png,red,train\n1.png,red,train\n2.png,red,val\n", r"has the same labels \(red\) for all images"),
        ("0.png,red,train\n1.png,,train\n2.png,,val\n", "no image to validate on has a label"),
    ):
        (squares.parent / "few.csv").write_text("path,labels,split\n" + text)
        with pytest.raises(DataError, match=told):
            dataset.load(str(squares.parent / "few.csv"), None, **how)


def test_a_check_counts_every_label(squares):
    from kclassify.data.check import check

    found = check(str(squares), None, val_fraction=0.2, seed=0, crop_pct=0.875, multi_label=True)
    wanted = targets(IMAGES)
    assert {row["class"]: (row["train"], row["val"]) for row in found.classes} == {
        name: (wanted[:64, number].sum(), wanted[64:, number].sum()) for number, name in enumerate(COLOURS)
    }
    assert found.splits["val"]["classes"] == 3


# -- what makes no sense -----------------------------------------------------------------------------------------------------

REFUSED = {
    "loss.name": {"loss.name": "focal"},
    "balance": {"balance": True},
    "loss.class_weights": {"loss.class_weights": "balanced"},
    "distill.weight": {"distill.teacher": "resnet50"},
    "nodes": {"nodes": "a:1,b:1"},
}


@pytest.mark.parametrize("key", REFUSED)
def test_what_takes_one_label_a_picture_is_refused(key):
    with pytest.raises(UsageError, match=f"^{key}: ") as caught:
        config.resolve({"multi_label": True, **REFUSED[key]})
    assert len(str(caught.value).splitlines()) <= 3


def test_what_makes_sense_is_left():
    found = config.resolve({"multi_label": True, "distill.teacher": "resnet50", "distill.weight": 0.0, "augment.ops": "mixup,cutmix"})
    assert found.config.loss.name == "bce" and found.origins["loss.name"] == "multi_label"
    assert config.resolve({"multi_label": False}).config.loss.name == "cross_entropy"


def test_shards_hold_one_label(squares, tmp_path, monkeypatch, capsys):
    code, _, told = kclassify(monkeypatch, capsys, "data", "pack", squares, "-o", tmp_path / "packed", "--set", "multi_label=true")
    assert code == 2 and "multi_label: a shard holds one label a picture" in told and not (tmp_path / "packed").exists()


def test_its_answers_teach_no_single_label(trained, tmp_path):
    run, _ = trained
    with pytest.raises(KClassifyError, match="is for several labels a picture"):
        kc.train(data="digits", out=str(tmp_path), preset="resnet18", weights="none", distill={"teacher": str(run.path)}, verbose=False)
