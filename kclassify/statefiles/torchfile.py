"""Reads a torch checkpoint (zip, or the legacy format of before 1.6) into NumPy without torch and without running code from the file."""

import collections
import io
import math
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kclassify.errors import ModelError

BFLOAT16 = "bfloat16"
DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
# What torch.save writes for a state dict. Nothing here makes an object or calls a function but GLOBAL + REDUCE, which find_class controls.
OPCODES = frozenset(
    """
    PROTO FRAME STOP MARK MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET BINPERSID GLOBAL STACK_GLOBAL REDUCE BUILD
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
    """.split()  # noqa: SIM905 - one name a line would hide the list
)
MEMO_WRITES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
MAX_OPCODES = 2_000_000  # a state dict takes about 40 for each tensor
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
SHARING = 4  # tied tensors may use one storage a few times


class Refused(Exception):
    """Something in the file that a state dict does not hold; `read` turns it into a ModelError with the file's name."""


class Storage:
    """The flat numbers that one or several tensors lie in; `data` arrives after the pickle that names it."""

    __slots__ = ("count", "data", "dtype")

    def __init__(self, dtype: str, count: int):
        self.dtype, self.count = dtype, count
        self.data: bytes | memoryview = b""

    @property
    def numpy_dtype(self) -> np.dtype:
        """How the bytes are laid out; NumPy has no bfloat16, so its bits come as integers."""
        return np.dtype("<u2" if self.dtype == BFLOAT16 else self.dtype)

    @property
    def byte_count(self) -> int:
        """The length of `data` in bytes that the pickle promises."""
        return self.count * self.numpy_dtype.itemsize


class Record(NamedTuple):
    """A tensor as the pickle describes it, not yet checked; immutable, so that the file's BUILD opcodes cannot alter it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class RebuildTensor:
    """Stands for `torch._utils._rebuild_tensor_v2`; without a __dict__, so that the file cannot alter it."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Record:
        """The described tensor; `requires_grad` and hooks are of no use here."""
        whole = (
            isinstance(shape, tuple) and isinstance(strides, tuple) and all(type(n) is int and n >= 0 for n in (offset, *shape, *strides))
        )
        if not (isinstance(storage, Storage) and whole and len(shape) == len(strides)):
            raise Refused("a tensor with a malformed description")
        return Record(storage, offset, shape, strides)


class RebuildParameter:
    """Stands for `torch._utils._rebuild_parameter`: a parameter is its tensor."""

    __slots__ = ()

    def __call__(self, data: Any, *_: Any) -> Any:
        """The tensor itself."""
        return data


GLOBALS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): RebuildTensor(),
    ("torch._utils", "_rebuild_parameter"): RebuildParameter(),
    **{("torch", name): dtype for name, dtype in DTYPES.items()},
}


