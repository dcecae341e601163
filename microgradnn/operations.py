"""The public gates, as functions here and as methods of Value: `value` makes them from their entries in the table.

`operations.pyi`, which `python -m tests.stubs` writes, says the same to editors and type checkers.
"""

from __future__ import annotations

__all__: list[str] = []
Methods = object  # `operations.pyi` lists here what `value` puts on Value
