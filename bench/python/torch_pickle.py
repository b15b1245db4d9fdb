"""Pickles of torch tensors as torch writes them, and their reading, without torch.

`torch.save`'s legacy stream inside a pickle of a container: five small pickles (magic, protocol, machine, the storage
as a persistent id, the list of keys), the number of elements, and the raw bytes.
"""
import io
import pickle
import struct
import sys
import types
from collections import OrderedDict

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C


def _module(name):
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]


torch = _module("torch")
_utils = _module("torch._utils")
_storage = _module("torch.storage")
torch._utils = _utils
torch.storage = _storage


class HalfStorage:
    dtype = np.dtype("<f2")


class FloatStorage:
    dtype = np.dtype("<f4")


for _class in (HalfStorage, FloatStorage):
    _class.__module__ = "torch"
    _class.__qualname__ = _class.__name__
    setattr(torch, _class.__name__, _class)


def _load_from_bytes(blob):
    """The storage in a legacy stream, as a flat array over the blob's bytes."""
    file = io.BytesIO(blob)
    pickle.load(file)
    pickle.load(file)
    pickle.load(file)
    found = []

    class Reader(pickle.Unpickler):
        def persistent_load(self, saved):
            found.append(saved)
            return saved

    Reader(file).load()
    pickle.load(file)
    at = file.tell() + 8
    _, storage_class, _, _, count, _ = found[0]
    return np.frombuffer(blob, storage_class.dtype, count, at)


def _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks):
    item = storage.itemsize
    return np.lib.stride_tricks.as_strided(storage[offset:], size, [s * item for s in stride])


for _function, _owner in ((_load_from_bytes, _storage), (_rebuild_tensor_v2, _utils)):
    _function.__module__ = _owner.__name__
    _function.__qualname__ = _function.__name__
    setattr(_owner, _function.__name__, _function)


class _StoragePickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.identity if isinstance(value, _Saved) else None


class _Saved:
    def __init__(self, identity):
        self.identity = identity


def _legacy_stream(array):
    out = io.BytesIO()
    pickle.dump(MAGIC, out, 2)
    pickle.dump(1001, out, 2)
    sizes = {"short": 2, "int": 4, "long": 4}
    pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}, out, 2)
    key = "94187650000000"
    storage_class = HalfStorage if array.dtype == np.float16 else FloatStorage
    _StoragePickler(out, 2).dump(_Saved(("storage", storage_class, key, "cpu", array.size, None)))
    pickle.dump([key], out, 2)
    out.write(struct.pack("<q", array.size))
    out.write(array.tobytes())
    return out.getvalue()


class _StorageOf:
    def __init__(self, array):
        self.array = array

    def __reduce__(self):
        return _load_from_bytes, (_legacy_stream(self.array),)


class Tensor:
    """Pickles like a contiguous torch tensor with the values of an array."""

    def __init__(self, array):
        self.array = np.ascontiguousarray(array)

    def __reduce__(self):
        stride = tuple(s // self.array.itemsize for s in self.array.strides)
        return _rebuild_tensor_v2, (_StorageOf(self.array), 0, self.array.shape, stride, False, OrderedDict())
