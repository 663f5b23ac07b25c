"""The index: sizes and decoders, its cache, its fingerprint, its bad files, and a data folder that stays as it was."""

import hashlib
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from kclassify.data import dataset, index, sources
from kclassify.data.images.decode import PILLOW, TENSORFLOW_JPEG, TENSORFLOW_PNG
from kclassify.errors import DataError


def scan(root, progress=None) -> index.Index:
    return index.scan(sources.find(str(root)).train, progress)


@pytest.fixture
def looked_at(monkeypatch):
    """The paths that are opened from now on."""
    seen, probe = [], index.probe

    def counted(path):
        seen.append(path.name)
        return probe(path)

    monkeypatch.setattr(index, "probe", counted)
    return seen


def test_an_index_holds_what_the_files_are(photos, own_cache):
    found = scan(photos)
    assert found.class_names == ("cat", "coffee", "rocket") and len(found) == 12 and found.bad == ()
    assert found.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert found.widths.tolist() == [90, 61, 130, 40] * 3 and found.heights.tolist() == [60, 83, 47, 40] * 3
    assert found.decoders.tolist() == [TENSORFLOW_JPEG, TENSORFLOW_PNG, TENSORFLOW_JPEG, TENSORFLOW_JPEG] * 3
    assert {column.dtype for column in (found.labels, found.heights, found.widths, found.decoders)} == {np.dtype(np.int32)}
    for path, height, width in zip(found.files(), found.heights, found.widths, strict=True):
        with Image.open(path) as image:
            assert image.size == (width, height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_upright(photos, own_cache, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20)).save(photos / "cat" / "turned.jpg", exif=exif)
    found = scan(photos)
    row = found.paths.index("cat/turned.jpg")
    assert (found.widths[row], found.heights[row]) == ((30, 20) if orientation < 5 else (20, 30))
    assert found.decoders[row] == (TENSORFLOW_JPEG if orientation == 1 else PILLOW)


def same(first: index.Index, second: index.Index) -> bool:
    """Everything but the place."""
    columns = ("labels", "heights", "widths", "decoders")
    plain = ("paths", "class_names", "bad", "fingerprint")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in columns) and all(
        getattr(first, name) == getattr(second, name) for name in plain
    )


def test_an_unchanged_data_set_is_not_looked_at_again(photos, own_cache, looked_at):
    (photos / "cat" / "broken.jpg").write_bytes(b"")
    first = scan(photos)
    assert len(looked_at) == 13
    assert same(scan(photos), first) and len(looked_at) == 13


def test_another_reader_looks_at_everything_again(photos, own_cache, looked_at, monkeypatch):
    """As when a decoder for a format is installed: what could not be read before can be read now."""
    scan(photos)
    monkeypatch.setattr(index, "reader_version", lambda: ["newer"])
    scan(photos)
    assert len(looked_at) == 24
    scan(photos)
    assert len(looked_at) == 24


def test_the_cache_lies_in_its_folder_alone(photos, own_cache):
    scan(photos)
    files = [path.relative_to(own_cache) for path in own_cache.rglob("*") if path.is_file()]
    assert len(files) == 1 and files[0].parts[0] == "index" and files[0].suffix == ".npz"


def test_a_file_of_another_content_is_seen(photos, own_cache, looked_at):
    first = scan(photos)
    Image.new("RGB", (17, 11)).save(photos / "cat" / "cat0.jpg")
    second = scan(photos)
    assert (second.widths[0], second.heights[0]) == (17, 11)
    assert second.fingerprint != first.fingerprint and len(looked_at) == 24


def test_a_file_of_the_same_size_but_a_newer_date_is_seen(photos, own_cache, looked_at):
    scan(photos)
    os.utime(photos / "cat" / "cat0.jpg", ns=(1, 1))
    scan(photos)
    assert len(looked_at) == 24


