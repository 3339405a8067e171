"""The house keeps its rules, and each rule has been seen failing."""