class RestrictedUnpickler(pickle.Unpickler):
    """Makes tensors' descriptions and plain containers, and refuses everything else."""

    def __init__(self, stream: io.BytesIO, storages: dict[str, Storage]):
        super().__init__(stream, encoding="utf-8")
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name of torch's; any other name is refused, not imported."""
        if (module, name) not in GLOBALS:
            raise Refused(f"it refers to {module[:60]}.{name[:60]}, which is not loaded because that could run code")
        return GLOBALS[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        """("storage", dtype, key, device, count[, view]) -> the storage of that key, its numbers still missing."""
        if not (isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage" and pid[5:] in ((), (None,))):
            raise Refused("a storage with a malformed description")
        _, dtype, key, _, count = pid[:5]
        if dtype not in DTYPES.values() or type(count) is not int or count < 0:
            raise Refused("a storage of an unknown kind")
        storage = self.storages.setdefault(str(key), Storage(dtype, count))
        if (storage.dtype, storage.count) != (dtype, count):
            raise Refused("a storage that is described in two ways")
        return storage


def check_opcodes(stream: io.BytesIO) -> None:
    """Walk over one pickle without executing it: unpickling allocates what PUT's numbers say, so they are bounded first."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if opcode.name not in OPCODES:
            raise Refused(f"the pickle instruction {opcode.name}, which a state dict does not need")
        if count > MAX_OPCODES or (opcode.name in MEMO_WRITES and int(str(argument)) > count):
            raise Refused("a pickle that asks for too much memory")


def unpickle(stream: io.BytesIO, storages: dict[str, Storage]) -> Any:
    """The next object of the stream, leaving the stream behind it."""
    start = stream.tell()
    check_opcodes(stream)
    end = stream.tell()
    stream.seek(start)
    result = RestrictedUnpickler(io.BytesIO(stream.read(end - start)), storages).load()
    stream.seek(end)
    return result


def read_zip(data: bytes) -> Any:
    """The object in torch's zip format: ROOT/data.pkl and ROOT/data/KEY for each storage."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        # Stored, and together no longer than the file: neither compression nor overlapping entries can make much of little.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or sum(entry.file_size for entry in entries) > len(data):
            raise Refused("zip entries that are compressed or longer than the file")
        roots = [entry.filename.removesuffix("data.pkl") for entry in entries if entry.filename.split("/")[-1] == "data.pkl"]
        if len(roots) != 1:
            raise Refused(f"a zip with {len(roots)} entries called data.pkl where one is expected")
        root = roots[0]
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise Refused("numbers that are not little-endian")
        storages: dict[str, Storage] = {}
        state = unpickle(io.BytesIO(archive.read(f"{root}data.pkl")), storages)
        for key, storage in storages.items():
            storage.data = archive.read(f"{root}data/{key}")
    return state, storages


def read_legacy(data: bytes) -> Any:
    """The object in the format of before torch 1.6: magic, protocol, system, object and storage keys as pickles, then the raw storages."""
    stream = io.BytesIO(data)
    storages: dict[str, Storage] = {}
    if unpickle(stream, storages) != LEGACY_MAGIC:
        raise Refused("no mark of torch.save at its beginning")
    unpickle(stream, storages)
    system = unpickle(stream, storages)
    if not (isinstance(system, dict) and system.get("little_endian", True) is True):
        raise Refused("numbers that are not little-endian")
    state = unpickle(stream, storages)
    keys = unpickle(stream, storages)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise Refused("a list of storages that does not fit its tensors")
    for key in map(str, keys):
        storage = storages[key]
        if int.from_bytes(stream.read(8), "little") != storage.count:
            raise Refused(f"storage {key[:60]} with another length than described")
        start = stream.tell()
        storage.data = memoryview(data)[start : start + storage.byte_count]
        stream.seek(start + storage.byte_count)
    return state, storages


def to_array(record: Record) -> np.ndarray:
    """The tensor as a read-only view into the file's bytes; NumPy checks that it lies inside them."""
    storage, dtype = record.storage, record.storage.numpy_dtype
    strides = tuple(stride * dtype.itemsize for stride in record.strides)
    array: np.ndarray = np.ndarray(record.shape, dtype, storage.data, record.offset * dtype.itemsize, strides)
    return widen_bfloat16(array) if storage.dtype == BFLOAT16 else array


def widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    """uint16 bits of bfloat16 -> float32 of the same shape and values: it is float32 without the lower half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def state_of(checkpoint: Any) -> dict[str, Record]:
    """The tensors of a state dict, also of one inside a training checkpoint ("state_dict", "model") or of DataParallel ("module.")."""
    for key in ("state_dict", "model"):
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get(key), dict):
            checkpoint = checkpoint[key]
    if not isinstance(checkpoint, dict):
        raise Refused("no state dict")
    state = {key: value for key, value in checkpoint.items() if isinstance(key, str) and isinstance(value, Record)}
    if not state:
        raise Refused("no tensors")
    prefix = "module." if all(key.startswith("module.") for key in state) else ""
    return {key.removeprefix(prefix): record for key, record in state.items()}


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a torch file by name, as read-only arrays in torch's layout; memory use is the file's size.

    Nothing in the file is executed: a pickle that refers to anything but tensors and dicts is refused. Raises ModelError naming the file.
    """
    try:
        data = path.read_bytes()
        state, storages = read_zip(data) if data[:4] == b"PK\x03\x04" else read_legacy(data)
        if short := [key for key, storage in storages.items() if len(storage.data) != storage.byte_count]:
            raise Refused(f"storage {short[0][:60]} shorter or longer than described, as in a file that is cut off")
        records = state_of(state)
        claimed = sum(math.prod(record.shape) * record.storage.numpy_dtype.itemsize for record in records.values())
        if claimed > SHARING * len(data):
            raise Refused("tensors that are larger than the file")
        return {key: to_array(record) for key, record in records.items()}
    except Refused as error:
        raise ModelError(f"{path}: cannot be read as a torch state dict: {error}.") from error
    except Exception as error:  # a hostile pickle can make the unpickler raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(f"{path}: cannot be read as a torch state dict; it is damaged or something else ({reason}).") from error
