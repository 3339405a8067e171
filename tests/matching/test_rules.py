"""Who may be asked: every hard rule holds, and whoever gets nobody hears the rule that left nobody."""

from typing import Any
from uuid import UUID

import pytest

from services.matching.domain.decisions import Found
from tests.matching.examples import CLOSED, ISLAMABAD, LAHORE, asked, decided, first, request, therapist

IN_PERSON = {"modalities": ("in_person",), "sites": (LAHORE,)}


@pytest.mark.parametrize(
    ("wanted", "offered", "reason"),
    [
        ({"languages": ("bal",)}, {}, "no_language"),
        ({"languages": ("fr",)}, {}, "no_language"),
        ({"languages": ()}, {}, "no_language"),
        ({"modalities": ("audio",)}, {}, "no_modality"),
        ({"modalities": ("in_person", "audio")}, {}, "no_modality"),
        ({"problem_areas": ("ocd",)}, {}, "no_area"),
        ({"problem_areas": ("anxiety", "ocd")}, {}, "no_area"),
        ({"age_band": "60+"}, {}, "no_age_band"),
        ({"step": 4}, {}, "no_area"),
        ({"max_fee": 999}, {}, "no_fee"),
        ({"max_fee": 0}, {}, "no_fee"),
        ({"modalities": ("in_person",), "city": "Khuzdar"}, IN_PERSON, "no_distance"),
        ({"modalities": ("in_person",), "city": None}, IN_PERSON, "no_distance"),
        ({"modalities": ("in_person",), "city": "Atlantis"}, IN_PERSON, "no_distance"),
        ({"modalities": ("in_person",), "radius_km": 0.5}, IN_PERSON, "no_distance"),
        ({"modalities": ("in_person",)}, {**IN_PERSON, "sites": (CLOSED,)}, "no_distance"),
        ({"modalities": ("in_person",)}, {**IN_PERSON, "sites": (UUID(int=9),)}, "no_distance"),
        ({"tried": {"online": frozenset({UUID(int=1)})}}, {}, "no_hour"),
        ({}, {"status": "suspended"}, "no_capacity"),
        ({}, {"register_status": "pending"}, "no_capacity"),
    ],
)
def test_nobody_is_asked_against_a_rule(wanted: dict[str, Any], offered: dict[str, Any], reason: str) -> None:
    [decision] = decided([request(1, **wanted)], [therapist(1, **offered)])
    assert decision.outcome == reason


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ({}, {}),
        ({"max_fee": None}, {"fee": 9000}),
        ({"max_fee": 1000}, {}),
        ({"max_fee": 0}, {"fee": 0}),
        ({"age_band": None}, {}),
        ({"problem_areas": ()}, {}),
        ({"languages": ("bal", "en")}, {}),
        ({"step": 1}, {"steps": (3,)}),
        ({"modalities": ("in_person", "video"), "city": "Khuzdar"}, {}),
        ({"modalities": ("in_person",), "city": "LAHORE"}, IN_PERSON),
        ({"modalities": ("in_person",), "city": "Rawalpindi"}, {**IN_PERSON, "sites": (ISLAMABAD,)}),
        ({"modalities": ("in_person",)}, {**IN_PERSON, "sites": (CLOSED, LAHORE)}),
        ({"tried": {"in_person": frozenset({UUID(int=1)})}}, {}),
        ({"tried": {"online": frozenset({UUID(int=77)})}}, {}),
    ],
)
def test_whoever_may_be_asked_is_asked(wanted: dict[str, Any], offered: dict[str, Any]) -> None:
    [decision] = decided([request(1, **wanted)], [therapist(1, **offered)])
    assert first(decision) == 1


def test_with_nobody_at_all_people_wait_for_capacity() -> None:
    [decision] = decided([request(1)], [])
    assert decision.outcome == "no_capacity"


def test_the_reason_is_the_rule_that_removed_the_last_therapist() -> None:
    therapists = [
        therapist(1, languages=("bal",)),
        therapist(2, problem_areas=("grief",)),
        therapist(3, fee=9000),
    ]
    [decision] = decided([request(1)], therapists)
    assert decision.outcome == "no_fee"
    assert decision.explained == {
        "left": {"active": 3, "register": 3, "language": 2, "area": 1, "age_band": 1, "step": 1, "fee": 0}
    }


def test_the_first_wished_modality_that_somebody_offers_decides_the_lane() -> None:
    online, at_site = therapist(1), therapist(2, **IN_PERSON)
    for wished, therapist_number in ((("in_person", "video"), 2), (("video", "in_person"), 1)):
        [decision] = decided([request(1, modalities=wished)], [online, at_site])
        assert isinstance(decision.outcome, Found)
        assert decision.outcome.modality == wished[0]
        assert asked(decision) == [therapist_number]


def test_who_was_tried_online_may_still_be_seen_in_person() -> None:
    both = therapist(1, modalities=("video", "in_person"), sites=(LAHORE,))
    again = request(1, modalities=("video", "in_person"), tried={"online": frozenset({both.id})})
    [decision] = decided([again], [both])
    assert isinstance(decision.outcome, Found)
    assert decision.outcome.modality == "in_person"


def test_an_offer_in_person_names_the_sites_within_reach_and_online_none() -> None:
    at_sites = therapist(1, modalities=("video", "in_person"), sites=(ISLAMABAD, CLOSED, LAHORE))
    for modality, sites in (("in_person", (LAHORE,)), ("video", ())):
        [decision] = decided([request(1, modalities=(modality,))], [at_sites])
        assert isinstance(decision.outcome, Found)
        assert decision.outcome.offers[0].sites == sites


def test_the_nearest_site_comes_first() -> None:
    at_sites = therapist(1, modalities=("in_person",), sites=(LAHORE, ISLAMABAD))
    far = request(1, modalities=("in_person",), city="Islamabad", radius_km=400.0)
    [decision] = decided([far], [at_sites])
    assert isinstance(decision.outcome, Found)
    assert decision.outcome.offers[0].sites == (ISLAMABAD, LAHORE)
