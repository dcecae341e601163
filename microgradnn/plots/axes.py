"""What all plots share: the Axes to draw on, their labels and scales, and the colours. Nothing here knows a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microgradnn.extras import install

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by the colour-blind too, and dark enough on white: after Okabe and Ito (2008), without their yellow.
PALETTE = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#882255", "#999933", "#332288",
)  # fmt: skip
QUIET = "#777777"


def labelled_axes(ax: Any, title: str, x: str, y: str) -> Axes:
    """The Axes to draw on; a new one, in a figure of its own, unless given."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(f"plots need matplotlib: {install('matplotlib')}") from error
    if ax is None:
        ax = plt.subplots(layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be one matplotlib Axes, such as plt.subplots()[1], got {shown(ax)}")
    ax.set(title=title, xlabel=x, ylabel=y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def over_epochs(ax: Axes, figures: list[float], **looks: Any) -> None:
    """A curve over the epochs, which are counted from 1 and have no halves; a single one makes a dot, not a line."""
    from matplotlib.ticker import MaxNLocator

    ax.plot(range(1, len(figures) + 1), figures, **{"marker": "o" if len(figures) == 1 else None} | looks)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def logarithmic(ax: Axes, sizes: list[float]) -> None:
    """A scale for sizes; 0 has no place on it."""
    ax.set_yscale("log", nonpositive="mask")
    if not any(size > 0 for size in sizes):
        ax.set_ylim(1e-3, 1)  # nothing to scale by


def shown(given: Any) -> str:
    """An argument as a refusal names it: its class, and the beginning of its text."""
    return f"{type(given).__name__} {given!r:.60}"
