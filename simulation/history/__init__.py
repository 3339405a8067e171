"""The history checker: recounts, from facts alone, whether every promise was kept. Pure and linear.

It trusts no counter, no constraint and no projection of the system: what it compares are the client's file, the
tables, the records of the topics and the sinks, as `simulation.evidence` loads them.
"""

from simulation.history.facts import History
from simulation.history.verdict import CHECKS, Findings, judge

__all__ = ["CHECKS", "Findings", "History", "judge"]
