"""Who cannot come at the hour they were given, and takes it back or another one, wants to meet in the other way, or could
come at once. Shares are design.

Only of those who come back with a code and PIN of their own and decide for themselves.
"""

from datetime import datetime
from typing import Any, Literal

from simulation.population.chance import GOLDEN, evenly, stream
from simulation.population.places import BIG_CITIES

# `switch`: in person instead of online, or online instead of in person. `call_instead`: they would only come, live far from
# every site, and rather call than wait. `come_now` and `miss_now`: they say that they can come at once, and do or do not;
# `finish_now`: they come, and need no more after it. `go_elsewhere`: they tell their therapist that others help them.
Change = Literal[
    "cancel", "move", "switch", "call_instead", "come_now", "miss_now", "finish_now", "go_elsewhere"
]

CANCELS, MOVES, SWITCHES, GO_ELSEWHERE = 0.02, 0.03, 0.03, 0.02
MISS_NOW, COME_NOW, FINISH_NOW = 0.015, 0.015, 0.015


def change_of_mind(seed: int, number: int, body: dict[str, Any], now: datetime) -> Change | None:
    """What the number-th person does once the hour is theirs; None: they come as agreed. Who could come at once is another
    one at every minute, so that a second run within the hour does not find the same therapists busy."""
    if body.get("booking_mode") == "choose" or body["kind"] != "individual" or body.get("attendees"):
        return None
    near_a_site = body.get("city") in BIG_CITIES
    if body["modalities"] == ["in_person"] and not near_a_site:
        return "call_instead"
    drawn = stream(seed, "change", number).random()
    if drawn < CANCELS:
        return "cancel"
    if drawn < CANCELS + MOVES:
        return "move"
    if drawn < CANCELS + MOVES + SWITCHES and near_a_site:
        return "switch"
    if CANCELS + MOVES + SWITCHES <= drawn < CANCELS + MOVES + SWITCHES + GO_ELSEWHERE:
        return "go_elsewhere"
    free = evenly(number, GOLDEN, stream(seed, f"free/{now:%H:%M}", 0).random())
    return "miss_now" if free < MISS_NOW else _comes(free - MISS_NOW)


def _comes(free: float) -> Change | None:
    return "come_now" if free < COME_NOW else "finish_now" if free < COME_NOW + FINISH_NOW else None
