"""`data preview`: what is on the sheet is what the trainer sees, pixel by pixel, with the right classes; and nothing is lost for it."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kclassify import config as configs
from kclassify.console import Console
from kclassify.data.images.decode import read_rgb
from kclassify.data.stopwatch import Stopwatch
from kclassify.devices import Devices
from kclassify.errors import SetupError, UsageError
from kclassify.training import sheet
from kclassify.training.loop import Loop
from kclassify.training.preview import first_images, preview
from kclassify.training.setup import Task, load_data, make_card

QUIET = Console(quiet=True)
SIDE = 128  # of a cell, for images of 32 or 64 pixels


def config(photos, *settings):
    given = {"data": str(photos), "image_size": 32, "batch_size": 8, "val_fraction": 0.3}
    given |= {"augment.ops": "randaugment,random_erasing,mixup", "augment.mixup.alpha": 5.0}  # shares of about a half
    return configs.resolve(given, settings=settings).config


def trainer_batches(settings, data, steps):
    """What the training loop itself would hand to `fit`: (pixels, targets, weights) a step."""
    task = Task(settings, data, Devices(None, 1, ""), make_card(settings, data.train.class_names), None, None, None)
    return list(Loop._train_batches(SimpleNamespace(task=task, waiting=Stopwatch()), 0, steps).as_numpy_iterator())


def cell(written, number, columns, height, top):
    left = sheet._MARGIN + number % columns * (SIDE + sheet._GAP)
    upper = top + number // columns * (height + sheet._GAP)
    return written[upper : upper + SIDE, left : left + SIDE]


def enlarged(pixels):
    return pixels.repeat(SIDE // len(pixels), axis=0).repeat(SIDE // len(pixels), axis=1)


def top_of(written, pixels):
    """In which row of the sheet a picture begins that stands at its left side."""
    wanted = enlarged(pixels)
    left = sheet._MARGIN
    return next(row for row in range(len(written) - SIDE) if np.array_equal(written[row : row + SIDE, left : left + SIDE], wanted))


# --- the same pixels ----------------------------------------------------------------------------------------------------------------


def test_the_sheet_shows_the_very_batch_of_step_0(photos, tmp_path, own_cache):
    settings = config(photos)
    pixels, targets, _ = trainer_batches(settings, load_data(settings, QUIET), 1)[0]
    found = preview(settings, tmp_path / "sheet.png", count=8, columns=3, console=QUIET)
    assert (found.images, found.steps) == (8, 1)
    written = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert (found.height, found.width) == written.shape[:2]
    top = top_of(written, pixels[0])
    height = top_of(written[top + SIDE :], pixels[3]) + SIDE - sheet._GAP
    for number in range(8):
        np.testing.assert_array_equal(cell(written, number, 3, height, top), enlarged(pixels[number]))
    assert (np.sort(targets, axis=1)[:, 1] > 0).any()  # labels were mixed


def test_images_that_only_fill_up_a_batch_are_left_out(photos, tmp_path, own_cache):
    settings = config(photos, "batch_size=5", "augment.repeats=2")
    data = load_data(settings, QUIET)
    assert len(data.train) % 5
    batches = trainer_batches(settings, data, 3)
    expected = [np.concatenate([batch[column][batch[2] > 0] for batch in batches])[:11] for column in (0, 1)]
    seen = first_images(settings, data, make_card(settings, data.train.class_names), 11)
    np.testing.assert_array_equal(seen.pixels, expected[0])
    np.testing.assert_array_equal(seen.targets, expected[1])
    assert seen.steps == 3


def test_before_shows_the_image_of_each_row(photos, tmp_path, own_cache):
    settings = config(photos, "augment.ops=none", "augment.flip=0", "augment.crop_scale=[1, 1]", "augment.crop_ratio=[1, 1]")
    for path in photos.rglob("*.*"):  # squares, of which the only crop is all
        Image.open(path).convert("RGB").resize((32, 32)).save(path.with_suffix(".png"))
        if path.suffix != ".png":
            path.unlink()
    data = load_data(settings, QUIET)
    seen = first_images(settings, data, make_card(settings, data.train.class_names), 6)
    for row, pixels, target in zip(seen.rows, seen.pixels, seen.targets, strict=True):
        np.testing.assert_array_equal(read_rgb(data.train.source(row)), pixels)
        assert data.train.labels[row] == target.argmax()
    preview(settings, tmp_path / "sheet.png", count=1, before=True, console=QUIET)
    written = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    top = top_of(written[SIDE:], seen.pixels[0]) + SIDE
    above = written[top - sheet._PAD - SIDE : top - sheet._PAD, sheet._MARGIN : sheet._MARGIN + SIDE]
    assert np.abs(above - enlarged(seen.pixels[0])).mean() < 12  # smoothly enlarged, for it is what it is


@pytest.mark.parametrize("change", ["seed=1", "augment.ops=none", "augment.random_erasing.probability=1.0"])
def test_a_setting_that_changes_the_training_changes_the_sheet(change, photos, tmp_path, own_cache):
    for name, settings in (("a", config(photos)), ("b", config(photos, change))):
        preview(settings, tmp_path / f"{name}.png", count=8, console=QUIET)
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


# --- what stands below the pictures --------------------------------------------------------------------------------------------------


def test_labels_name_the_classes_with_their_shares():
    names = ("cat", "dog", "owl")
    assert sheet._caption(sheet.label(np.float32([0, 1, 0]), names), 224) == ["dog"]
    assert sheet._caption(sheet.label(np.float32([0.62, 0.38, 0]), names), 224) == ["cat 0.62 + dog 0.38"]
    assert sheet._caption(sheet.label(np.float32([0.38, 0, 0.62]), names), 80) == ["owl 0.62", "cat 0.38"]


def test_a_long_name_keeps_its_beginning_and_its_share():
    names = ("an unusually long name of a class of beetles", "cat")
    (line,) = sheet._caption(sheet.label(np.float32([1, 0]), names), 128)
    assert line.startswith("an unus") and line.endswith("…")
    first, second = sheet._caption(sheet.label(np.float32([0.7, 0.3]), names), 128)
    assert first.startswith("an u") and first.endswith("… 0.70")
    assert second == "cat 0.30"
    assert max(sheet._width(text, sheet._TEXT) for text in (line, first, second)) <= 128


@pytest.mark.parametrize("name", ["Blüte", "Жук", "花", "كلب", "🐈", "a\u202eb", "new\nline", "\udcff", "", "W" * 300])
def test_any_name_can_be_drawn(name):
    pictures = np.zeros((2, 32, 32, 3), np.uint8)
    drawn = sheet.draw((name, f"x · {name}"), pictures, [[(name, 1.0)], [(name, 0.5), ("cat", 0.5)]])
    assert drawn.width == 2 * SIDE + sheet._GAP + 2 * sheet._MARGIN


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (12, 4), (32, 8), (30, 6), (8, 4), (1000, 40)])
def test_the_grid_is_a_little_wider_than_high_and_full_where_it_can_be(count, columns):
    assert sheet._columns(count, 1) == columns


# --- nothing is lost -----------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_stays_unless_forced(photos, tmp_path, own_cache):
    target = tmp_path / "sheet.png"
    target.write_text("precious")
    with pytest.raises(UsageError, match=r"exists.*--force"):
        preview(config(photos), target, count=2, console=QUIET)
    assert target.read_text() == "precious"
    preview(config(photos), target, count=2, force=True, console=QUIET)
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("place", [".", "cat", "cat/../coffee"])
def test_nothing_is_written_among_the_images(place, photos, own_cache):
    with pytest.raises(UsageError, match="lies in the data set"):
        preview(config(photos), photos / place / "sheet.png", count=2, console=QUIET)
    assert not list(photos.rglob("sheet.png"))


def test_a_place_that_cannot_be_written_is_told_before_the_work(photos, tmp_path, own_cache):
    shutil.rmtree(photos / "cat")
    with pytest.raises(SetupError, match="there is no folder"):
        preview(config(photos), tmp_path / "nowhere/sheet.png", count=2, console=QUIET)
    with pytest.raises(UsageError, match=r"Expected .png"):
        preview(config(photos), tmp_path / "sheet.doc", count=2, console=QUIET)
    assert not own_cache.exists()
