"""Decisions of partners: what is told, how far back the feed reaches, which keys count. No clock, no chance, no I/O."""