@pytest.mark.parametrize("change", ["add", "remove", "rename", "move to another class"])
def test_another_list_of_files_is_another_fingerprint(photos, own_cache, change):
    before, file = scan(photos), photos / "cat" / "cat0.jpg"
    if change == "add":
        shutil.copy2(file, photos / "cat" / "more.jpg")
    elif change == "remove":
        file.unlink()
    else:
        file.rename(file.with_name("other.jpg") if change == "rename" else photos / "rocket" / "cat0.jpg")
    after = scan(photos)
    assert after.fingerprint != before.fingerprint
    assert sorted(after.paths) == sorted(f"{path.parent.name}/{path.name}" for path in photos.glob("*/*"))


def test_a_renamed_class_is_another_fingerprint(photos, own_cache):
    before = scan(photos).fingerprint
    (photos / "cat").rename(photos / "car")
    assert scan(photos).fingerprint != before


def test_the_fingerprint_is_the_same_in_another_place(photos, own_cache, tmp_path):
    first = scan(photos)
    shutil.copytree(photos, tmp_path / "copy", copy_function=shutil.copy)  # with dates of today
    second = scan(tmp_path / "copy")
    assert second.root != first.root and same(first, second)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(2000)], ids=["empty", "text", "zeros"])
def test_a_damaged_cache_is_made_again(photos, own_cache, looked_at, content):
    first = scan(photos)
    (cached,) = own_cache.rglob("*.npz")
    cached.write_bytes(content)
    assert same(scan(photos), first) and len(looked_at) == 24
    assert same(scan(photos), first) and len(looked_at) == 24


