"""What editors and type checkers see of the public gates: `python -m tests.stubs` writes the .pyi files."""

from pathlib import Path

import microgradnn
from microgradnn import functional
from microgradnn.primitive import BUILT_IN, gates

PACKAGE = Path(microgradnn.__file__).parent
HEAD = '''"""Written by `python -m tests.stubs` from the table of primitives; not by hand."""

from typing import Any, overload

from microgradnn.value import Value
'''


def function(gate):
    """The declarations of a public gate as a function."""
    if gate.arity is None:
        return [f"def {gate.name}(*xs: Any) -> Any: ..."]
    if gate.arity == 1:
        (name,) = gate.parameters()
        return [
            "@overload", f"def {gate.name}({name}: Value) -> Value: ...",
            "@overload", f"def {gate.name}({name}: float) -> float: ...",
        ]  # fmt: skip
    return [f"def {gate.name}({', '.join(declared(gate))}) -> Any: ..."]


def declared(gate):
    """The parameters of a gate as a declaration."""
    return [f"{name}: Any" + f" = {default}" * (default is not None) for name, default in gate.parameters().items()]


def method(gate):
    """The declarations of a gate as methods of Value."""
    lines = []
    if gate.operator is not None:
        others = ", other: Any" * (gate.arity == 2)
        lines += [
            f"def __{prefix}{gate.operator}__(self{others}) -> Value: ..." for prefix in ["", "r"][: gate.arity or 1]
        ]
    others = declared(gate)[1:]
    if gate.is_method:
        lines.append(f"def {gate.name}({', '.join(['self', *others])}) -> Value: ...")
    return lines


def stub():
    """The text of operations.pyi."""
    entries = [gate for gate in gates() if gate.name in BUILT_IN]
    public = [gate for gate in entries if gate.public]
    lines = [HEAD, "__all__ = [", *(f'    "{gate.name}",' for gate in public), "]", "", "class Methods:"]
    lines += [f"    {line}" for gate in entries for line in method(gate)]
    lines += [""] + [line for gate in public for line in function(gate)]
    return "\n".join(lines) + "\n"


def of_the_package():
    """The text of __init__.pyi: the imports of __init__.py, the public gates one by one, and the names as a list."""
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    imports = text.split('"""\n\n', 1)[1].split("__version__")[0].replace(", operations", "").splitlines()
    for number, line in enumerate(imports):
        if "import *" in line:
            imports[number : number + 2] = ["from microgradnn.functional import ("]
            imports[number + 1 : number + 1] = [f"    {name} as {name}," for name in sorted(functional.__all__)] + [")"]
    names = [f'    "{name}",' for name in microgradnn.__all__]
    return "\n".join([HEAD.split("\n\n")[0], "", *imports, "__version__: str", "__all__ = [", *names, "]", ""])


STUBS = {PACKAGE / "operations.pyi": stub, PACKAGE / "__init__.pyi": of_the_package}

if __name__ == "__main__":
    for path, text in STUBS.items():
        path.write_text(text(), encoding="utf-8")
