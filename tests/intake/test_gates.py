"""The gate that an alarm closed: how a named human closes the alarm, or judges it anew, decides whether the case goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alarms import AlarmOnCase, Outcome
from services.intake.domain.gates import GatePolicy, held, released
from services.intake.domain.policy import InconsistentPolicyError, Policy, checked
from services.intake.domain.triage import Triage
from services.intake.domain.vocabulary import Level
from services.intake.domain.wishes import KeptRequest
from services.intake.handlers.progress import project
from shared.contracts.matching import CaseWaitlisted
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import NEEDS
from tests.intake.test_asking import ask, asking
from tests.intake.test_help import PHONE, alarms_of, call
from tests.intake.test_over_http import case_id_of

Token = Callable[..., dict[str, str]]
NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
POLICY = GatePolicy(
    frozenset({"R3"}),
    {
        "reached_and_safe": "goes_on",
        "handed_over_and_confirmed": "pauses",
        "already_in_care": "pauses",
        "raised_in_error": "says_nothing",
    },
)
CASE = uuid4()


def alarm(outcome: Outcome | None = None, level: Level = "R3", minute: int = 0) -> AlarmOnCase:
    """An alarm of the case; closed at this minute where it has an outcome."""
    at = NOW + timedelta(minutes=minute)
    return AlarmOnCase(
        uuid4(), CASE, level, "closed" if outcome else "open", outcome, at if outcome else None
    )


def a_case(*alarms: AlarmOnCase, **changes: Any) -> KeptRequest:
    held_back: dict[str, Any] = {
        "case_id": CASE,
        "person_id": uuid4(),
        "attendee_id": uuid4(),
        "gate": "waits_for_human",
        "needs": NEEDS,
        "triage": Triage(4, 3, ("alarm_r3",), True),
        "step_table_version": "test",
        "continues": None,
        "submitted_at": NOW,
        "closed": False,
        "version": 1,
        "request_version": 1,
        "alarms": alarms,
    }
    return KeptRequest(**held_back | changes)


def after(case: KeptRequest, *, asked_for_care: bool = True) -> tuple[str, str | None]:
    done = released(case, POLICY, NOW, asked_for_care=asked_for_care)
    return done.gate, done.paused_for


@pytest.mark.parametrize(
    ("outcome", "stands"),
    [
        ("reached_and_safe", ("open", None)),
        ("raised_in_error", ("open", None)),
        ("handed_over_and_confirmed", ("waits_for_human", "helped_elsewhere")),
        ("already_in_care", ("waits_for_human", "helped_elsewhere")),
    ],
)
def test_how_an_alarm_is_closed_decides_whether_its_case_goes_on(
    outcome: Outcome, stands: tuple[str, str | None]
) -> None:
    assert after(a_case(alarm(outcome))) == stands


def test_a_guardian_is_still_waited_for_after_the_human() -> None:
    assert after(a_case(alarm("reached_and_safe"), awaits="guardian")) == ("waits_for_consent", None)


def test_another_grave_alarm_still_holds_the_gate_and_a_lighter_one_does_not() -> None:
    assert after(a_case(alarm("reached_and_safe"), alarm())) == ("waits_for_human", None)
    assert after(a_case(alarm("reached_and_safe"), alarm(level="R2"))) == ("open", None)


def test_the_last_word_about_the_person_counts_and_an_error_is_none() -> None:
    handed_over, error = alarm("handed_over_and_confirmed", minute=1), alarm("raised_in_error", minute=2)
    assert after(a_case(error, handed_over)) == ("waits_for_human", "helped_elsewhere")
    assert after(a_case(handed_over, alarm("reached_and_safe", minute=3), error)) == ("open", None)


def test_whoever_only_called_for_help_is_not_searched_for() -> None:
    paused = after(a_case(alarm("reached_and_safe")), asked_for_care=False)
    assert paused == ("waits_for_human", "not_asked_yet")
    assert after(a_case(alarm(level="R1")), asked_for_care=False) == ("waits_for_human", None)


def test_a_level_that_waits_for_nobody_lets_go_of_the_gate_and_one_that_does_closes_it() -> None:
    assert after(a_case(alarm(level="R2"))) == ("open", None)
    graver = held(a_case(alarm(), gate="open"), NOW)
    assert (graver.gate, graver.request_version, graver.gate_since) == ("waits_for_human", 2, NOW)
    assert held(graver, NOW) == graver


@given(
    st.lists(st.tuples(st.sampled_from([None, *get_args(Outcome)]), st.sampled_from(get_args(Level)))),
    st.sampled_from(["guardian", "participant", None]),
    st.booleans(),
)
def test_nothing_goes_on_past_a_grave_alarm_a_missing_consent_or_a_request_taken_back(
    said: list[tuple[Outcome | None, Level]], awaits: Any, asked: bool
) -> None:
    alarms = [alarm(outcome, level, minute) for minute, (outcome, level) in enumerate(said)]
    case = a_case(*alarms, awaits=awaits)
    done = released(case, POLICY, NOW, asked_for_care=asked)
    if done.gate == "open":
        assert asked
        assert awaits is None
        assert not [one for one in alarms if one.level == "R3" and one.state != "closed"]
    assert released(done, POLICY, NOW, asked_for_care=asked) == done
    gone = replace(case, closed=True)
    assert released(gone, POLICY, NOW, asked_for_care=asked) == held(gone, NOW) == gone


@pytest.mark.parametrize("after_closing", [{}, {"reached_and_safe": "goes_on"}, None])
def test_a_policy_that_leaves_an_outcome_open_stops_the_start(policy: Policy, after_closing: Any) -> None:
    if after_closing is None:
        after_closing = dict(policy.gates.after_closing) | {"raised_in_error": "perhaps"}
    with pytest.raises(InconsistentPolicyError, match="alarm policy"):
        checked(replace(policy, gates=replace(policy.gates, after_closing=after_closing)))


@pytest.fixture
def asma(token: Token) -> dict[str, str]:
    return token("duty_clinician", subject="s-asma", name="Asma")


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody whose alarm a human judged to be of the gravest level, as their 202 says it."""

    asked: dict[str, Any]
    case_id: UUID
    alarm_id: UUID


