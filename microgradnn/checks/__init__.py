"""Derivatives proven, or the guilty gate named: of functions, of gates, of claims, of derivations by hand, of models.

`microgradnn.checks.strategies` generates random expressions; it needs hypothesis and is imported on its own.
"""

from microgradnn.checks.by_hand import check_by_hand
from microgradnn.checks.diagnosis import diagnose
from microgradnn.checks.explain import explain
from microgradnn.checks.gates import check_gate
from microgradnn.checks.gradients import check_grads, numeric_grad, report_grads
from microgradnn.checks.verdicts import Finding, Report

__all__ = [
    "Finding", "Report", "check_by_hand", "check_gate", "check_grads", "diagnose", "explain", "numeric_grad",
    "report_grads",
]  # fmt: skip
