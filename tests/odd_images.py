"""Odd image files, each with the result that a reader owes: the pixels, worked out from the picture that went in, or the reason why not.

Nothing here reads an image: pixels are computed from the samples that are written, and writers of our own make what Pillow does not.
"""

import importlib.util
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from odd_formats import (
    bmp,
    good_avifs,
    good_bmps,
    good_gifs,
    good_heics,
    good_netpbms,
    good_tiffs,
    good_webps,
    palette_image,
    size_tags,
    small_tiff,
    tiff,
    written,
)
from odd_jpegs import good_jpegs, jpeg, plane_by_plane, resized_jpeg, scans, with_junk, with_segment
from odd_picture import GREY, HEIGHT, LOSSY, PICTURE, WIDTH, Odd, saved
from odd_pngs import chunk, deflated, good_pngs, header_png, png

NAMES = {  # file names as users have them
    "with space.jpg", " leading and trailing .jpg", "-dash.jpg", "--help.jpg", "new\nline.jpg", "tab\t.jpg", "quote'\".jpg",
    "back\\slash.jpg", "ünï—文字-🌻.jpg", "e\u0301 in two.jpg", "%s{0}$HOME*?.jpg", "x" * 240 + ".jpg", "LOUD.JPG", "no ending",
    os.fsdecode(b"latin-\xe9\xff.jpg"), "twice.png.jpg", ".hidden.jpg", "colon: and; semicolon.jpg",
}  # fmt: skip


def write(folder: Path) -> list[Odd]:
    """Make all files in a folder, and return what they are."""
    found = [*good(), *bad()]
    for odd in found:
        path = folder / odd.name
        if callable(odd.content):
            odd.content(path)
        else:
            path.write_bytes(odd.content)
    return found


def good() -> Iterator[Odd]:
    for family in (good_jpegs, good_pngs, good_gifs, good_bmps, good_webps, good_tiffs, good_netpbms, good_avifs, good_heics):
        yield from family()
    for name in sorted(NAMES):
        yield Odd(name, jpeg(), PICTURE, LOSSY)
    yield Odd("really a png.jpg", png(PICTURE, 8, 2), PICTURE)
    yield Odd("really a jpeg.png", jpeg(), PICTURE, LOSSY)
    yield Odd("really a webp.tiff", saved(PICTURE, "WEBP", lossless=True), PICTURE)
    yield Odd("a link.jpg", lambda path: path.symlink_to("baseline.jpg"), PICTURE, LOSSY)
    for form in ("JPEG", "PNG", "BMP", "TIFF", "GIF"):
        yield Odd(f"one pixel {form}.png", saved(np.full((1, 1, 3), 9, np.uint8), form), np.full((1, 1, 3), 9.0))
        yield Odd(f"one column {form}.png", saved(np.full((300, 1, 3), 9, np.uint8), form), np.full((300, 1, 3), 9.0))


def bad() -> Iterator[Odd]:
    for family in (strangers(), no_files(), truncated(), bombs(), broken()):
        for name, content, reason in family:
            yield Odd(name, content, reason=reason)


Bad = Iterator[tuple[str, bytes | Callable[[Path], None], str]]


def strangers() -> Bad:
    """What is no image."""
    page = b"<!DOCTYPE html><html><title>404</title></html>"
    yield "page.jpg", page, "an HTML page, not an image"
    yield "page with space before.jpg", b"\xef\xbb\xbf \r\n<HTML>", "an HTML page, not an image"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    yield "pointer.jpg", pointer, "git lfs pull"
    yield "empty.jpg", b"", "empty file (0 bytes)"
    yield "zeros.jpg", bytes(5000), "nothing but zero bytes"
    yield "text.jpg", b"hello, w\xc3\xb6rld\n", "text, not an image"
    yield "json.jpg", b'{"error": "rate limited"}', "text, not an image"
    yield "noise.jpg", bytes(range(255, -1, -1)) * 8, "not an image in a known format (it starts with"
    yield "one byte.jpg", b"\xff", "not an image in a known format"
    yield "drawing.png", b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "an SVG drawing"
    yield "paper.png", b"%PDF-1.4\n", "a PDF document"
    yield "postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript file"
    yield "layers.tiff", b"8BPS\0\1" + bytes(40), "a Photoshop file"
    yield "icon.png", b"\0\0\1\0\1\0" + bytes(40), "an icon"
    yield "wavelets.jpg", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 image"
    yield "new.jpg", b"\xff\x0a" + bytes(40), "a JPEG XL image"
    yield "archive.jpg", b"PK\3\4" + bytes(40), "an archive"
    yield "film.jpg", b"\0\0\0\x18ftypmp42" + bytes(40), "a film"
    if importlib.util.find_spec("pillow_heif") is None:
        yield "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "pip install pillow-heif"
        yield "phone.jpg", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(40), "pip install pillow-heif"


