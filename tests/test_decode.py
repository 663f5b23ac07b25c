"""Image files as users have them: every format, depth and orientation becomes upright RGB, and everything else a BadImage that says why."""

import io
import os
import shutil
import struct
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from odd_picture import UPRIGHT
from PIL import Image, ImageOps

from kclassify.data.images.decode import PILLOW, PIXEL_LIMIT, TENSORFLOW_JPEG, TENSORFLOW_PNG, BadImage, probe, read_rgb

ORIENTATION = 0x0112


@pytest.fixture
def photo(photo_arrays):
    """A photograph of 60 x 90 pixels."""
    return Image.fromarray(photo_arrays["coffee"]).resize((90, 60))


def read(path) -> np.ndarray:
    """read_rgb, with what must hold of all that it returns and of probe's answer."""
    pixels, header = read_rgb(path), probe(path)
    assert pixels.dtype == np.uint8 and pixels.shape == (header.height, header.width, 3)
    return pixels


def refused(path, *, opener=(probe, read_rgb)) -> str:
    """The reason why a file is refused, which all openers must give."""
    reasons = []
    for function in opener:
        with pytest.raises(BadImage) as caught:
            function(path)
        reasons.append(str(caught.value))
    assert all(reasons)
    return reasons[0]


def difference(found: np.ndarray, expected) -> float:
    return float(np.abs(found.astype(float) - np.asarray(expected, float)).mean())


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"keep_rgb": True}], ids=str)
def test_jpeg(tmp_path, photo, mode, options):
    path = tmp_path / "x.jpg"
    photo.convert(mode).save(path, quality=95, **options)
    assert difference(read(path), photo.convert(mode).convert("RGB")) < 5
    assert probe(path).decoder == (PILLOW if mode == "CMYK" else TENSORFLOW_JPEG)


def test_progressive_jpeg_is_the_same_picture_as_the_baseline_one(tmp_path, photo):
    photo.save(tmp_path / "a.jpg")
    photo.save(tmp_path / "b.jpg", progressive=True)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg"), read(tmp_path / "b.jpg"))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "LA", "RGBA"])
def test_png_is_lossless(tmp_path, photo, mode):
    picture = photo.quantize(50) if mode == "P" else photo.convert(mode)
    picture.save(tmp_path / "x.png")
    np.testing.assert_array_equal(read(tmp_path / "x.png"), np.asarray(picture.convert("RGB")))
    assert probe(tmp_path / "x.png").decoder == (TENSORFLOW_PNG if mode in ("RGB", "L") else PILLOW)


def test_bilevel_png_is_black_and_white(tmp_path):
    Image.fromarray(np.eye(8, dtype=bool)).save(tmp_path / "x.png")
    np.testing.assert_array_equal(read(tmp_path / "x.png")[..., 1], np.eye(8, dtype=np.uint8) * 255)


@pytest.mark.parametrize("name", ["x.png", "x.tiff"])
def test_16_bit_grey_keeps_its_top_8_bits(tmp_path, name):
    levels = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    Image.fromarray(levels).save(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name), np.repeat((levels >> 8).astype(np.uint8)[..., None], 3, axis=2))


def png(height: int, width: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG file by hand, for depths that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_16_bit_rgb_png_keeps_its_top_8_bits(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, 3)).astype(">u2")
    (tmp_path / "x.png").write_bytes(png(5, 7, 16, 2, b"".join(b"\0" + row.tobytes() for row in pixels)))
    np.testing.assert_array_equal(read(tmp_path / "x.png"), pixels >> 8)


@pytest.mark.parametrize("depth", [2, 4])
def test_few_grey_levels_are_spread_over_the_range(tmp_path, depth):
    row = bytes([0b00011011]) if depth == 2 else bytes([0x0F, 0x5A])
    (tmp_path / "x.png").write_bytes(png(1, 4, depth, 0, b"\0" + row))
    assert read(tmp_path / "x.png")[0, :, 0].tolist() == ([0, 85, 170, 255] if depth == 2 else [0, 255, 85, 170])


@pytest.mark.parametrize("name", ["x.png", "x.webp", "x.tiff"])
def test_transparent_pixels_lie_over_white(tmp_path, photo, name):
    pixels = np.array(photo.convert("RGBA"))
    pixels[..., 3] = np.linspace(0, 255, 90).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / name, **({"lossless": True, "exact": True} if name == "x.webp" else {}))
    share = pixels[..., 3:] / 255
    assert np.abs(read(tmp_path / name) - (pixels[..., :3] * share + 255 * (1 - share))).max() <= 1


@pytest.mark.parametrize("name", ["x.png", "x.gif"])
def test_a_transparent_colour_of_a_palette_is_white(tmp_path, name):
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((0, 0), 0)
    picture.save(tmp_path / name, transparency=0)
    assert read(tmp_path / name)[0, :2].tolist() == [[255, 255, 255], [200, 100, 50]]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_transparent_colour_of_a_plain_png_is_white(tmp_path, mode):
    picture = Image.new(mode, (4, 4), 200 if mode == "L" else (200, 200, 200))
    picture.putpixel((0, 0), 7 if mode == "L" else (7, 7, 7))
    picture.save(tmp_path / "x.png", transparency=7 if mode == "L" else (7, 7, 7))
    assert read(tmp_path / "x.png")[0, :2, 0].tolist() == [255, 200]
    assert probe(tmp_path / "x.png").decoder == PILLOW


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "x.tiff", "x.png"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, name):
    frames = [Image.new("RGB", (20, 10), colour) for colour in ((200, 0, 0), (0, 0, 200), (0, 200, 0))]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert difference(read(tmp_path / name), frames[0]) < 3


