"""A holiday that may come, and comes: the person, their calendar file, the partner and the telephone say so."""

from typing import Any

import pytest

from tests.flows.visiting import Person, Town, an_hour_on
from tests.waiting import until

pytestmark = pytest.mark.stack


async def test_an_hour_on_a_day_that_becomes_a_holiday_is_provisional_and_then_displaced(here: Town) -> None:
    start, rule = an_hour_on(5)
    therapist = await here.therapist("ps", rule, horizon_days=7)
    partner = await here.partner("humqadam-network")
    person = await here.request("03991000021", "ps")
    await here.appointment(person)
    assert len(await here.texts(person, "Your appointment is on")) == 1

    staff, path, day = here.staff(), "/v1/holidays/eid-of-the-story", start.date().isoformat()
    holiday = {
        "name": "Eid", "first_day": day, "last_day": day, "time_zone": "Asia/Karachi", "source": "the story", "status": "tentative",
    }  # fmt: skip
    _, seen = await here.ask("scheduling", "PUT", path, staff, holiday)
    assert (await certain(here, person, "may_be_holiday"))["state"] == "booked"

    today = here.today().isoformat()
    comes = holiday | {"status": "confirmed", "verified_on": today}
    await here.ask("scheduling", "PUT", path, staff | {"if-match": seen}, comes)
    assert (await certain(here, person, "holiday"))["start"].startswith(day)
    assert len(await here.texts(person, "falls on a holiday")) == 1
    await until(lambda: asked_to_see_to_it(here, person), "somebody is asked to see to it", every=0.2)
    told = await partner.hears(str(therapist), 3)
    assert [one["data"]["certainty_reason"] for one in told] == [None, "may_be_holiday", "holiday"]
    assert {one["data"]["start"] for one in told} == {told[0]["data"]["start"]}


async def asked_to_see_to_it(here: Town, person: Person) -> bool:
    """Whether it stands on the worklist that the hour has lost its day."""
    listed, _ = await here.ask("console", "GET", "/v1/tasks?queue=coordinator&limit=200", here.staff())
    return (person.code, "displaced") in [(one["case_code"], one["kind"]) for one in listed["tasks"]]


async def certain(here: Town, person: Person, why: str) -> dict[str, Any]:
    """The hour as the person sees it, once it is provisional for this reason."""

    async def look() -> dict[str, Any] | None:
        hour, _ = await here.appointment(person)
        return hour if hour["certainty_reason"] == why else None

    found: dict[str, Any] = await until(look, why, every=0.2)
    assert found["certainty"] == "provisional"
    return found
