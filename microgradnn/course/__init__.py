"""The questions of the notebooks, and a verdict on each answer: `check("01.3", answer_3)`.

A question belongs to a notebook, "01.3" for its third exercise and "01.predict-sum" for a prediction in its text. It
stands in the module of that notebook (`n01` …), as one of the kinds in `questions`:

    Number, Numbers      one number, several by name; exact, or to so many digits
    Choice               a letter
    Formula              a function, in Python or as an expression, at several points; with `gates`, its slopes too
    Condition            anything with a property; of a circuit with read=graph

Each names the mistakes that one can make, with a hint for each. The truth is computed by the engine where it can be;
nothing of it stands in a notebook. Answers may be written as students write them: that is the matter of `answers`.
"""

from __future__ import annotations

from difflib import get_close_matches
from textwrap import fill
from typing import Any

from microgradnn.course import n01, n02, n03, n04, n05, n06, n07, n08, n09, n10
from microgradnn.course.questions import Question

QUESTIONS: dict[str, Question] = {}
for _notebook in (n01, n02, n03, n04, n05, n06, n07, n08, n09, n10):
    QUESTIONS |= _notebook.QUESTIONS


def check(question: str, answer: Any, **given: Any) -> None:
    """Print whether the answer to a question of a notebook is right: `Open`, `Right!` and why, or `Not yet` and a hint.

    What only the notebook has, a trained network for one, is given by name. Raises KeyError for a question that
    there is not.

    >>> check("01.1", None)
    Open: put your answer in the place of None and run the cell again.
    """
    if question not in QUESTIONS:
        notebook, dot, rest = str(question).partition(".")
        full = f"{notebook:0>2}{dot}{rest}"  # who writes 1.1 means 01.1 sooner than 10.1
        close = get_close_matches(full, QUESTIONS) or sorted(QUESTIONS)
        raise KeyError(f"there is no question {question!r}: did you mean {' or '.join(close[:3])}?")
    print(fill(QUESTIONS[question].verdict(answer, **given), 100, break_long_words=False, break_on_hyphens=False))
