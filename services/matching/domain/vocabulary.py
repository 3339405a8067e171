"""The words of matching: lanes, modalities, and the reasons that may be read aloud."""

from typing import Literal, get_args

Lane = Literal["online", "in_person"]
Modality = Literal["video", "audio", "phone", "in_person"]
Gender = Literal["woman", "man", "other"]
Language = Literal["ur", "en", "pa", "ps", "sd", "skr", "bal", "brh", "hno", "scl"]
ProblemArea = Literal[
    "low_mood",
    "anxiety",
    "relationship",
    "grief",
    "trauma",
    "perinatal",
    "stress",
    "addiction",
    "ocd",
    "psychosis",
    "child",
    "other",
]
AgeBand = Literal["13-17", "18-24", "25-34", "35-44", "45-59", "60+"]
RegisterStatus = Literal["verified", "pending", "no-register-exists"]
TherapistStatus = Literal["active", "suspended", "left"]
Reason = Literal[
    "no_language",
    "no_modality",
    "no_area",
    "no_age_band",
    "no_fee",
    "no_distance",
    "no_capacity",
    "no_hour",
    "no_other",
    "offer_expired",
]

LANES: tuple[Lane, ...] = get_args(Lane)
HIGHEST_STEP = 4


def lane_of(modality: Modality) -> Lane:
    """Telephone, audio and video are one lane: they need no room."""
    return "in_person" if modality == "in_person" else "online"
