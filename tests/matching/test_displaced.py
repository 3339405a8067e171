"""An hour that has lost its day is seen to by a human, until it has a day again or is nobody's any more."""

from typing import Any

import pytest

from services.matching.handlers.standing import count_certain_again, count_hours, withdraw_matches
from shared.contracts.scheduling import (
    Appointment,
    AppointmentBooked,
    AppointmentCertaintyChanged,
    AppointmentDisplaced,
)
from tests.matching.coming_due import come_due
from tests.matching.conftest import Office
from tests.matching.events import cancelled, moved, withdrawal
from tests.matching.test_continuity import an_hour, suspend


def displaced(hour: AppointmentBooked) -> AppointmentDisplaced:
    told = {"version": hour.version + 1, "reason": "holiday"}
    return AppointmentDisplaced(**hour.model_dump() | told)


def after(hour: Appointment, kind: type[Any]) -> Any:
    return kind(**hour.model_dump(exclude={"reason"}) | {"version": hour.version + 1})


async def tasks(office: Office) -> list[tuple[Any, ...]]:
    rows = await office.database.pool.fetch(
        "SELECT kind, case_id, outcome FROM continuity ORDER BY opened_at, kind"
    )
    return [tuple(row) for row in rows]


async def lost(office: Office) -> tuple[AppointmentBooked, AppointmentDisplaced]:
    await office.describe(1)
    hour = await an_hour(office)
    news = displaced(hour)
    await office.hear(count_hours, news)
    await come_due(office)
    return hour, news


async def test_an_hour_that_lost_its_day_asks_for_a_coordinator_once(office: Office) -> None:
    hour, news = await lost(office)
    await office.hear(count_hours, news)
    await come_due(office)
    assert await tasks(office) == [("displaced", hour.case_id, None)]
    [opened] = await office.said("matching.task_opened.v1")
    assert (opened["kind"], opened["queue"], opened["case_id"]) == (
        "displaced",
        "coordinator",
        str(hour.case_id),
    )
    assert opened["therapist_id"] == str(hour.therapist_id)


@pytest.mark.parametrize("how", ["moved", "cancelled", "firm again", "confirmed", "withdrawn"])
async def test_it_closes_by_itself_when_the_hour_has_a_day_again_or_is_no_more(
    office: Office, how: str
) -> None:
    hour, news = await lost(office)
    if how == "withdrawn":
        await office.hear(withdraw_matches, withdrawal(hour.case_id))
    elif how == "confirmed":
        await office.hear(count_certain_again, after(news, AppointmentCertaintyChanged))
    else:
        said = {
            "moved": moved(after(news, AppointmentBooked), 3),
            "cancelled": cancelled(after(news, AppointmentBooked)),
            "firm again": after(news, AppointmentBooked),
        }
        await office.hear(count_hours, said[how])
    await come_due(office)
    assert await tasks(office) == [("displaced", hour.case_id, "not_needed")]


async def test_how_certain_an_hour_is_that_has_its_day_asks_for_nobody(office: Office) -> None:
    await office.describe(1)
    hour = await an_hour(office)
    await office.hear(count_certain_again, after(hour, AppointmentCertaintyChanged))
    await come_due(office)
    assert await tasks(office) == []


async def test_whoever_is_away_as_well_is_one_task_and_no_two(office: Office) -> None:
    hour, _ = await lost(office)
    await suspend(office)
    assert await tasks(office) == [("displaced", hour.case_id, "not_needed"), ("hour", hour.case_id, None)]
