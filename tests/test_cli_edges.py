"""What the command line once got wrong: interrupts, odd consoles, files in the way, names."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_cli import KCLASSIFY, environment, is_a_message, kclassify

from kclassify.data import dataset
from kclassify.formats import ROWS, check_target


@pytest.fixture(scope="module")
def lone_digit(tmp_path_factory):
    from PIL import Image

    folder = tmp_path_factory.mktemp("lone")
    Image.new("RGB", (32, 32)).save(folder / "a.png")
    return folder


def _listen() -> None:
    """A program started in the background of a script begins with SIGINT ignored; a person's does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("after", [0.5, 1.5])
def test_1_ctrl_c_is_130_wherever_it_comes(after, lone_digit):
    """`kclassify predict ... && next step` must not go on."""
    words = [KCLASSIFY, "predict", "a.png", "--model", "efficientnet_lite0"]
    process = subprocess.Popen(words, cwd=lone_digit, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_listen)  # noqa: PLW1509
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Interrupted" in stderr


def test_1_what_typer_returns_is_the_exit_code(monkeypatch):
    from kclassify import cli
    from kclassify.screen import models

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "models_table", stop)
    monkeypatch.setattr(sys, "argv", ["kclassify", "presets", "list"])
    with pytest.raises(SystemExit) as end:
        cli.run()
    assert end.value.code == 130


def test_2_an_export_does_not_replace_what_is_no_export(tmp_path):
    from kclassify.errors import UsageError

    (tmp_path / "thesis.py").write_text("print(1)")
    onnx = next(row for row in ROWS if row.name == "onnx")
    with pytest.raises(UsageError, match="will not be replaced"):
        check_target(onnx, tmp_path / "thesis.py")


def test_4_json_is_json_even_with_nan():
    from kclassify import screen

    def strict(name):
        raise ValueError(name)

    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as text:
        screen._json({"loss": float("nan")})
    json.loads(text.getvalue(), parse_constant=strict)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_5_a_console_that_is_not_unicode_gets_its_rows(encoding, lone_digit):
    (lone_digit / "\u65e5\u672c.png").write_bytes(b"")
    words = [KCLASSIFY, "predict", ".", "--model", "efficientnet_lite0"]
    done = subprocess.run(words, cwd=lone_digit, env=environment() | {"PYTHONIOENCODING": encoding}, capture_output=True, check=False)
    assert done.returncode == 5, done.stderr
    assert done.stdout.count(b"\n") == 2


def test_6_images_beside_the_class_folders_are_told(tmp_path):
    from PIL import Image

    for name in ("a/1", "a/2", "b/1", "b/2", "loose"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 32)).save(tmp_path / f"{name}.png")
    found = dataset.load(str(tmp_path), None, val_fraction=0.5, seed=0, max_bad=0.05)
    assert any("1" in note and "without class" in note for note in found.notes)


def test_7_csv_alone_says_that_something_failed(lone_digit):
    (lone_digit / "broken.png").write_bytes(b"x")
    done = kclassify("predict", "broken.png", "--csv", "a.csv", cwd=lone_digit, check=5)
    assert "1 of 1 files" in is_a_message(done.stderr.decode())


def test_8_eval_of_an_export_says_so(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x12\x09kclassify")
    done = kclassify("eval", "m.onnx", "--data", "digits", cwd=tmp_path, check=4)
    assert "not a zip file" not in done.stderr.decode()
    assert "kclassify predict" in is_a_message(done.stderr.decode())


def test_9_an_image_as_data_is_no_list(lone_digit):
    done = kclassify("train", "--data", "a.png", cwd=lone_digit, check=3)
    assert "udc89" not in done.stderr.decode()


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "."])
def test_10_a_name_is_a_name(name, tmp_path):
    done = kclassify("train", "--name", name, "--dry-run", cwd=tmp_path, check=2)
    assert "name: " in is_a_message(done.stderr.decode())


@pytest.mark.parametrize("words", [(), ("presets",), ("config",)])
def test_11_no_words_give_help_and_no_error(words, tmp_path):
    done = subprocess.run([KCLASSIFY, *words], cwd=tmp_path, env=environment(), capture_output=True, check=False)
    assert done.returncode in (0, 2)
    assert b"Error:  See" not in done.stderr


def test_12_a_full_disk_is_no_fault_of_kclassify(tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([KCLASSIFY, "presets", "list"], env=environment(), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 7
    is_a_message(done.stderr.decode())


@pytest.mark.parametrize("text", ["{}", "[]", '"x"'])
def test_13_a_run_json_of_another_kind(text, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/run.json").write_text(text)
    done = kclassify("resume", "run", cwd=tmp_path, check=2)
    is_a_message(done.stderr.decode())
