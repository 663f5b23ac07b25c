"""What is found at --data: class folders, train/ and val/, list files, and what a message says when nothing usable is there."""

import os

import pytest
from PIL import Image

from kclassify.data import sources
from kclassify.errors import DataError


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path, format="PNG")
    return path


def folder(root, *names):
    for name in names:
        picture(root / name)
    return root


def found(root, part="train"):
    """{path: class name} of a listing."""
    listing = getattr(sources.find(str(root)), part)
    return {path: listing.class_names[label] for path, label in zip(listing.paths, listing.labels, strict=True)}


def message(*arguments, **options) -> str:
    with pytest.raises(DataError) as caught:
        sources.find(*map(str, arguments), **options)
    return str(caught.value)


def test_flat_class_folders(tmp_path):
    source = sources.find(str(folder(tmp_path, "dog/b.png", "cat/2.JPG", "cat/1.jpeg", "dog/a.webp")))
    assert source.train.class_names == ("cat", "dog")
    assert source.train.paths == ("cat/1.jpeg", "cat/2.JPG", "dog/a.webp", "dog/b.png")
    assert source.train.labels == (0, 0, 1, 1)
    assert source.val is None and source.notes == () and source.train.root == tmp_path.resolve()


@pytest.mark.parametrize("train", ["train", "training"])
@pytest.mark.parametrize("val", ["val", "valid", "validation", "test"])
def test_train_and_val_folders(tmp_path, train, val):
    folder(tmp_path, f"{train}/cat/1.png", f"{train}/dog/1.png", f"{val}/dog/2.png")
    assert found(tmp_path) == {"cat/1.png": "cat", "dog/1.png": "dog"}
    assert found(tmp_path, "val") == {"dog/2.png": "dog"}
    source = sources.find(str(tmp_path))
    assert source.val.class_names == ("cat", "dog") and source.val.labels == (1,) and source.val.root == (tmp_path / val).resolve()


