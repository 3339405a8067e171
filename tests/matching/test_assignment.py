"""Properties of every batch: rules, limits, order and the optimum itself, against brute force."""

from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st

from services.matching.domain import assignment
from services.matching.domain.assignment import NOBODY, assign
from services.matching.domain.capacity import Capacity
from services.matching.domain.decisions import Found
from services.matching.domain.options import Options
from services.matching.domain.requests import Request
from services.matching.domain.therapists import Therapist
from services.matching.domain.vocabulary import lane_of
from tests.matching.examples import LAHORE, POLICY, decided, request, therapist

FULL = 2000
some = st.lists


def subsets(*codes: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(codes), min_size=1, max_size=2, unique=True).map(tuple)


@st.composite
def therapists(draw: st.DrawFn) -> list[Therapist]:
    count = draw(st.integers(0, 6))
    return [therapist(number, **draw(profiles)) for number in range(1, count + 1)]


profiles: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "languages": subsets("ur", "en", "pa"),
        "modalities": subsets("video", "audio", "in_person"),
        "problem_areas": subsets("anxiety", "grief"),
        "age_bands": subsets("18-24", "25-34"),
        "steps": st.sampled_from([(1,), (1, 2), (1, 2, 3)]),
        "fee": st.sampled_from([0, 1000, 3000]),
        "sliding_fee": st.sampled_from([None, 0]),
        "sliding_share": st.sampled_from([None, 0, 20, 50, 100]),
        "weekly_limit": st.integers(1, 2),
        "sites": st.sampled_from([(), (LAHORE,)]),
        "status": st.sampled_from(["active", "active", "suspended"]),
        "register_status": st.sampled_from(["verified", "verified", "pending"]),
    }
)
wishes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "priority": st.integers(0, 3),
        "languages": subsets("ur", "en", "pa"),
        "modalities": subsets("video", "audio", "in_person"),
        "problem_areas": subsets("anxiety", "grief"),
        "age_band": st.sampled_from([None, "18-24", "25-34"]),
        "step": st.integers(1, 3),
        "max_fee": st.sampled_from([None, 0, 2000]),
    }
)
batches = st.lists(wishes, max_size=8).map(
    lambda found: [request(number, **one) for number, one in enumerate(found)]
)
loads = st.dictionaries(st.integers(1, 6).map(lambda n: UUID(int=n)), st.integers(0, 8))


@given(batches, therapists(), loads)
def test_nobody_is_given_more_than_their_limit(
    batch: list[Request], known: list[Therapist], busy: dict[UUID, int]
) -> None:
    decisions = decided(batch, known, busy)
    assigned = Counter(d.outcome.offers[0].therapist_id for d in decisions if isinstance(d.outcome, Found))
    limits = {one.id: one.profile.weekly_limit * POLICY.weeks for one in known}
    for identity, number in assigned.items():
        assert busy.get(identity, 0) + number <= limits[identity]


@given(batches, therapists(), loads, loads)
def test_nobody_is_given_more_at_the_sliding_fee_than_their_share(
    batch: list[Request], known: list[Therapist], busy: dict[UUID, int], at_sliding_fee: dict[UUID, int]
) -> None:
    decisions = decided(batch, known, busy, at_sliding_fee)
    assigned = Counter(
        d.outcome.offers[0].therapist_id
        for d in decisions
        if isinstance(d.outcome, Found) and d.outcome.offers[0].at_sliding_fee
    )
    event(f"at the sliding fee: {'some' if assigned else 'none'}")
    for identity, number in assigned.items():
        profile = next(one.profile for one in known if one.id == identity)
        if profile.sliding_share is not None:
            places = profile.weekly_limit * POLICY.weeks * profile.sliding_share // 100
            assert profile.sliding_share == 100 or at_sliding_fee.get(identity, 0) + number <= places


@given(batches, therapists(), loads)
def test_without_a_share_whoever_pays_less_takes_a_place_like_any_other(
    batch: list[Request], known: list[Therapist], busy: dict[UUID, int]
) -> None:
    whole = [replace(one, profile=replace(one.profile, sliding_share=100)) for one in known]
    none_said = [replace(one, profile=replace(one.profile, sliding_share=None)) for one in known]
    assert decided(batch, whole, busy, busy) == decided(batch, none_said, busy)