def no_files() -> Bad:
    """What is no regular file."""

    def listen(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as made:
            here = os.open(".", os.O_RDONLY)  # a socket's address must be short
            os.chdir(path.parent)
            made.bind(path.name)
            os.fchdir(here)
            os.close(here)

    yield "folder.jpg", lambda path: path.mkdir(), "not a regular file: a folder"
    yield "pipe.jpg", lambda path: os.mkfifo(path), "not a regular file: a named pipe"  # noqa: PLW0108 - not there on every system
    yield "socket.jpg", listen, "not a regular file: a socket"
    yield "device.jpg", lambda path: path.symlink_to("/dev/zero"), "not a regular file: a device"
    yield "dangling.jpg", lambda path: path.symlink_to("gone.jpg"), "No such file or directory: a link to 'gone.jpg'"
    yield "itself.jpg", lambda path: path.symlink_to("itself.jpg"), "Too many levels of symbolic links"
    yield "gone.png", lambda path: None, "No such file or directory"


def truncated() -> Bad:
    """Files of which the end is missing, at several places."""
    whole = {
        "baseline.jpg": jpeg(),
        "progressive.jpg": jpeg(progressive=True),
        "rgb.png": png(PICTURE, 8, 2),
        "grey 16 bit.png": png(GREY.astype(np.uint16) * 256, 16, 0),
        "interlaced.png": png(PICTURE, 8, 2, interlaced=True),
        "plain.gif": written(palette_image(), "GIF", optimize=False),
        "lossy.webp": saved(PICTURE, "WEBP"),
        "lossless.webp": saved(PICTURE, "WEBP", lossless=True),
        "rgb.bmp": bmp(PICTURE[..., ::-1], 24),
        "lzw.tiff": saved(PICTURE, "TIFF", compression="tiff_lzw"),
        "raw.tiff": tiff(PICTURE),
        "rgb.ppm": f"P6 {WIDTH} {HEIGHT} 255\n".encode() + PICTURE.tobytes(),
    }
    for name, content in whole.items():
        for share in (0.02, 0.3, 0.6, 0.95):
            yield f"first {share:.0%} of {name}", content[: max(16, int(share * len(content)))], "cannot be decoded"


def bombs() -> Bad:
    """Small files whose reading would cost GiB or hours."""

    def sparse(path: Path) -> None:
        with path.open("wb") as file:
            file.write(header_png(9, 9)[:33] + struct.pack(">I4s", 1 << 30, b"tEXt"))
            file.truncate((1 << 30) + 1000)

    yield "60000 x 60000.png", header_png(60_000, 60_000, 1, 0), "60000 x 60000 pixels, more than 89,478,485"
    yield "65500 x 65500.jpg", resized_jpeg(65_500, 65_500), "65500 x 65500 pixels, more than 89,478,485"
    yield "9460 x 9460.png", header_png(9460, 9460), "KCLASSIFY_MAX_PIXELS=89491600"
    yield "scans.jpg", scans(3000), "a JPEG of more than 100 scans"
    yield "scans behind junk.jpg", with_junk(scans(101)), "a JPEG of more than 100 scans"
    yield "scans behind a false end.jpg", hidden_scans(), "a JPEG of more than 100 scans"
    screen, frame = struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0), struct.pack("<HHHHB", 0, 0, 9, 9, 0)
    yield "scans of a plane.jpg", plane_by_plane(99), "a JPEG of more than 100 scans"
    yield "65535 x 65535.gif", b"GIF89a" + screen + b"," + frame + b"\x02\x00;", "65535 x 65535 pixels"
    info = struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 1, *6 * [0])
    yield "50000 x 50000.bmp", b"BM" + struct.pack("<IHHI", 90, 0, 0, 54) + info, "50000 x 50000 pixels"
    canvas = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + 2 * (16_383).to_bytes(3, "little")
    yield "16384 x 16384.webp", b"RIFF" + struct.pack("<I", len(canvas)) + canvas, "16384 x 16384 pixels"
    packed = b"WEBPVP8L" + struct.pack("<IBI", 5, 0x2F, 16_382 | 16_382 << 14)
    yield "16383 x 16383.webp", b"RIFF" + struct.pack("<I", len(packed)) + packed, "16383 x 16383 pixels"
    yield "60000 x 60000.ppm", b"P6 60000 60000 255\n", "60000 x 60000 pixels"
    yield "60000 x 60000.tiff", small_tiff(size_tags(60_000, 60_000)), "60000 x 60000 pixels"
    yield "strips.tiff", small_tiff(size_tags(9, 9) | {273: (4, 4_000_000, 8), 279: (4, 4_000_000, 8)}), "4,000,000 strips or tiles"
    tile = {322: (4, 1, 100_000), 323: (4, 1, 100_000), 324: (4, 1, 8), 325: (4, 1, 64)}
    yield "tile.tiff", small_tiff({**size_tags(9, 9), **tile}, bytes(64)), "100000 x 100000 pixels"
    for kind, head in {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}.items():
        for where in ("before", "behind"):
            content = png(PICTURE, 8, 2, **{where: chunk(kind, head + deflated(1024))})
            yield f"{kind.decode()} {where}.png", content, f"a PNG whose {kind.decode()} chunk unpacks to more than 1 MiB"
    many = 40 * chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000)))
    yield "many zTXt.png", png(PICTURE, 8, 2, behind=many), "more than 32 MiB beside its picture"
    yield "a GiB of text.png", sparse, "more than 32 MiB beside its picture (chunk tEXt)"


