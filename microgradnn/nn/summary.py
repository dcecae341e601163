"""The table of a model: how many neurons and parameters stand where."""

from __future__ import annotations

from typing import NamedTuple

from microgradnn.notation import columns


class Summary(NamedTuple):
    """The modules with neurons or parameters, as (path, module, neurons, parameters), and the sums."""

    rows: list[tuple[str, str, int, int]]
    neurons: int
    parameters: int

    def __repr__(self) -> str:
        header = ["path", "module", "neurons", "parameters"]
        rows = [*self.rows, ("", "together", self.neurons, self.parameters)]
        table = [[path, module, f"{neurons:,}", f"{parameters:,}"] for path, module, neurons, parameters in rows]
        return "\n".join(columns(header, table, right=header[2:]))
