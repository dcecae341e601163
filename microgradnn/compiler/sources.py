"""Sources: for every line of a tape the line of code that wrote it, to be named when something goes wrong."""

from __future__ import annotations

from array import array
from types import FrameType
from typing import Any

from microgradnn.context import is_ours, line_text

OURS: dict[str, bool] = {}  # whether code of a file is that of this package, of the files that were met


class Sources:
    """Lines of files, one for every line of a tape; while a function is recorded, `note` adds the one at work.

    >>> import sys
    >>> sources = Sources()
    >>> sources.note(sys._getframe()); sources.note(sys._getframe())
    >>> len(sources), sources.text(0) == sources.text(1)
    (2, True)
    """

    def __init__(self) -> None:
        self._lines: list[tuple[str, int]] = []
        self._known: dict[tuple[str, int], int] = {}  # which of `_lines` each is
        self._numbers: Any = []  # which of `_lines`, for every line of the tape

    def __len__(self) -> int:
        return len(self._numbers)

    def note(self, frame: FrameType) -> None:
        """Add the line outside this package that led to the call `frame`."""
        while True:
            file = frame.f_code.co_filename
            inside = OURS.get(file)
            if inside is None:
                inside = OURS[file] = is_ours(frame.f_code)
            if not inside or frame.f_back is None:
                break
            frame = frame.f_back
        line = file, frame.f_lineno
        number = self._known.setdefault(line, len(self._lines))
        if number == len(self._lines):
            self._lines.append(line)
        self._numbers.append(number)

    def close(self) -> None:
        """Take less memory, now that all is noted."""
        self._numbers = array("I", self._numbers)

    def text(self, line: int) -> str:
        """Where line number `line` of the tape was written: `file, line n: text`."""
        return line_text(*self.place(line))

    def place(self, line: int) -> tuple[str, int]:
        """The file and the number of the line that wrote line number `line` of the tape."""
        number: int = self._numbers[line]
        return self._lines[number]
