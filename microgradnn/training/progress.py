"""What is shown of training while it runs: a bar with the last figures."""

from __future__ import annotations

import sys
from typing import Any

from microgradnn.training.arguments import Arguments
from microgradnn.training.history import History


def bar(history: History, given: Arguments) -> Any:
    """A bar on standard error, where it is seen as it comes: in a terminal, or in Jupyter, whose stream is none."""
    from tqdm import tqdm

    stream = sys.stderr
    jupyter = type(stream).__module__.startswith("ipykernel.")
    watched = not getattr(stream, "closed", stream is None) and (jupyter or getattr(stream, "isatty", bool)())
    hidden = not (given.progress and watched) or getattr(given.on_epoch, "shows_progress", False) is True
    return tqdm(total=given.epochs, initial=len(history.loss), desc="training", unit="epoch", disable=hidden)


def last_figures(history: History) -> dict[str, str]:
    """Those of the last epoch, as the bar has them."""
    figures = {"loss": history.loss, "validation loss": history.validation_loss}
    figures |= history.validation_metrics or history.metrics
    return {name: f"{numbers[-1]:.4g}" for name, numbers in figures.items() if numbers}
