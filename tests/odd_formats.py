"""Odd GIF, BMP, WebP, TIFF, Netpbm, AVIF and HEIC files, with the pixels that they hold."""

import io
import itertools
import struct
from collections.abc import Iterator

import numpy as np
import tifffile
from odd_picture import ALPHA, GREY, HEIGHT, INDICES, LOSSY, PALETTE, PICTURE, UPRIGHT, WIDTH, Odd, exif, over_white, rgb, saved
from PIL import Image, features

COLOURS = PALETTE[INDICES]


def palette_image() -> Image.Image:
    image = Image.frombytes("P", (WIDTH, HEIGHT), INDICES.tobytes())
    image.putpalette(PALETTE.tobytes())
    return image


def written(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def good_gifs() -> Iterator[Odd]:
    image = palette_image()
    yield Odd("plain.gif", written(image, "GIF", interlace=0, optimize=False), COLOURS)
    yield Odd("interlaced.gif", written(image, "GIF", interlace=1, optimize=False), COLOURS)
    content = written(image, "GIF", transparency=5, optimize=False)
    yield Odd("transparent.gif", content, np.where(INDICES[..., None] == 5, 255, COLOURS))
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    yield Odd("animation.gif", written(image, "GIF", save_all=True, append_images=frames), COLOURS)
    yield Odd("end mark missing.gif", written(image, "GIF", optimize=False)[:-1], COLOURS)
    yield Odd("bytes behind the end.gif", written(image, "GIF", optimize=False) + bytes(500), COLOURS)
    small = bytearray(written(image, "GIF", optimize=False))
    struct.pack_into("<HH", small, 6, WIDTH + 20, HEIGHT + 10)  # the canvas; what the frame leaves free has colour 0
    framed = np.tile(PALETTE[0], (HEIGHT + 10, WIDTH + 20, 1))
    framed[:HEIGHT, :WIDTH] = COLOURS
    yield Odd("frame smaller than canvas.gif", bytes(small), framed)


def bmp(samples: np.ndarray, bits: int, palette: np.ndarray | None = None, *, top_down: bool = False) -> bytes:
    """An uncompressed BMP by hand: samples uint8 [H, W] of 1, 4 or 8 bits, uint16 [H, W] of 5 bits a colour, or bytes [H, W, channels]."""
    flat = samples.reshape(len(samples), -1)
    if bits < 8:
        packed = np.packbits(np.unpackbits(flat[..., None], axis=2)[..., 8 - bits :].reshape(len(flat), -1), axis=1)
    else:
        packed = np.ascontiguousarray(flat).view(np.uint8)
    packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 4)))
    table = b"" if palette is None else np.pad(palette[:, ::-1], ((0, 2**bits - len(palette)), (0, 1))).tobytes()
    height, width = samples.shape[:2]
    data = (packed if top_down else packed[::-1]).tobytes()
    info = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, 0, len(data), 2835, 2835, 0, 0)
    start = 14 + len(info) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + table + data


def run_length_bmp() -> bytes:
    """BI_RLE8: each row as runs of (count, index), a mark at its end."""
    data = b""
    for row in INDICES[::-1]:
        places = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), WIDTH]
        data += b"".join(bytes([end - start, row[start]]) for start, end in itertools.pairwise(places)) + b"\0\0"
    data += b"\0\1"
    plain = bmp(INDICES, 8, PALETTE)
    start = struct.unpack_from("<I", plain, 10)[0]
    return plain[:30] + struct.pack("<II", 1, len(data)) + plain[38:start] + data


def good_bmps() -> Iterator[Odd]:
    two = PALETTE[[3, 9]]
    five = (PICTURE >> 3).astype(np.uint16)
    yield Odd("1 bit.bmp", bmp(INDICES % 2, 1, two), two[INDICES % 2])
    yield Odd("4 bit.bmp", bmp(INDICES, 4, PALETTE), COLOURS)
    yield Odd("8 bit.bmp", bmp(INDICES, 8, PALETTE), COLOURS)
    yield Odd("run lengths.bmp", run_length_bmp(), COLOURS)
    yield Odd("16 bit.bmp", bmp(five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2], 16), np.round(five * 255 / 31), 1.0)
    yield Odd("24 bit.bmp", bmp(PICTURE[..., ::-1], 24), PICTURE)
    yield Odd("top down.bmp", bmp(PICTURE[..., ::-1], 24, top_down=True), PICTURE)
    yield Odd("32 bit.bmp", bmp(np.dstack([PICTURE[..., ::-1], np.zeros_like(GREY)]), 32), PICTURE)
    yield Odd("without file header.dib", bmp(PICTURE[..., ::-1], 24)[14:], PICTURE)


