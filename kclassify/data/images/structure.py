"""Limits and completeness of an image file, read from its structure before anything is decoded: no bomb gets as far as a decoder."""

import os
import re
import struct
import zlib
from typing import BinaryIO

from kclassify.data.images.signature import BadImage
from kclassify.errors import UsageError

PIXEL_LIMIT = 89_478_485  # Pillow's own limit for decompression bombs: 0.25 GiB of RGB
SCAN_LIMIT = 100  # encoders write about 10; every further one costs a pass over all coefficients
_METADATA_LIMIT = 32 << 20  # bytes of a PNG beside its picture, inflated
_TEXT_LIMIT = 1 << 20  # bytes of one inflated PNG chunk: what Pillow takes
_STRIP_LIMIT = 1_000_000
_BLOCK = 1 << 20

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG markers that open a frame
_PLAIN_SOF = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive with Huffman coding: what all decoders know
_SOS, _EOI = 0xDA, 0xD9
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xDA)}
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")  # the next one behind compressed data
_SCANS_WITHIN = 1 << 28  # bytes that are searched: more than any picture within the pixel limit needs
_STRIP_TAGS = (273, 279, 324, 325)  # StripOffsets, StripByteCounts, TileOffsets, TileByteCounts
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def pixel_limit() -> int:
    """The most pixels that a picture may have: the environment's `KCLASSIFY_MAX_PIXELS`, by default `PIXEL_LIMIT`."""
    text = os.environ.get("KCLASSIFY_MAX_PIXELS", str(PIXEL_LIMIT))
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError(f"KCLASSIFY_MAX_PIXELS is '{text}'. Expected a whole number of pixels, such as {2 * PIXEL_LIMIT}.")
    return int(text)


def limit_pixels(width: int, height: int) -> None:
    """Raise BadImage for a picture without pixels, or with more than the limit."""
    if width < 1 or height < 1:
        raise BadImage(f"{width} x {height} pixels, which is no picture")
    limit = pixel_limit()
    if width * height > limit:
        raise BadImage(f"{width} x {height} pixels, more than {limit:,} (to allow them: KCLASSIFY_MAX_PIXELS={width * height})")


def is_plain(file: BinaryIO, image_format: str) -> bool:
    """Whether a file is of a common kind and whole, as far as its structure tells; of any other, only decoding it can say.

    Raises:
        BadImage: a limit is exceeded, whose purpose can only be to exhaust memory or time.
    """
    look = {"jpeg": _jpeg, "png": _png, "gif": _gif, "webp": _webp, "tiff": _tiff}.get(image_format)
    file.seek(0)
    try:
        return look is not None and look(file)
    except (struct.error, ValueError, OverflowError):  # cut off or pointing to nowhere: the decoder says it in its own words
        return False


def _jpeg(file: BinaryIO) -> bool:
    file.seek(2)
    sof, marker, frame, body = 0, 0, b"", b""
    while marker != _SOS:
        marker, body = _segment(file)
        if marker in _SOF:
            sof, frame = marker, body
    height, width, components = struct.unpack(">xHHB", frame[:6])
    limit_pixels(width, height)
    if sof not in (0xC0, 0xC1) or body[:1] != bytes([components]):  # the first scan does not hold everything
        _limit_scans(file.read(_SCANS_WITHIN))
    return sof in _PLAIN_SOF and _ends_with(file, b"\xff\xd9")


def _segment(file: BinaryIO) -> tuple[int, bytes]:
    """The next marker of a JPEG's header with what belongs to it; bytes between segments are skipped, as decoders do."""
    byte = file.read(1)
    while byte and byte != b"\xff":
        byte = file.read(1)
    while byte == b"\xff":
        byte = file.read(1)
    (marker,) = struct.unpack("B", byte)
    if marker in _WITHOUT_LENGTH:
        return marker, b""
    (length,) = struct.unpack(">H", file.read(2))
    return marker, file.read(max(0, length - 2))


def _limit_scans(data: bytes) -> None:
    """Count the scans from the second one on; segments between them are stepped over, whatever they hold."""
    scans, place = 1, 0
    while (found := _MARKER.search(data, place)) and found[1][0] != _EOI:
        scans += found[1][0] == _SOS
        if scans > SCAN_LIMIT:
            raise BadImage(f"a JPEG of more than {SCAN_LIMIT} scans, which cost a reader hours; save it anew")
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


