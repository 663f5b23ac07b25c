"""Data sets by name, each from a tiny archive of the published form: the same pixels, labels and classes as the arrays it was made of."""

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlsplit

import numpy as np
import pytest
from loopback_server import Loopback
from tiny_archives import check, cifar10, cifar100, fashion_mnist, flowers102, idx, mnist, tar

from kclassify import config
from kclassify.data import index
from kclassify.data.images import decode
from kclassify.data.sources import named
from kclassify.errors import DataError, SetupError
from kclassify.presets.datasets import DATASETS, RemoteFile
from kclassify.remote import download

MAKERS = {maker.__name__: maker for maker in (cifar10, cifar100, mnist, fashion_mnist, flowers102)}
every_archive = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture(autouse=True)
def quick(monkeypatch, own_cache):
    monkeypatch.setattr(download, "_PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def publish(server, monkeypatch):
    """Serve these bytes as the files of a set, through the mirror, with their digests in its row."""

    def serve(name, contents):
        row = DATASETS[name]
        made = zip(row.files, contents, strict=True)
        files = tuple(RemoteFile(file.url, len(content), sha256(content).hexdigest()) for file, content in made)
        server.files.update({urlsplit(file.url).path: content for file, content in zip(files, contents, strict=True)})
        monkeypatch.setitem(DATASETS, name, replace(row, files=files))
        monkeypatch.setenv("KCLASSIFY_MIRROR", server.url)
        return files

    return serve


def message(error):
    text = str(error.value)
    assert len(text.splitlines()) <= 3
    return text


@every_archive
def test_a_named_set_from_its_archives(name, publish, server, monkeypatch):
    contents, parts, class_names = MAKERS[name]()
    publish(name, contents)
    seen = []
    found = named.listings(name, progress=lambda *counts: seen.append(counts))
    check(found, parts, class_names)
    total = sum(map(len, contents))
    assert seen == sorted(seen) and seen[-1] == (total, total)
    assert len(server.requests) == len(contents)
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    again = named.listings(name, splits=("val",))
    assert list(again) == ["val"] and again["val"].paths == found["val"].paths and len(server.requests) == len(contents)


@every_archive
def test_files_that_a_user_has(name, publish, server, monkeypatch, tmp_path, own_cache):
    """They are taken from the user's folder, into which nothing is written, and no connection is made."""
    contents, parts, class_names = MAKERS[name]()
    folder = tmp_path / "sets" / name
    folder.mkdir(parents=True)
    for file, content in zip(publish(name, contents), contents, strict=True):
        (folder / file.name).write_bytes(content)
    before = {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())}
    monkeypatch.setenv("KCLASSIFY_DATASETS", str(tmp_path / "sets"))
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    check(named.listings(name), parts, class_names)
    assert {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())} == before and not server.requests


@every_archive
def test_offline_says_which_file_goes_where(name, monkeypatch, own_cache):
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    with pytest.raises(DataError) as error:
        named.listings(name)
    first = DATASETS[name].files[0]
    assert first.url in message(error) and str(own_cache / "data" / name / first.name) in message(error)


def test_four_at_once_make_one_pack(publish, server):
    contents, parts, class_names = mnist()
    publish("mnist", contents)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: named.listings("mnist"), range(4)))
    assert len(server.requests) == 4
    check(found[3], parts, class_names)


def test_a_pack_that_was_killed_half_made(publish, own_cache):
    contents, parts, class_names = mnist()
    publish("mnist", contents)
    half = own_cache / "data" / "mnist" / ".pack-1-k1ll3d"
    half.mkdir(parents=True)
    (half / "train-00000").write_bytes(b"half")
    check(named.listings("mnist"), parts, class_names)
    assert not half.exists()


