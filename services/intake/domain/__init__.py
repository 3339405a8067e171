"""Intake's pure decisions: no clock, no randomness, no input or output; time and chance are passed in."""
