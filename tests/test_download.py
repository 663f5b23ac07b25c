"""Downloads as a user with a bad line meets them: whatever breaks, the file under the final name is right or not there."""

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_server import Loopback

from kclassify.errors import DataError, SetupError, UsageError
from kclassify.presets.datasets import RemoteFile
from kclassify.remote import download

CONTENT = random.Random(0).randbytes(300_001)
PROGRAM = """
import sys
from pathlib import Path
from kclassify.remote import download
from kclassify.presets.datasets import RemoteFile
download._PAUSE = 0.01
url, size, sha256, folder = sys.argv[1:]
print(download.fetch(RemoteFile(url, int(size), sha256), Path(folder)))
if "tensorflow" in sys.modules or "keras" in sys.modules:
    sys.exit("a download must not wait for TensorFlow")
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(download, "_PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with Loopback({"/some/set.bin": CONTENT}) as running:
        yield running


@pytest.fixture
def file(server):
    return RemoteFile(f"{server.url}/some/set.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def message(error):
    text = str(error.value)
    assert len(text.splitlines()) <= 3
    return text


def names(folder):
    """What lies in the folder beside lock files."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def start(file, folder, **environment):
    command = [sys.executable, "-c", PROGRAM, file.url, str(file.size), file.sha256, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})


def test_a_file_comes_once_and_progress_counts_its_bytes(server, file, folder):
    seen = []
    path = download.fetch(file, folder, progress=lambda *counts: seen.append(counts))
    assert path == folder / "set.bin" and path.read_bytes() == CONTENT and names(folder) == ["set.bin"]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen}) and seen[-1] == (len(CONTENT), len(CONTENT))
    download.fetch(file, folder)
    assert len(server.requests) == 1


def test_a_line_cut_at_ten_offsets(server, file, folder):
    server.cuts = sorted(random.Random(1).sample(range(1, len(CONTENT)), 10))
    cuts = list(server.cuts)
    assert download.fetch(file, folder).read_bytes() == CONTENT
    assert [asked for _, asked, _ in server.requests] == [None, *(f"bytes={cut}-" for cut in cuts)]
    assert names(folder) == ["set.bin"]


def test_ten_kills(server, file, folder):
    """Each time something new has come; between two kills nothing wrong has the final name."""
    server.pause = 0.003  # 300 KB take a second
    part = folder / "set.bin.part"
    for _ in range(10):
        have = part.stat().st_size if part.exists() else 0
        process, until = start(file, folder), time.monotonic() + 20
        while time.monotonic() < until and not (part.exists() and part.stat().st_size > have):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL and not (folder / "set.bin").exists()
        assert CONTENT.startswith(part.read_bytes())
    assert sum(bool(asked) for _, asked, _ in server.requests) == 9
    server.pause = 0.0
    assert download.fetch(file, folder).read_bytes() == CONTENT


def test_killed_between_the_last_byte_and_the_rename(server, file, folder):
    folder.mkdir()
    (folder / "set.bin.part").write_bytes(CONTENT)
    assert download.fetch(file, folder).read_bytes() == CONTENT and not server.requests


