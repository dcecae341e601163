"""Cases with known verdicts on their derivatives, and the judge who found them: for tests and the benchmark `checks`.

Only `score` imports `microgradnn.checks`, which is what these cases are for.
"""
