"""What matching tells people by code: the one list from which it takes them and from which others know them.

Each has words in intake's `standings.yaml`, or intake does not start; a rule of matching that gives a reason which is not
here keeps matching from starting. In events they are plain strings: a reader takes a code that it does not know yet.
"""

from typing import Literal, get_args

# Why somebody waits; safe to read aloud, and none of them tells what was asked for.
WaitReason = Literal[
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
]
# Other help meanwhile.
AlternativeKind = Literal["circle", "lay_care", "family_doctor", "helpline", "self_help"]
# Why somebody wants none of those they were offered, as they say it.
DeclineReason = Literal["none_suits", "too_far", "too_expensive", "known_to_me", "rather_not_say"]

WAIT_REASONS: tuple[str, ...] = get_args(WaitReason)
ALTERNATIVES: tuple[str, ...] = get_args(AlternativeKind)
DECLINE_REASONS: tuple[str, ...] = get_args(DeclineReason)
