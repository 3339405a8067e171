"""Who may be asked: every hard rule holds, and whoever gets nobody hears the rule that left nobody."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.domain.decisions import Found
from services.matching.domain.therapists import Competence, Suspension
from tests.matching.examples import (
    CLOSED,
    ISLAMABAD,
    LAHORE,
    NOW,
    WITH_A_STEP,
    asked,
    decided,
    first,
    request,
    therapist,
)

DAY = timedelta(days=1)
IN_PERSON = {"modalities": ("in_person",), "sites": (LAHORE,)}
WITH_STEPS = {"modalities": ("in_person",), "sites": (WITH_A_STEP, CLOSED)}
ANXIETY_3_GRIEF_1 = (Competence("anxiety", (1, 2, 3)), Competence("grief", (1,)))


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
        ({}, {"register_status": "expired"}, "no_capacity"),
        ({}, {"register_status": "revoked"}, "no_capacity"),
        ({}, {"register_status": "heard of"}, "no_capacity"),
        ({}, {"profession": "psychiatrist", "register_status": "no-register-exists"}, "no_capacity"),
        ({}, {"profession": "lay_counsellor"}, "no_capacity"),
        ({"step": 3}, {"profession": "lay_counsellor", "supervisor": UUID(int=7)}, "no_area"),
        ({"kind": "couple"}, {}, "no_kind"),
        ({"kind": "individual"}, {"kinds": ("couple",)}, "no_kind"),
        ({"gender_must": "man"}, {}, "no_gender"),
        ({"gender_must": "woman"}, {"gender": "other"}, "no_gender"),
        ({"problem_areas": ("anxiety", "grief")}, {"competences": ANXIETY_3_GRIEF_1}, "no_area"),
        ({"step": 4}, {"competences": ANXIETY_3_GRIEF_1}, "no_area"),
        ({"access_needs": ("sign_language",)}, {}, "no_access"),
        ({"access_needs": ("sign_language", "low_vision")}, {"access": ("sign_language",)}, "no_access"),
        ({"modalities": ("in_person",), "access_needs": ("step_free",)}, WITH_STEPS, "no_access"),
        ({"modalities": ("in_person",), "access_needs": ("companion",)}, IN_PERSON, "no_access"),
        ({"max_fee": 300}, {"sliding_fee": 400}, "no_fee"),
        ({"max_fee": 300, "coverage": ("employer",)}, {"coverage": ("welfare-fund",)}, "no_fee"),
        ({"max_fee": 400}, {"sliding_fee": 400, "sliding_share": 0}, "no_sliding_place"),
        ({"max_fee": 999}, {"sliding_fee": 0, "sliding_share": 1, "weekly_limit": 24}, "no_sliding_place"),
        ({"not_again": UUID(int=1)}, {}, "no_other"),
        ({}, {"suspension": Suspension(NOW, None, "leave")}, "no_capacity"),
        ({}, {"suspension": Suspension(NOW - DAY, NOW + DAY, "leave")}, "no_capacity"),
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
        ({}, {"register_status": "no-register-exists"}),
        ({}, {"profession": "clinical_psychologist", "register_status": "no-register-exists"}),
        ({}, {"profession": "lay_counsellor", "supervisor": UUID(int=7)}),
        ({"kind": "couple"}, {"kinds": ("individual", "couple")}),
        ({"gender_must": "woman"}, {}),
        ({"gender_wish": "man"}, {}),
        ({"languages": ("pa",)}, {"languages": (("pa", "working"),)}),
        ({"problem_areas": ("anxiety", "grief"), "step": 1}, {"competences": ANXIETY_3_GRIEF_1}),
        ({"problem_areas": ("anxiety",), "step": 3}, {"competences": ANXIETY_3_GRIEF_1}),
        ({"access_needs": ("sign_language",)}, {"access": ("sign_language", "low_vision")}),
        ({"access_needs": ("step_free", "female_attendant")}, {}),
        (
            {"modalities": ("in_person",), "access_needs": ("companion",)},
            IN_PERSON | {"access": ("companion",)},
        ),
        ({"modalities": ("in_person",), "access_needs": ("step_free",)}, IN_PERSON),
        ({"max_fee": 400}, {"sliding_fee": 400}),
        ({"max_fee": 0, "coverage": ("other", "employer")}, {"coverage": ("employer",)}),
        ({"max_fee": 1000}, {"sliding_fee": 400, "sliding_share": 0}),
        ({"max_fee": None}, {"sliding_fee": 400, "sliding_share": 0}),
        ({"max_fee": 400}, {"sliding_fee": 400, "sliding_share": 2}),
        ({"max_fee": 999}, {"sliding_fee": 0, "sliding_share": 1, "weekly_limit": 25}),
        (
            {"max_fee": 0, "coverage": ("employer",)},
            {"coverage": ("employer",), "sliding_fee": 0, "sliding_share": 0},
        ),
        ({"not_again": UUID(int=2), "faith_sensitive": True}, {}),
        ({"again": UUID(int=2)}, {}),
        ({}, {"suspension": Suspension(NOW + DAY, None, "leave")}),
        ({}, {"suspension": Suspension(NOW - DAY, NOW, "leave")}),
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
        "left": {
            "active": 3, "credential": 3, "supervision": 3, "kind": 3, "language": 2, "area": 1, "age_band": 1, "step": 1,
            "fee": 0,
        }
    }  # fmt: skip


def test_the_rule_of_the_share_is_told_to_whoever_pays_less_than_the_fee() -> None:
    slides = therapist(1, sliding_fee=400, sliding_share=2, weekly_limit=25)  # two of a hundred
    for busy, left in ((1, 1), (2, 0)):
        [decision] = decided([request(1, max_fee=500)], [slides], {slides.id: 9}, {slides.id: busy})
        assert decision.explained["left"]["sliding_share"] == left
    [decision] = decided([request(1, max_fee=1000)], [slides], {slides.id: 9}, {slides.id: 2})
    assert "sliding_share" not in decision.explained["left"]


def test_who_pays_less_is_sent_where_places_are_left_and_who_pays_in_full_takes_none() -> None:
    full, slides = (
        therapist(1, sliding_fee=400, sliding_share=1, weekly_limit=25),
        therapist(2, sliding_fee=400),
    )
    poor = [request(number, max_fee=500) for number in (1, 2, 3)]
    decisions = decided([*poor, request(4, max_fee=5000)], [full])
    assert [isinstance(one.outcome, Found) for one in decisions] == [True, False, False, True]
    assert [one.outcome for one in decisions[1:3]] == ["no_capacity"] * 2  # the place went to who came first
    assert sorted(first(one) for one in decided(poor, [full, slides])) == [1, 2, 2]


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


def test_who_needs_a_site_without_a_step_is_sent_to_no_other() -> None:
    at_sites = therapist(1, modalities=("in_person",), sites=(WITH_A_STEP, LAHORE))
    wanted = {"modalities": ("in_person",), "access_needs": ("step_free",)}
    [decision] = decided([request(1, **wanted)], [at_sites, therapist(2, **WITH_STEPS)])
    assert isinstance(decision.outcome, Found)
    assert decision.outcome.offers[0].sites == (LAHORE,)
    assert asked(decision) == [1]
    assert (decision.explained["left"]["distance"], decision.explained["left"]["step_free"]) == (2, 1)


def test_a_rule_that_nobody_wished_for_is_not_told() -> None:
    [plain] = decided([request(1)], [therapist(1)])
    assert not {"gender", "access", "not_again", "step_free"} & set(plain.explained["left"])
    wanted = request(1, gender_must="woman", access_needs=("sign_language",), not_again=UUID(int=9))
    [decision] = decided([wanted], [therapist(1, access=("sign_language",))])
    assert {"gender": 1, "access": 1, "not_again": 1}.items() <= decision.explained["left"].items()
