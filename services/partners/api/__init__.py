"""HTTP in: parse, call the use case, render."""