def test_a_camera_s_jpeg_with_a_second_picture_inside_is_its_first(tmp_path, photo):
    photo.save(tmp_path / "x.jpg", format="MPO", save_all=True, append_images=[ImageOps.invert(photo)])
    assert difference(read(tmp_path / "x.jpg"), photo) < 10


@pytest.mark.parametrize("name", ["x.bmp", "x.tiff", "x.webp"])
def test_other_formats_are_lossless(tmp_path, photo, name):
    photo.save(tmp_path / name, **({"lossless": True} if name == "x.webp" else {}))
    np.testing.assert_array_equal(read(tmp_path / name), np.asarray(photo))
    assert probe(tmp_path / name).decoder == PILLOW


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiff(tmp_path, photo, compression):
    photo.save(tmp_path / "x.tif", compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "x.tif"), np.asarray(photo))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.png", "x.webp", "x.jpg"])
def test_pictures_stand_upright(tmp_path, photo, name, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo.save(tmp_path / name, exif=exif, **({"lossless": True} if name == "x.webp" else {"quality": 95} if name == "x.jpg" else {}))
    found = read(tmp_path / name)
    with Image.open(tmp_path / name) as stored:
        np.testing.assert_array_equal(found, np.asarray(ImageOps.exif_transpose(stored).convert("RGB")))
    assert difference(found, UPRIGHT[orientation](np.asarray(photo))) < (4 if name == "x.jpg" else 1e-9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_stands_upright(tmp_path, photo, orientation):
    photo.save(tmp_path / "x.tiff", tiffinfo={ORIENTATION: orientation})
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.tiff"), UPRIGHT[orientation](np.asarray(photo)))


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_changes_nothing(tmp_path, photo, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo.save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "x.png"), np.asarray(photo))


@pytest.mark.parametrize("saved_as", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("name", ["x.jpg", "x.PNG", "x"])
def test_the_content_counts_and_not_the_extension(tmp_path, photo, saved_as, name):
    photo.save(tmp_path / name, format=saved_as)
    assert difference(read(tmp_path / name), photo) < 8


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.gif", "x.bmp", "x.webp", "x.tiff"])
def test_one_pixel(tmp_path, name):
    Image.new("RGB", (1, 1), (9, 9, 9)).save(tmp_path / name)
    assert read(tmp_path / name).tolist() == [[[9, 9, 9]]]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95, 0.999])
def test_a_truncated_jpeg_is_found_by_its_header_pass(tmp_path, photo, share):
    buffer = io.BytesIO()
    photo.resize((400, 300)).save(buffer, "JPEG", quality=95)
    (tmp_path / "x.jpg").write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    assert "truncated" in refused(tmp_path / "x.jpg")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_png_is_not_read(tmp_path, photo, share):
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    (tmp_path / "x.png").write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    assert "truncated" in refused(tmp_path / "x.png", opener=[read_rgb])


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path, photo):
    photo.save(tmp_path / "x.jpg")
    expected = read(tmp_path / "x.jpg")
    with (tmp_path / "x.jpg").open("ab") as file:
        file.write(bytes(20_000))  # as of phones that append a film
    np.testing.assert_array_equal(read(tmp_path / "x.jpg"), expected)


def test_an_empty_file(tmp_path):
    (tmp_path / "x.jpg").touch()
    assert "0 bytes" in refused(tmp_path / "x.jpg")


def test_a_directory_is_not_an_image(tmp_path):
    (tmp_path / "x.jpg").mkdir()
    assert "not a regular file" in refused(tmp_path / "x.jpg")


def test_a_file_that_is_not_there_and_a_dangling_link(tmp_path):
    (tmp_path / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    for name in ("gone.jpg", "link.jpg"):
        assert "No such file" in refused(tmp_path / name)


def test_a_link_to_itself(tmp_path):
    (tmp_path / "x.jpg").symlink_to(tmp_path / "x.jpg")
    assert "symbolic links" in refused(tmp_path / "x.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    assert "not a regular file" in refused(tmp_path / "x.jpg")


def test_a_file_that_may_not_be_read(tmp_path, photo, monkeypatch):
    photo.save(tmp_path / "x.jpg")

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    assert "Permission denied" in refused(tmp_path / "x.jpg")


@pytest.mark.parametrize("side", [9_460, 12_000, 50_000])
@pytest.mark.parametrize("warned", ["default", "error"])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side, warned):
    (tmp_path / "x.png").write_bytes(png(side, side, 8, 2, bytes(100)))
    begin = time.perf_counter()
    with warnings.catch_warnings(record=warned == "default"):
        warnings.simplefilter(warned)
        assert f"{PIXEL_LIMIT:,}" in refused(tmp_path / "x.png")
    assert time.perf_counter() - begin < 1


def test_reading_leaves_no_file_open_and_changes_nothing(tmp_path, photo):
    photo.save(tmp_path / "x.png")
    before = (tmp_path / "x.png").stat()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        read(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_mtime_ns == before.st_mtime_ns
    shutil.rmtree(tmp_path)  # fails on Windows if a file is still open
