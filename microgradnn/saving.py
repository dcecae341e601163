"""Weights to and from files, in the safetensors format: names, shapes and numbers, and no code that could run.

The names are those of `Module.state_dict`, so PyTorch reads and writes the same files. What a state is, and how it is
checked before anything changes, is in `nn.module`; writing a file whole or not at all is in `files`.
"""

from __future__ import annotations

import os
from typing import Any

from microgradnn.files import check_writable, loading, write_whole
from microgradnn.nn.module import Module, check_module

ENDING = ".safetensors"

# By what a model holds, floats or a count: the types of the format that fit in without loss, and NumPy's names of them.
_FITTING = {"f": {"F64": "<f8", "F32": "<f4", "F16": "<f2"}, "i": {"I64": "<i8"}}


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the weights and running statistics of `model`; also as `model.save(path)`.

    A file that was there before stays until the new one is complete. Raises ValueError for a name that does not end in
    `.safetensors` and for a state that is not finite, which could not be loaded again; OSError where the file
    cannot be written. PyTorch reads it with `safetensors.torch.load_file`.

    >>> import os, tempfile
    >>> from microgradnn import nn
    >>> model, other = nn.MLP(2, [3, 1], rng=0), nn.MLP(2, [3, 1], rng=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "weights.safetensors"))
    ...     other.load(os.path.join(folder, "weights.safetensors"))
    >>> other([0.5, -1.0]).data == model([0.5, -1.0]).data
    True
    """
    import numpy as np
    from safetensors.numpy import save as to_bytes

    check_module(model)
    check_writable(path, (ENDING,))
    state = model.state_dict()
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise ValueError(f"cannot save {os.fspath(path)!r}: {name} holds {array[~np.isfinite(array)][0]}")
    write_whole(path, to_bytes(state))


def load(model: Module, path: str | os.PathLike[str], strict: bool = True) -> None:
    """Take the weights and running statistics of a file over into `model`; also as `model.load(path)`.

    With `strict=False` names that are missing in the file stay as they are, and names that the model does not have are
    passed over. float32 and float16 are widened. Raises OSError where the file cannot be read; ValueError, with the
    path, for a file that is damaged, of another format, or does not fit the model. Then nothing has changed.

    >>> from microgradnn import nn
    >>> load(nn.MLP(2, [3, 1]), "nowhere.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: cannot load 'nowhere.safetensors': No such file or directory
    """
    from safetensors import SafetensorError, deserialize

    check_module(model)
    with loading(path):
        try:
            tensors = dict(deserialize(_read(path)))  # type: ignore[no-untyped-call]  # the library has no types there
        except SafetensorError:
            raise ValueError(f"it is damaged, or no {ENDING} file") from None
        own = model.state_dict()
        # What the model does not have is not read: its name is enough to refuse it or to pass it over.
        state = {name: _array(name, tensor, own[name]) if name in own else None for name, tensor in tensors.items()}
        model.load_state_dict(state, strict)


def _read(path: str | os.PathLike[str]) -> bytes:
    """The content; b"" in place of a file that cannot be of the format, however big it is."""
    with open(path, "rb") as file:
        size_of_header = file.read(8)
        if int.from_bytes(size_of_header, "little") > os.fstat(file.fileno()).st_size:
            return b""
        return size_of_header + file.read()


def _array(name: str, tensor: dict[str, Any], own: Any) -> Any:
    """The numbers of one tensor of a file; ValueError if their type or shape is not that of `own`."""
    import numpy as np

    fitting = _FITTING.get(own.dtype.kind, {})
    if tensor["dtype"] not in fitting:
        raise ValueError(f"{name} must be of type {' or '.join(fitting)}, it is {tensor['dtype']}: convert it first")
    if tuple(tensor["shape"]) != own.shape:  # before NumPy sees it: a shape may be too large for any array
        raise ValueError(f"{name} must have the shape {own.shape}, got {tuple(tensor['shape'])}")
    return np.frombuffer(tensor["data"], fitting[tensor["dtype"]]).reshape(own.shape)


Module.save = save  # saving attaches itself to what it saves
Module.load = load
