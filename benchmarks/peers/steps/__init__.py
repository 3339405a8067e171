"""The four steps for one person at a time: our pure functions and tables, each step in a transaction of its own.

All peers call these; they differ in what carries a person from one step to the next.
"""
