"""Downloads that are whole or not there: checked by digest, resumed after a break, one process at a time."""

import functools
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from filelock import FileLock

from kclassify.errors import DataError, SetupError, UsageError
from kclassify.presets.datasets import RemoteFile

Progress = Callable[[int, int], None]

_FAILURES = 4  # attempts in a row that bring nothing new
_PAUSE = 1.0  # seconds before the next attempt, doubled after each that brings nothing
_TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two pieces
_PIECE = 2**14  # bytes; a process that is killed loses at most one
_TRY_AGAIN = (408, 429)  # of the 4xx answers those that may be another one in a moment
_REASONS = (
    (requests.exceptions.SSLError, "its certificate is not accepted"),
    (requests.exceptions.ProxyError, "the proxy does not answer"),
    (requests.Timeout, "it does not answer in time"),
    (requests.ConnectionError, "it cannot be reached, or broke off"),
)


def fetch(file: RemoteFile, folder: Path, *, progress: Progress | None = None) -> Path:
    """The published file in `folder`, downloaded if it is not there; what has the final name is whole and has the right digest.

    A download that was cut off or killed goes on where it stopped, if the server says that the file is still the same.
    `KCLASSIFY_OFFLINE=1` forbids the network; `KCLASSIFY_MIRROR=http://host/path` stands for scheme and host of every address.

    Args:
        progress: called with (bytes so far, bytes in all).

    Raises:
        DataError: the file there or the one that the server gives is not the published one, or it is missing offline.
        SetupError: no connection, or no room or right to write in `folder`.
    """
    target = folder / file.name
    if target.exists():
        check(target, file)
        return target
    if os.environ.get("KCLASSIFY_OFFLINE", "0") not in ("", "0"):
        raise DataError(f"{file.name} is missing, and KCLASSIFY_OFFLINE forbids to download it.\n{by_hand(file, target)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{file.name}.lock"):
            if not target.exists():  # no other process was first
                _download(_address(file), file, target, progress)
    except OSError as error:
        raise SetupError(
            f"Cannot write {target}: {error.strerror or error}.\nMake room, or name another folder: KCLASSIFY_CACHE=FOLDER"
        ) from error
    return target


def check(path: Path, file: RemoteFile) -> None:
    """Raise DataError if what lies at `path` is not the published file."""
    wrong = _difference(path, file)
    if wrong:
        raise DataError(f"{path} is not the published file: {wrong}.\nReplace it by {file.url}, or delete it.")


def by_hand(file: RemoteFile, target: Path) -> str:
    """What to do where there is no network: a line for the user."""
    size = f" ({file.size:,} bytes)" if file.size else ""
    return f"Put {file.url}{size} at {target} and repeat the command."


def _address(file: RemoteFile) -> str:
    mirror = os.environ.get("KCLASSIFY_MIRROR")
    if not mirror:
        return file.url
    if not mirror.startswith(("http://", "https://")):
        raise UsageError(f"KCLASSIFY_MIRROR is '{mirror}'. Expected an address such as http://host/path.")
    return mirror.rstrip("/") + urlsplit(file.url).path


def _difference(path: Path, file: RemoteFile) -> str:
    """In what a file differs from the published one; empty if in nothing."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size:,} bytes instead of {file.size:,}"
    for name in ("sha256", "md5"):
        expected = getattr(file, name)
        if expected:
            with path.open("rb") as handle:
                found = hashlib.file_digest(handle, functools.partial(hashlib.new, name, usedforsecurity=False)).hexdigest()
            if found != expected:
                return f"{name} {found} instead of {expected}"
    return ""


def _download(url: str, file: RemoteFile, target: Path, progress: Progress | None) -> None:
    part = Path(f"{target}.part")
    wrong = ""
    for _ in range(2):  # wrong bytes may come from the old half of a part: the second time is from zero
        _receive(url, file, part, progress)
        wrong = _difference(part, file)
        if not wrong:
            os.replace(part, target)
            return _tag_of(part).unlink(missing_ok=True)
        part.unlink()
        _tag_of(part).unlink(missing_ok=True)
    raise DataError(f"{url} brought {wrong}, twice; it was deleted.\n{by_hand(file, target)}")


def _receive(url: str, file: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Attempts until `part` is complete; as long as each brings something new, they may be as many as it takes."""
    failures, furthest = 0, _size(part)
    with requests.Session() as session:
        while True:
            try:
                return _attempt(session, url, file, part, progress)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                failures = 0 if _size(part) > furthest else failures + 1
                furthest = max(furthest, _size(part))
                if failures == _FAILURES:
                    target = part.with_suffix("")
                    raise SetupError(f"Cannot download {url}: {_reason(error)}.\n{by_hand(file, target)}") from error
            time.sleep(_PAUSE * 2**failures)


def _attempt(session: requests.Session, url: str, file: RemoteFile, part: Path, progress: Progress | None) -> None:
    have, tag = _size(part), _tag_of(part).read_text() if _tag_of(part).exists() else ""
    if have and have == file.size:  # killed between the last byte and the rename
        return
    headers = {"Accept-Encoding": "identity", "User-Agent": "kclassify"}
    if have and tag:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        _check_answer(response, url, file, part)
        resumed = response.status_code == requests.codes.partial_content
        if resumed and (
            not response.headers.get("Content-Range", "").startswith(f"bytes {have}-") or _validator(response) not in ("", tag)
        ):
            part.unlink()
            raise requests.ConnectionError("another part than the one that was asked for")
        with part.open("ab" if resumed else "wb") as handle:
            if not resumed:
                _tag_of(part).write_text(_validator(response))
            for piece in response.raw.stream(_PIECE, decode_content=False):
                handle.write(piece)
                if progress:
                    progress(handle.tell(), file.size or 0)
            handle.flush()
            os.fsync(handle.fileno())
    if file.size is not None and _size(part) < file.size:
        raise requests.ConnectionError("the answer ended early")


def _check_answer(response: requests.Response, url: str, file: RemoteFile, part: Path) -> None:
    """Raise before a byte is written if this is not the file: DataError for good, RequestException if another attempt may help."""
    status, target = response.status_code, part.with_suffix("")
    if status == requests.codes.requested_range_not_satisfiable:
        part.unlink(missing_ok=True)
    if status >= 500 or status in (*_TRY_AGAIN, requests.codes.requested_range_not_satisfiable):
        raise requests.HTTPError(f"it answers {status} {response.reason}")
    if status >= 400:
        raise DataError(f"{url} answers {status} {response.reason}.\n{by_hand(file, target)}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DataError(f"{url} answers with a web page instead of the file, as a proxy or a login does.\n{by_hand(file, target)}")
    whole = response.headers.get("Content-Range", "").rpartition("/")[2] or response.headers.get("Content-Length", "")
    if whole.isdecimal() and file.size is not None and int(whole) != file.size:
        raise DataError(f"{url} has {int(whole):,} bytes; the published file has {file.size:,}.\n{by_hand(file, target)}")


def _validator(response: requests.Response) -> str:
    """What names this version of the file in `If-Range`: a strong ETag, else its date."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError):
        return str(error)
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "the connection broke off")


def _tag_of(part: Path) -> Path:
    return Path(f"{part}.etag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