async def judge(duty: httpx2.AsyncClient, asma: dict[str, str], alarm_id: UUID, level: str) -> None:
    sent = {"level": level, "reason": "Is with her sister."}
    assert (await duty.post(f"/v1/alarms/{alarm_id}/level", json=sent, headers=asma)).status_code == 200


async def held_case(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    asma: dict[str, str],
    **wishes: Any,
) -> Held:
    asked = (await ask(people, asking(2) | wishes)).json()
    case_id = await case_id_of(store, asked["status_url"])
    [raised] = await alarms_of(store, case_id)
    await judge(duty, asma, raised["alarm_id"], "R3")
    return Held(asked, case_id, raised["alarm_id"])


async def close(
    duty: httpx2.AsyncClient, asma: dict[str, str], alarm_id: UUID, outcome: str = "reached_and_safe"
) -> None:
    await duty.post(f"/v1/alarms/{alarm_id}/acknowledge", headers=asma)
    sent = {"outcome": outcome, "reason": "Spoke with her."}
    assert (await duty.post(f"/v1/alarms/{alarm_id}/close", json=sent, headers=asma)).status_code == 200


async def gates_said(store: IntakeDatabase, case_id: UUID) -> list[tuple[str, bool | None]]:
    """The gates matching heard of, in order, and whether an alarm was open then."""
    said = await store.said(str(case_id))
    return [(one.event["gate"], one.event["alarm_open"]) for one in said if "gate" in one.event]


async def session_of(people: httpx2.AsyncClient, asked: dict[str, Any]) -> dict[str, str]:
    sent = {"case_code": asked["case_code"], "pin": asked["pin"]}
    return {"Authorization": f"Bearer {(await people.post('/v1/sessions', json=sent)).json()['token']}"}


async def stands(people: httpx2.AsyncClient, asked: dict[str, Any]) -> dict[str, Any]:
    session = await session_of(people, asked)
    found: dict[str, Any] = (await people.get(asked["status_url"], headers=session)).json()
    return found


async def test_closing_the_alarm_of_somebody_who_is_safe_lets_their_case_go_on(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma)
    before = await stands(people, one.asked)
    assert (before["state"], before["waiting_on"]) == ("held", "clinician")
    await close(duty, asma, one.alarm_id)
    assert (await gates_said(store, one.case_id))[1:] == [("waits_for_human", True), ("open", False)]
    now = await stands(people, one.asked)
    assert (now["state"], now["waiting_on"]) == ("matching", "system")
    assert now["version"] == before["version"] + 1
    assert now["since"] > before["since"]


async def test_whoever_others_have_in_care_is_paused_until_they_ask_and_a_new_call_is_heard(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma)
    await close(duty, asma, one.alarm_id, "handed_over_and_confirmed")
    now = await stands(people, one.asked)
    assert (now["state"], now["waiting_on"], now["reason"], now["next_step"]) == (
        "paused", "person", "helped_elsewhere", "let_us_go_on",
    )  # fmt: skip
    session = await session_of(people, one.asked)
    assert (await call(duty, {}, session)).status_code == 202
    again = await stands(people, one.asked)
    assert (again["state"], again["waiting_on"]) == ("held", "clinician")
    assert again["version"] > now["version"]
    _, second = await alarms_of(store, one.case_id)
    await close(duty, asma, second["alarm_id"], "raised_in_error")
    assert (await stands(people, one.asked))["reason"] == "helped_elsewhere"


