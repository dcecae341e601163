"""Run one suite: `python -m tests.benchmarks eager`."""

import sys

from tests.benchmarks import eager, networks

SUITES = {"eager": eager.main, "networks": networks.main}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SUITES:
        sys.exit(f"usage: python -m tests.benchmarks {'|'.join(SUITES)}")
    SUITES[sys.argv[1]]()
