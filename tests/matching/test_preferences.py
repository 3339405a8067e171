"""Who is asked first, who next, and who goes without when there are too few."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.matching.domain.policy import InconsistentPolicyError
from tests.matching.examples import ISLAMABAD, LAHORE, NOW, POLICY, asked, decided, first, request, therapist


def test_the_language_named_first_is_preferred() -> None:
    [decision] = decided(
        [request(1, languages=("pa", "ur"))], [therapist(1), therapist(2, languages=("ur", "pa"))]
    )
    assert asked(decision) == [2, 1]
    assert decision.explained["points"]["language"] == [0, 300]


def test_specialists_are_kept_for_those_who_need_them() -> None:
    able = [therapist(1, steps=(1, 2, 3, 4)), therapist(2, steps=(1,)), therapist(3, steps=(1, 2))]
    assert asked(decided([request(1, step=1)], able)[0]) == [2, 3, 1]
    assert asked(decided([request(1, step=2)], able)[0]) == [3, 1]


def test_the_nearer_one_is_preferred_in_person() -> None:
    near = therapist(2, modalities=("in_person",), sites=(ISLAMABAD,))
    far = therapist(1, modalities=("in_person",), sites=(LAHORE,))
    [decision] = decided(
        [request(1, modalities=("in_person",), city="Rawalpindi", radius_km=400.0)], [far, near]
    )
    assert asked(decision) == [2, 1]
    assert decision.explained["points"]["distance"] == [130, 2570]


def test_load_is_spread_by_share_of_each_ones_own_limit() -> None:
    half_full = {UUID(int=1): 20, UUID(int=2): 20}
    [decision] = decided(
        [request(1)], [therapist(1, weekly_limit=10), therapist(2, weekly_limit=20)], half_full
    )
    assert asked(decision) == [2, 1]


def test_a_batch_of_equals_is_spread_evenly() -> None:
    decisions = decided([request(n) for n in range(20)], [therapist(n) for n in range(1, 6)])
    assert sorted(map(first, decisions)) == [n for n in range(1, 6) for _ in range(4)]


def test_at_most_five_are_asked_and_nobody_twice() -> None:
    for decision in decided([request(n) for n in range(3)], [therapist(n) for n in range(1, 9)]):
        assert len(asked(decision)) == len(set(asked(decision))) == 5


def test_the_most_urgent_get_the_last_places_and_among_equals_who_waits_longest() -> None:
    waiting = [
        request(1, submitted_at=NOW),
        request(2, submitted_at=NOW + timedelta(hours=1), priority=3),
        request(3, submitted_at=NOW - timedelta(hours=1)),
    ]
    decisions = decided(waiting, [therapist(1, weekly_limit=18)], {UUID(int=1): 70})
    found = {d.request.case_id.int & 7: d.outcome for d in decisions}
    assert found[1] == "no_capacity"
    assert found[2] != "no_capacity"
    assert found[3] != "no_capacity"


def test_nobody_goes_without_for_another_ones_convenience() -> None:
    only_one_fits = request(1, languages=("bal",), submitted_at=NOW + timedelta(days=1))
    anybody = request(2)
    rare = therapist(1, languages=("ur", "bal"), weekly_limit=1, steps=(1, 2))
    usual = therapist(2, weekly_limit=1, steps=(1, 2, 3, 4))
    decisions = decided([only_one_fits, anybody], [rare, usual], {UUID(int=1): 3, UUID(int=2): 3})
    assert {d.request.case_id.int & 7: first(d) for d in decisions} == {1: 1, 2: 2}


def test_a_full_first_wish_gives_way_to_the_second() -> None:
    by_video = therapist(1, weekly_limit=1)
    by_phone = therapist(2, modalities=("phone",))
    either = [request(n, modalities=("video", "phone")) for n in (1, 2)]
    decisions = decided(either, [by_video, by_phone], {UUID(int=1): 3})
    assert sorted(asked(decision) for decision in decisions) == [[1], [2]]


def test_a_limit_below_the_load_leaves_no_room_and_breaks_nothing() -> None:
    [decision] = decided([request(1)], [therapist(1, weekly_limit=1)], {UUID(int=1): 50, UUID(int=8): 1})
    assert decision.outcome == "no_capacity"


def test_a_policy_in_which_anything_outweighs_the_persons_wish_is_refused() -> None:
    with pytest.raises(InconsistentPolicyError):
        replace(POLICY.points, wish=34_000).checked()
