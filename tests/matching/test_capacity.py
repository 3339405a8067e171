"""What scheduling says of free hours: whoever is full is not asked, in that lane only, and waiting ends with it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.capacity import Capacity, Load, capacity_of, with_loads
from services.matching.domain.decisions import Found, decide
from services.matching.domain.directory import Directory
from services.matching.domain.vocabulary import LANES, Lane
from services.matching.handlers.capacity import know_capacity
from services.matching.handlers.waiting import WaitingRoom
from shared.contracts.scheduling import CapacityChanged, FreeMinutes
from shared.messaging import Due, due
from tests.matching.conftest import Office
from tests.matching.events import a_case
from tests.matching.examples import LAHORE, NOW, POLICY, directory, request, room_for, therapist

ONE, TWO = UUID(int=1), UUID(int=2)
BOTH = ("video", "in_person")


def told(number: int, *lanes: Lane) -> CapacityChanged:
    """That there is an hour in these lanes and none in the others."""
    free = [
        FreeMinutes(lane=lane, site_id=None, week=NOW.date(), day_part="morning", minutes=50)
        for lane in lanes
    ]
    return CapacityChanged(
        therapist_id=UUID(int=number), session_minutes=50, free=tuple(free), changed_at=NOW
    )


async def wake(office: Office, **body: Any) -> Any:
    await office.hear(WaitingRoom(office.matchmaker).wake_waiting, Due("wake", "all", NOW, body))
    return await office.database.pool.fetchval("SELECT body FROM due WHERE kind = 'wake'")


def test_a_lane_that_is_full_leaves_the_other_one() -> None:
    known = directory([therapist(1, modalities=BOTH, sites=(LAHORE,))])
    room = room_for(known, full={ONE: {"online"}})
    asks = [request(n, modalities=wished) for n, wished in enumerate([("video",), BOTH, ("in_person",)], 1)]
    outcomes = {d.request.case_id: d.outcome for d in decide(asks, known, room, POLICY)}
    first, *others = (outcomes[one.case_id] for one in asks)
    assert first == "no_capacity"
    assert [one.modality for one in others if isinstance(one, Found)] == ["in_person"] * 2


loads = st.builds(Load, st.integers(0, 9), st.frozensets(st.sampled_from(LANES)))


@given(st.dictionaries(st.sampled_from([ONE, TWO, UUID(int=9)]), loads), st.dictionaries(st.just(TWO), loads))
def test_the_latest_word_counts_whatever_was_said_before(first: Any, then: Any) -> None:
    known = directory([therapist(1), therapist(2)])
    changed = with_loads(capacity_of(known, first, 4), known, then)
    kept = {one: load for one, load in {**first, **then}.items() if one in known.number_of}
    assert loads_of(changed, known) == dict.fromkeys(known.ids, Load()) | kept
    assert capacity_of(known, loads_of(changed, known), 4).by_lane == changed.by_lane


def loads_of(capacity: Capacity, known: Directory) -> dict[UUID, Load]:
    return {
        who: Load(
            int(capacity.open_load[number]),
            frozenset(lane for lane, row in capacity.full.items() if row >> number & 1),
            int(capacity.sliding_load[number]),
        )
        for number, who in enumerate(known.ids)
    }


async def test_who_is_full_is_not_asked_until_they_have_an_hour_again(office: Office) -> None:
    await office.describe(1)
    await office.hear(know_capacity, told(1, "in_person"))
    case = a_case()
    await office.hear(office.matchmaker.match_cases, case)
    [waiting] = await office.said("case_waitlisted")
    assert waiting["reason"] == "no_capacity"
    seen = await wake(office)
    assert await office.made() == []

    await office.hear(know_capacity, told(1))  # still full, and now in person too: nothing to wake for
    seen = await wake(office, **seen)
    assert await office.made() == []
    await office.hear(know_capacity, told(1, "online"))
    await wake(office, **seen)
    [match] = await office.made()
    assert (match["case_id"], match["attempt"]) == (str(case.case_id), 2)


async def wakes_at(office: Office) -> Any:
    return await office.database.pool.fetchval("SELECT at FROM due WHERE kind = 'wake'")


async def test_an_hour_where_there_was_none_wakes_the_list_within_a_second(office: Office) -> None:
    await office.describe(1)
    await office.hear(know_capacity, told(1))
    seen = await wake(office)
    assert await wakes_at(office) == NOW + timedelta(seconds=10)
    await office.hear(know_capacity, told(1))  # no more than before
    assert await wakes_at(office) == NOW + timedelta(seconds=10)
    await office.hear(know_capacity, told(1, "online"))
    assert await wakes_at(office) == NOW + timedelta(seconds=1)
    office.now["now"] = NOW + timedelta(seconds=0.5)
    await office.hear(know_capacity, told(1, "online", "in_person"))  # many in a row wake it once
    assert await wakes_at(office) == NOW + timedelta(seconds=1)
    kept = await office.database.pool.fetchval("SELECT body FROM due WHERE kind = 'wake'")
    assert kept == seen


async def test_the_first_word_of_an_hour_wakes_the_list_and_the_first_word_of_none_does_not(
    office: Office,
) -> None:
    for number, lanes, seconds in ((1, (), 10), (2, ("in_person",), 1)):
        await office.describe(number)
        await wake(office)
        await office.hear(know_capacity, told(number, *lanes))
        assert await wakes_at(office) == NOW + timedelta(seconds=seconds)


async def test_a_look_that_is_under_way_is_not_waited_for(office: Office) -> None:
    await office.describe(1)
    await office.hear(know_capacity, told(1))
    await wake(office)
    async with office.database.transaction() as tx:
        await due.claim(tx.connection, ["wake"], 1, NOW + timedelta(seconds=10))
        await asyncio.wait_for(office.hear(know_capacity, told(1, "online")), 1)


async def test_what_is_told_before_the_therapist_is_known_counts_then(office: Office) -> None:
    await office.hear(know_capacity, told(1), told(2, "online"))
    await office.describe(1)
    await office.describe(2)
    await office.hear(office.matchmaker.match_cases, a_case())
    [match] = await office.made()
    assert [one["therapist_id"] for one in match["candidates"]] == [str(TWO)]


@pytest.mark.parametrize("lanes", [(), ("online",), ("online", "in_person")])
async def test_the_same_again_changes_nothing(office: Office, lanes: tuple[Lane, ...]) -> None:
    await office.describe(1)
    await office.hear(know_capacity, told(1, *lanes))
    before = await office.database.pool.fetch("SELECT * FROM loads")
    await office.hear(know_capacity, told(1, *lanes))
    assert await office.database.pool.fetch("SELECT * FROM loads") == before


async def test_nothing_told_is_no_reason_not_to_ask(office: Office) -> None:
    await office.describe(1)
    await office.hear(office.matchmaker.match_cases, a_case())
    assert len(await office.made()) == 1
