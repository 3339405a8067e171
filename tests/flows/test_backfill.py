"""An hour that is given back reaches whoever waits for it: through every service, over the real broker, to a telephone."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.flows.visiting import Person, Town, an_hour_on
from tests.waiting import until

pytestmark = pytest.mark.stack

CHANGES = """
SELECT step FROM scheduling.journey JOIN scheduling.appointments USING (case_id)
WHERE step LIKE 'appointment%' AND therapist_id = $1 ORDER BY at
"""


async def test_an_hour_given_back_goes_to_whoever_waits_and_then_to_whoever_wished_to_choose(
    here: Town,
) -> None:
    start, rule = an_hour_on(3)
    therapist = await here.therapist("pa", rule, horizon_days=7)
    first = await here.request("03991000001", "pa")
    hour, _ = await here.appointment(first)
    assert datetime.fromisoformat(hour["start"]) == start
    waiting = await here.request("03991000002", "pa")
    await here.stands(waiting, "waitlisted")

    await here.gives_back(first)
    assert datetime.fromisoformat((await here.appointment(waiting))[0]["start"]) == start
    assert len(await here.texts(waiting, "Your appointment is on")) == 1

    await is_full(here, therapist)
    choosing = await here.request("03991000003", "pa", booking_mode="choose")
    await here.stands(choosing, "waitlisted")
    await here.gives_back(waiting)
    await accepts(here, choosing, start)
    assert datetime.fromisoformat((await here.appointment(choosing))[0]["start"]) == start
    assert len(await here.texts(choosing, "Your appointment is on")) == 1
    assert len(await here.texts(waiting, "cancelled, as asked")) == 1
    async with here.looking() as tables:
        steps = [row["step"] for row in await tables.fetch(CHANGES, therapist)]
    taken_and_given_back = ["appointment_booked", "appointment_cancelled"]
    assert steps == [*taken_and_given_back * 2, "appointment_held", "appointment_booked"]


async def is_full(here: Town, therapist: UUID) -> None:
    """Matching has heard that the therapist has no hour left: it asks nobody to choose one who has none."""
    full = "SELECT 'online' = ANY (full_lanes) FROM matching.loads WHERE therapist_id = $1"
    async with here.looking() as tables:
        await until(lambda: tables.fetchval(full, therapist), "the therapist's lane is full", every=0.1)


async def accepts(here: Town, person: Person, start: datetime) -> None:
    """Takes the one they are offered, with the hour that is kept for them."""
    links = (await here.stands(person, "offered"))["links"]

    async def with_an_hour() -> dict[str, Any] | None:
        offer, _ = await here.ask("matching", "GET", links["choose"], person.session)
        return offer if offer["options"][0]["hour"] else None

    offer: dict[str, Any] = await until(with_an_hour, "an hour is kept", every=0.1)
    (option,) = offer["options"]
    assert datetime.fromisoformat(option["hour"]["start"]) == start
    deciding = person.session | {"idempotency-key": f"take-{offer['match_id']}"}
    chosen = {"option_id": option["option_id"], "start": option["hour"]["start"]}
    await here.ask("matching", "POST", offer["links"]["accept"], deciding, chosen)
