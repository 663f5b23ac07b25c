"""Odd settings, files and lists that once went wrong."""

import io
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from kclassify import config
from kclassify.config import RunConfig, resolve
from kclassify.data import dataset, index, sources
from kclassify.data.images.decode import BadImage, probe, read_rgb
from kclassify.errors import DataError, UsageError

ORIENTATION = 0x0112


# --- config -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["optimizer:\n  lr: 0.2\n", "optimizer: {lr: 0.2}\n"])
def test_1_a_section_in_a_file(tmp_path, text):
    (tmp_path / "run.yaml").write_text(text)
    assert resolve(file=tmp_path / "run.yaml").config.optimizer.lr == 0.2


@pytest.mark.parametrize("name", [None, "on", "null", "1e3", "007", "2024-01-02", "a: b", "ä\nö", "0,1", "12:30"])
def test_1_a_config_comes_back_from_its_file_as_it_was(tmp_path, name):
    for given in (RunConfig(name=name), resolve({"optimizer.lr": 1e-05, "val": name, "augment.crop_scale": (0.3, 0.9)}).config):
        (tmp_path / "config.yaml").write_text(config.to_yaml(given), encoding="utf-8")
        assert resolve(file=tmp_path / "config.yaml").config == given


def test_1_an_unknown_key_in_a_section(tmp_path):
    (tmp_path / "run.yaml").write_text("optimizer: {lrr: 0.2}\n")
    with pytest.raises(UsageError, match=r"'optimizer.lrr' \(file .*\)\. Did you mean 'optimizer.lr'"):
        resolve(file=tmp_path / "run.yaml")


@pytest.mark.parametrize("text", ["nan", "inf", "-.inf", "9" * 400, "2024-13-45"])
@pytest.mark.parametrize("key", ["epochs", "optimizer.lr", "image_size"])
def test_2_numbers_that_are_none(key, text):
    with pytest.raises(UsageError, match=key):
        resolve(settings=[f"{key}={text}"])


def test_2_a_date_that_does_not_exist_in_a_file(tmp_path):
    (tmp_path / "run.yaml").write_text("name: 2024-31-12\n")
    try:
        resolve(file=tmp_path / "run.yaml")
    except UsageError as error:
        assert "run.yaml" in str(error)


@pytest.mark.parametrize("key", ["val", "gpus", "name"])
def test_3_null_after_set_means_not_set(key):
    assert getattr(resolve({key: "x"}, settings=[f"{key}=null"]).config, key) is None


@pytest.mark.parametrize(("key", "value"), [("seed", 2147483648), ("batch_size", 1000001), ("crop_pct", 1.0000001)])
def test_4_a_value_out_of_range_is_shown_as_given(key, value):
    with pytest.raises(UsageError, match=f"got {value}"):
        resolve({key: value})


@pytest.mark.parametrize(
    ("key", "near"), [("lr", "optimizer.lr"), ("flip", "augment.flip"), ("ema", "optimizer.ema"), ("keep", "checkpoint.keep")]
)
def test_5_a_key_without_its_section_has_a_hint(key, near):
    with pytest.raises(UsageError, match=f"Did you mean '{near}'"):
        resolve(settings=[f"{key}=0.1"])


def test_6_a_pair_of_numbers_may_be_written_as_a_single_one_may():
    assert resolve(settings=["augment.crop_scale=[8e-2, 1]"]).config.augment.crop_scale == (0.08, 1.0)


# --- files ------------------------------------------------------------------------------------------------------------------------


def photo() -> Image.Image:
    from skimage import data

    return Image.fromarray(data.coffee()).resize((90, 60))


def encoded(name: str, **options) -> bytes:
    buffer = io.BytesIO()
    photo().save(buffer, name, **options)
    return buffer.getvalue()


NO_IMAGES = {
    "html": b"<!DOCTYPE html><html>404</html>", "noise": bytes(range(256)) * 8, "zeros": bytes(5000), "text": b"hello", "one byte": b"\xff",
    "gif head": b"GIF89a", "jpeg head": b"\xff\xd8\xff\xe0", "png head": b"\x89PNG\r\n\x1a\n",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_IMAGES)
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.gif", "x"])
def test_7_what_is_no_image_is_a_bad_image(tmp_path, kind, name):
    (tmp_path / name).write_bytes(NO_IMAGES[kind])
    for function in (probe, read_rgb):
        with pytest.raises(BadImage, match=r"\w"):
            function(tmp_path / name)


