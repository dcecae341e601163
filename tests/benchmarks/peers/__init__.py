"""The steps of `compile` by other hands; each module ends with what it makes, by workload and size."""
