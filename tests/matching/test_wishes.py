"""What people wish for is scored: it moves those who meet a wish up, never breaks a rule, and adds up."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.decisions import Found, decide
from services.matching.domain.options import Prices
from services.matching.domain.policy import Points
from services.matching.domain.requests import Request
from services.matching.domain.sieve import sieve
from services.matching.domain.therapists import Therapist
from tests.matching.examples import (
    LAHORE,
    NOW,
    POLICY,
    asked,
    decided,
    directory,
    everybody_free,
    request,
    room_for,
    therapist,
)
from tests.matching.test_assignment import subsets

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("rule", "wanted", "meets"),
    [
        ("gender", {"gender_wish": "man"}, {"gender": "man"}),
        ("faith", {"faith_sensitive": True}, {"faith_sensitive": True}),
        ("specialist", {}, {"best_at": ("anxiety",)}),
        ("language", {"languages": ("pa", "ur")}, {"languages": ("pa", "ur")}),
        ("fluency", {}, {"languages": ("ur",)}),
    ],
)
def test_who_meets_a_wish_is_asked_first(rule: str, wanted: dict[str, Any], meets: dict[str, Any]) -> None:
    other = therapist(1, languages=(("ur", "fluent"), "en"))
    one = therapist(2, **{"languages": (("ur", "fluent"), "en")} | meets)
    [decision] = decided([request(1, **wanted)], [other, one])
    assert asked(decision) == [2, 1]
    points = decision.explained["points"][rule]
    assert points[0] == 0 < points[1]


def test_the_therapist_they_ask_for_again_comes_before_every_other_wish() -> None:
    known = therapist(1, languages=(("ur", "working"),), steps=(1, 2, 3, 4), weekly_limit=1)
    better = therapist(2, gender="man", faith_sensitive=True, best_at=("anxiety",))
    wanted = request(1, again=ONE, gender_wish="man", faith_sensitive=True)
    [decision] = decided([wanted], [known, better], {ONE: 3})
    assert asked(decision) == [1, 2]
    assert decision.explained["points"]["again"] == [0, 20_000]


def test_who_asks_for_somebody_who_is_not_there_loses_nothing() -> None:
    [plain] = decided([request(1)], [therapist(1)])
    [decision] = decided([request(1, again=TWO)], [therapist(1)])
    assert decision.explained == plain.explained


def test_points_are_told_by_rule_and_add_up() -> None:
    one = therapist(
        1, languages=("ur", ("pa", "fluent")), modalities=("in_person",), sites=(LAHORE,), steps=(2, 3)
    )
    wanted = request(
        1, modalities=("video", "in_person"), languages=("ps", "pa"), gender_wish="man", faith_sensitive=True
    )
    [decision] = decided([wanted], [one], {ONE: 36})
    assert decision.explained["points"] == {
        "wish": [100_000],
        "language": [300],
        "fluency": [100],
        "specialist": [600],
        "step_above": [400],
        "load": [1000],
        "distance": [0],
        "gender": [3000],
        "faith": [1500],
    }
    assert decision.explained["total"] == [106_900]


profiles: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "gender": st.sampled_from(["woman", "man", "other"]),
        "languages": st.lists(
            st.tuples(st.sampled_from(["ur", "en", "pa"]), st.sampled_from(["native", "fluent", "working"])),
            min_size=1,
            max_size=3,
            unique_by=lambda spoken: spoken[0],
        ).map(tuple),
        "kinds": subsets("individual", "couple"),
        "modalities": subsets("video", "in_person"),
        "problem_areas": subsets("anxiety", "grief"),
        "best_at": subsets("anxiety", "grief"),
        "steps": st.sampled_from([(1,), (1, 2), (1, 2, 3)]),
        "fee": st.sampled_from([500, 3000]),
        "sliding_fee": st.sampled_from([None, 0, 400]),
        "coverage": st.sampled_from([(), ("employer",)]),
        "access": st.sampled_from([(), ("sign_language",)]),
        "faith_sensitive": st.booleans(),
        "sites": st.sampled_from([(), (LAHORE,)]),
        "profession": st.sampled_from([None, "clinical_psychologist", "lay_counsellor"]),
        "register_status": st.sampled_from(["verified", "no-register-exists", "pending"]),
    }
)
teams = st.lists(profiles, max_size=6).map(
    lambda found: [therapist(number, **one) for number, one in enumerate(found, 1)]
)
wishes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["individual", "individual", "couple"]),
        "modalities": subsets("video", "in_person"),
        "languages": subsets("ur", "en", "pa"),
        "problem_areas": st.one_of(st.just(()), subsets("anxiety", "grief")),
        "step": st.integers(1, 3),
        "max_fee": st.sampled_from([None, 0, 1000]),
        "coverage": st.sampled_from([(), ("employer",)]),
        "gender_must": st.sampled_from([None, None, "woman"]),
        "gender_wish": st.sampled_from([None, "man", "woman"]),
        "faith_sensitive": st.booleans(),
        "access_needs": subsets("step_free", "sign_language").map(lambda needs: needs[1:]),
        "again": st.sampled_from([None, ONE, TWO]),
        "not_again": st.sampled_from([None, None, ONE]),
    }
)
batches = st.lists(wishes, max_size=6).map(
    lambda found: [request(number, **one) for number, one in enumerate(found)]
)
SCORED = ("language", "fluency", "gender", "faith", "specialist", "again", "step_above", "load")
weights = st.fixed_dictionaries({name: st.integers(0, 3000) for name in SCORED}).map(
    lambda chosen: replace(POLICY.points, **chosen).checked()
)


def breaks(request: Request, one: Therapist) -> bool:
    """Every rule about the person once more, without rows of bits."""
    profile = one.profile
    tops = {competence.problem_area: max(competence.steps) for competence in profile.competences}
    paid = set(request.coverage) & set(profile.coverage)
    return (
        profile.register_status == "pending"
        or (profile.profession == "lay_counsellor" and profile.supervisor is None)
        or request.kind not in profile.kinds
        or not {spoken.language for spoken in profile.languages} & set(request.languages)
        or (request.gender_must or profile.gender) != profile.gender
        or any(tops.get(area, 0) < request.step for area in request.problem_areas)
        or max(tops.values()) < request.step
        or bool(set(request.access_needs) - {"step_free"} - set(profile.access))
        or not (request.max_fee is None or paid or profile.least_fee <= request.max_fee)
        or one.id == request.not_again
    )


@given(batches, teams, weights)
def test_no_weight_makes_anybody_break_a_rule(
    batch: list[Request], team: list[Therapist], points: Points
) -> None:
    known = directory(team).at(NOW)
    room = room_for(known)
    by_id = {one.id: one for one in team}
    for decision in decide(batch, known, room, replace(POLICY, points=points)):
        if isinstance(decision.outcome, Found):
            for offer in decision.outcome.offers:
                assert not breaks(decision.request, by_id[offer.therapist_id])
                assert decision.outcome.modality in by_id[offer.therapist_id].profile.modalities


@given(wishes, teams)
def test_whoever_breaks_no_rule_is_an_option(wanted: dict[str, Any], team: list[Therapist]) -> None:
    one, known = request(1, **wanted | {"modalities": ("video",)}), directory(team)
    left = sieve(one, known, everybody_free(known), POLICY.radius_km).by_wish
    found = [place for _, row in left for place in range(len(team)) if row >> place & 1]
    fit = [n for n, t in enumerate(team) if not breaks(one, t) and "video" in t.profile.modalities]
    assert found == fit


def ranked(one: Request, team: list[Therapist], points: Points) -> dict[int, int]:
    """The points of every option, by the therapist's number."""
    known = directory(team)
    prices = Prices(known, room_for(known, {ONE: 30}), points)
    options = prices.options(one, sieve(one, known, everybody_free(known), POLICY.radius_km), 99)
    return dict(zip(options.therapists.tolist(), options.points.tolist(), strict=True))