def good_webps() -> Iterator[Odd]:
    layered = np.dstack([PICTURE, ALPHA])
    yield Odd("lossy.webp", saved(PICTURE, "WEBP", quality=95), PICTURE, 6.0)
    yield Odd("lossless.webp", saved(PICTURE, "WEBP", lossless=True), PICTURE)
    yield Odd("lossy alpha.webp", saved(layered, "WEBP", quality=95), over_white(PICTURE, ALPHA), 6.0)
    yield Odd("lossless alpha.webp", saved(layered, "WEBP", lossless=True, exact=True), over_white(PICTURE, ALPHA), 0.6)
    frames = [Image.new("RGB", (WIDTH, HEIGHT), "red")]
    yield Odd("animation.webp", saved(PICTURE, "WEBP", lossless=True, save_all=True, append_images=frames), PICTURE)
    for orientation in range(1, 9):
        content = saved(PICTURE, "WEBP", lossless=True, exif=exif(orientation))
        yield Odd(f"exif {orientation}.webp", content, UPRIGHT[orientation](PICTURE))


def tiff(samples: np.ndarray, photometric: str = "rgb", **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.ascontiguousarray(samples), photometric=photometric, metadata=None, **options)
    return buffer.getvalue()


def small_tiff(tags: dict[int, tuple[int, int, int]], data: bytes = b"") -> bytes:
    """A TIFF by hand: `data` at byte 8, then one directory of tag: (type, count, value)."""
    directory = b"".join(struct.pack("<HHII", tag, *tags[tag]) for tag in sorted(tags))
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(tags)) + directory + bytes(4)


def size_tags(height: int, width: int, bits: int = 8, **other: tuple[int, int, int]) -> dict[int, tuple[int, int, int]]:
    """Uncompressed grey in one strip at byte 8."""
    strip = {273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, height * width * bits // 8)}
    return {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, bits), 259: (3, 1, 1), 262: (3, 1, 1), **strip}


def twelve_bits() -> bytes:
    """Two pixels to three bytes, the grey level in the upper 8 bits."""
    levels = GREY.astype(np.uint16).reshape(-1, 2) * 16 + 7
    data = np.stack([levels[:, 0] >> 4, (levels[:, 0] & 15) << 4 | levels[:, 1] >> 8, levels[:, 1] & 255], axis=1).astype(np.uint8)
    return small_tiff(size_tags(HEIGHT, WIDTH, 12), data.tobytes())


