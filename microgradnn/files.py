"""Writing files whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise the OSError, with the path named, that writing a file there would meet: before any work is done."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a directory")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the directory {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"cannot write {path}: the directory {path.parent} is not writable")


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`; when anything fails, a file that was there before stays as it was.

    Raises OSError with the path named.
    """
    check_writable(path)
    path = Path(os.path.realpath(path))  # a link goes on pointing where it did
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # on the disk before it takes the place of a good file
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise type(error)(f"cannot write {path}: {error.strerror or error}") from None
