"""Requests as people send them, for property tests: any combination that can be meant."""

from typing import Any, get_args

from hypothesis import strategies as st

from services.intake.api.requests import SMALLEST
from services.intake.domain.vocabulary import (
    AccessNeed,
    AgeBand,
    BookingMode,
    Language,
    Modality,
    ProblemArea,
    Source,
)


def some(codes: Any, least: int = 0, most: int = 7) -> st.SearchStrategy[list[str]]:
    """Some codes of a vocabulary, each once, in any order."""
    return st.lists(st.sampled_from(get_args(codes)), unique=True, min_size=least, max_size=most)


WINDOWS = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.integers(1, 7),
            "start": st.sampled_from(["00:00", "09:30", "17:00"]),
            "end": st.sampled_from(["17:30", "24:00"]),
        }
    ),
    max_size=3,
)
# Everything that can be changed later, in Lahore, so that no place contradicts another.
WISHES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "modalities": some(Modality, 1, 4),
        "languages": some(Language, 1, 5),
        "city": st.just("Lahore"),
    },
    optional={
        "therapist_gender": st.fixed_dictionaries(
            {"wish": st.sampled_from(["woman", "man"])}, optional={"must": st.booleans()}
        ),
        "faith_sensitive": st.booleans(),
        "area": st.sampled_from(["Model Town", "DHA Phase 6", "ماڈل ٹاؤن", "Chak 123 JB"]),
        "radius_km": st.one_of(st.integers(1, 500), st.floats(1, 500)),
        "time_zone": st.sampled_from(["Asia/Karachi", "Europe/London", "UTC"]),
        "wanted_times": WINDOWS,
        "max_fee": st.one_of(st.none(), st.integers(0, 10_000)),
        "access_needs": some(AccessNeed),
        "booking_mode": st.sampled_from(get_args(BookingMode)),
    },
)
REST: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "problem_areas": some(ProblemArea),
        "age_band": st.sampled_from(get_args(AgeBand)),
        "coverage": st.lists(st.from_regex(r"\A[a-z0-9][a-z0-9_-]{1,39}\Z"), unique=True, max_size=5),
        "source": st.sampled_from(get_args(Source)),
        "previous_therapist": st.fixed_dictionaries(
            {"therapist_id": st.uuids().map(str), "wish": st.sampled_from(["again", "not_again"])}
        ),
    },
)
BODIES = st.builds(lambda wishes, rest: SMALLEST | wishes | rest, WISHES, REST)
