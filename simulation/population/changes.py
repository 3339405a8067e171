"""Who cannot come at the hour they were given, and takes it back or another one. Shares are design.

Only of those who come back with a code and PIN of their own and decide for themselves.
"""

from typing import Any, Literal

from simulation.population.chance import stream

Change = Literal["cancel", "move"]

CANCELS, MOVES = 0.02, 0.03


def change_of_mind(seed: int, number: int, body: dict[str, Any]) -> Change | None:
    """What the number-th person does once the hour is theirs; None: they come as agreed."""
    if body.get("booking_mode") == "choose" or body["kind"] != "individual" or body.get("attendees"):
        return None
    drawn = stream(seed, "change", number).random()
    return "cancel" if drawn < CANCELS else "move" if drawn < CANCELS + MOVES else None
