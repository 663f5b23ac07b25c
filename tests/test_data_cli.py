"""`kclassify data ...` and the data options of `train`, as a person and a script meet them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KCLASSIFY = Path(sys.executable).with_name("kclassify.exe" if os.name == "nt" else "kclassify")
LOADED = """
import sys
from kclassify import cli
sys.argv = ["kclassify", *sys.argv[1:]]
try:
    cli.run()
finally:
    sys.stderr.write("LOADED " + " ".join(sorted({"tensorflow", "keras", "sklearn", "matplotlib"} & set(sys.modules))))
"""


def kclassify(*words, cwd, check=0, command=(KCLASSIFY,), **variables):
    names = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PY_COLORS", "COLUMNS")}
    done = subprocess.run(
        [*command, *words], cwd=cwd, env={**names, "CUDA_VISIBLE_DEVICES": "-1", **variables}, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == check, done.stderr.decode()
    assert b"\x1b" not in done.stdout + done.stderr
    return done


def message(done):
    """The error, which is all that stands on stderr."""
    text = done.stderr.decode()
    assert text.startswith("Error: ")
    assert len(text.splitlines()) <= 3
    return text


def marks(folder):
    return {path: (path.stat().st_mtime_ns, path.is_file() and hashlib.sha256(path.read_bytes()).digest()) for path in folder.rglob("*")}


@pytest.fixture
def flawed(photos):
    """The working folder of `photos`, where one image is in two classes and one file is empty."""
    shutil.copy(photos / "cat/cat0.jpg", photos / "rocket/mistaken.jpg")
    (photos / "coffee/empty.jpg").write_bytes(b"")
    return photos.parent


# --- check --------------------------------------------------------------------------------------------------------------------------


def test_check_in_a_pipe_is_one_fact_a_line_without_a_framework(flawed):
    before = marks(flawed / "photos")
    done = kclassify("data", "check", "photos", cwd=flawed, command=(sys.executable, "-c", LOADED))
    assert done.stderr.decode() == "LOADED "
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert ["label_conflicts", "1", "exact", "train", "cat", "photos/cat/cat0.jpg"] in rows or [
        *("label_conflicts", "1", "exact", "val", "cat", "photos/cat/cat0.jpg")
    ] in rows
    assert ["bad_files", "1", "photos/coffee/empty.jpg", "empty file (0 bytes)"] in rows
    assert {row[1]: int(row[2]) + int(row[3]) for row in rows if row[0] == "class"} == {"cat": 4, "coffee": 4, "rocket": 5}
    assert marks(flawed / "photos") == before


def test_check_as_json_is_one_document_and_strict_is_exit_3(flawed):
    done = kclassify("data", "check", "photos", "--strict", "--json", cwd=flawed, check=3)
    assert "1 file that cannot be used" in message(done)
    assert "1 image in two classes" in message(done)
    assert done.stdout.count(b"\n") == 1
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert set(document) == {
        *("schema_version", "data", "splits", "classes", "balance", "sizes", "formats", "crop", "findings", "notes"),
    }
    assert document["findings"]["bad_files"] == [{"path": "photos/coffee/empty.jpg", "reason": "empty file (0 bytes)"}]


def test_strict_passes_a_sound_data_set(photos):
    from PIL import Image

    for folder in photos.iterdir():
        for number, path in enumerate(sorted(folder.iterdir())):  # the four pictures of a class are one photograph: now each lies otherwise
            with Image.open(path) as picture:
                turned = picture.rotate(90 * number)
            turned.save(path)
    assert not kclassify("data", "check", "photos", "--strict", "--quiet", cwd=photos.parent).stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_terminal_shows_bars_and_the_first_of_many(tmp_path):
    import pty

    from PIL import Image

    for number in range(40):
        (tmp_path / f"many/class {number:02d}").mkdir(parents=True)
        for shade in range(2 if number else 4):
            Image.new("L", (9, 9), 6 * number + shade).save(tmp_path / f"many/class {number:02d}/{shade}.png")
    controller, terminal = pty.openpty()
    variables = {**os.environ, "COLUMNS": "100", "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen([KCLASSIFY, "data", "check", "many", "-q"], cwd=tmp_path, stdout=terminal, stderr=terminal, env=variables)
    os.close(terminal)
    text = b""
    try:
        while block := os.read(controller, 65536):
            text += block
    except OSError:  # how Linux says that the other end is closed
        pass
    assert process.wait() == 0
    os.close(controller)
    lines = text.decode().splitlines()
    bars = {line[:8]: line.count("█") for line in lines if "█" in line}
    assert len(bars) == 30
    assert bars["class 00"] == max(bars.values()) == 30
    assert any("... and 10 more (--all)" in line for line in lines)
    assert not any("class 35  " in line and "█" in line for line in lines)


# --- preview and pack ---------------------------------------------------------------------------------------------------------------


def test_preview_writes_a_sheet_and_says_so(photos):
    words = ("data", "preview", "photos", "--augment", "cutmix", "--image-size", "32", "-n", "6", "-o", "sheet.png", "--json", "-q")
    document = json.loads(kclassify(*words, cwd=photos.parent).stdout)
    assert document == {"schema_version": 1, "path": "sheet.png", "width": document["width"], "height": document["height"]} | {
        "images": 6,
        "steps": 1,
    }
    assert (photos.parent / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "'sheet.png' exists" in message(kclassify(*words, cwd=photos.parent, check=2))


def test_a_pack_holds_the_same_images_and_is_named_as_the_next_data(photos):
    before = marks(photos)
    done = kclassify("data", "pack", "photos", "-o", "a pack", "--short-side", "32", cwd=photos.parent)
    answers = dict(line.split("  ", 1) for line in done.stdout.decode().splitlines())
    assert answers["next"].strip() == "kclassify train --data 'a pack'"
    assert marks(photos) == before
    packed = json.loads(kclassify("data", "check", "a pack", "--json", cwd=photos.parent).stdout)
    unpacked = json.loads(kclassify("data", "check", "photos", "--json", cwd=photos.parent).stdout)
    assert packed["classes"] == unpacked["classes"]
    assert {name: split["images"] for name, split in packed["splits"].items()} == {"train": 9, "val": 3}
    assert packed["sizes"]["height"]["min"] == packed["sizes"]["width"]["min"] == 32


WRONG = {
    "pack into the images": (("data", "pack", "photos", "-o", "photos/pack"), 2, "lies in the data set"),
    "pack over a folder": (("data", "pack", "photos", "-o", "there"), 2, "'there' exists"),
    "quality alone": (("data", "pack", "photos", "-o", "new", "--quality", "80"), 2, "--short-side 256"),
    "pack nowhere": (("data", "pack", "nowhere", "-o", "new"), 3, "No data at 'nowhere'"),
    "check nowhere": (("data", "check", "fotos"), 3, "Did you mean 'photos'?"),
    "check an unknown preset": (("data", "check", "photos", "--preset", "resnet_18"), 2, "Did you mean 'resnet18'?"),
    "augmentation": (("data", "preview", "photos", "--augment", "mixxup"), 2, "Did you mean 'mixup'?"),
    "augmentation of train": (("train", "--data", "photos", "--augment", "mixxup"), 2, "Did you mean 'mixup'?"),
    "cache": (("train", "--data", "photos", "--cache", "rom"), 2, "Did you mean 'ram'?"),
    "ending": (("data", "preview", "photos", "-o", "sheet.gif"), 2, "Expected .png"),
    "no images": (("data", "preview", "photos", "-n", "0"), 2, "'--count' / '-n'"),
    "offline": (("data", "check", "mnist", "--offline"), 3, "KCLASSIFY_OFFLINE"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_words_have_their_code_and_change_nothing(case, photos, own_cache):
    words, code, hint = WRONG[case]
    (photos.parent / "there").mkdir()
    before = marks(photos)
    done = kclassify(*words, cwd=photos.parent, check=code)
    assert hint in message(done)
    assert marks(photos) == before
    assert {path.name for path in photos.parent.iterdir()} <= {"photos", "there", own_cache.name}


# --- options of train, completion ----------------------------------------------------------------------------------------------------


def test_augment_cache_and_set_reach_the_config(monkeypatch):
    from kclassify import cli, screen, training

    seen = []
    monkeypatch.setattr(training, "dry_run", lambda config, console: seen.append(config))
    monkeypatch.setattr(screen, "plan", lambda found, as_json: None)
    monkeypatch.delenv("KCLASSIFY_OFFLINE", raising=False)
    words = ["train", "--augment", "autoaugment,random_erasing,mixup", "--cache", "disk", "--set", "augment.mixup.alpha=0.8", "--offline"]
    cli.app([*words, "--dry-run"], standalone_mode=False)
    assert seen[0].augment.ops == ("autoaugment", "random_erasing", "mixup")
    assert seen[0].augment.mixup.alpha == 0.8
    assert seen[0].image_cache == "disk"
    assert os.environ.pop("KCLASSIFY_OFFLINE") == "1"
    cli.app(["train", "--augment", "none", "--dry-run"], standalone_mode=False)
    assert seen[1].augment.ops == ()
    assert "KCLASSIFY_OFFLINE" not in os.environ


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("ran", ["randaugment", "random_erasing"]), ("mixup,cut", ["mixup,cutout", "mixup,cutmix"]), ("mixup,mi", []), ("x", [])],
)
def test_names_of_augmentations_are_completed_after_a_comma_too(typed, expected, tmp_path):
    variables = {"_KCLASSIFY_COMPLETE": "complete_bash", "COMP_WORDS": f"kclassify train --augment {typed}", "COMP_CWORD": "3"}
    assert kclassify(cwd=tmp_path, **variables).stdout.decode().split() == expected


@pytest.mark.parametrize("verb", ["check", "preview", "pack"])
def test_help_has_an_example_and_loads_nothing_heavy(verb, tmp_path):
    done = kclassify("data", verb, "--help", cwd=tmp_path, command=(sys.executable, "-c", LOADED), NO_COLOR="1", TERM="dumb")
    assert done.stderr.decode() == "LOADED "
    assert f"kclassify data {verb}" in done.stdout.decode().replace("Usage: kclassify", "")