def good_tiffs() -> Iterator[Odd]:
    deep = GREY.astype(np.uint16) * 256 + np.arange(WIDTH, dtype=np.uint16)
    for name in ("raw", "tiff_lzw", "tiff_deflate", "packbits"):
        yield Odd(f"{name}.tiff", saved(PICTURE, "TIFF", compression=name), PICTURE)
    yield Odd("jpeg inside.tiff", saved(PICTURE, "TIFF", compression="jpeg", quality=95), PICTURE, 5.0)
    yield Odd("fax.tiff", written(Image.fromarray(GREY > 128), "TIFF", compression="group4"), rgb(np.where(GREY > 128, 255, 0)))
    yield Odd("palette.tiff", written(palette_image(), "TIFF"), COLOURS)
    yield Odd("grey 8 bit.tiff", tiff(GREY, "minisblack"), rgb(GREY))
    yield Odd("grey 8 bit white is zero.tiff", tiff(255 - GREY, "miniswhite"), rgb(GREY))
    yield Odd("grey 12 bit.tiff", twelve_bits(), rgb(GREY))
    yield Odd("grey 16 bit.tiff", tiff(deep, "minisblack"), rgb(GREY))
    yield Odd("grey 16 bit white is zero.tiff", tiff(65535 - deep, "miniswhite"), rgb(GREY))
    yield Odd("grey 16 bit motorola.tiff", tiff(deep, "minisblack", byteorder=">"), rgb(GREY))
    yield Odd("rgb 16 bit.tiff", tiff(PICTURE.astype(np.uint16) * 256 + 99), PICTURE)
    yield Odd("grey float.tiff", tiff(GREY.astype(np.float32) / 255, "minisblack"), rgb(GREY))
    yield Odd("cmyk.tiff", tiff(inks_of_tiff(), "separated"), over_black())
    yield Odd("rgba.tiff", tiff(np.dstack([PICTURE, ALPHA]), extrasamples=["unassalpha"]), over_white(PICTURE, ALPHA), 0.6)
    layered = np.dstack([np.round(PICTURE * (ALPHA[..., None] / 255)), ALPHA]).astype(np.uint8)
    yield Odd("premultiplied.tiff", tiff(layered, extrasamples=["assocalpha"]), over_white(PICTURE, ALPHA), 1.0)
    yield Odd("tiles.tiff", tiff(PICTURE, tile=(16, 16)), PICTURE)
    yield Odd("planes.tiff", tiff(PICTURE.transpose(2, 0, 1), planarconfig="separate"), PICTURE)
    yield Odd("strips of a row.tiff", tiff(PICTURE, rowsperstrip=1), PICTURE)
    yield Odd("64 bit offsets.tiff", tiff(PICTURE, bigtiff=True), PICTURE)
    yield Odd("motorola.tiff", tiff(PICTURE, byteorder=">"), PICTURE)
    pages = [Image.new("RGB", (WIDTH, HEIGHT), "red")]
    yield Odd("pages.tiff", saved(PICTURE, "TIFF", save_all=True, append_images=pages), PICTURE)
    for orientation in range(1, 9):
        content = tiff(PICTURE, extratags=[(274, "H", 1, orientation, True)])
        yield Odd(f"orientation {orientation}.tiff", content, UPRIGHT[orientation](PICTURE))


def inks_of_tiff() -> np.ndarray:
    return np.dstack([255 - PICTURE, np.full_like(GREY, 51)])


def over_black() -> np.ndarray:
    """R = (1 - C)(1 - K), with a fifth of black."""
    return np.round(PICTURE * (204 / 255))


def good_netpbms() -> Iterator[Odd]:
    head = f"{WIDTH} {HEIGHT}"
    yield Odd("rgb.ppm", f"P6 {head} 255\n".encode() + PICTURE.tobytes(), PICTURE)
    yield Odd("rgb in words.ppm", f"P3\n# a comment\n{head}\n255\n{' '.join(map(str, PICTURE.ravel()))}\n".encode(), PICTURE)
    yield Odd("grey.pgm", f"P5 {head} 255\n".encode() + GREY.tobytes(), rgb(GREY))
    yield Odd("grey 16 bit.pgm", f"P5 {head} 65535\n".encode() + (GREY.astype(">u2") * 256 + 200).astype(">u2").tobytes(), rgb(GREY))
    yield Odd("float.ppm", f"Pf\n{head}\n-1.0\n".encode() + (GREY[::-1] / 255).astype("<f4").tobytes(), rgb(GREY))


def good_avifs() -> Iterator[Odd]:
    if not features.check("avif"):
        return
    for orientation in range(1, 9):
        content = saved(PICTURE, "AVIF", quality=95, subsampling="4:4:4", speed=10, exif=exif(orientation))
        yield Odd(f"exif {orientation}.avif", content, UPRIGHT[orientation](PICTURE), LOSSY)
    layered = saved(np.dstack([PICTURE, ALPHA]), "AVIF", quality=95, subsampling="4:4:4", speed=10)
    still = saved(PICTURE, "AVIF", quality=95, subsampling="4:4:4", speed=10)
    yield Odd("of a general brand.avif", still.replace(b"ftypavif", b"ftypmif1", 1), PICTURE, LOSSY)
    yield Odd("alpha.avif", layered, over_white(PICTURE, ALPHA), LOSSY)


def good_heics() -> Iterator[Odd]:
    try:
        import pillow_heif
    except ImportError:
        return
    for orientation in (1, 6):
        buffer = io.BytesIO()
        pillow_heif.from_pillow(Image.fromarray(PICTURE)).save(buffer, quality=95, chroma=444, exif=exif(orientation))
        yield Odd(f"exif {orientation}.heic", buffer.getvalue(), UPRIGHT[orientation](PICTURE), LOSSY)
