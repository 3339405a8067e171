"""An hour that was given back goes to whoever waits for just such a one: one person, in the order of the list."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.domain.backfill import Freed, suits
from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.backfill import AFTER, Backfill, note_freed_hours
from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.standing import count_hours
from shared.contracts.intake import CaseSubmitted, WeeklyWindow
from shared.contracts.matching import ON_ITS_WAY
from shared.contracts.scheduling import SlotFreed
from shared.messaging import Due
from tests.matching.choosing import decide, offered
from tests.matching.conftest import Office
from tests.matching.events import a_case, alarm, booked, cancelled, no_hour
from tests.matching.examples import ISLAMABAD, LAHORE, NOW, POLICY
from tests.matching.test_changes import changed

TIMES = {"wanted_times": (WeeklyWindow(day=4, start=9 * 60, end=12 * 60),)}  # Thursday morning
THURSDAY = datetime(2027, 1, 7, 5, 0, tzinfo=UTC)  # 10:00 in Karachi
AN_HOUR = Freed(UUID(int=1), "online", THURSDAY, THURSDAY + timedelta(minutes=50))
MORNING = (4, 9 * 60, 12 * 60)


@pytest.mark.parametrize(
    ("modalities", "wanted", "zone", "suited"),
    [
        (("video",), (), "Asia/Karachi", True),
        (("in_person",), (), "Asia/Karachi", False),
        (("in_person", "phone"), (), "Asia/Karachi", True),
        (("video",), (MORNING,), "Asia/Karachi", True),
        (("video",), (MORNING,), "Asia/Dubai", True),  # 9:00 there
        (("video",), (MORNING,), "Europe/London", False),  # 5:00 there
        (("video",), ((3, 9 * 60, 12 * 60),), "Asia/Karachi", False),
        (("video",), ((4, 9 * 60, 10 * 60 + 49),), "Asia/Karachi", False),
        (("video",), ((4, 10 * 60, 10 * 60 + 50),), "Asia/Karachi", True),
        (("video",), ((4, 10 * 60 + 1, 12 * 60),), "Asia/Karachi", False),
        (("video",), ((3, 0, 60), MORNING), "Asia/Karachi", True),
    ],
)
def test_an_hour_suits_who_wishes_to_meet_so_and_can_come_for_all_of_it(
    modalities: Any, wanted: Any, zone: str, suited: bool
) -> None:
    assert suits(AN_HOUR, modalities, wanted, zone) is suited


def test_an_hour_before_midnight_suits_the_evening_of_its_own_day() -> None:
    late = datetime(2027, 1, 7, 18, 0, tzinfo=UTC)  # 23:00 in Karachi
    hour = Freed(UUID(int=1), "online", late, late + timedelta(minutes=50))
    assert suits(hour, ("video",), ((4, 22 * 60, 24 * 60),), "Asia/Karachi")
    assert not suits(hour, ("video",), ((5, 0, 12 * 60),), "Asia/Karachi")


def freed(start: datetime, number: int = 1, **changes: Any) -> SlotFreed:
    said = {
        "therapist_id": UUID(int=number), "lane": "online", "site_id": None,
        "start": start, "end": start + timedelta(minutes=50), "freed_at": NOW,
    }  # fmt: skip
    return SlotFreed(**said | changes)


async def serve(office: Office, *hours: SlotFreed) -> None:
    """The hours are noted, and the list is served when their rows come due."""
    await office.hear(note_freed_hours, *hours)
    rows = await office.database.pool.fetch("DELETE FROM due WHERE kind = 'backfill' RETURNING key, at, body")
    assert {row["at"] for row in rows} == {NOW + AFTER}
    await office.hear(
        Backfill(office.matchmaker).serve_waiting,
        *(Due("backfill", row["key"], NOW, row["body"]) for row in rows),
    )


async def waits(office: Office, **changes: Any) -> CaseSubmitted:
    """Somebody nobody has an hour for: everybody who fits was asked."""
    case = a_case(**TIMES | changes)
    await office.hear(office.matchmaker.match_cases, case)
    while match := next(iter(await matches_of(office, case)), None):
        await office.hear(office.matchmaker.match_again, no_hour(match))
        if (await office.case(case.case_id))["state"] == "waitlisted":
            break
        assert match != (await matches_of(office, case))[0]
    return case


async def matches_of(office: Office, case: CaseSubmitted) -> list[dict[str, Any]]:
    """Newest first."""
    return [one for one in await office.made() if one["case_id"] == str(case.case_id)][::-1]


async def found(office: Office, *some: CaseSubmitted) -> list[bool]:
    return [(await office.case(one.case_id))["state"] == "matched" for one in some]


async def test_who_found_no_hour_gets_the_one_that_was_given_back_with_its_therapist(office: Office) -> None:
    for number in (1, 2, 3):
        await office.describe(number)
    case = await waits(office)
    before = len(await matches_of(office, case))
    await serve(office, freed(THURSDAY, number=2))
    newest, *earlier = await matches_of(office, case)
    assert (len(earlier), newest["attempt"]) == (before, before + 2)  # the list itself was an attempt
    assert [one["therapist_id"] for one in newest["candidates"]] == [str(UUID(int=2))]


async def test_one_hour_asks_one_person_the_most_urgent_first(office: Office) -> None:
    await office.describe(1)
    later, urgent = await waits(office), await waits(office, priority=1)
    earlier = await waits(office, submitted_at=NOW - timedelta(hours=2))
    await serve(office, freed(THURSDAY))
    assert await found(office, urgent, earlier, later) == [True, False, False]
    await serve(office, freed(THURSDAY), freed(THURSDAY + timedelta(hours=1)))
    assert await found(office, urgent, earlier, later) == [True, True, True]


async def test_who_is_not_asked_keeps_place_and_date_and_is_told_nothing(office: Office) -> None:
    await office.describe(1)
    first, second = await waits(office, priority=1), await waits(office)
    before, told = await office.case(second.case_id), len(await office.said("case_waitlisted"))
    await serve(office, freed(THURSDAY))
    assert await found(office, first, second) == [True, False]
    assert await office.case(second.case_id) == before
    assert len(await office.said("case_waitlisted")) == told


@pytest.mark.parametrize(
    ("hour", "wish"),
    [
        (freed(THURSDAY), {"modalities": ("in_person",)}),
        (freed(THURSDAY), {"wanted_times": (WeeklyWindow(day=5, start=540, end=720),)}),
        (freed(THURSDAY), {"languages": ("bal",)}),
        (freed(THURSDAY, number=9), {}),
        (freed(NOW - timedelta(minutes=1)), {"wanted_times": ()}),
        (freed(NOW + POLICY.notice - timedelta(minutes=1)), {"wanted_times": ()}),
        (freed(NOW + POLICY.horizon - timedelta(minutes=49)), {"wanted_times": ()}),
    ],
)  # fmt: skip
async def test_an_hour_that_no_match_could_ask_for_or_not_for_them_moves_nobody(
    office: Office, hour: SlotFreed, wish: dict[str, Any]
) -> None:
    await office.describe(1)
    case = await waits(office, **wish)
    said = len(await office.said())
    await serve(office, hour)
    assert await found(office, case) == [False]
    assert len(await office.said()) == said


@pytest.mark.parametrize(
    "start", [NOW + POLICY.notice, NOW + POLICY.horizon - timedelta(minutes=50)], ids=["soonest", "latest"]
)
async def test_the_soonest_and_the_latest_hour_that_a_match_may_ask_for_are_given(
    office: Office, start: datetime
) -> None:
    await office.describe(1)
    case = await waits(office, wanted_times=())
    await serve(office, freed(start))
    assert await found(office, case) == [True]


async def test_an_hour_at_another_site_is_for_the_first_who_gets_there_though_one_place_is_left(
    office: Office,
) -> None:
    await office.know_sites()
    await office.describe(1, modalities=("in_person",), sites=(LAHORE, ISLAMABAD), weekly_limit=1)
    for _ in range(3):  # of four weeks of one
        case = a_case(modalities=("in_person",), wanted_times=())
        await office.hear(office.matchmaker.match_cases, case)
    there = {"modalities": ("in_person",), "city": "Rawalpindi"}
    elsewhere = await waits(office, modalities=("in_person",), priority=1)
    first, second = [await waits(office, **there, submitted_at=NOW + timedelta(seconds=n)) for n in (0, 1)]
    hour = freed(THURSDAY, lane="in_person", site_id=ISLAMABAD)
    said = len(await office.said())
    await serve(office, hour)
    assert await found(office, elsewhere, first, second) == [False, True, False]
    assert len(await office.said()) == said + 1


async def test_who_can_come_to_one_of_two_hours_is_asked_for_that_one(office: Office) -> None:
    await office.describe(1, weekly_limit=1)
    await office.hear(office.matchmaker.match_cases, a_case())
    await office.describe(2)  # who has more room, and would be asked first
    early = await waits(office, wanted_times=(WeeklyWindow(day=4, start=9 * 60, end=11 * 60),))
    await serve(office, freed(THURSDAY), freed(THURSDAY + timedelta(hours=1), number=2))
    [newest, *_] = await matches_of(office, early)
    assert [one["therapist_id"] for one in newest["candidates"]] == [str(UUID(int=1))]


async def test_told_before_the_cancellation_is_known_the_hour_waits_for_it(office: Office) -> None:
    await office.describe(1, weekly_limit=1)
    hours = []
    for _ in range(4):  # four weeks of one
        case = a_case(wanted_times=())
        await office.hear(office.matchmaker.match_cases, case)
        hours.append(booked((await matches_of(office, case))[0]))
    await office.hear(count_hours, *hours)
    waiting = await waits(office)
    assert (await office.case(waiting.case_id))["reason"] == "no_capacity"
    await office.hear(note_freed_hours, freed(THURSDAY))
    await office.hear(count_hours, cancelled(hours[0]))
    await serve(office, freed(THURSDAY))  # told twice it is served once
    assert await found(office, waiting) == [True]


async def test_for_whoever_waits_and_wishes_to_choose_the_hour_is_kept_though_it_is_the_last(
    office: Office,
) -> None:
    await office.describe(1)
    case = await waits(office)  # and wishes to choose from the list on
    later = changed(case, booking_mode="choose")
    await office.hear(ChangeDesk(office.matchmaker).follow_changes, later)
    [of_search] = await office.made("offer")
    await decide(office, (await office.said("match_offered"))[-1], reason="none_suits")
    assert of_search["last_too"] is False
    await office.describe(2)
    await serve(office, freed(THURSDAY, number=2))
    *_, kept = await office.made("offer")
    assert (kept["last_too"], [one["therapist_id"] for one in kept["candidates"]]) == (
        True,
        [str(UUID(int=2))],
    )
    assert kept["attempt"] > of_search["attempt"]


@pytest.mark.parametrize(("short_of", "theirs"), [(timedelta(minutes=1), False), (timedelta(), True)])
async def test_an_hour_that_begins_before_whoever_chooses_could_take_it_goes_to_the_next(
    office: Office, short_of: timedelta, theirs: bool
) -> None:
    await office.describe(1)
    chooses = await declines(office, priority=1)
    next_one = await waits(office, wanted_times=())
    await office.describe(2)
    before = await office.case(chooses)
    await serve(office, freed(NOW + POLICY.waiting.kept + ON_ITS_WAY - short_of, number=2))
    assert (await office.case(chooses))["state"] == ("offered" if theirs else "waitlisted")
    assert theirs or await office.case(chooses) == before
    assert await found(office, next_one) == [not theirs]


async def test_whoever_may_be_in_danger_gets_the_soonest_hour_though_they_wished_to_choose(
    office: Office,
) -> None:
    await office.describe(1)
    chooses = await declines(office)
    await office.hear(AlarmBook(POLICY).raise_priorities, alarm(chooses))
    await office.describe(2)
    await serve(office, freed(NOW + POLICY.notice, number=2))
    assert (await office.case(chooses))["state"] == "matched"


async def declines(office: Office, **changes: Any) -> UUID:
    """Somebody who wanted none of all there are, and waits for another to choose."""
    offer = await offered(office, **{"wanted_times": ()} | changes)
    await decide(office, offer, reason="none_suits")
    return UUID(offer["case_id"])
