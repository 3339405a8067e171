"""Somebody answers STOP: the last gate closes, and from then on nothing reaches them, not even what was planned before."""

import time
from typing import Any

import pytest

from tests.flows.visiting import ANY_TIME, Person, Town, an_hour_on
from tests.waiting import until

pytestmark = pytest.mark.stack

NUMBER = "03991000061"
WITHIN = 5.0


async def test_whoever_answers_stop_hears_nothing_more(here: Town) -> None:
    _, rule = an_hour_on(4)  # the fifth day is a holiday in another story
    await here.therapist("brh", rule, horizon_days=7)
    contact = {
        "channel": "whatsapp", "then": ["sms"], "address": NUMBER, "language": "en", "safe_windows": ANY_TIME,
    }  # fmt: skip
    person = await here.request(NUMBER, "brh", contact=contact)
    await here.appointment(person)
    [(wamid, _)] = await until(lambda: here.whatsapps(person), "the message about the hour", every=0.1)
    assert ("reminder", "planned", None) in await messages(here, person)

    assert (await here.answers(wamid, "Who is this?"))["stopped"] == 0
    stopped_at = time.time()
    assert (await here.answers(wamid, "STOP"))["stopped"] == 1
    assert (await here.answers(wamid, "stop."))["stopped"] == 0
    assert ("reminder", "skipped", "stopped") in await messages(here, person)
    await until(lambda: gate_closed(here, person), "the last gate is closed", every=0.1)

    await here.gives_back(person)

    async def is_decided() -> bool:
        return any(
            (purpose, state) == ("cancelled", "skipped") for purpose, state, _ in await messages(here, person)
        )

    await until(is_decided, "what would be told of the hour that was given back", every=0.1)
    assert [at for _, at in here.whatsapps(person) if at > stopped_at + WITHIN] == []
    assert len(here.whatsapps(person)) == 1


async def messages(here: Town, person: Person) -> list[tuple[Any, ...]]:
    async with here.looking() as tables:
        rows = await tables.fetch(
            "SELECT purpose, m.state, m.reason FROM notifications.messages m JOIN intake.cases USING (case_id)"
            " WHERE case_code = $1",
            person.code,
        )
    return [tuple(row) for row in rows]


async def gate_closed(here: Town, person: Person) -> bool:
    """Whether intake has heard it and gives nobody a key any more."""
    async with here.looking() as tables:
        return bool(
            await tables.fetchval(
                "SELECT true FROM vault.stops s JOIN intake.cases c USING (person_id) WHERE c.case_code = $1"
                " AND s.purpose = 'contact'",
                person.code,
            )
        )