@given(wishes, teams, weights, st.sampled_from(SCORED), st.integers(1, 5000))
def test_a_heavier_weight_never_moves_down_who_has_what_it_stands_for(
    wanted: dict[str, Any], team: list[Therapist], points: Points, rule: str, more: int
) -> None:
    one = request(1, **wanted)
    heavier = replace(points, **{rule: getattr(points, rule) + more})
    before, after = ranked(one, team, points), ranked(one, team, heavier)
    whole = [number for number in before if after[number] == before[number]]
    assert before.keys() == after.keys()
    for number in whole:
        for other in before:
            if before[number] <= before[other]:
                assert after[number] <= after[other]


@given(wishes, teams, weights)
def test_the_parts_of_every_option_sum_to_its_points(
    wanted: dict[str, Any], team: list[Therapist], points: Points
) -> None:
    one, known = request(1, **wanted), directory(team)
    prices = Prices(known, room_for(known, {ONE: 30}), points)
    options = prices.options(one, sieve(one, known, everybody_free(known), POLICY.radius_km), 99)
    for number, total in zip(options.therapists, options.points, strict=True):
        parts = prices.parts(one, int(total) // points.wish, options.therapists[options.therapists == number])
        assert sum(part[0] for part in parts.values()) == total


@given(batches, teams, st.randoms())
def test_the_order_in_which_things_are_told_decides_nothing(
    batch: list[Request], team: list[Therapist], chance: Any
) -> None:
    shuffled, turned = list(batch), list(team)
    chance.shuffle(shuffled)
    chance.shuffle(turned)
    assert decided(batch, team) == decided(shuffled, turned)
