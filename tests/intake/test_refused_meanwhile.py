"""A guardian refuses while a human must speak with the young person first: in either order the young person is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.intake.domain.attendees import KeptAttendee, guardians_refused
from services.intake.domain.gates import released
from services.intake.domain.invitations import Reply, replied
from services.intake.domain.pauses import going_on
from services.intake.domain.wishes import KeptRequest
from tests.intake.conftest import PIN_OF, IntakeDatabase
from tests.intake.people import NEEDS
from tests.intake.test_gates import (
    CASE,
    NOW,
    POLICY,
    Held,
    a_case,
    alarm,
    asma,
    close,
    held_case,
    judge,
    session_of,
    stands,
)
from tests.intake.test_guardians import ACCEPT, CONTACT

__all__ = ["asma"]
LATER = NOW + timedelta(days=30)
YOUNG = replace(NEEDS, age_band="13-17")
INVITED = [{"role": "guardian", "consent": "invited", "contact": CONTACT}]


def guardian(consent: Any = "declined", expires: Any = LATER) -> KeptAttendee:
    return KeptAttendee(uuid4(), CASE, uuid4(), "guardian", consent, expires)


def a_young_one(*others: KeptAttendee, **changes: Any) -> KeptRequest:
    return a_case(alarm(), needs=YOUNG, awaits="guardian", attendees=others, **changes)


@pytest.mark.parametrize(
    ("others", "refused"),
    [
        ([], False),
        ([guardian()], True),
        ([guardian("pending")], False),
        ([guardian(), guardian("invited")], False),
        ([guardian(), guardian("invited", NOW)], True),
        ([guardian("invited", NOW)], False),
        ([guardian(), guardian("given", NOW)], False),
        ([replace(guardian(), role="family")], False),
    ],
)
def test_a_refusal_is_one_of_a_guardian_with_nobody_left_to_ask(
    others: list[KeptAttendee], refused: bool
) -> None:
    assert guardians_refused(others, NOW) is refused


def test_a_refusal_says_nothing_until_the_human_has_spoken_and_ends_the_case_then() -> None:
    mother = guardian("invited")
    waits = replied(a_young_one(mother), Reply(mother.attendee_id, None), NOW)
    assert isinstance(waits, KeptRequest)
    assert (waits.closed, waits.version, waits.gate) == (False, 1, "waits_for_human")
    spoken = replace(waits, alarms=(alarm("reached_and_safe"),))
    ended = released(spoken, POLICY, NOW, asked_for_care=True)
    assert (ended.closed, ended.version, ended.request_version) == (True, 2, 1)
    lighter = replace(waits, alarms=(alarm(level="R2"),))
    assert released(lighter, POLICY, NOW, asked_for_care=True).closed


def test_a_refusal_after_the_human_has_spoken_ends_the_case_at_once() -> None:
    mother = guardian("invited")
    spoken = replace(a_young_one(mother), alarms=(alarm("reached_and_safe"),))
    waits = released(spoken, POLICY, NOW, asked_for_care=True)
    assert (waits.gate, waits.closed) == ("waits_for_consent", False)
    ended = replied(waits, Reply(mother.attendee_id, None), NOW)
    assert isinstance(ended, KeptRequest)
    assert (ended.closed, ended.version) == (True, waits.version + 1)


def test_whoever_others_have_in_care_is_told_of_a_refusal_when_they_would_go_on() -> None:
    paused = a_young_one(guardian(), paused_for="helped_elsewhere")
    assert going_on(paused, 0, NOW).closed
    assert not going_on(a_young_one(guardian("invited"), paused_for="helped_elsewhere"), 0, NOW).closed


def test_a_pause_with_a_day_ends_whole_when_an_alarm_lets_it_go() -> None:
    waits = a_case(alarm("reached_and_safe"), paused_for="helped_elsewhere", paused_until=LATER)
    goes_on = released(waits, POLICY, NOW, asked_for_care=True)
    assert (goes_on.gate, goes_on.paused_for, goes_on.paused_until) == ("open", None, None)


async def answer(people: httpx2.AsyncClient, store: IntakeDatabase, one: Held, act: str) -> httpx2.Response:
    row = await store.admin.fetchrow(
        "SELECT code, attendee_id FROM intake.attendees WHERE case_id = $1", one.case_id
    )
    pin = PIN_OF(row["attendee_id"])
    sent = ACCEPT | {"pin": pin} if act == "accept" else {"pin": pin}
    return await people.post(f"/v1/invitations/{row['code']}/{act}", json=sent)


async def a_young_case(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> Held:
    return await held_case(people, duty, store, asma, age_band="13-17", attendees=INVITED)


async def withdrawn(store: IntakeDatabase, one: Held) -> list[str]:
    said = await store.said(str(one.case_id))
    return [each.event["reason"] for each in said if each.type == "intake.case_withdrawn.v1"]


@pytest.mark.parametrize("act", ["close", "lower"])
async def test_a_guardian_who_refused_before_the_human_spoke_ends_the_case_when_they_have(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    asma: dict[str, str],
    act: str,
) -> None:
    one = await a_young_case(people, duty, store, asma)
    before = await stands(people, one.asked)
    assert (await answer(people, store, one, "decline")).status_code == 200
    assert await stands(people, one.asked) == before
    assert await withdrawn(store, one) == []
    if act == "close":
        await close(duty, asma, one.alarm_id)
    else:
        await judge(duty, asma, one.alarm_id, "R1")
    now = await stands(people, one.asked)
    assert (now["state"], now["reason"], now["version"]) == (
        "closed",
        "consent_refused",
        before["version"] + 1,
    )
    assert await withdrawn(store, one) == ["consent_refused"]


async def test_a_guardian_who_refuses_after_the_human_spoke_ends_the_case(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await a_young_case(people, duty, store, asma)
    await close(duty, asma, one.alarm_id)
    assert (await stands(people, one.asked))["waiting_on"] == "guardian"
    assert (await answer(people, store, one, "decline")).status_code == 200
    assert (await stands(people, one.asked))["reason"] == "consent_refused"
    assert await withdrawn(store, one) == ["consent_refused"]


async def test_a_guardian_who_thinks_better_of_it_before_the_human_has_spoken_refused_nothing(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await a_young_case(people, duty, store, asma)
    for act in ("decline", "accept"):
        assert (await answer(people, store, one, act)).status_code == 200
    await close(duty, asma, one.alarm_id)
    assert (await stands(people, one.asked))["state"] == "matching"


async def test_a_young_person_in_others_care_hears_of_the_refusal_only_when_they_ask_again(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await a_young_case(people, duty, store, asma)
    assert (await answer(people, store, one, "decline")).status_code == 200
    await close(duty, asma, one.alarm_id, "already_in_care")
    assert (await stands(people, one.asked))["reason"] == "helped_elsewhere"
    session = await session_of(people, one.asked)
    again = await people.post(
        f"{one.asked['status_url']}/resume", json={}, headers=session | {"If-Match": "*"}
    )
    assert (again.status_code, again.json()["reason"]) == (200, "consent_refused")
    assert await withdrawn(store, one) == ["consent_refused"]
