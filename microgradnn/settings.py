"""What the settings of training may be: one table of names, kinds and words."""

from __future__ import annotations

import math
import operator
from typing import Any

from microgradnn.reading import number


def _pair(values: Any) -> tuple[float, float]:
    first, second = values
    return number(first), number(second)


_KINDS: list[tuple[str, str, Any, Any]] = [  # what is allowed, which settings it is about, how to read, what holds
    ("a finite number", "value", number, math.isfinite),
    ("a finite number ≥ 0", "lr momentum weight_decay eps k epoch std limit strength",
     number, lambda x: 0 <= x < math.inf),
    ("a finite number > 0", "tau", number, lambda x: 0 < x < math.inf),
    ("a number ≥ 0 (inf clips nothing)", "max_norm", number, lambda x: x >= 0),
    ("a number in [0, 1)", "alpha p", number, lambda x: 0 <= x < 1),
    ("a number in (0, 1]", "factor", number, lambda x: 0 < x <= 1),
    ("two numbers in [0, 1)", "betas", _pair, lambda pair: all(0 <= x < 1 for x in pair)),
    ("a whole number ≥ 1", "every epochs batch_size early_stopping nin nout nouts pieces num_features",
     operator.index, lambda n: n >= 1),
    ("True or False", "nesterov fused nonlin progress compiled",
     lambda flag: flag, lambda flag: isinstance(flag, bool)),
]  # fmt: skip
_ALLOWED = {name: (wording, read, holds) for wording, names, read, holds in _KINDS for name in names.split()}


def checked(name: str, value: Any, owner: str = "") -> Any:
    """The setting `name`, read and allowed; TypeError or ValueError say what it may be and whose it is.

    >>> checked("lr", 1), checked("betas", (0.9, 0.99))
    (1.0, (0.9, 0.99))
    """
    wording, read, holds = _ALLOWED[name]
    refusal: type[Exception] = ValueError
    try:
        if holds(found := read(value)):
            return found
    except TypeError:
        refusal = TypeError
    except (ValueError, OverflowError):  # not two; a whole number too large for a float
        pass
    raise refusal(f"{name}{owner} must be {wording}, got {value!r:.60}") from None
