"""The words of matching: lanes, modalities, and the reasons that may be read aloud."""

from typing import Literal, get_args

Lane = Literal["online", "in_person"]
Modality = Literal["video", "audio", "phone", "in_person"]
Gender = Literal["woman", "man", "other"]
Kind = Literal["individual", "couple", "family", "group", "child"]
Fluency = Literal["native", "fluent", "working"]
Profession = Literal[
    "psychiatrist",
    "clinical_psychologist",
    "counselling_psychologist",
    "lay_counsellor",
    "peer_facilitator",
]
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
AccessOffered = Literal[
    "ground_floor", "hearing", "sign_language", "low_vision", "companion", "female_attendant"
]
RegisterStatus = Literal["verified", "pending", "expired", "revoked", "no-register-exists"]
TherapistStatus = Literal["active", "suspended", "left"]
SuspensionReason = Literal["leave", "illness", "credential", "supervision", "complaint", "other"]
# Why somebody waits: one of those that others know (shared/contracts/told.py). Where each arises says so: `sieve.py`.
Reason = str

LANES: tuple[Lane, ...] = get_args(Lane)
FLUENCIES: tuple[Fluency, ...] = get_args(Fluency)  # the best first; who speaks less cannot do the work in it
HIGHEST_STEP = 4
STEP_FREE = "step_free"  # the one access need that a site meets, not a therapist
# What somebody needs only where they go; by telephone and video nobody has to meet it.
ON_THE_SPOT = frozenset({"step_free", "ground_floor", "companion", "female_attendant"})


def lane_of(modality: Modality) -> Lane:
    """Telephone, audio and video are one lane: they need no room."""
    return "in_person" if modality == "in_person" else "online"
