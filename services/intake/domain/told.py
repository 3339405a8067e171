"""The codes by which people are told how their case stands, as far as they are intake's own.

What matching says as a reason or a kind is shown to people as it comes, and listed with these when the policy is read.
"""

from typing import get_args

from services.intake.domain.vocabulary import CloseReason

TOLD: dict[str, tuple[str, ...]] = {
    "states": ("held", "matching", "offered", "waitlisted", "booked", "in_care", "paused", "closed"),
    "reasons": (
        "consent_needed",
        "conversation_first",
        "helped_elsewhere",
        "not_asked_yet",
        "on_request",
        "consent_refused",
        "withdrawn",
        *get_args(CloseReason),
        "appointment_cancelled",
        "appointment_missed",
        "looking_again",
    ),
    "next_steps": (
        "wait",
        "choose_therapist",
        "try_alternative",
        "attend",
        "look_up_the_hour",
        "ask_guardian",
        "ask_participant",
        "expect_a_call",
        "ask_again_any_time",
        "let_us_go_on",
    ),
}