def _png(file: BinaryIO) -> bool:
    file.seek(8)
    plain, in_picture, metadata, kind = True, False, 0, b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IDAT":
            in_picture = True
            crc = _crc_of_blocks(file, length)
        else:
            metadata += length
            _limit_metadata(kind, metadata)
            body = file.read(length)
            metadata += _inflated(kind, body)
            _limit_metadata(kind, metadata)
            crc = zlib.crc32(body, zlib.crc32(kind))
            # An orientation behind the picture is only seen when that has been decoded.
            plain &= not (in_picture and (kind == b"eXIf" or body.startswith((b"Raw profile type", b"XML:com.adobe.xmp"))))
        plain &= file.read(4) == struct.pack(">I", crc)  # where one is wrong, Pillow may forgive what TensorFlow does not
    return plain and in_picture


def _crc_of_blocks(file: BinaryIO, length: int) -> int:
    crc = zlib.crc32(b"IDAT")
    while length and (block := file.read(min(length, _BLOCK))):
        crc, length = zlib.crc32(block, crc), length - len(block)
    return crc


def _inflated(kind: bytes, body: bytes) -> int:
    """How many bytes the compressed text of a chunk has, counted no further than the limit for one."""
    packed = body.partition(b"\0")[2]  # behind its keyword
    if kind == b"iTXt" and packed[:1] == b"\1":
        packed = packed[1:2] + packed[2:].split(b"\0", 2)[-1]  # without language and translated keyword
    elif kind not in (b"zTXt", b"iCCP"):
        return 0
    try:
        size = len(zlib.decompressobj().decompress(packed[1:], _TEXT_LIMIT + 1))  # behind the number of the method
    except zlib.error:
        return 0
    if size > _TEXT_LIMIT:
        raise BadImage(f"a PNG whose {kind.decode()} chunk unpacks to more than {_TEXT_LIMIT >> 20} MiB; save it without metadata")
    return size


def _limit_metadata(kind: bytes, size: int) -> None:
    if size > _METADATA_LIMIT:
        name = kind.decode("ascii", "backslashreplace")
        raise BadImage(f"a PNG with more than {_METADATA_LIMIT >> 20} MiB beside its picture (chunk {name}); save it without metadata")


def _gif(file: BinaryIO) -> bool:
    return _ends_with(file, b";")


def _webp(file: BinaryIO) -> bool:
    """Its canvas is checked here, because the decoder allocates two of them as soon as it is opened."""
    head = file.read(30)
    if head[12:16] == b"VP8X":
        limit_pixels(1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little"))
    elif head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        limit_pixels(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    elif head[12:16] == b"VP8 ":
        limit_pixels(*(side & 0x3FFF for side in struct.unpack("<HH", head[26:30])))
    return True  # Pillow opens none whose end is missing


def _tiff(file: BinaryIO) -> bool:
    """Never plain, for there are too many kinds; but what the decoder would allocate by the header's word alone is limited."""
    order = "<" if file.read(2) == b"II" else ">"
    (version,) = struct.unpack(order + "H", file.read(2))
    start, count, entry = ("4xQ", "Q", "HHQ8s") if version == 43 else ("I", "H", "HHI4s")  # BigTIFF, TIFF
    file.seek(*_unpack(file, order + start))
    tile = {_TILE_WIDTH: 1, _TILE_LENGTH: 1}
    for _ in range(min(*_unpack(file, order + count), 0xFFFF)):
        tag, kind, values, inside = _unpack(file, order + entry)
        if tag in _STRIP_TAGS and values > _STRIP_LIMIT:
            raise BadImage(f"a TIFF of {values:,} strips or tiles, more than {_STRIP_LIMIT:,}; save it anew")
        if tag in tile:
            tile[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), inside)[0]
    limit_pixels(tile[_TILE_WIDTH], tile[_TILE_LENGTH])
    return False


def _unpack(file: BinaryIO, layout: str) -> tuple:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _ends_with(file: BinaryIO, end: bytes) -> bool:
    file.seek(-len(end), os.SEEK_END)
    return file.read() == end
