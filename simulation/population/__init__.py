"""A synthetic country: everybody in it is made up, and the same seed makes the same country again."""

from simulation.population.by_hand import BROKEN_AT_FIRST
from simulation.population.care import Care, care_for
from simulation.population.changes import Change
from simulation.population.people import Person, people, person

__all__ = ["BROKEN_AT_FIRST", "Care", "Change", "Person", "care_for", "people", "person"]
