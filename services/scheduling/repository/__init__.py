"""The only SQL of scheduling. Who takes hours goes by one protocol: cases locked, then resources, then decided."""
