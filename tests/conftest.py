"""What every test stands on: a cache of its own, a quiet TensorFlow, no network beyond loopback, and a small folder of photographs."""

import os
import shutil
import socket

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # here, because test modules import TensorFlow while they are collected
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as kclassify.devices does on x86 before it imports TensorFlow

# Begun first, so that no worker is left with one of them when the others have finished.
_LONGEST = ("test_zoo.py", "test_models.py", "test_reliability.py", "test_notebooks.py", "test_devices.py")
_LOOPBACK = ("127.", "::1", "localhost")


def pytest_collection_modifyitems(items):
    """Long files first; within a file, and among the others, the order stays."""
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory):
    """Caches go to a temporary folder, and no KCLASSIFY_ variable of the person who runs the tests reaches a config."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KCLASSIFY_")]:
            patch.delenv(name)
        patch.setenv("KCLASSIFY_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """A connection to anything but this machine fails at once."""

    def guarded(connect):
        def attempt(self, address):
            if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
                raise OSError(f"tests must not use the network, but something connects to {address}")
            return connect(self, address)

        return attempt

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache folder for one test."""
    folder = tmp_path / "own-cache"
    monkeypatch.setenv("KCLASSIFY_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def photo_arrays():
    """Three photographs that come with scikit-image, by name: uint8 [300, 451, 3], [400, 600, 3] and [427, 640, 3]."""
    from skimage import data

    return {"cat": data.cat(), "coffee": data.coffee(), "rocket": data.rocket()}


@pytest.fixture(scope="session")
def _photo_folder(tmp_path_factory, photo_arrays):
    from PIL import Image

    root = tmp_path_factory.mktemp("made") / "photos"
    for name, pixels in photo_arrays.items():
        (root / name).mkdir(parents=True)
        photo = Image.fromarray(pixels)
        for number, (width, height) in enumerate(((90, 60), (61, 83), (130, 47), (40, 40))):
            suffix = "png" if number == 1 else "jpg"
            photo.rotate(3 * number).resize((width, height)).save(root / name / f"{name}{number}.{suffix}")
    return root


@pytest.fixture
def photos(tmp_path, _photo_folder):
    """A folder of class folders cat, coffee and rocket with four small pictures each (three JPEG, one PNG), the test's own to change."""
    return shutil.copytree(_photo_folder, tmp_path / "photos")
