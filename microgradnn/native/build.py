"""Builds the engine in C when the package is installed; where that cannot be done the package is pure Python.

hatchling calls the hook for every wheel. MICROGRADNN_ENGINE=python asks for a pure one; under MICROGRADNN_ENGINE=native
what stands in the way is an error, and otherwise a line of the build's output.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.errors import BaseError, CCompilerError, PlatformError

# Compilers fuse a*b + c, where the last bit is another one; core.c itself sees to it that they leave pow(x, 2) alone.
FLAGS = ["-O3", "-Wall", "-Wextra", "-ffp-contract=off"] if os.name == "posix" else []


class Hook(BuildHookInterface[Any]):
    """The step between sources and wheel: an editable install finds the extension beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the extension into the wheel or in place; where that fails, say so and leave the wheel pure."""
        asked = os.environ.get("MICROGRADNN_ENGINE", "")
        if asked not in ("", "native", "python"):
            raise ValueError(f"MICROGRADNN_ENGINE must be native or python, or unset, got {asked!r:.60}")
        folder = Path(self.root, "microgradnn", "native")
        in_place = folder / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
        if version == "editable":
            in_place.unlink(missing_ok=True)  # what was built from earlier sources must not run with these
        try:
            if asked == "python":
                raise PlatformError("MICROGRADNN_ENGINE=python")
            if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
                raise PlatformError("it needs CPython with the GIL")
            self.built = TemporaryDirectory()  # until hatchling has packed it
            # What debuggers need names the folders of this machine: in a wheel it would make every build another one.
            flags = FLAGS if version == "editable" or not FLAGS else [*FLAGS, "-g0"]
            extension = compiled(folder, Path(self.built.name), flags)
        except (BaseError, CCompilerError, OSError) as error:
            if asked == "native":
                raise
            self.app.display_warning(f"microgradnn is built without its engine in C, as pure Python: {error}")
            return
        if version == "editable":
            shutil.copy(extension, in_place)
        else:
            build_data["force_include"][str(extension)] = f"microgradnn/native/{in_place.name}"
            build_data |= {"pure_python": False, "infer_tag": True}


def compiled(folder: Path, into: Path, flags: list[str]) -> Path:
    """Compile the C files in `folder`; the path of the extension, which is somewhere in `into`."""
    sources = [str(path) for path in sorted(folder.glob("*.c"))]
    command = Distribution({"ext_modules": [Extension("_core", sources, extra_compile_args=flags)]}).get_command_obj(
        "build_ext"
    )
    command.build_lib, command.build_temp = str(into), str(into / "objects")
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath("_core"))
