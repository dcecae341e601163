"""Checking derivatives: against differences, against a hand derivation, and by property tests.

`microgradnn.checks.strategies` generates random expressions; it needs hypothesis and is imported on its own.
"""

from microgradnn.checks.by_hand import check_by_hand
from microgradnn.checks.gradients import check_grads, numeric_grad

__all__ = ["check_by_hand", "check_grads", "numeric_grad"]
