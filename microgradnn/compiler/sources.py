"""Sources: for every line of a tape the line of code that wrote it, to be named when something goes wrong."""

from __future__ import annotations

from array import array
from types import CodeType, FrameType
from typing import Any

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
        self._numbers = array("I")  # which of `_lines`, for every line of the tape
        self._known: dict[CodeType, dict[int, int]] = {}  # by code and instruction: which of `_lines`
        self._user: Any = None  # the call outside this package that was at work last
        self._of_user: dict[int, int] = {}
        self._ours: set[str] = set()  # files of this package

    def __len__(self) -> int:
        return len(self._numbers)

    def note(self, frame: FrameType) -> None:
        """Add the line outside this package that led to the call `frame`."""
        ours = self._ours
        while frame is not self._user:
            if frame.f_code.co_filename not in ours:
                if not is_ours(frame.f_code) or frame.f_back is None:
                    self._user, self._of_user = frame, self._known.setdefault(frame.f_code, {})
                    break
                ours.add(frame.f_code.co_filename)
            frame = frame.f_back  # type: ignore[assignment]  # somebody called this package
        number = self._of_user.get(frame.f_lasti)
        if number is None:
            number = self._of_user[frame.f_lasti] = len(self._lines)
            self._lines.append((frame.f_code.co_filename, frame.f_lineno))
        self._numbers.append(number)

    def text(self, line: int) -> str:
        """Where line number `line` of the tape was written: `file, line n: text`."""
        return line_text(*self.place(line))

    def place(self, line: int) -> tuple[str, int]:
        """The file and the number of the line that wrote line number `line` of the tape."""
        return self._lines[self._numbers[line]]

    def close(self) -> None:
        """Forget what is only needed while lines are written."""
        self._user = None
        self._known, self._of_user = {}, {}
