"""What a file is, by its first bytes: the name of an image format, or the reason why it is no image."""

import re

HEAD = 1024  # bytes: enough for the brands of an AVIF and for what stands before the <svg> of a drawing

_FORMATS = (
    ("jpeg", rb"\xff\xd8\xff"),
    ("png", rb"\x89PNG\r\n\x1a\n"),
    ("gif", rb"GIF8[79]a"),
    ("webp", rb"RIFF....WEBP"),
    ("tiff", rb"II[*+]\0|MM\0[*+]"),
    ("bmp", rb"BM"),
    ("dib", rb"[\x0c\x28\x40\x6c\x7c]\0\0\0"),  # a BMP without its file header
    ("ppm", rb"P[1-6f]\s"),
    ("avif", rb"....ftyp(avif|avis|(mif1|msf1).{0,60}avif)"),
    ("heic", rb"....ftyp(hei[cmsx]|hev[cmx]|mif1|msf1)"),
)
_OTHERS = (
    (rb"version https://git-lfs", "a Git LFS pointer instead of the image; fetch the image with: git lfs pull"),
    (rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body)", "an HTML page, not an image"),
    (rb"(\xef\xbb\xbf)?\s*<(\?xml.*<)?svg", "an SVG drawing; save it as PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file; save it as PNG"),
    (rb"%PDF", "a PDF document; save its pages as PNG"),
    (rb"8BPS", "a Photoshop file; save it as PNG"),
    (rb"\0\0[\x01\x02]\0", "an icon (ICO); save it as PNG"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 image; save it as PNG"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL image; save it as PNG"),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "an archive; unpack it"),
    (rb"....ftyp|....moov|RIFF....AVI |\x1aE\xdf\xa3", "a film; save its frames as JPEG"),
    (rb"\0+\Z", "nothing but zero bytes, as a copy that was cut short leaves them"),
)


class BadImage(Exception):
    """A file that is not a usable image; the text says why."""


def image_format(head: bytes) -> str:
    """The format of a file that begins with `head` (`HEAD` bytes, or all of a shorter file), in lower case; its name is never asked.

    Raises:
        BadImage: empty, or of no format that is read.
    """
    if not head:
        raise BadImage("empty file (0 bytes)")
    for name, pattern in _FORMATS:
        if re.match(pattern, head, re.DOTALL):
            return name
    kind = next((kind for pattern, kind in _OTHERS if re.match(pattern, head, re.DOTALL | re.IGNORECASE)), None)
    if kind is None:
        kind = "text, not an image" if _is_text(head) else "not an image in a known format"
    raise BadImage(f"{kind} (it starts with {head[:12]!r})")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:  # a letter may be cut in two at the end of the head
        text = head[: error.start].decode("utf-8") if error.start > len(head) - 4 else "\0"
    return len(text) > 1 and all(letter.isprintable() or letter in "\t\r\n\ufeff" for letter in text)
