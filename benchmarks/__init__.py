"""What things cost, measured: `make bench`. Nothing here judges; docs/performance.md says what was seen."""