def hidden_scans() -> bytes:
    """Before the scans that come again and again, a comment that holds an end mark."""
    content = scans(101)
    place = content.index(b"\xff\xc4", content.index(b"\xff\xda"))
    return content[:place] + b"\xff\xfe\x00\x06\xff\xd9\xff\xd9" + content[place:]


def broken() -> Bad:
    """Headers that promise what is not there, and pixels that are no picture."""
    yield "no height.jpg", resized_jpeg(0, WIDTH), "56 x 0 pixels, which is no picture"
    yield "no width.png", header_png(40, 0), ""
    yield "12 bits.jpg", jpeg().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), "cannot be decoded"
    yield "end mark missing.jpg", jpeg()[:-2], "truncated"  # which a cut of the last rows cannot be told from
    yield "header alone.jpg", b"\xff\xd8\xff\xe0", "cannot be decoded"
    yield "header alone.png", b"\x89PNG\r\n\x1a\n", "cannot be decoded"
    yield "header alone.gif", b"GIF89a", "cannot be decoded"
    yield "wrong checksum of header.png", png(PICTURE, 8, 2).replace(b"\x08\x02\0\0\0", b"\x08\x02\0\0\1", 1), "cannot be decoded"
    yield "no data.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header_png(9, 9)[16:29]) + chunk(b"IEND", b""), "cannot be decoded"
    yield "thumbnail alone.jpg", with_segment(jpeg(), 0xE1, b"Exif\0\0" + jpeg())[:2500], "cannot be decoded"
    wide = np.linspace(-3, 900, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    yield "heights in metres.tiff", tiff(wide, "minisblack"), "grey levels from -3 to 900, expected 0 to 1"
    yield "not a number.tiff", tiff(np.full((9, 9), np.nan, np.float32), "minisblack"), "grey levels from nan"
    yield "32 bit.tiff", tiff(wide.clip(0).astype(np.uint32) << 16, "minisblack"), "expected 0 to 65535"
    yield "below zero.tiff", tiff(wide.astype(np.int16), "minisblack"), "grey levels from -3"
    yield "64 bit float.tiff", tiff(wide.astype(np.float64), "minisblack"), "cannot be decoded"
    yield "n" * 250 + ".jpeg.jpg", lambda path: None, "File name too long"
