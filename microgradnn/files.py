"""Writing files whole or not at all; what is said of a file that cannot be read."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def check_writable(path: str | os.PathLike[str], endings: tuple[str, ...] = ()) -> None:
    """Raise the OSError, with the path named, that writing a file there would meet; ValueError for another ending."""
    if endings and Path(path).suffix.lower() not in endings:
        raise ValueError(f"cannot save {os.fspath(path)!r}: the name must end in {', '.join(endings)}")
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a directory")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the directory {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"cannot write {path}: the directory {path.parent} is not writable")


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`; when anything fails, a file that was there before stays as it was.

    The content goes into a temporary file beside the target, such as `.model.safetensors.1234.5c02e7d1.part` for
    process 1234, which then takes the target's place. It is locked until then or until the process ends. The next save
    of the same target removes what nobody has locked: the files of other threads, processes and hosts at work are left
    alone. Where there are no locks, as on Windows, nothing is removed. Raises OSError with the path named.
    """
    check_writable(path)
    path = Path(os.path.realpath(path))  # a link goes on pointing where it did
    start = f".{path.name[:50]}."  # names of files are limited
    _sweep(path.parent, start)
    try:
        file = _created(path.parent, start)
        try:
            with file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # on the disk before it takes the place of a good file
                if path.exists():  # who may read it stays as it was
                    os.chmod(file.name, path.stat().st_mode & 0o777)
                if os.name == "nt":  # which renames no open file
                    file.close()
                os.replace(file.name, path)
        finally:
            Path(file.name).unlink(missing_ok=True)
    except OSError as error:
        raise type(error)(f"cannot write {path}: {error.strerror or error}") from None


def _created(folder: Path, start: str) -> BinaryIO:
    """A new temporary file of this process, open and locked."""
    while True:
        file = open(folder / f"{start}{os.getpid()}.{secrets.token_hex(4)}.part", "xb")  # noqa: SIM115  it is returned
        with suppress(ImportError, OSError):  # Windows, and a file system without locks
            _lock(file)
        if os.path.exists(file.name):
            return file
        file.close()  # another save has swept it before it was locked


def _sweep(folder: Path, start: str) -> None:
    """Remove the temporary files of one target that processes have left behind when they were killed."""
    names: list[str] = []
    with suppress(OSError):  # a folder may be written to and not read
        names = os.listdir(folder)
    left = re.compile(re.escape(start) + r"[0-9]+\.[0-9a-f]{8}\.part")
    for name in filter(left.fullmatch, names):
        with suppress(ImportError, OSError), open(folder / name, "r+b") as file:
            _lock(file, wait=False)
            os.unlink(file.name)


def _lock(file: BinaryIO, wait: bool = True) -> None:
    """Take the lock of an open file; OSError where it is taken or the file system has none, ImportError on Windows."""
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def loading(path: str | os.PathLike[str]) -> Iterator[None]:
    """OSError and ValueError inside the block say which file it is that cannot be loaded."""
    try:
        yield
    except OSError as error:
        raise type(error)(f"cannot load {os.fspath(path)!r}: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"cannot load {os.fspath(path)!r}: {error}") from None