def test_four_processes_make_one_download(server, file, folder):
    server.pause = 0.002
    processes = [start(file, folder) for _ in range(4)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert answers == [(f"{folder / 'set.bin'}\n", "")] * 4
    assert len(server.requests) == 1 and (folder / "set.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("cut", [None, 100_000])
def test_wrong_bytes_are_tried_twice_deleted_and_said(server, file, folder, cut):
    server.files["/some/set.bin"] = CONTENT[:-1] + b"!"
    server.cuts = [cut] if cut else []
    with pytest.raises(DataError, match="sha256") as error:
        download.fetch(file, folder)
    assert file.url in message(error) and file.sha256 in message(error) and str(folder / "set.bin") in message(error)
    assert names(folder) == []
    assert [asked for _, asked, _ in server.requests][-1] is None


def test_wrong_bytes_once(server, file, folder):
    """A part of another origin: its end does not make it right, the second attempt from zero does."""
    server.cuts = [100_000]
    folder.mkdir()
    (folder / "set.bin.part").write_bytes(b"x" * 50_000)
    (folder / "set.bin.part.etag").write_text(f'"{hashlib.md5(CONTENT).hexdigest()}"')
    assert download.fetch(file, folder).read_bytes() == CONTENT
    assert [asked for _, asked, _ in server.requests] == ["bytes=50000-", "bytes=100000-", None]


def test_md5_where_that_is_published(server, file, folder):
    right = replace(file, sha256="", md5=hashlib.md5(CONTENT).hexdigest())
    with pytest.raises(DataError, match="md5"):
        download.fetch(replace(right, md5="0" * 32), folder)
    assert download.fetch(right, folder).read_bytes() == CONTENT


def test_a_web_page_with_status_200(server, file, folder):
    server.page = True
    with pytest.raises(DataError, match="web page") as error:
        download.fetch(file, folder)
    assert file.url in message(error) and names(folder) == []


def test_a_web_page_costs_no_part(server, file, folder):
    folder.mkdir()
    (folder / "set.bin.part").write_bytes(CONTENT[:1000])
    server.page = True
    with pytest.raises(DataError, match="web page"):
        download.fetch(file, folder)
    assert (folder / "set.bin.part").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("fault", ["no_range", "no_tag"])
def test_a_server_that_cannot_resume(server, file, folder, fault):
    setattr(server, fault, True)
    server.cuts = [70_000, 140_000]
    assert download.fetch(file, folder).read_bytes() == CONTENT
    assert [status for _, _, status in server.requests] == [200, 200, 200]


def test_a_file_that_changed_between_two_parts(server, file, folder):
    server.files["/some/set.bin"] = bytes(len(CONTENT))
    server.cuts = [100_000, 100_000, 100_000, 100_000, 100_000]
    with pytest.raises(SetupError):
        download.fetch(file, folder)
    server.files["/some/set.bin"], server.cuts = CONTENT, []
    server.requests.clear()
    assert download.fetch(file, folder).read_bytes() == CONTENT
    assert [(asked, status) for _, asked, status in server.requests] == [("bytes=100000-", 200)]


def test_a_shorter_file_is_refused_before_it_comes(server, file, folder):
    server.files["/some/set.bin"] = CONTENT[:1000]
    with pytest.raises(DataError, match=r"1,000 bytes; .*300,001"):
        download.fetch(file, folder)
    assert not (folder / "set.bin").exists()


def test_a_part_that_is_too_long(server, file, folder):
    folder.mkdir()
    (folder / "set.bin.part").write_bytes(CONTENT + b"more")
    (folder / "set.bin.part.etag").write_text(f'"{hashlib.md5(CONTENT).hexdigest()}"')
    assert download.fetch(file, folder).read_bytes() == CONTENT
    assert [status for _, _, status in server.requests] == [416, 200]


@pytest.mark.parametrize("status", [404, 403])
def test_an_answer_that_will_not_change(server, file, folder, status):
    server.refuse = [status]
    with pytest.raises(DataError, match=f"answers {status}") as error:
        download.fetch(file, folder)
    assert str(folder / "set.bin") in message(error) and len(server.requests) == 1


def test_an_answer_without_a_length_that_ends_early(server, file, folder):
    server.no_length = True
    server.cuts = [50_000, 100_000, 150_000]
    assert download.fetch(file, folder).read_bytes() == CONTENT
    assert [asked for _, asked, _ in server.requests] == [None, "bytes=50000-", "bytes=100000-", "bytes=150000-"]


def test_patience_lasts_as_long_as_something_comes(server, file, folder):
    server.refuse = [503, 503, 503, None, 503, 503, 503]
    server.cuts = [1000]
    assert download.fetch(file, folder).read_bytes() == CONTENT
    server.refuse = [503] * 5
    with pytest.raises(SetupError, match="answers 503"):
        download.fetch(file, folder / "other")
    assert len(server.refuse) == 1


def test_an_answer_that_may_change(server, file, folder):
    server.refuse = [503, 429, 500]
    assert download.fetch(file, folder).read_bytes() == CONTENT


def test_a_redirect(server, file, folder):
    server.redirects = True
    assert download.fetch(file, folder).read_bytes() == CONTENT


def test_no_server(file, folder):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = replace(file, url=re.sub(r":\d+/", f":{unused.getsockname()[1]}/", file.url))
        with pytest.raises(SetupError, match="cannot be reached") as error:
            download.fetch(away, folder)
    assert away.url in message(error) and "300,001 bytes" in message(error) and str(folder / "set.bin") in message(error)


def test_offline_opens_no_socket(server, file, folder, monkeypatch):
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    monkeypatch.setattr(socket, "socket", None)
    with pytest.raises(DataError, match="KCLASSIFY_OFFLINE") as error:
        download.fetch(file, folder)
    assert file.url in message(error) and str(folder / "set.bin") in message(error) and not folder.exists()
    folder.mkdir()
    (folder / "set.bin").write_bytes(CONTENT)
    assert download.fetch(file, folder) == folder / "set.bin"


def test_what_a_user_put_there_is_checked_and_never_changed(server, file, folder):
    folder.mkdir()
    (folder / "set.bin").write_bytes(b"mine")
    with pytest.raises(DataError, match="4 bytes instead of 300,001") as error:
        download.fetch(file, folder)
    assert str(folder / "set.bin") in message(error)
    assert (folder / "set.bin").read_bytes() == b"mine" and not server.requests


def test_a_mirror_stands_for_scheme_and_host(server, file, folder, monkeypatch):
    monkeypatch.setenv("KCLASSIFY_MIRROR", f"{server.url}/copies/")
    server.files = {"/copies/some/set.bin": CONTENT}
    assert download.fetch(replace(file, url="https://example.org/some/set.bin"), folder).read_bytes() == CONTENT
    monkeypatch.setenv("KCLASSIFY_MIRROR", "copies")
    with pytest.raises(UsageError, match="'copies'"):
        download.fetch(file, folder / "other")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full")
def test_a_full_disk(server, file, folder):
    folder.mkdir()
    (folder / "set.bin.part").symlink_to("/dev/full")
    with pytest.raises(SetupError, match="No space left") as error:
        download.fetch(file, folder)
    assert str(folder / "set.bin") in message(error) and not (folder / "set.bin").exists()


def test_a_folder_that_cannot_be_made(file, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SetupError, match="Cannot write") as error:
        download.fetch(file, tmp_path / "data")
    assert str(tmp_path / "data") in message(error)
