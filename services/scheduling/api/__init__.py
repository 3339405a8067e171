"""HTTP of scheduling: parse, call the use case in a transaction of its own, render."""
