"""How fast it is, beside its peers in the same run: `python -m tests.benchmarks eager` (extra [bench])."""