@pytest.mark.parametrize("name", ["x.ppm", "x.pgm", "x.dib"])
def test_7_8_every_suffix_of_the_list_can_be_read(tmp_path, name):
    picture = photo().convert("L" if name == "x.pgm" else "RGB")
    picture.save(tmp_path / name)
    np.testing.assert_array_equal(read_rgb(tmp_path / name), np.asarray(picture.convert("RGB")))
    assert (probe(tmp_path / name).height, probe(tmp_path / name).width) == (60, 90)


def test_7_16_bit_pgm_keeps_its_top_8_bits(tmp_path):
    levels = np.arange(0, 65536, 16, dtype=">u2").reshape(64, 64)
    (tmp_path / "x.pgm").write_bytes(b"P5 64 64 65535\n" + levels.tobytes())
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.pgm")[..., 0], levels >> 8)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_9_a_truncated_png_is_found_by_its_header_pass(tmp_path, share, mode):
    photo().convert(mode).save(tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(content[: int(share * len(content))])
    with pytest.raises(BadImage, match="truncated"):
        probe(tmp_path / "x.png")


def test_9_the_header_pass_decodes_no_pixels_of_a_png(tmp_path, monkeypatch):
    (tmp_path / "x.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: pytest.fail("the whole picture was decoded"))
    assert probe(tmp_path / "x.png").width == 90


@pytest.mark.parametrize(("name", "suffix"), [("PNG", "png"), ("WEBP", "webp"), ("JPEG", "jpg")])
@pytest.mark.parametrize("exif", [b"garbage", b"", b"MM\x00*\x00\x00\x00\x08\x00\x05", b"MM\x00*\x00\x00\xff\x08"])
def test_10_a_broken_exif_block_spoils_no_picture(tmp_path, name, suffix, exif):
    """What viewers show is usable; at the least the file is a BadImage and the other files are still looked at."""
    (tmp_path / f"x.{suffix}").write_bytes(encoded(name, exif=b"Exif\x00\x00" + exif if name == "JPEG" else exif))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert (probe(tmp_path / f"x.{suffix}").height, read_rgb(tmp_path / f"x.{suffix}").shape) == (60, (60, 90, 3))
        except BadImage:
            return


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "p.png", "a.gif", "a.tiff", "a.bmp", "a.ppm"])
def test_10_damaged_bytes_give_a_bad_image_or_pixels_of_the_promised_size(tmp_path, name):
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F] = 6, "Canon"
    picture = photo().resize((40, 30)).quantize(9) if name == "p.png" else photo().resize((40, 30))
    picture.save(tmp_path / name, **({"exif": exif} if name.startswith("a") and name[2:] not in ("bmp", "ppm", "gif") else {}))
    content, random = (tmp_path / name).read_bytes(), np.random.default_rng(0)
    for trial in range(400):
        spoilt = bytearray(content[: random.integers(1, len(content))] if trial % 4 == 0 else content)
        for _ in range(random.integers(0, 4)):
            spoilt[random.integers(0, min(len(spoilt), 250))] = random.integers(0, 256)
        (tmp_path / name).write_bytes(spoilt)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                header = probe(tmp_path / name)
                assert read_rgb(tmp_path / name).shape == (header.height, header.width, 3)
            except BadImage:
                continue


@pytest.mark.parametrize("orientation", range(1, 9))
def test_11_the_size_of_a_turned_tiff(tmp_path, orientation):
    photo().save(tmp_path / "x.tiff", tiffinfo={ORIENTATION: orientation})
    header = probe(tmp_path / "x.tiff")
    assert read_rgb(tmp_path / "x.tiff").shape[:2] == (header.height, header.width)