@given(batches, therapists(), loads)
def test_no_rule_is_broken_for_anybody(
    batch: list[Request], known: list[Therapist], busy: dict[UUID, int]
) -> None:
    by_id = {one.id: one.profile for one in known}
    decisions = decided(batch, known, busy)
    assert {d.request.case_id for d in decisions} == {one.case_id for one in batch}
    for decision in decisions:
        if not isinstance(decision.outcome, Found):
            continue
        wanted, modality = decision.request, decision.outcome.modality
        for offer in decision.outcome.offers:
            profile = by_id[offer.therapist_id]
            assert {one.language for one in profile.languages} & set(wanted.languages)
            tops = {one.problem_area: max(one.steps) for one in profile.competences}
            assert all(tops.get(area, 0) >= wanted.step for area in wanted.problem_areas)
            assert modality in profile.modalities
            assert modality in wanted.modalities
            assert wanted.age_band is None or wanted.age_band in profile.age_bands
            assert wanted.max_fee is None or profile.least_fee <= wanted.max_fee
            assert offer.at_sliding_fee == (wanted.max_fee is not None and profile.fee > wanted.max_fee)
            assert not offer.at_sliding_fee or profile.sliding_share != 0
            assert (profile.status, profile.register_status) == ("active", "verified")
            assert (offer.sites == (LAHORE,)) == (lane_of(modality) == "in_person")


@given(batches, therapists(), loads, st.randoms())
def test_the_order_of_cases_and_therapists_decides_nothing(
    batch: list[Request], known: list[Therapist], busy: dict[UUID, int], chance: Any
) -> None:
    shuffled, turned = list(batch), list(known)
    chance.shuffle(shuffled)
    chance.shuffle(turned)
    assert decided(batch, known, busy) == decided(shuffled, turned, dict(reversed(busy.items())))


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Options], Capacity]:
    """A few cases with options of any price on a few therapists, each with up to three places left, of which fewer
    may be at the sliding fee."""
    count = draw(st.integers(1, 4))
    total = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    busy = [draw(st.integers(0, places - 1)) for places in total]
    sliding = [draw(st.integers(0, places)) for places in total]
    cases = []
    for _ in range(draw(st.integers(1, 5))):
        prices = draw(st.dictionaries(st.integers(0, count - 1), st.integers(0, 6).map(lambda n: n * 400)))
        base = {who: price + FULL * busy[who] // total[who] for who, price in prices.items()}
        order = sorted(base, key=lambda who: (base[who], who))
        # Whom the rules leave has a place: at the sliding fee only who has one of those.
        pays_less = draw(st.booleans())
        scarce = [pays_less and 0 < sliding[who] < total[who] - busy[who] for who in order]
        cases.append(
            Options(
                np.array(order, np.int64),
                np.array([base[who] for who in order], np.int64),
                np.array(scarce, bool),
            )
        )
    places = np.array(sliding, np.int64)
    return cases, Capacity(np.array(total, np.int64), np.array(busy, np.int64), places, places * 0)


def cost(cases: list[Options], room: Capacity, chosen: tuple[int, ...]) -> tuple[list[bool], int] | None:
    """Who goes without, the most urgent first, and the points; None if somebody is above their limit."""
    points, given_now, scarce_now = 0, Counter[int](), Counter[int]()
    for options, place in zip(cases, chosen, strict=True):
        if place == NOBODY:
            continue
        who = int(options.therapists[place])
        before, total = int(room.open_load[who]), int(room.total[who])
        now = before + given_now[who]
        given_now[who] += 1
        scarce_now[who] += bool(options.scarce[place])
        if now >= total or scarce_now[who] > room.sliding_free[who]:
            return None
        points += int(options.points[place]) + FULL * now // total - FULL * before // total
    return [place == NOBODY for place in chosen], points


def cheapest(cases: list[Options], room: Capacity) -> tuple[list[bool], int]:
    every = product(*(range(NOBODY, len(options)) for options in cases))
    return min(found for chosen in every if (found := cost(cases, room, chosen)) is not None)


@given(networks())
def test_the_assignment_is_the_cheapest_there_is(network: tuple[list[Options], Capacity]) -> None:
    cases, room = network
    assert cost(cases, room, tuple(assign(cases, room, FULL))) == cheapest(cases, room)


@given(networks())
def test_looking_at_a_part_of_the_options_first_changes_nothing(
    network: tuple[list[Options], Capacity],
) -> None:
    cases, room = network
    width, assignment.FIRST_WIDTH = assignment.FIRST_WIDTH, 1
    try:
        assert cost(cases, room, tuple(assign(cases, room, FULL))) == cheapest(cases, room)
    finally:
        assignment.FIRST_WIDTH = width
