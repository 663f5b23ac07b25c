"""Which images of a data set are the same: to the byte, or to the eye, as when one was saved anew, resized or cut a little."""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from kclassify.data.images.decode import BadImage, read_rgb
from kclassify.data.images.rgb import DECODER_ERRORS, orientation
from kclassify.data.index import Index
from kclassify.processors import processors

_WIDTH, _HEIGHT = 9, 8  # pixels of the thumbnail that dHash looks at
_DRAFT = (8 * _WIDTH, 8 * _HEIGHT)  # what a JPEG is decoded to at least: more changes nothing, less would be coarse
_NEAR_BITS = 6  # of 64 that may differ: 111 of 112 photographs resized to 224 x 224 stayed within
_NEAR_LEVELS = 4.0  # grey levels by which the thumbnails may differ on average: tells one handwritten 1 from another
_NEIGHBOURS = 64  # an image is compared with fewer others than that of those that share a part of its hash; some sets share the same rim
_AHEAD = 1024  # images that wait in memory


@dataclass(frozen=True)
class Fingerprints:
    """What is compared of images, and the reasons of those that could not be decoded."""

    digests: np.ndarray  # bytes [n]: the sha256 of each file; b"" where there was no reading it
    thumbnails: np.ndarray  # uint8 [n, 8, 9] grey levels
    hashes: np.ndarray  # uint64 [n]
    bad: tuple[tuple[int, str], ...]  # (row, reason)


def fingerprints(parts: Sequence[Index], progress: Callable[[int, int], None] | None = None) -> Fingerprints:
    """Read every image of some indexes, one after the other, and shrink it to a thumbnail.

    Args:
        progress: called with (images done, images in all).
    """
    rows = [(part, row) for part in parts for row in range(len(part))]
    digests, thumbnails, bad = np.zeros(len(rows), "S64"), np.zeros((len(rows), _HEIGHT, _WIDTH), np.uint8), []
    for number, (digest, thumbnail) in enumerate(_all(rows)):
        if isinstance(thumbnail, str):
            bad.append((number, thumbnail))
        else:
            digests[number], thumbnails[number] = digest, thumbnail
        if progress:
            progress(number + 1, len(rows))
    return Fingerprints(digests, thumbnails, difference_hashes(thumbnails), tuple(bad))


def difference_hashes(thumbnails: np.ndarray) -> np.ndarray:
    """dHash (Neal Krawetz, "Kind of Like That", 2013): a bit is set where a pixel is brighter than its left neighbour.

    Args:
        thumbnails: uint8 [n, 8, 9].

    Returns:
        uint64 [n].
    """
    bits = thumbnails[:, :, 1:] > thumbnails[:, :, :-1]
    return np.packbits(bits.reshape(len(bits), 64), axis=1).view(np.uint64).reshape(-1)


def exact_groups(found: Fingerprints) -> np.ndarray:
    """A number for each image, int64 [n], the same for those whose files are equal byte for byte."""
    unique, groups = np.unique(found.digests, return_inverse=True)
    unreadable = np.array([row for row, _ in found.bad], np.int64)
    groups[unreadable] = len(unique) + np.arange(len(unreadable))  # nothing is known of these, so each stands alone
    return groups


def near_groups(found: Fingerprints) -> np.ndarray:
    """A number for each image, int64 [n], the same for those that look alike, and all that look like one of these."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    readable = np.setdiff1d(np.arange(len(found.hashes)), [row for row, _ in found.bad])
    flat = found.thumbnails[readable].reshape(-1, _HEIGHT * _WIDTH)
    # Of equal thumbnails one is compared: copies, and blank images, of which there may be thousands.
    _, first, number = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    pairs = _near_pairs(found.hashes[readable][first], found.thumbnails[readable][first])
    links = coo_array((np.ones(len(pairs[0]), np.int8), pairs), shape=(len(first), len(first)))
    groups = len(first) + np.arange(len(found.hashes))  # a number of its own for what cannot be read
    groups[readable] = connected_components(links, directed=False)[1][number.reshape(-1)]
    return groups


def _near_pairs(hashes: np.ndarray, thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the images that look alike: twice int64 [pairs].

    Of hashes that differ in 7 bits or less, one of the four parts of 16 bits differs in one bit or none. So only those are compared that
    agree in a part of which one bit is left out; sorting brings them together.
    """
    count, codes = len(hashes), np.zeros(0, np.int64)
    for part in range(0, 64, 16):
        turned = (hashes << np.uint64(part)) | (hashes >> np.uint64(64 - part)) if part else hashes
        for bit in range(48, 64):
            masked = turned & ~np.uint64(1 << bit)
            order = np.argsort(masked)
            found = [one * count + other for one, other in _alike(hashes, thumbnails, masked[order] >> np.uint64(48), order)]
            codes = np.unique(np.concatenate([codes, *found]))
    return codes // count, codes % count


def _alike(hashes: np.ndarray, thumbnails: np.ndarray, keys: np.ndarray, order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of rows in the order of their keys, those of equal keys that are near duplicates: the smaller row and the larger one."""
    places = np.arange(len(keys))
    for distance in range(1, _NEIGHBOURS):
        places = places[places + distance < len(keys)]
        places = places[keys[places] == keys[places + distance]]
        if not len(places):
            return
        one, other = order[places], order[places + distance]
        differing = np.unpackbits((hashes[one] ^ hashes[other]).view(np.uint8).reshape(-1, 8), axis=1)
        near = differing.sum(axis=1, dtype=np.uint8) <= _NEAR_BITS
        one, other = one[near], other[near]
        levels = np.abs(thumbnails[one].astype(np.int16) - thumbnails[other]).mean(axis=(1, 2))
        near = levels <= _NEAR_LEVELS
        yield np.minimum(one, other)[near], np.maximum(one, other)[near]


def _all(rows: Sequence[tuple[Index, int]]) -> Iterator[tuple[bytes, np.ndarray | str]]:
    with warnings.catch_warnings(), ThreadPoolExecutor(2 * processors()) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
        for first in range(0, len(rows), _AHEAD):
            yield from pool.map(_look, rows[first : first + _AHEAD])


def _look(place: tuple[Index, int]) -> tuple[bytes, np.ndarray | str]:
    """The digest and the thumbnail of an image, or the reason why there is none."""
    index, row = place
    try:
        source = index.source(row)
        data = source if isinstance(source, bytes) else source.read_bytes()
        return hashlib.sha256(data).hexdigest().encode(), _thumbnail(data, index.formats[row])
    except BadImage as reason:
        return b"", str(reason)
    except DECODER_ERRORS as error:
        return b"", getattr(error, "strerror", None) or f"cannot be decoded ({error or type(error).__name__})"


def _thumbnail(data: bytes, image_format: str) -> np.ndarray:
    """Grey levels uint8 [8, 9], upright. A JPEG is decoded at an eighth of its size where that is enough, which costs a third."""
    if image_format == "jpeg":
        image: Image.Image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        image.draft("L", _DRAFT)
        image.load()
        if orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
    else:
        image = Image.fromarray(read_rgb(data))
    return np.asarray(image.convert("L").resize((_WIDTH, _HEIGHT), Image.Resampling.BOX))


def in_groups(groups: np.ndarray) -> list[np.ndarray]:
    """The rows of each group of two or more, in the order of their first rows."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0]))
