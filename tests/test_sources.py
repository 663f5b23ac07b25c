"""What is found at --data: class folders, train/ and val/, list files, and what a message says when nothing usable is there."""

import os

import pytest
from PIL import Image

from kclassify.data import sources
from kclassify.data.sources import pack
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


def message(*arguments) -> str:
    with pytest.raises(DataError) as caught:
        sources.find(*map(str, arguments))
    text = str(caught.value)
    assert len(text.splitlines()) <= 3
    return text


def notes(data, val=None) -> str:
    return "\n".join(sources.find(str(data), val).notes)


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


def test_a_test_part_is_left_alone_beside_val_and_stands_in_for_it_where_there_is_none(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/dog/3.png", "val/dog/2.png")
    assert f"{tmp_path / 'test'} is not used" in notes(tmp_path)
    (tmp_path / "val").rename(tmp_path.parent / f"{tmp_path.name}-val")
    assert found(tmp_path, "val") == {"dog/3.png": "dog"} and "its test part is taken for it" in notes(tmp_path)


def test_test_images_without_class_folders_are_not_validated_on(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/1.png", "test/2.png")
    assert sources.find(str(tmp_path)).val is None and "it has no class folders" in notes(tmp_path)


@pytest.mark.parametrize("top", ["images", "flowers/flowers", "Images/photos/all", "train"])
def test_what_archives_put_around_a_data_set_is_gone_through(tmp_path, top):
    folder(tmp_path, f"{top}/Train/cat/1.png", f"{top}/Train/dog/1.png", f"{top}/VAL/dog/2.png", "__MACOSX/x/1.png", ".cache/x/1.png")
    assert found(tmp_path, "val") == {"dog/2.png": "dog"} and str(tmp_path / top) in notes(tmp_path)
    assert sources.find(str(tmp_path)).train.root == tmp_path / top / "Train"
    folder(tmp_path / "flat", f"{top}/cat/1.png", f"{top}/dog/1.png")
    assert sources.find(str(tmp_path / "flat")).train.root.name == top.rsplit("/", 1)[-1]


def test_a_folder_without_images_beside_the_data_set_is_no_class(tmp_path):
    folder(tmp_path, "images/train/cat/1.png", "images/train/dog/1.png")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "cat.xml").write_text("<x/>")
    assert found(tmp_path) == {"cat/1.png": "cat", "dog/1.png": "dog"}


def test_a_folder_inside_train_is_gone_through_too(tmp_path):
    folder(tmp_path, "train/images/cat/1.png", "train/images/dog/1.png", "val/val/dog/2.png", "val/val/dog/more/3.png")
    source = sources.find(str(tmp_path))
    assert source.train.class_names == ("cat", "dog") and source.val.paths == ("dog/2.png", "dog/more/3.png")
    folder(tmp_path / "b", "val/dog/2.png", "val/dog/more/3.png", "train/cat/1.png", "train/dog/1.png")
    assert sources.find(str(tmp_path / "b")).val.paths == ("dog/2.png", "dog/more/3.png")


def test_a_lone_folder_is_not_gone_through_where_images_would_be_lost(tmp_path):
    folder(tmp_path, "1.png", "2.png", "more/a/1.png", "more/b/1.png")
    assert sources.find(str(tmp_path)).train.class_names == ("more",) and "that are not used: 2" in notes(tmp_path)


def test_folders_called_train_inside_classes_are_no_parts(tmp_path):
    folder(tmp_path, "rail/train/1.png", "road/car/1.png", "road/train/1.png")
    assert found(tmp_path) == {"rail/train/1.png": "rail", "road/car/1.png": "road", "road/train/1.png": "road"}


def test_one_class_of_several_folders_is_judged_as_that_class(tmp_path):
    folder(tmp_path, "cat/2019/1.png", "cat/2020/1.png")
    assert sources.find_held_out(str(tmp_path), ("cat", "dog")).labels == (0, 0)


@pytest.mark.parametrize("names", [("a/train/cat/1.png", "b/train/cat/1.png"), ("a/train/cat/1.png", "a/val/cat/1.png", "b/cat/1.png")])
def test_several_data_sets_in_one_folder_are_not_taken_for_classes(tmp_path, names):
    folder(tmp_path, *names)
    text = message(tmp_path)
    assert "several data sets" in text and "b/" in text and f"--data {tmp_path}/" in text


@pytest.mark.parametrize("stray", ["val", "Validation", "test"])
def test_a_split_beside_class_folders_is_no_class(tmp_path, stray):
    folder(tmp_path, "cat/1.png", "dog/1.png", f"{stray}/cat/2.png")
    text = message(tmp_path)
    assert f"holds {stray}/ beside class folders" in text and f"{tmp_path}/train" in text and "--val" in text


def test_a_class_called_train_with_folders_in_it_is_not_taken_for_the_training_part(tmp_path):
    folder(tmp_path, "train/steam/1.png", "train/diesel/1.png", "car/1.png", "plane/1.png")
    text = message(tmp_path)
    assert "car, plane" in text and "a part of a data set, or a class?" in text and f"--data {tmp_path / 'train'}" in text
    folder(tmp_path, "val/steam/2.png")
    assert sources.find(str(tmp_path)).train.class_names == ("diesel", "steam")


def test_two_folders_of_one_part(tmp_path):
    folder(tmp_path, "train/cat/1.png", "val/cat/1.png", "valid/cat/2.png")
    assert "both val/ and valid/" in message(tmp_path)


def test_no_training_part(tmp_path):
    folder(tmp_path, "val/cat/1.png", "test/dog/1.png")
    assert "a part for val, but none for training" in message(tmp_path)
    assert sources.find_held_out(str(tmp_path), ("cat", "dog")).paths == ("cat/1.png",)


def test_what_is_judged_on(tmp_path):
    folder(tmp_path, "train/cat/1.png", "val/cat/2.png", "test/cat/3.png")
    judged = [sources.find_held_out(str(tmp_path / part), ("dog", "cat")) for part in ("", "train", "val", "test")]
    assert [listing.paths[0] for listing in judged] == ["cat/2.png", "cat/1.png", "cat/2.png", "cat/3.png"]
    assert {listing.labels for listing in judged} == {(1,)}
    with pytest.raises(DataError, match=r"never trained: cat\.\n.*these 1: emu.*Without an image here: emu"):
        sources.find_held_out(str(tmp_path), ("emu",))


def test_what_lies_beside_is_told(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png", "train/loose.png", "val/dog/2.png", "extra/emu/1.png", "loose.png", "b.png")
    (tmp_path / "train" / "bird").mkdir()
    text = notes(tmp_path)
    assert "extra" in text and f"in {tmp_path} that are not used: 2" in text and f"in {tmp_path / 'train'} that are not used: 1" in text
    assert f"folders in {tmp_path / 'train'} without an image, which are no classes: bird" in text


@pytest.mark.parametrize("names", [("cat", "Cat"), ("caf\u00e9", "cafe\u0301")])
def test_names_that_differ_by_their_spelling_alone(tmp_path, names):
    folder(tmp_path, *(f"{name}/1.png" for name in names), "dog/1.png")
    text = message(tmp_path)
    assert all(repr(name) in text for name in names) and "If they are one class" in text


def test_a_class_name_that_no_file_could_hold(tmp_path):
    folder(tmp_path, "dog/1.png", os.fsdecode(b"caf\xe9/1.png"))
    assert "'caf\\udce9'" in message(tmp_path)


@pytest.mark.parametrize("val", ["photos", "./photos/", "photos/../photos", "link", "both/train"])
def test_validation_on_the_training_images_is_an_error(tmp_path, monkeypatch, val):
    folder(tmp_path / "photos", "cat/1.png", "dog/1.png")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    folder(tmp_path / "both", "train/cat/1.png", "train/dog/1.png", "val/dog/1.png")
    monkeypatch.chdir(tmp_path)
    assert f"{val}: these are the training images themselves" in message("both" if "both" in val else "photos", val)


def test_val_may_be_a_data_set_with_a_part_for_it(tmp_path):
    folder(tmp_path / "a", "cat/1.png", "dog/1.png")
    folder(tmp_path / "b", "train/cat/1.png", "val/dog/7.png")
    assert sources.find(str(tmp_path / "a"), str(tmp_path / "b")).val.paths == ("dog/7.png",)


def test_train_without_val(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png")
    assert sources.find(str(tmp_path)).val is None


def test_an_unknown_class_in_val_is_named(tmp_path):
    folder(tmp_path, "train/cat/1.png", "train/dog/1.png", "val/dog/2.png", "val/Cat/2.png", "val/emu/1.png")
    text = message(tmp_path)
    assert str(tmp_path / "val") in text and "Cat, emu. Did you mean 'cat'?" in text and "these 2: cat, dog" in text
    assert "Without an image here: cat." in text


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
    folder(tmp_path, "@eaDir/cat/1.png", "dog/@eaDir/1.png", "desktop.ini", "dog/Desktop.ini", "cat/.DS_Store")
    assert found(tmp_path) == {"cat/1.png": "cat", "dog/1.png": "dog"}
    assert sources.find(str(tmp_path)).train.others == {".txt": 1, ".part": 1}


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


def test_a_list_for_test_is_not_read_beside_one_for_val(tmp_path):
    (tmp_path / "train_list.txt").write_text("jpg/a/1.png 0\njpg/b/1.png 1\n")
    (tmp_path / "test_list.txt").write_text("c.png 1\n")
    folder(tmp_path, "jpg/a/1.png", "jpg/b/1.png")
    assert sources.find(str(tmp_path)).val.paths == ("c.png",) and "its test part is taken" in notes(tmp_path)
    (tmp_path / "val_list.txt").write_text("d.png 1\n")
    (tmp_path / "test_list.txt").write_text("c.png\n")
    assert sources.find(str(tmp_path)).val.paths == ("d.png",)


@pytest.mark.parametrize("place", ["shards", "shards/shards"])
def test_a_folder_of_tfrecord_files(tmp_path, place):
    samples = {"train": [("a.png", b"1", 0), ("b.png", b"22", 1)], "val": [("c.png", b"333", 1)]}
    (tmp_path / place).parent.mkdir(exist_ok=True)
    pack.write(tmp_path / place, samples, ["cat", "dog"])
    picture(tmp_path / place / "examples" / "1.png")
    source = sources.find(str(tmp_path / "shards"))
    assert (source.train.labels, source.val.labels, source.train.class_names) == ((0, 1), (1,), ("cat", "dog"))
    judged = sources.find_held_out(str(tmp_path / "shards"), ("dog", "emu", "cat"))
    assert (judged.labels, judged.ranges.tolist()) == ((0,), source.val.ranges.tolist())
    picture(tmp_path / "b" / "cat" / "1.png")
    assert sources.find(str(tmp_path / "shards"), str(tmp_path / "b")).val.paths == ("cat/1.png",)


def test_a_label_without_a_name_is_called_by_its_number(tmp_path):
    (tmp_path / "label_list.txt").write_text("0 cat\r\n2 emu\r\n")
    assert listed(tmp_path, "a.png 0\nb.png 3\n").class_names == ("cat", "1", "emu", "3")


def test_more_names_than_labels_are_classes_too(tmp_path):
    (tmp_path / "label_list.txt").write_text("0 cat\n1 dog\n2 emu\n")
    assert listed(tmp_path, "a.png 0\nb.png 1\n").class_names == ("cat", "dog", "emu")
    (tmp_path / "label_list.txt").write_text("".join(f"{number} n{number}\n" for number in range(2000)))
    assert listed(tmp_path, "a.png 0\nb.png 1500\n").class_names[1500] == "n1500"


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
    judged = sources.find_held_out(str(tmp_path / "list.txt"), ("cat", "dog"))
    assert (judged.class_names, judged.labels) == (("cat", "dog"), (1,))
    with pytest.raises(DataError, match=r"list\.txt:1: label 1 found, but there are 1 classes"):
        sources.find_held_out(str(tmp_path / "list.txt"), ("cat",))


def test_match_classes_counts_anew(tmp_path):
    listing = sources.find(str(folder(tmp_path, "cat/1.png", "dog/1.png", "dog/2.png"))).train
    matched = sources.match_classes(listing, ("dog", "emu", "cat"), "photos")
    assert (matched.labels, matched.paths, matched.class_names) == ((2, 0, 0), listing.paths, ("dog", "emu", "cat"))
    with pytest.raises(DataError, match=r"(?s)photos: classes that were never trained: dog\..*these 1: cat"):
        sources.match_classes(listing, ("cat",), "photos")
    with pytest.raises(DataError, match="2 classes are called 'cat'"):  # as in ImageNet: a crane is a bird and a machine
        sources.match_classes(listing, ("cat", "dog", "cat"), "photos")


TABLE = {
    "list.csv": "path,label\na.png,tulip\nsub/b.png,red rose\nc.png,tulip\n",
    "columns.csv": "\ufeff Split ,Class,File_Name,size\r\ntrain,tulip,a.png,3\r\ntrain,red rose,sub/b.png,4\r\ntrain,tulip,c.png,\r\n",
    "quotes.csv": 'label,image\n"tulip", "a.png"\n\n"red rose","sub/b.png"\ntulip,c.png',
    "semicolons.csv": "path;target\na.png;tulip\nsub\\b.png;red rose\nc.png;tulip\n",
    "list.tsv": "filepath\tlabels\na.png\ttulip\nsub/b.png\tred rose\nc.png\ttulip\n",
    "list.jsonl": '{"path": "a.png", "labels": ["tulip"]}\n\n{"label": "red rose", "path": "sub/b.png"}\n'
    '{"file_name": "c.png", "class": "tulip"}',
}


@pytest.mark.parametrize("name", TABLE)
def test_tables(tmp_path, name):
    listing = listed(tmp_path, TABLE[name], name)
    assert (listing.paths, listing.labels, listing.root) == (("a.png", "sub/b.png", "c.png"), (1, 0, 1), tmp_path.resolve())
    assert listing.class_names == ("red rose", "tulip")


@pytest.mark.parametrize("name", TABLE)
def test_tables_count_in_the_order_of_a_label_list_or_a_model(tmp_path, name):
    (tmp_path / "label_list.txt").write_text("0 tulip\n1 emu\n2 red rose\n")
    assert (listed(tmp_path, TABLE[name], name).labels, listed(tmp_path, TABLE[name], name).class_names[1]) == ((0, 2, 0), "emu")
    assert sources.find_held_out(str(tmp_path / name), ("red rose", "x", "tulip")).labels == (2, 0, 2)
    with pytest.raises(DataError, match=r"\.[a-z]+:\d: 'red rose' is not one of the 2 classes: rose, tulip"):
        sources.find_held_out(str(tmp_path / name), ("rose", "tulip"))


@pytest.mark.parametrize("text", ["path,label\na.png,0\nb.png,2\n", '{"path": "a.png", "label": 0}\n{"path": "b.png", "label": "2"}'])
def test_whole_numbers_in_a_table_are_class_numbers_as_in_a_text_list(tmp_path, text):
    name = "list.csv" if text.startswith("path") else "list.jsonl"
    assert (listed(tmp_path, text, name).labels, listed(tmp_path, text, name).class_names) == ((0, 2), ("0", "1", "2"))
    assert sources.find_held_out(str(tmp_path / name), ("cat", "dog", "emu")).labels == (0, 2)
    assert sources.find_held_out(str(tmp_path / name), ("2", "1", "0")).labels == (2, 0)  # there they are names


def test_a_table_with_splits(tmp_path):
    (tmp_path / "all.csv").write_text("path,label,split\na.png,b,train\nb.png,a,train\nc.png,b,Validation\nd.png,a,test\n")
    source = sources.find(str(tmp_path / "all.csv"))
    assert (source.train.paths, source.val.paths, source.val.labels) == (("a.png", "b.png"), ("c.png",), (1,))
    (tmp_path / "all.csv").write_text("path,label,split\na.png,b,train\nb.png,a,train\nd.png,a,test\n")
    assert sources.find(str(tmp_path / "all.csv")).val.paths == ("d.png",) and "its test part" in notes(tmp_path / "all.csv")
    (tmp_path / "all.csv").write_text("path,label,split\na.png,b,train\nb.png,a,train\nd.png,emu,val\n")
    assert f"{tmp_path / 'all.csv'}:4: 'emu' is not one of the 2 classes: a, b" in message(tmp_path / "all.csv")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_a_folder_with_tables(tmp_path, ending):
    for part, label in (("train", "cat"), ("train", "dog"), ("val", "dog")):
        with (tmp_path / f"{part}.{ending}").open("a") as file:
            header = "" if file.tell() or ending == "jsonl" else {"csv": "path,label\n", "tsv": "path\tlabel\n"}[ending]
            row = {"csv": f"{label}.png,{label}", "tsv": f"{label}.png\t{label}", "jsonl": f'{{"path": "{label}.png", "label": "{label}"}}'}
            file.write(f"{header}{row[ending]}\n")
    assert found(tmp_path) == {"cat.png": "cat", "dog.png": "dog"} and found(tmp_path, "val") == {"dog.png": "dog"}
    folder(tmp_path, "train/rose/1.png", "train/tulip/1.png")
    assert found(tmp_path) == {"rose/1.png": "rose", "tulip/1.png": "tulip"}


def test_lists_go_before_folders_as_in_imagenet_for_paddleclas(tmp_path):
    folder(tmp_path, "ilsvrc/train/n01/1.png", "ilsvrc/train/n02/1.png", "ilsvrc/val/1.png")
    (tmp_path / "ilsvrc" / "train_list.txt").write_text("train/n01/1.png 0\ntrain/n02/1.png 1\n")
    (tmp_path / "ilsvrc" / "val_list.txt").write_text("val/1.png 1\n")
    assert found(tmp_path, "val") == {"val/1.png": "1"} and "train_list.txt" in notes(tmp_path)


BROKEN_TABLES = {
    "no path column": ("a.csv", "id,label\n1,cat\n", ":1: found the columns 'id, label'"),
    "no label column": ("a.csv", "path,cat,dog\n1.png,0,1\n", ":1: found the columns 'path, cat, dog'"),
    "no header": ("a.csv", "1.png,cat\n2.png,dog\n", ":1: found the columns '1.png, cat'"),
    "header alone": ("a.csv", "path,label\n", "no line with an image"),
    "empty": ("a.csv", "", "no line with an image"),
    "no label": ("a.csv", "path,label\n1.png,cat\n2.png, \n", ":3: no label"),
    "short": ("a.csv", "path,label\n1.png\n", ":2: no label"),
    "no path": ("a.csv", "path,label\n,cat\n", ":2: no path"),
    "too many fields": ("a.csv", "path,label\n1.png,cat,dog\n", ":2: 3 fields, but 2 columns"),
    "open quote": ("a.csv", 'path,label\n"1.png,cat\n2.png,dog\n', "not a line of CSV"),
    "two labels": ("a.csv", "path,labels\n1.png,cat;dog\n", ":2: several labels, cat;dog. Expected one label a picture"),
    "two labels in quotes": ("a.csv", 'path,labels\n1.png,"[1, 2]"\n', ":2: several labels"),
    "unknown split": ("a.csv", "path,label,split\n1.png,cat,fold1\n", ":2: unknown split 'fold1'"),
    "names among numbers": ("a.csv", "path,label\n1.png,0\n2.png,1\n3.png,cat\n", ":4: the label is the name 'cat'"),
    "two labels for a file": ("a.csv", "path,label\n1.png,cat\n2.png,dog\n./1.png,dog\n", ":4: ./1.png stands in line 2 already (cat, "),
    "a file in both parts": ("a.csv", "path,label,split\n1.png,cat,train\n1.png,cat,val\n", ":3: 1.png stands in line 2 already"),
    "case twins": ("a.csv", "path,label\n1.png,cat\n2.png,Cat\n", "'Cat' and 'cat'"),
    "label is no UTF-8": ("a.csv", b"path,label\n1.png,caf\xe9\n2.png,dog\n", "caf"),
    "UTF-16": ("a.csv", "path,label\n1.png,cat\n".encode("utf-16"), "UTF-16"),
    "binary": ("a.csv", b"PK\x03\x04\0\0", "not a text file"),
    "broken line": ("a.jsonl", '{"path": "1.png", "label": "cat"}\n{"path": "2.png", "la\n', ":2: expected one JSON object a line"),
    "an array": ("a.json", '[\n{"path": "1.png", "label": "cat"}]\n', ":1: expected one JSON object a line"),
    "deep": ("a.jsonl", "[" * 100_000, ":1: expected one JSON object a line"),
    "several": ("a.jsonl", '{"path": "1.png", "labels": ["cat", "dog"]}', ":1: several labels, ['cat', 'dog']"),
    "no name": ("a.jsonl", '{"path": "1.png", "label": null}', ":1: the label is None"),
    "a fraction": ("a.jsonl", '{"path": "1.png", "label": 1.5}', ":1: the label is 1.5"),
    "a truth": ("a.jsonl", '{"path": "1.png", "label": true}', ":1: the label is True"),
    "a path that is a number": ("a.jsonl", '{"path": 1, "label": 1}', ":1: the path is 1"),
    "a path that is none": ("a.jsonl", '{"path": "\\u0000.png", "label": 1}', ":1: no path"),
    "half a letter": ("a.jsonl", '{"path": "\\ud800.png", "label": 1}', ":1: no path"),
    "no key": ("a.jsonl", '{"path": "1.png", "label": "a"}\n{"path": "2.png"}', ":2: found the columns 'path'"),
    "two labels in a text": ("a.txt", "1.png 0\n2.png 1\n1.png 1\n", ":3: 1.png stands in line 1 already (0, "),
    "UTF-16 text": ("a.txt", "1.png 0\n".encode("utf-16"), "UTF-16"),
    "far label": ("a.txt", "1.png 0\n2.png 99999\n", ":2: label 99999 with 2 images"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN_TABLES)
def test_what_is_wrong_in_a_list_is_named_with_its_line(tmp_path, case):
    name, text, expected = BROKEN_TABLES[case]
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert f"{tmp_path / name}{expected}" in message(tmp_path / name) if expected[0] == ":" else expected in message(tmp_path / name)


def test_a_line_that_repeats_another_counts_once(tmp_path):
    assert listed(tmp_path, "a.png 0\nb.png 1\n./a.png 0\n").paths == ("a.png", "b.png")
    assert "a second time and are left out: 1" in notes(tmp_path / "train_list.txt")


@pytest.mark.skipif(os.sep == "\\", reason="there a backslash is no letter of a name")
def test_paths_as_windows_writes_them(tmp_path):
    picture(tmp_path / "odd\\name.png")
    assert listed(tmp_path, "images\\cat\\1.png 0\nodd\\name.png 1\n").paths == ("images/cat/1.png", "odd\\name.png")


def test_a_label_list_that_names_a_label_twice(tmp_path):
    (tmp_path / "label_list.txt").write_text("0 cat\n1 dog\n0 emu\n")
    (tmp_path / "list.txt").write_text("a.png 0\n")
    assert f"{tmp_path / 'label_list.txt'}:3: label 0 is 'cat'" in message(tmp_path / "list.txt")


def test_the_folder_beside_is_proposed_where_a_name_is_wrong(tmp_path):
    folder(tmp_path, "flowers/rose/1.png")
    assert "Did you mean 'flowers'?" in message(tmp_path / "flwoers")


@pytest.mark.parametrize("data", ["", "  ", "x" * 5000, "a\0b", "~no-such-user/x", "/dev/null"])
def test_what_cannot_be_a_path(data):
    assert "Expected a folder of images" in message(data)


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
    assert f"'{tmp_path}' holds no images" in message(tmp_path)


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