async def test_of_two_alarms_the_last_one_to_be_closed_opens_the_gate(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma)
    session = await session_of(people, one.asked)
    await call(duty, {}, session)
    first, second = await alarms_of(store, one.case_id)
    await close(duty, asma, first["alarm_id"])
    assert (await gates_said(store, one.case_id))[1:] == [("waits_for_human", True)]
    await close(duty, asma, second["alarm_id"])
    assert (await gates_said(store, one.case_id))[2:] == [("open", False)]


async def test_of_two_who_close_two_alarms_at_once_the_later_one_opens_the_gate(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    for _ in range(5):
        one = await held_case(people, duty, store, asma)
        await call(duty, {}, await session_of(people, one.asked))
        alarms = [row["alarm_id"] for row in await alarms_of(store, one.case_id)]
        await asyncio.gather(*(close(duty, asma, alarm_id) for alarm_id in alarms))
        assert (await gates_said(store, one.case_id))[2:] == [("open", False)]


async def test_a_lower_level_opens_the_gate_and_a_graver_one_closes_it_again(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma)
    for level in ("R2", "R1", "R3"):
        await judge(duty, asma, one.alarm_id, level)
    assert (await gates_said(store, one.case_id))[1:] == [
        ("waits_for_human", True), ("open", True), ("waits_for_human", True),
    ]  # fmt: skip


async def test_a_case_that_was_taken_back_meanwhile_stays_closed(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma)
    session = await session_of(people, one.asked)
    taken_back = await people.post(f"{one.asked['status_url']}/withdraw", json={}, headers=session)
    assert taken_back.status_code in (200, 202, 204)
    await close(duty, asma, one.alarm_id)
    assert (await gates_said(store, one.case_id))[1:] == [("waits_for_human", True)]
    assert (await stands(people, one.asked))["state"] == "closed"


async def test_a_child_waits_for_its_guardian_when_the_alarm_is_closed(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma, age_band="13-17")
    await close(duty, asma, one.alarm_id)
    assert (await gates_said(store, one.case_id))[-1] == ("waits_for_consent", False)
    now = await stands(people, one.asked)
    assert (now["state"], now["waiting_on"]) == ("held", "guardian")


async def test_whoever_only_called_for_help_is_told_that_nobody_is_looked_for(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    asked = (await call(duty, {"contact": PHONE})).json()
    case_id = await case_id_of(store, asked["status_url"])
    [raised] = await alarms_of(store, case_id)
    await close(duty, asma, raised["alarm_id"])
    assert {gate for gate, _ in await gates_said(store, case_id)} == {"waits_for_human"}
    now = await stands(people, asked)
    assert (now["state"], now["waiting_on"], now["reason"]) == ("paused", "person", "not_asked_yet")


async def test_an_alarm_that_held_nothing_changes_nothing_when_it_is_closed(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    asked = (await ask(people, asking(1))).json()
    case_id = await case_id_of(store, asked["status_url"])
    [raised] = await alarms_of(store, case_id)
    await close(duty, asma, raised["alarm_id"], "handed_over_and_confirmed")
    assert await gates_said(store, case_id) == [("open", True)]
    assert (await stands(people, asked))["state"] == "matching"


async def waits_for(store: IntakeDatabase, case_id: UUID) -> set[str]:
    """Whom, as operators see it."""
    query = "SELECT waits_for FROM intake.journey WHERE case_id = $1 AND waits_for IS NOT NULL"
    return {row["waits_for"] for row in await store.admin.fetch(query, case_id)}


async def test_operators_see_whom_a_case_waits_for_at_every_turn(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    one = await held_case(people, duty, store, asma)
    assert await waits_for(store, one.case_id) == {"clinician"}
    await close(duty, asma, one.alarm_id, "already_in_care")
    assert await waits_for(store, one.case_id) == {"person"}

    asked = (await ask(people, asking(2))).json()
    spoken_of = await case_id_of(store, asked["status_url"])
    waits = CaseWaitlisted(
        case_id=spoken_of, person_id=uuid4(), attempt=1, reason="no_hour", priority=3,
        waitlisted_at=datetime.now(UTC), next_review=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    async with store.intake.transaction() as tx:
        await project([waits], tx)
    assert await waits_for(store, spoken_of) == {"capacity"}
    [raised] = await alarms_of(store, spoken_of)
    await judge(duty, asma, raised["alarm_id"], "R3")
    assert await waits_for(store, spoken_of) == {"clinician"}
    assert (await stands(people, asked))["state"] == "held"
    await close(duty, asma, raised["alarm_id"])
    assert await waits_for(store, spoken_of) == {"capacity"}
