"""Sources: for every line of a tape the line of code that wrote it, to be named when something goes wrong."""

from __future__ import annotations

from array import array
from types import FrameType

from microgradnn.context import is_ours, line_text


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
        self._numbers = array("I")  # which of `_lines`, for every line of the tape

    def __len__(self) -> int:
        return len(self._numbers)

    def note(self, frame: FrameType) -> None:
        """Add the line outside this package that led to the call `frame`."""
        while is_ours(frame.f_code) and frame.f_back is not None:
            frame = frame.f_back
        line = frame.f_code.co_filename, frame.f_lineno
        number = self._known.setdefault(line, len(self._lines))
        if number == len(self._lines):
            self._lines.append(line)
        self._numbers.append(number)

    def text(self, line: int) -> str:
        """Where line number `line` of the tape was written: `file, line n: text`."""
        return line_text(*self.place(line))

    def place(self, line: int) -> tuple[str, int]:
        """The file and the number of the line that wrote line number `line` of the tape."""
        return self._lines[self._numbers[line]]
