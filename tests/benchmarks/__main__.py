"""Run one suite, print its tables and put them in README.md beside this file: `python -m tests.benchmarks eager`."""

import sys
from importlib import import_module

from tests.benchmarks import harness

SUITES = ("eager", "networks", "compile", "page", "checks", "exact")

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SUITES:
        sys.exit(f"usage: python -m tests.benchmarks {'|'.join(SUITES)}")
    harness.one_thread()
    suite = import_module(f"tests.benchmarks.{sys.argv[1]}")
    harness.on_one_core(lambda: harness.publish(sys.argv[1], suite.report()))
