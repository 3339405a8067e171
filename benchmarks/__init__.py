"""What things cost, measured: `make bench`. Nothing here judges; docs/benchmarks.md says what was seen."""