def test_val_comes_before_test(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/dog/3.png", "val/dog/2.png")
    assert found(tmp_path, "val") == {"dog/2.png": "dog"}


def test_train_without_val(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png")
    assert sources.find(str(tmp_path)).val is None


def test_an_unknown_class_in_val_is_named(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png", "val/dog/2.png", "val/Cat/2.png", "val/emu/1.png")
    text = message(tmp_path)
    assert str(tmp_path / "val") in text and "2 classes" in text and "Cat, emu" in text and "cat, dog" in text


def test_val_of_its_own(tmp_path):
    train, val = folder(tmp_path / "a", "cat/1.png", "dog/1.png", "emu/1.png"), folder(tmp_path / "b", "emu/9.png")
    source = sources.find(str(train), str(val))
    assert (source.val.labels, source.val.class_names, source.val.root) == ((2,), ("cat", "dog", "emu"), val.resolve())


def test_val_of_its_own_replaces_the_data_set_s(tmp_path):
    folder(tmp_path / "a", "train/cat/1.png", "train/dog/1.png", "val/dog/2.png")
    folder(tmp_path / "b", "cat/9.png")
    assert sources.find(str(tmp_path / "a"), str(tmp_path / "b")).val.paths == ("cat/9.png",)


def test_a_list_as_val_counts_in_the_training_classes(tmp_path):
    folder(tmp_path, "a/cat/1.png", "a/dog/1.png")
    (tmp_path / "held_out.txt").write_text("x.png 1\n")
    source = sources.find(str(tmp_path / "a"), str(tmp_path / "held_out.txt"))
    assert (source.val.labels, source.val.class_names) == ((1,), ("cat", "dog"))
    (tmp_path / "held_out.txt").write_text("x.png 2\n")
    assert "label 2" in message(tmp_path / "a", tmp_path / "held_out.txt")


def test_classes_called_by_numbers_stand_in_their_order(tmp_path):
    names = ["0", "1", "2", "9", "10", "11", "100", "a", "b10", "b9"]
    folder(tmp_path, *(f"{name}/x.png" for name in reversed(names)))
    assert sources.find(str(tmp_path)).train.class_names == tuple(names)


def test_images_in_folders_below_a_class_belong_to_it(tmp_path):
    folder(tmp_path, "cat/2019/spring/1.png", "cat/1.png", "dog/x.jpg/1.png")
    assert found(tmp_path) == {"cat/1.png": "cat", "cat/2019/spring/1.png": "cat", "dog/x.jpg/1.png": "dog"}


def test_what_systems_and_editors_leave_behind_is_not_looked_at(tmp_path):
    folder(tmp_path, "cat/1.png", "dog/1.png")
    folder(tmp_path, ".hidden/1.png", "__MACOSX/cat/1.png", ".ipynb_checkpoints/1.png", "cat/._1.png", "cat/.ipynb_checkpoints/1.png")
    folder(tmp_path, "dog/__MACOSX/1.png", "cat/Thumbs.db", "cat/notes.txt", "readme.md", "loose.png", "cat/1.png.part")
    assert found(tmp_path) == {"cat/1.png": "cat", "dog/1.png": "dog"}


def test_an_empty_class_folder_is_no_class(tmp_path):
    folder(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "bird").mkdir()
    (tmp_path / "emu" / "below").mkdir(parents=True)
    assert sources.find(str(tmp_path)).train.class_names == ("cat", "dog")


def test_links_to_folders_and_files_are_followed(tmp_path):
    folder(tmp_path / "elsewhere", "1.png", "2.png")
    root = folder(tmp_path / "data", "dog/1.png")
    (root / "cat").symlink_to(tmp_path / "elsewhere")
    (root / "dog" / "link.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    (root / "dog" / "dangling.png").symlink_to(tmp_path / "gone.png")
    assert list(found(root)) == ["cat/1.png", "cat/2.png", "dog/1.png", "dog/dangling.png", "dog/link.png"]


def test_names_with_spaces_newlines_and_bytes_that_are_no_text(tmp_path):
    names = ["große Katze/ä ö.png", "dog/two\nlines.png", "dog/100% #1.png", os.fsdecode(b"dog/caf\xe9.png")]
    assert sorted(found(folder(tmp_path, *names))) == sorted(names)


def test_the_same_folder_gives_the_same_listing_whatever_order_the_system_lists_it_in(tmp_path, monkeypatch):
    folder(tmp_path, *(f"{name}/{number}.png" for name in "abc" for number in range(5)))
    expected, scan = sources.find(str(tmp_path)), os.scandir

    class Backwards:
        def __init__(self, path):
            with scan(path) as entries:
                self.entries = sorted(entries, key=lambda item: item.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "scandir", Backwards)
    assert sources.find(str(tmp_path)) == expected


@pytest.mark.parametrize("relative", [True, False])
def test_a_relative_path_is_as_good(tmp_path, monkeypatch, relative):
    folder(tmp_path / "pets", "cat/1.png", "dog/1.png")
    monkeypatch.chdir(tmp_path)
    assert sources.find("pets" if relative else str(tmp_path / "pets")).train.root == (tmp_path / "pets").resolve()


def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    folder(tmp_path / "pets", "cat/1.png", "dog/1.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(sources.find("~/pets").train.paths) == 2


def listed(tmp_path, text, name="train_list.txt"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return sources.find(str(tmp_path / name)).train


@pytest.mark.parametrize("text", [
    "a.png 0\nsub/b.png 1\n", "a.png 0\r\nsub/b.png 1\r\n", b"\xef\xbb\xbfa.png 0\nsub/b.png 1", "a.png\t0\n\n  \nsub/b.png   1  \n\n",
], ids=["plain", "CRLF", "BOM", "tabs and blank lines"])  # fmt: skip
def test_list_file(tmp_path, text):
    listing = listed(tmp_path, text)
    assert (listing.paths, listing.labels, listing.root) == (("a.png", "sub/b.png"), (0, 1), tmp_path.resolve())
    assert listing.class_names == ("0", "1")


@pytest.mark.parametrize("name", ["my photo 2 of 3.png", "jpg/image 0001.jpg", "größe.png", os.fsdecode(b"caf\xe9.png"), "x 7"])
def test_paths_in_a_list_may_hold_spaces_and_any_letter(tmp_path, name):
    assert listed(tmp_path, os.fsencode(name) + b" 1\nb.png 0\n").paths == (name, "b.png")


def test_absolute_paths_in_a_list(tmp_path):
    listing = listed(tmp_path, f"{tmp_path}/a.png 0\nb.png 1\n")
    assert listing.root / listing.paths[0] == tmp_path / "a.png"


@pytest.mark.parametrize("line", ["b.png", "b.png -1", "b.png 1.5", "b.png cat", "7", "b.png,1", "b.png 99999999999"])
def test_a_line_that_is_no_path_and_label_is_named(tmp_path, line):
    (tmp_path / "list.txt").write_text(f"a.png 0\n\n{line}\n")
    text = message(tmp_path / "list.txt")
    assert f"{tmp_path / 'list.txt'}:3:" in text and line in text and "path label" in text


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_list(tmp_path, text):
    (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    assert "no line" in message(tmp_path / "list.txt")


def test_a_folder_with_lists(tmp_path):
    (tmp_path / "train_list.txt").write_text("a.png 0\nb.png 2\n")
    assert sources.find(str(tmp_path)).val is None
    (tmp_path / "val_list.txt").write_text("c.png 1\n")
    (tmp_path / "flowers_label_list.txt").write_text("0 red rose\n2 tulip\n1 pink primrose\n")
    source = sources.find(str(tmp_path))
    assert source.train.class_names == source.val.class_names == ("red rose", "pink primrose", "tulip")
    assert (source.train.labels, source.val.labels, source.val.paths) == ((0, 2), (1,), ("c.png",))


def test_a_label_without_a_name_is_called_by_its_number(tmp_path):
    (tmp_path / "label_list.txt").write_text("0 cat\r\n2 emu\r\n")
    assert listed(tmp_path, "a.png 0\nb.png 3\n").class_names == ("cat", "1", "emu", "3")


def test_more_names_than_labels_are_classes_too(tmp_path):
    (tmp_path / "label_list.txt").write_text("0 cat\n1 dog\n2 emu\n")
    assert listed(tmp_path, "a.png 0\nb.png 1\n").class_names == ("cat", "dog", "emu")


@pytest.mark.parametrize("line", ["cat", "cat 1", "1", "-1 cat"])
def test_a_line_of_a_label_list_that_is_wrong_is_named(tmp_path, line):
    (tmp_path / "label_list.txt").write_text(f"0 cat\n{line}\n")
    (tmp_path / "list.txt").write_text("a.png 0\n")
    assert f"{tmp_path / 'label_list.txt'}:2:" in message(tmp_path / "list.txt")


def test_a_label_in_val_that_training_does_not_have(tmp_path):
    (tmp_path / "train_list.txt").write_text("a.png 0\nb.png 1\n")
    (tmp_path / "val_list.txt").write_text("c.png 2\n")
    text = message(tmp_path)
    assert "val_list.txt" in text and "label 2" in text and "2 classes (0 to 1)" in text


def test_class_names_of_a_model_count_the_labels(tmp_path):
    (tmp_path / "list.txt").write_text("a.png 1\n")
    (tmp_path / "label_list.txt").write_text("0 x\n1 y\n2 z\n")
    assert sources.find(str(tmp_path / "list.txt"), class_names=("cat", "dog")).train.class_names == ("cat", "dog")
    assert "label 1" in message(tmp_path / "list.txt", class_names=("cat",))


def test_match_classes_counts_anew(tmp_path):
    listing = sources.find(str(folder(tmp_path, "cat/1.png", "dog/1.png", "dog/2.png"))).train
    matched = sources.match_classes(listing, ("dog", "emu", "cat"), "photos")
    assert (matched.labels, matched.paths, matched.class_names) == ((2, 0, 0), listing.paths, ("dog", "emu", "cat"))
    with pytest.raises(DataError, match=r"(?s)photos: 1 classes.*: dog\..*cat"):
        sources.match_classes(listing, ("cat",), "photos")


@pytest.mark.parametrize(("data", "hint"), [("digit", "'digits'"), ("Digits", "'digits'"), ("no/such/folder", "digits")])
def test_no_data_there(data, hint):
    text = message(data)
    assert f"'{data}'" in text and hint in text


@pytest.mark.parametrize("train", ["", "train/"])
def test_images_without_class_folders(tmp_path, train):
    folder(tmp_path, f"{train}1.png", f"{train}2.JPG", f"{train}.hidden.png", f"{train}notes.txt")
    text = message(tmp_path)
    assert "2 images without class folders" in text and "/cat/1.jpg" in text


def test_no_image_at_all(tmp_path):
    (tmp_path / "cat").mkdir()
    assert "no images" in message(tmp_path)


def test_an_empty_val_folder_is_an_error_that_names_it(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png")
    (tmp_path / "val").mkdir()
    assert str(tmp_path / "val") in message(tmp_path)


@pytest.mark.parametrize("below", ["", "cat"])
def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch, below):
    folder(tmp_path, "cat/1.png", "dog/1.png")
    scan = os.scandir

    def deny(path):
        if os.fspath(path) == str(tmp_path / below):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", deny)
    text = message(tmp_path)
    assert str(tmp_path / below) in text and "Permission denied" in text


def test_a_list_that_may_not_be_read(tmp_path):
    (tmp_path / "train_list.txt").write_text("a.png 0\n")
    (tmp_path / "label_list.txt").mkdir()  # stands in for any OSError, also where the tests run as root
    assert str(tmp_path / "label_list.txt") in message(tmp_path)


def test_the_built_in_digits(own_cache):
    source = sources.find("digits")
    assert source.train.class_names == tuple("0123456789") == source.val.class_names
    assert (len(source.train.paths), len(source.val.paths)) == (1442, 355)
    assert not {path.rsplit("/", 1)[1] for path in source.train.paths} & {path.rsplit("/", 1)[1] for path in source.val.paths}
    assert len(source.notes) == 1 and "handwritten digits" in source.notes[0]
    with Image.open(source.train.root / source.train.paths[0]) as image:
        assert (image.size, image.mode) == ((64, 64), "L")
    before = sorted(path for path in own_cache.rglob("*"))
    assert sources.find("digits") == source and sorted(path for path in own_cache.rglob("*")) == before