@pytest.mark.parametrize("missing", [1, 6, 12])
def test_12_what_the_index_calls_usable_is_decoded_in_training_or_named(tmp_path, own_cache, missing):
    """A PNG whose pixels are whole but whose end is missing: Pillow reads it, TensorFlow does not."""
    from kclassify.data.pipeline import TrainTransform, find_unreadable, train_batches

    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "x.png").write_bytes(encoded("PNG"))
    (tmp_path / "data" / "a" / "x.png").write_bytes(encoded("PNG")[:-missing])
    found = index.scan(sources.find(str(tmp_path / "data")).train)
    if found.bad:
        return
    try:
        list(train_batches(found, TrainTransform(16), batch_size=2, seed=0, first_step=0, last_step=2))
    except Exception:
        assert find_unreadable(found) is not None


def test_13_a_jpeg_cut_off_after_its_thumbnail(tmp_path):
    exif = Image.Exif()
    with_thumbnail = io.BytesIO()
    photo().resize((40, 30)).save(with_thumbnail, "JPEG", quality=50)
    exif[0x010F] = "Canon"
    block = exif.tobytes() + with_thumbnail.getvalue()  # cameras keep it in IFD1 of this same segment
    content = encoded("JPEG", exif=block, quality=95)
    (tmp_path / "x.jpg").write_bytes(content[: content.index(with_thumbnail.getvalue()) + len(with_thumbnail.getvalue()) + 1500])
    with pytest.raises(BadImage, match="truncated"):
        probe(tmp_path / "x.jpg")


# --- index and sources ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["half", "head", "crc", "no zip inside"])
def test_14_a_damaged_cache_is_made_again(photos, own_cache, damage):
    listing = sources.find(str(photos)).train
    expected = index.scan(listing)
    (cached,) = own_cache.rglob("*.npz")
    content = cached.read_bytes()
    if damage == "no zip inside":
        with zipfile.ZipFile(cached, "w") as file:
            file.writestr("table.npy", b"\x93NUMPY")
    else:
        cached.write_bytes(
            {"half": content[: len(content) // 2], "head": content[:6], "crc": content[:150] + bytes(20) + content[170:]}[damage]
        )
    assert index.scan(listing).heights.tolist() == expected.heights.tolist()


@pytest.mark.parametrize(
    "links", [{"cat/again": "cat"}, {"cat/up": "."}, {"cat/me": "cat/me"}, {"me": "me"}, {"cat/x": "cat", "cat/y": "cat"}], ids=str
)
def test_15_links_in_a_circle(photos, links):
    for link, target in links.items():
        (photos / link).symlink_to(photos / target)
    try:
        paths = sources.find(str(photos)).train.paths
    except DataError:
        return
    assert len(paths) == 12


def test_16_two_classes_of_one_name_stay_two(tmp_path, own_cache):
    photo().save(tmp_path / "a.png")
    photo().save(tmp_path / "b.png")
    (tmp_path / "train_list.txt").write_text("a.png 0\nb.png 1\n")
    (tmp_path / "label_list.txt").write_text("0 crane\n1 crane\n")  # as in ImageNet: a bird and a machine
    try:
        found = dataset.load_for_eval(str(tmp_path), ("crane", "crane"))
    except DataError:
        return
    assert found.labels.tolist() == [0, 1]


def test_17_a_class_called_train(tmp_path):
    for name in ("car", "plane", "train"):
        (tmp_path / name).mkdir()
        photo().save(tmp_path / name / "1.jpg")
    assert sources.find(str(tmp_path)).train.class_names == ("car", "plane", "train")


def test_18_a_label_list_may_use_tabs_as_a_list_may(tmp_path):
    (tmp_path / "list.txt").write_text("a.png\t0\nb.png\t1\n")
    (tmp_path / "label_list.txt").write_text("0\tred rose\n1\ttulip\n")
    assert sources.find(str(tmp_path / "list.txt")).train.class_names == ("red rose", "tulip")


def test_19_a_label_without_any_like_it_does_not_make_millions_of_classes(tmp_path):
    (tmp_path / "list.txt").write_text("a.png 0\nb.png 1\nc.png 9999999\n")
    try:
        assert len(sources.find(str(tmp_path / "list.txt")).train.class_names) < 100_000
    except DataError as error:
        assert "9999999" in str(error)
