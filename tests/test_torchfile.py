"""Torch and safetensors files are read without torch, and a file that is hostile or damaged is refused without harm."""

import collections
import io
import json
import os
import pickle
import re
import zipfile

import numpy as np
import pytest

from kclassify.errors import ModelError
from kclassify.statefiles import safetensor, torchfile

TYPES = {np.dtype("f4"): "FloatStorage", np.dtype("f2"): "HalfStorage", np.dtype("i8"): "LongStorage", np.dtype("u2"): "BFloat16Storage"}


class Name:
    """Pickles as the name of something in another module."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)


class Stored:
    """Pickles as a torch storage."""

    def __init__(self, array, key, count=None):
        self.array, self.key, self.count = np.ravel(array), key, count

    def reference(self):
        return ("storage", Name("torch", TYPES[self.array.dtype]), self.key, "cpu", self.array.size if self.count is None else self.count)


class TorchPickler(pickle._Pickler):
    """Writes the pickle instructions that torch.save writes, protocol 2, without torch."""

    def persistent_id(self, item):
        return item.reference() if isinstance(item, Stored) else None

    def save(self, item, save_persistent_id=True):
        if isinstance(item, Name):
            self.write(pickle.GLOBAL + f"{item.module}\n{item.name}\n".encode())
        elif isinstance(item, Call):
            self.save(item.call[0])
            self.save(item.call[1])
            self.write(pickle.REDUCE)
        else:
            super().save(item, save_persistent_id)


def pickled(item):
    stream = io.BytesIO()
    TorchPickler(stream, protocol=2).dump(item)
    return stream.getvalue()


def tensor(array, key, *, shape=None, strides=None, offset=0, count=None):
    array = np.asarray(array)
    strides = tuple(step // array.itemsize for step in array.strides) if strides is None else strides
    shape = array.shape if shape is None else shape
    stored = Stored(array, key, count)
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), stored, offset, shape, strides, False, collections.OrderedDict())


def write_zip(path, item, storages, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("archive/data.pkl", item if isinstance(item, bytes) else pickled(item))
        archive.writestr("archive/byteorder", "little")
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", np.ascontiguousarray(array).tobytes())
    return path


def write_legacy(path, item, storages):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [pickled(part) for part in (torchfile.LEGACY_MAGIC, 1001, system, item, list(storages))]
    parts += [np.int64(array.size).tobytes() + np.ascontiguousarray(array).tobytes() for array in storages.values()]
    path.write_bytes(b"".join(parts))
    return path


WRITERS = pytest.mark.parametrize("write", [write_zip, write_legacy])
MATRIX = np.arange(6, dtype="f4").reshape(2, 3)


@WRITERS
def test_tensors_come_back_with_their_types_and_strides(tmp_path, write):
    bits = np.array([0x3F80, 0xC000], "u2")  # 1 and -2 in bfloat16
    storages = {"0": MATRIX, "1": np.array(7), "2": np.array([1.5], "f2"), "3": bits}
    state = {
        "plain": tensor(MATRIX, "0"),
        "turned": tensor(MATRIX, "0", shape=(3, 2), strides=(1, 3)),
        "part": tensor(MATRIX, "0", shape=(2,), strides=(1,), offset=4),
        "count": tensor(np.array(7), "1"),
        "half": Call(Name("torch._utils", "_rebuild_parameter"), tensor(storages["2"], "2"), True, collections.OrderedDict()),
        "brain": tensor(bits, "3"),
        "epoch": 3,
    }
    result = torchfile.read(write(tmp_path / "a.pth", {"state_dict": state}, storages))
    assert sorted(result) == ["brain", "count", "half", "part", "plain", "turned"]
    for name, expected in {"plain": MATRIX, "turned": MATRIX.T, "part": MATRIX.ravel()[4:], "count": np.array(7)}.items():
        np.testing.assert_array_equal(result[name], expected)
    assert result["half"].dtype == np.float16 and result["half"] == 1.5
    np.testing.assert_array_equal(result["brain"], np.array([1, -2], "f4"))


def test_the_prefix_of_data_parallel_training_goes(tmp_path):
    path = write_zip(tmp_path / "a.pth", {"module.fc.bias": tensor(MATRIX, "0")}, {"0": MATRIX})
    assert list(torchfile.read(path)) == ["fc.bias"]


@WRITERS
def test_a_pickle_that_calls_the_system_is_refused_and_not_run(tmp_path, write):
    trace = tmp_path / "ran"
    state = {"a": tensor(MATRIX, "0"), "b": Call(Name(os.system.__module__, "system"), f"touch {trace}")}
    path = write(tmp_path / "evil.pth", state, {"0": MATRIX})
    with pytest.raises(ModelError, match=r"evil\.pth.*posix\.system"):
        torchfile.read(path)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["builtins eval", "torch load", "numpy.core.multiarray _reconstruct", "collections Counter", "os system"])
def test_only_the_names_of_a_state_dict_are_known(tmp_path, name):
    path = write_zip(tmp_path / "a.pth", {"a": Call(Name(*name.split()), "1")}, {})
    with pytest.raises(ModelError, match=name.replace(" ", r"\.")):
        torchfile.read(path)


HOSTILE = {
    "a memo of 4 G": b"\x80\x02}r\xff\xff\xff\xff.",
    "a text of 4 G": b"\x80\x02X\xff\xff\xff\xffabc.",
    "an object of its own": pickle.dumps(collections.Counter("a"), 4),
    "an instance": b"(S'touch x'\nios\nsystem\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "no end": b"\x80\x02}",
    "nothing": b"",
    "a number": b"\x80\x02K\x01.",
    "an altered stand-in": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
    "an altered class": b"\x80\x02ccollections\nOrderedDict\nN}X\x01\x00\x00\x00aK\x01s\x86b.",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pickle_is_refused(tmp_path, text):
    path = write_zip(tmp_path / "a.pth", text, {})
    with pytest.raises(ModelError, match=r"a\.pth") as error:
        torchfile.read(path)
    assert str(error.value).count("\n") <= 2


@pytest.mark.parametrize(("name", "instruction"), [("an instance", "INST"), ("an extension", "EXT1")])
def test_an_instruction_that_no_state_dict_needs_is_never_reached(tmp_path, name, instruction):
    with pytest.raises(ModelError, match=f"instruction {instruction}"):
        torchfile.read(write_zip(tmp_path / "a.pth", HOSTILE[name], {}))


DESCRIPTIONS = {
    "beyond the end": {"shape": (7,), "strides": (1,)},
    "after an offset": {"shape": (6,), "strides": (1,), "offset": 1},
    "a long stride": {"shape": (2, 2), "strides": (5, 2)},
    "one number a billion times": {"shape": (10**9,), "strides": (0,)},
    "a product that overflows": {"shape": (2**32, 2**32), "strides": (0, 0)},
    "a negative stride": {"shape": (2,), "strides": (-1,), "offset": 1},
    "a negative length": {"shape": (-1,), "strides": (1,)},
    "a negative offset": {"shape": (1,), "strides": (1,), "offset": -1},
    "more strides than lengths": {"shape": (2,), "strides": (1, 1)},
    "a length that is no number": {"shape": ("2",), "strides": (1,)},
    "a storage that is too long": {"count": 10**12},
    "a storage that is too short": {"count": 5},
}


@WRITERS
@pytest.mark.parametrize("description", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_tensor_outside_its_storage_is_refused(tmp_path, write, description):
    path = write(tmp_path / "a.pth", {"a": tensor(MATRIX, "0", **description)}, {"0": MATRIX})
    with pytest.raises(ModelError, match=r"a\.pth"):
        torchfile.read(path)


def test_many_tensors_over_one_storage_are_refused(tmp_path):
    numbers = np.zeros(1000, "u2")  # bfloat16 takes memory when it is widened
    state = {str(index): tensor(numbers, "0") for index in range(500)}
    with pytest.raises(ModelError, match="larger than the file"):
        torchfile.read(write_zip(tmp_path / "a.pth", state, {"0": numbers}))


def test_a_compressed_zip_is_refused(tmp_path):
    # Short and random: deflating makes it no smaller, so nothing but the compression itself is wrong.
    numbers = np.random.default_rng(0).standard_normal(1000).astype("f4")
    path = write_zip(tmp_path / "a.pth", {"a": tensor(numbers, "0")}, {"0": numbers}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="compressed"):
        torchfile.read(path)


@WRITERS
def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path, write):
    path = write(tmp_path / "a.pth", {"a": tensor(MATRIX, "0"), "b": tensor(MATRIX, "0")}, {"0": MATRIX})
    whole = path.read_bytes()
    assert len(torchfile.read(path)) == 2
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"a\.pth"):
            torchfile.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=re.escape(str(tmp_path / "none.pth"))):
        torchfile.read(tmp_path / "none.pth")


NUMBERS = MATRIX.tobytes()


def write_safetensors(path, header, numbers=NUMBERS):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    return path


ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def test_safetensors_come_back(tmp_path):
    entry = {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]}
    header = {"__metadata__": {"format": "pt"}, "a": ENTRY, "b": entry}
    result = safetensor.read(write_safetensors(tmp_path / "a.safetensors", header, MATRIX.tobytes() + b"\x80\x3f"))
    np.testing.assert_array_equal(result["a"], MATRIX)
    assert result["b"].shape == () and result["b"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2, 4]},
        {"shape": [-2, -3]},
        {"data_offsets": [0, 48]},
        {"data_offsets": [24, 0]},
        {"dtype": "X"},
        {"shape": None},
        {"shape": [2**40, 2**40]},
    ],
    ids=str,
)
def test_damaged_safetensors_are_refused(tmp_path, change):
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        safetensor.read(write_safetensors(tmp_path / "a.safetensors", {"a": ENTRY | change}))


@pytest.mark.parametrize("text", [b"", b"\xff" * 8, b"\x02\0\0\0\0\0\0\0[]", b"\x01\0\0\0\0\0\0\0{"], ids=str)
def test_a_damaged_header_is_refused(tmp_path, text):
    path = tmp_path / "a.safetensors"
    path.write_bytes(text)
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        safetensor.read(path)
