"""What the package needs for some of its parts only, and how to install it."""

from __future__ import annotations

import re
import sys


def install(package: str) -> str:
    """The command that installs `package` as the extras of this one ask for it, wherever this one came from.

    An index need not know microgradnn, and a folder that it was installed from may be gone: so the command names what
    is missing, not the extra. In a browser micropip installs.

    >>> install("matplotlib")
    'pip install "matplotlib>=...
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("microgradnn") or []
    except PackageNotFoundError:  # run from its folder, without being installed
        requirements = []
    of_package = (text for text in requirements if re.match(rf"{re.escape(package)}\b(?!-)", text))
    asked = next(of_package, "").partition(";")[0].strip()
    if sys.platform == "emscripten":
        return f'await micropip.install("{asked or package}")'
    return f'pip install "{asked}"' if asked else f"pip install {package}"
