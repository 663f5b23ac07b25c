"""Odd PNG files, most of them written by hand, with the pixels that they hold."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from odd_picture import ALPHA, GREY, HEIGHT, INDICES, PALETTE, PICTURE, UPRIGHT, WIDTH, Odd, exif, over_white, rgb
from PIL import Image

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(samples: np.ndarray, depth: int) -> bytes:
    """Unfiltered rows of samples [h, w, channels], packed."""
    flat = samples.reshape(len(samples), -1)
    if depth == 16:
        packed = np.ascontiguousarray(flat.astype(">u2")).view(np.uint8)
    else:
        bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(len(flat), -1), axis=1)
    return np.hstack([np.zeros((len(flat), 1), np.uint8), packed]).tobytes()


def png(samples: np.ndarray, depth: int, colour: int, *, interlaced: bool = False, before: bytes = b"", behind: bytes = b"") -> bytes:
    """A PNG by hand: samples [H, W] or [H, W, channels] of `depth` bits; chunks `before` and `behind` the picture."""
    samples = samples.reshape(*samples.shape[:2], -1)
    passes = [samples[y::down, x::right] for y, x, down, right in ADAM7] if interlaced else [samples]
    data = zlib.compress(b"".join(rows(part, depth) for part in passes if part.size))
    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", data) + behind + chunk(b"IEND", b"")


def header_png(height: int, width: int, depth: int = 8, colour: int = 2, chunks: bytes = b"") -> bytes:
    """A PNG that promises a size which its data does not hold."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunks + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def deflated(mebibytes: int) -> bytes:
    """A zlib stream that unpacks to so many MiB of zeros, made without packing them."""
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    second = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + (mebibytes - 1) * second + b"\x03\x00"


def good_pngs() -> Iterator[Odd]:
    deep = GREY.astype(np.uint16) * 256 + np.arange(WIDTH, dtype=np.uint16)  # what >> 8 must take away
    deep_rgb = PICTURE.astype(np.uint16) * 256 + 250
    plte = chunk(b"PLTE", PALETTE.tobytes())
    for interlaced in (False, True):
        end = " interlaced.png" if interlaced else ".png"
        for depth in (1, 2, 4):
            few = GREY >> (8 - depth)
            yield Odd(f"grey {depth} bit{end}", png(few, depth, 0, interlaced=interlaced), rgb(few * (255 // (2**depth - 1))))
            indices = INDICES % 2**depth
            yield Odd(f"palette {depth} bit{end}", png(indices, depth, 3, interlaced=interlaced, before=plte), PALETTE[indices])
        yield Odd(f"grey 8 bit{end}", png(GREY, 8, 0, interlaced=interlaced), rgb(GREY))
        yield Odd(f"grey 16 bit{end}", png(deep, 16, 0, interlaced=interlaced), rgb(GREY))
        yield Odd(f"rgb 8 bit{end}", png(PICTURE, 8, 2, interlaced=interlaced), PICTURE)
        yield Odd(f"rgb 16 bit{end}", png(deep_rgb, 16, 2, interlaced=interlaced), PICTURE)
        yield Odd(f"rgba 8 bit{end}", png(np.dstack([PICTURE, ALPHA]), 8, 6, interlaced=interlaced), over_white(PICTURE, ALPHA), 0.6)
        layered = np.dstack([deep_rgb, ALPHA * np.uint16(257)])
        yield Odd(f"rgba 16 bit{end}", png(layered, 16, 6, interlaced=interlaced), over_white(PICTURE, ALPHA), 0.6)
    yield Odd("palette 8 bit.png", png(INDICES, 8, 3, before=plte), PALETTE[INDICES])
    yield Odd("grey alpha 8 bit.png", png(np.dstack([GREY, ALPHA]), 8, 4), over_white(rgb(GREY), ALPHA), 0.6)
    yield Odd("grey alpha 16 bit.png", png(np.dstack([deep, ALPHA * np.uint16(257)]), 16, 4), over_white(rgb(GREY), ALPHA), 0.6)
    yield from transparent_pngs(plte, deep, deep_rgb)
    yield from marked_pngs()


def transparent_pngs(plte: bytes, deep: np.ndarray, deep_rgb: np.ndarray) -> Iterator[Odd]:
    """PNGs with a tRNS chunk: the alpha of palette entries, or one colour that is transparent, counted in the file's own depth."""
    alphas = np.arange(16, dtype=np.uint8) * 17
    content = png(INDICES, 4, 3, before=plte + chunk(b"tRNS", alphas.tobytes()))
    yield Odd("palette with alphas.png", content, over_white(PALETTE[INDICES], alphas[INDICES]), 0.6)
    for depth in (1, 2, 4, 8, 16):
        levels = deep if depth == 16 else GREY >> (8 - depth)
        key = int(levels[20, 30])
        seen = GREY if depth >= 8 else levels * (255 // (2**depth - 1))
        content = png(levels, depth, 0, before=chunk(b"tRNS", struct.pack(">H", key)))
        yield Odd(f"transparent grey {depth} bit.png", content, rgb(np.where(levels == key, 255, seen)))
    for depth, samples in ((8, PICTURE), (16, deep_rgb)):
        key = samples[8, 8]
        content = png(samples, depth, 2, before=chunk(b"tRNS", struct.pack(">3H", *key.tolist())))
        white = (samples == key).all(axis=2, keepdims=True)
        yield Odd(f"transparent colour {depth} bit.png", content, np.where(white, 255, PICTURE))


def marked_pngs() -> Iterator[Odd]:
    """PNGs with something before, behind or between their pixels."""
    plain = png(PICTURE, 8, 2)
    yield Odd("gamma.png", png(PICTURE, 8, 2, before=chunk(b"gAMA", struct.pack(">I", 100_000))), PICTURE)
    yield Odd("broken exif.png", png(PICTURE, 8, 2, before=chunk(b"eXIf", b"garbage")), PICTURE)
    yield Odd("text behind.png", png(PICTURE, 8, 2, behind=chunk(b"tEXt", b"date:create\0now")), PICTURE)
    yield Odd("end mark missing.png", plain[:-12], PICTURE)
    yield Odd("bytes behind the end.png", plain + bytes(3000), PICTURE)
    place = plain.index(b"IDAT")
    data = plain[place + 4 : -16]
    pieces = b"".join(chunk(b"IDAT", data[start : start + 7]) for start in range(0, len(data), 7))
    yield Odd("many small chunks.png", plain[: place - 4] + pieces + plain[-12:], PICTURE)
    yield Odd("wrong checksum.png", plain[:-16] + b"\0\0\0\0" + plain[-12:], PICTURE)
    yield Odd("exif 6 behind the picture.png", png(PICTURE, 8, 2, behind=chunk(b"eXIf", exif(6))), UPRIGHT[6](PICTURE))
    frames = [Image.fromarray(PICTURE), Image.new("RGB", (WIDTH, HEIGHT))]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    yield Odd("animation.png", buffer.getvalue(), PICTURE)
    for orientation in range(1, 9):
        content = png(PICTURE, 8, 2, before=chunk(b"eXIf", exif(orientation, ">")))
        yield Odd(f"exif {orientation}.png", content, UPRIGHT[orientation](PICTURE))
