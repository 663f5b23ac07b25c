"""Odd JPEG files, with the pixels that they hold."""

import struct
from collections.abc import Iterator

import numpy as np
from odd_picture import GREY, HEIGHT, LOSSY, PICTURE, UPRIGHT, WIDTH, Odd, exif, rgb, saved
from PIL import Image


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(**options) -> bytes:
    return saved(PICTURE, "JPEG", **{"quality": 95, "subsampling": 0, **options})


def with_segment(content: bytes, marker: int, body: bytes) -> bytes:
    return content[:2] + segment(marker, body) + content[2:]


def inks() -> tuple[np.ndarray, np.ndarray]:
    """The picture in cyan, magenta, yellow and black [H, W, 4], and as RGB by R = (1 - C)(1 - K)."""
    found = np.dstack([255 - PICTURE, np.where(np.arange(WIDTH) < 30, 40, 90)[None].repeat(HEIGHT, 0)]).astype(np.uint8)
    return found, (255.0 - found[..., :3]) * (255.0 - found[..., 3:]) / 255


def cmyk(transform: int = 0) -> bytes:
    """As Photoshop writes it: inks stored inverted behind an Adobe marker. With `transform` 2 the inks C, M, Y are stored as Y, Cb, Cr."""
    values = inks()[0]
    if transform == 2:
        ycc = np.asarray(Image.fromarray(values[..., :3]).convert("YCbCr"))
        values = np.dstack([255 - ycc, values[..., 3]])
    content = saved(values, "JPEG", "CMYK", quality=98, subsampling=0)
    place = content.index(b"Adobe") + 11
    return content[:place] + bytes([transform]) + content[place + 1 :]


def without_adobe(content: bytes) -> bytes:
    place = content.index(b"Adobe") - 4
    return content[:place] + content[place + 16 :]


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = jpeg(progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + count * last + b"\xff\xd9"


def plane_by_plane(times: int = 1) -> bytes:
    """A baseline JPEG with a scan for each of Y, Cb and Cr, made of three grey ones; the last comes so many times."""
    planes = np.asarray(Image.fromarray(PICTURE).convert("YCbCr"))
    parts = [saved(np.ascontiguousarray(planes[..., i]), "JPEG", quality=95) for i in range(3)]
    frame, first = parts[0].index(b"\xff\xc0"), parts[0].index(b"\xff\xda")
    colours = segment(0xC0, struct.pack(">BHHB9B", 8, HEIGHT, WIDTH, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0))
    scans = [segment(0xDA, bytes([1, i + 1, 0, 0, 63, 0])) + part[part.index(b"\xff\xda") + 10 : -2] for i, part in enumerate(parts)]
    return parts[0][:frame] + colours + parts[0][frame + 13 : first] + b"".join([*scans, *(times - 1) * scans[2:]]) + b"\xff\xd9"


def resized_jpeg(height: int, width: int) -> bytes:
    """Another size in the header; the data is that of the picture."""
    content = jpeg()
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def with_junk(content: bytes) -> bytes:
    """Bytes that belong to no segment, behind the first one; decoders skip them."""
    return content[:20] + b"junk" + content[20:]


def good_jpegs() -> Iterator[Odd]:
    def odd(name: str, content: bytes, pixels: np.ndarray = PICTURE, tolerance: float = LOSSY) -> Odd:
        return Odd(name, content, pixels, tolerance)

    yield odd("baseline.jpg", jpeg())
    yield odd("progressive.jpg", jpeg(progressive=True))
    yield odd("optimised.jpg", jpeg(optimize=True))
    yield odd("chroma 4-2-2.jpg", jpeg(subsampling=1), tolerance=5)
    yield odd("chroma 4-2-0.jpg", jpeg(subsampling=2), tolerance=5)
    yield odd("restart markers.jpg", jpeg(restart_marker_blocks=2))
    yield odd("stored as rgb.jpg", jpeg(keep_rgb=True))
    yield odd("grey.jpg", saved(GREY, "JPEG", quality=95), rgb(GREY))
    yield odd("grey progressive.jpg", saved(GREY, "JPEG", quality=95, progressive=True), rgb(GREY))
    yield odd("cmyk.jpg", cmyk(), inks()[1])
    yield odd("ycck.jpg", cmyk(2), inks()[1])
    yield odd("cmyk without adobe marker.jpg", without_adobe(cmyk()), inks()[1])
    yield odd("second picture inside.jpg", saved(PICTURE, "MPO", quality=95, save_all=True, append_images=[Image.new("RGB", (9, 9))]))
    yield odd("bytes behind the end.jpg", jpeg() + bytes(3000))
    yield odd("scans behind the end.jpg", jpeg(progressive=True) + b"\0\0" + 200 * b"\xff\xda\0\2")
    yield odd("fill bytes.jpg", jpeg()[:2] + 9 * b"\xff" + jpeg()[2:])
    yield odd("junk between segments.jpg", with_junk(jpeg()))
    yield odd("plane by plane.jpg", plane_by_plane())
    yield odd("comment.jpg", with_segment(jpeg(), 0xFE, b"\xff\xd9\xff\xda" * 400))
    yield odd("a profile.jpg", jpeg(icc_profile=bytes(70_000)))
    yield odd("broken exif.jpg", with_segment(jpeg(), 0xE1, b"Exif\0\0MM\0*\0\0\xff\x08"))
    yield odd("exif 6 from a motorola.jpg", with_segment(jpeg(), 0xE1, b"Exif\0\0" + exif(6, ">")), UPRIGHT[6](PICTURE))
    for orientation in range(10):
        content = with_segment(jpeg(progressive=orientation == 5), 0xE1, b"Exif\0\0" + exif(orientation))
        yield odd(f"exif {orientation}.jpg", content, UPRIGHT.get(orientation, UPRIGHT[1])(PICTURE))