@pytest.mark.parametrize(
    "content",
    [b"no archive", tar({"data_batch_1.bin": b"short", "test_batch.bin": b"", "batches.meta.txt": b"a"}), tar({}, "w:gz")],
    ids=["no archive", "short", "nothing inside"],  # gzip writes the time, which must not be part of a test's name
)
def test_an_archive_of_another_form(publish, own_cache, content):
    publish("cifar10", [content])
    with pytest.raises(DataError, match="cannot be read as cifar10") as error:
        named.listings("cifar10")
    assert "cifar-10-binary.tar.gz" in message(error) and not (own_cache / "data" / "cifar10" / "pack-1").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_an_archive_are_not_followed(publish, tmp_path, kind):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\0" + bytes(3072))
    names = ["data_batch_1.bin", "test_batch.bin", "batches.meta.txt"]
    publish("cifar10", [tar(dict.fromkeys(names, b""), kind=kind, target=str(secret))])
    with pytest.raises(DataError, match="cannot be read"):
        named.listings("cifar10")


def test_names_that_lead_out_of_the_archive_write_nothing_there(publish, tmp_path, own_cache):
    contents, parts, class_names = cifar10()
    with tarfile.open(fileobj=io.BytesIO(contents[0])) as archive:
        members = {f"../../../../{item.name}": archive.extractfile(item).read() for item in archive}
    publish("cifar10", [tar({**members, "/tmp/evil/data": b"x"}, "w:gz")])
    check(named.listings("cifar10"), parts, class_names)
    assert {path.name for path in tmp_path.iterdir()} == {own_cache.name}


def test_a_label_that_no_class_has(publish):
    contents, _, _ = mnist()
    contents[1] = idx(np.full(7, 10, np.uint8))
    publish("mnist", contents)
    with pytest.raises(DataError, match="mnist"):
        named.listings("mnist")


def test_a_cache_that_cannot_be_written(publish, own_cache):
    publish("mnist", mnist()[0])
    own_cache.write_text("a file, no folder")
    with pytest.raises(SetupError) as error:
        named.listings("mnist")
    assert str(own_cache) in message(error) and "KCLASSIFY_CACHE" in message(error)


def test_an_unknown_name():
    with pytest.raises(DataError, match="Did you mean 'cifar100'") as error:
        named.listings("cifar-100")
    assert "flowers102" in message(error)


def test_the_digits_are_those_of_scikit_learn():
    """Names, labels and pixels are what they were in every version, so that runs can be compared."""
    found = named.listings("digits")
    assert found["train"].class_names == found["val"].class_names == tuple("0123456789")
    assert {split: len(part.paths) for split, part in found.items()} == DATASETS["digits"].images
    text = "\n".join(
        f"{split} {path} {label}" for split, part in found.items() for path, label in zip(part.paths, part.labels, strict=True)
    )
    assert sha256(text.encode()).hexdigest() == "6a8d3a76afcf8d30d6eb2690c9a4d4e407090bc639cf782b9dcced4dd7d52154"
    scanned = index.scan(found["val"])
    content = b"".join(decode.read_rgb(scanned.source(row)).tobytes() for row in range(len(scanned)))
    assert sha256(content).hexdigest() == "47d2008ad7b0146686b6a9eabb7616c01c4eec708e6e760524a90f1c7387614f"


@pytest.mark.parametrize("name", DATASETS)
def test_the_settings_of_a_set_are_settings_of_a_run(name):
    resolved = config.resolve({"data": name})
    assert {key for key, origin in resolved.origins.items() if origin == f"data {name}"} == set(DATASETS[name].settings)


def test_published_files_are_told_apart_by_the_path_of_their_address():
    paths = [urlsplit(file.url).path for row in DATASETS.values() for file in row.files]
    assert len(set(paths)) == len(paths)
    for row in DATASETS.values():
        assert all(len(file.sha256) == 64 or (len(file.md5) == 32 and row.form == "imagenet") for file in row.files)
        assert row.form in ("digits", "imagenet") or all(file.size for file in row.files)
