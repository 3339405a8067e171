"""Who cannot come at the hour they were given, and takes it back or another one, or wants to meet in the other way.
Shares are design.

Only of those who come back with a code and PIN of their own and decide for themselves.
"""

from typing import Any, Literal

from simulation.population.chance import stream
from simulation.population.places import BIG_CITIES

# `switch`: in person instead of online, or online instead of in person.
Change = Literal["cancel", "move", "switch"]

CANCELS, MOVES, SWITCHES = 0.02, 0.03, 0.03


def change_of_mind(seed: int, number: int, body: dict[str, Any]) -> Change | None:
    """What the number-th person does once the hour is theirs; None: they come as agreed."""
    if body.get("booking_mode") == "choose" or body["kind"] != "individual" or body.get("attendees"):
        return None
    drawn = stream(seed, "change", number).random()
    if drawn < CANCELS:
        return "cancel"
    if drawn < CANCELS + MOVES:
        return "move"
    near_a_site = body.get("city") in BIG_CITIES
    return "switch" if near_a_site and drawn < CANCELS + MOVES + SWITCHES else None