def test_a_cache_that_cannot_be_written_does_no_harm(photos, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KCLASSIFY_CACHE", str(tmp_path / "file" / "below"))
    assert len(scan(photos)) == 12


def test_progress_counts_to_the_end(photos, own_cache):
    calls = []
    scan(photos, lambda done, total: calls.append((done, total)))
    assert calls == [(number, 12) for number in range(1, 13)]


def spoil(photos, *, empty=0, text=0):
    for number in range(empty):
        (photos / "cat" / f"empty{number}.jpg").touch()
    for number in range(text):
        (photos / "coffee" / f"short{number}.jpg").write_bytes((photos / "cat" / "cat0.jpg").read_bytes()[:300])


def test_bad_files_are_named_with_their_reason_and_nothing_else_changes(photos, own_cache):
    clean = scan(photos)
    spoil(photos, empty=1, text=1)
    (photos / "rocket" / "gone.png").symlink_to(photos / "nowhere.png")
    found = scan(photos)
    assert [path for path, _ in found.bad] == ["cat/empty0.jpg", "coffee/short0.jpg", "rocket/gone.png"]
    reasons = dict(found.bad)
    assert "0 bytes" in reasons["cat/empty0.jpg"] and "truncated" in reasons["coffee/short0.jpg"].lower()
    assert "No such file" in reasons["rocket/gone.png"]
    assert found.paths == clean.paths and np.array_equal(found.labels, clean.labels) and np.array_equal(found.heights, clean.heights)


def test_a_class_of_bad_files_alone_stays_a_class(photos, own_cache):
    for path in (photos / "coffee").iterdir():
        path.write_bytes(b"")
    found = scan(photos)
    assert found.class_names == ("cat", "coffee", "rocket") and set(found.labels.tolist()) == {0, 2}


@pytest.mark.parametrize(("empty", "max_bad", "passes"), [(0, 0.0, True), (1, 0.0, False), (3, 0.2, True), (4, 0.2, False), (4, 1.0, True)])
def test_max_bad_is_a_share_of_all_files(photos, own_cache, empty, max_bad, passes):
    spoil(photos, empty=empty)
    if passes:
        return index.check_usable(scan(photos), "photos", max_bad)
    with pytest.raises(DataError) as caught:
        index.check_usable(scan(photos), "photos", max_bad)
    text = str(caught.value)
    assert f"photos: {empty} of {12 + empty} files" in text and "max_bad" in text and "cat/empty0.jpg: empty file" in text


def test_nothing_usable_is_an_error_even_if_all_may_be_bad(photos, own_cache):
    for path in photos.glob("*/*"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no usable image"):
        index.check_usable(scan(photos), "photos", 1.0)


def test_take_keeps_rows_together_and_is_another_data_set(photos, own_cache):
    found = scan(photos)
    part = found.take(np.array([7, 0, 3]))
    assert part.paths == tuple(found.paths[row] for row in (7, 0, 3)) and len(part) == 3
    assert part.labels.tolist() == [1, 0, 0] and part.widths.tolist() == found.widths[[7, 0, 3]].tolist()
    fingerprints = {found.fingerprint, part.fingerprint, found.take(np.array([0, 3, 7])).fingerprint, found.take(np.array([0])).fingerprint}
    assert len(fingerprints) == 4 and part.fingerprint == scan(photos).take(np.array([7, 0, 3])).fingerprint


OPTIONS = {"val_fraction": 0.25, "seed": 0, "max_bad": 0.3}


def test_load_sets_a_share_of_every_class_aside(photos, own_cache):
    spoil(photos, empty=1)
    found = dataset.load(str(photos), None, **OPTIONS)
    assert (found.train.labels.tolist(), found.val.labels.tolist()) == ([0] * 3 + [1] * 3 + [2] * 3, [0, 1, 2])
    assert not set(found.train.paths) & set(found.val.paths)
    assert found.bad() == [{"path": "cat/empty0.jpg", "reason": "empty file (0 bytes)"}]
    assert any("3 of 12" in note for note in found.notes) and any("cat/empty0.jpg" in note for note in found.notes)
    rows = list(found.rows())
    assert len(rows) == 12 and rows[-1] == {"split": "val", "path": found.val.paths[-1], "class": "rocket"}


def test_load_gives_the_same_split_again_and_another_one_for_another_seed(photos, own_cache):
    first, again, other = (dataset.load(str(photos), None, **{**OPTIONS, "seed": seed}) for seed in (0, 0, 1))
    assert first.facts() == again.facts() and first.val.paths == again.val.paths
    assert first.val.paths != other.val.paths and first.facts() != other.facts()


def test_load_refuses_one_class(photos, own_cache):
    shutil.rmtree(photos / "cat")
    shutil.rmtree(photos / "rocket")
    with pytest.raises(DataError, match="one class \\('coffee'\\)"):
        dataset.load(str(photos), None, **OPTIONS)


def test_load_checks_the_validation_part_too(photos, own_cache, tmp_path):
    (tmp_path / "held_out" / "cat").mkdir(parents=True)
    (tmp_path / "held_out" / "cat" / "x.jpg").touch()
    with pytest.raises(DataError, match="1 of 1 files"):
        dataset.load(str(photos), str(tmp_path / "held_out"), **OPTIONS)


def test_load_for_eval_counts_in_the_model_s_classes_and_refuses_bad_files(photos, own_cache):
    found = dataset.load_for_eval(str(photos), ("rocket", "x", "coffee", "cat"))
    assert found.labels.tolist() == [3] * 4 + [2] * 4 + [0] * 4 and found.class_names == ("rocket", "x", "coffee", "cat")
    spoil(photos, empty=1)
    with pytest.raises(DataError, match="1 of 13"):
        dataset.load_for_eval(str(photos), found.class_names)


def listing_of(root) -> dict[str, tuple]:
    """Every path below root with its kind, size, date and content."""
    listing = {}
    for path in sorted([root, *root.rglob("*")]):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        listing[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino, content)
    return listing


def test_nothing_is_ever_written_into_the_data_folder(photos, own_cache):
    from kclassify.data import pipeline
    from kclassify.presets.card import Preprocessing

    Image.new("P", (20, 30)).save(photos / "cat" / "odd.gif")
    spoil(photos, empty=1, text=1)
    before = listing_of(photos)
    found = dataset.load(str(photos), None, **OPTIONS)
    for batch in pipeline.train_batches(found.train, pipeline.TrainTransform(16), batch_size=4, seed=0, first_step=0, last_step=3):
        assert batch[0].shape == (4, 16, 16, 3)
    assert len(list(pipeline.eval_batches(found.val, Preprocessing(size=16), batch_size=4))) == 1
    pipeline.find_unreadable(found.train)
    list(found.rows())
    assert listing_of(photos) == before
