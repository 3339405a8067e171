"""An hour that is given back reaches whoever waits for it: through every service, over the real broker, to a telephone."""

from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tests.flows.visiting import Person, Town, an_hour_on, town

pytestmark = pytest.mark.stack

CHANGES = "SELECT step FROM scheduling.journey WHERE step LIKE 'appointment%' ORDER BY at"


async def test_an_hour_given_back_goes_to_whoever_waits_and_then_to_whoever_wished_to_choose(
    stack_folder: Path,
) -> None:
    async with town(stack_folder / "backfill") as here:
        start, rule = an_hour_on(3)
        await here.therapist(uuid4(), rule, horizon_days=7)
        first = await here.request("03991000001")
        hour, _ = await here.appointment(first)
        assert datetime.fromisoformat(hour["start"]) == start
        waiting = await here.request("03991000002")
        await here.stands(waiting, "waitlisted")
        choosing = await here.request("03991000003", booking_mode="choose")
        await accepts(here, choosing)
        await here.stands(choosing, "waitlisted")

        await here.gives_back(first)
        assert datetime.fromisoformat((await here.appointment(waiting))[0]["start"]) == start
        assert len(await here.texts(waiting, "Your appointment is on")) == 1
        assert (await here.stands(choosing, "waitlisted"))["state"] == "waitlisted"

        await here.gives_back(waiting)
        await accepts(here, choosing)
        assert datetime.fromisoformat((await here.appointment(choosing))[0]["start"]) == start
        assert len(await here.texts(choosing, "Your appointment is on")) == 1
        assert len(await here.texts(waiting, "cancelled, as asked")) == 1
        assert await changes(here) == ["booked", "cancelled"] * 2 + ["booked"]


async def accepts(here: Town, person: Person) -> None:
    """Takes the one they are offered."""
    links = (await here.stands(person, "offered"))["links"]
    offer, _ = await here.ask("matching", "GET", links["choose"], person.session)
    (option,) = offer["options"]
    deciding = person.session | {"idempotency-key": f"take-{offer['match_id']}"}
    chosen = {"option_id": option["option_id"]}
    await here.ask("matching", "POST", offer["links"]["accept"], deciding, chosen)


async def changes(here: Town) -> list[str]:
    """What became of the one hour, in order."""
    async with here.looking() as tables:
        steps = await tables.fetch(CHANGES)
    return [row["step"].removeprefix("appointment_") for row in steps]
