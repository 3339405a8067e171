"""The codes by which people are told how their case stands. A code that is not here has no words in any language.

What matching says as a reason or a kind is repeated here on purpose: it is shown to people as it comes.
"""

TOLD: dict[str, tuple[str, ...]] = {
    "states": ("held", "matching", "offered", "waitlisted", "booked", "paused", "closed"),
    "reasons": (
        "consent_needed",
        "conversation_first",
        "helped_elsewhere",
        "not_asked_yet",
        "withdrawn",
        "appointment_cancelled",
        "looking_again",
        "no_language",
        "no_gender",
        "no_kind",
        "no_modality",
        "no_area",
        "no_age_band",
        "no_access",
        "no_fee",
        "no_sliding_place",
        "no_distance",
        "no_capacity",
        "no_hour",
        "no_other",
        "offer_expired",
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
    ),
    "alternatives": ("circle", "lay_care", "family_doctor", "helpline", "self_help"),
    "decline_reasons": ("none_suits", "too_far", "too_expensive", "known_to_me", "rather_not_say"),
}
