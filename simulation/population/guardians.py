"""A minor's guardian: how they are reached, and what they will answer. Shares are design.

Most agree soon after they were asked, a few refuse, some never answer, and some young people name nobody who could be
written to: those are held, as they would be.
"""

from typing import Any

from simulation.population.chance import stream
from simulation.population.windows import daily

REACHED = 0.90
BY_MAIL = 0.20
AGREE, REFUSE = 0.85, 0.07
APART = 5_000_000  # no number of a person's own, in any country of fewer people


def guardian(seed: int, number: int, body: dict[str, Any]) -> dict[str, Any]:
    """The attendee of the number-th person; reached at any hour, so that a run does not wait for the morning."""
    chance = stream(seed, "guardian", number)
    reached, by_mail = chance.random() < REACHED, chance.random() < BY_MAIL
    if not reached:
        return {"role": "guardian"}
    contact = {"language": body["contact"]["language"], "safe_windows": daily(0, 1440)}
    if by_mail:
        contact |= {"channel": "email", "address": f"guardian-{seed}-{number}@example.org"}
    else:
        digits = (seed * 1_000_003 + number + APART) % 9_999_999
        contact |= {"channel": "sms", "address": f"+92399{digits:07}"}
    return {"role": "guardian", "consent": "invited", "contact": contact}


def agrees(seed: int, number: int) -> bool | None:
    """What the guardian of that person answers; None where they do not."""
    drawn = stream(seed, "guardian's answer", number).random()
    return True if drawn < AGREE else False if drawn < AGREE + REFUSE else None
