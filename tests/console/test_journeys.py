"""The journey of a case over HTTP: every service's steps, why it does not go on, and nothing that is nobody's business."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.console.conftest import TRACES, Headers, Worklist, tell_by_hand

CODE = "7K3M9Q2T4X"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEPT = f"00-{TRACE}-00f067aa0ba902b7-01"
NOT_KEPT = "00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


async def a_waiting_case(worklist: Worklist) -> UUID:
    """On the waiting list for a reason, with a message that has its safe window tomorrow."""
    case, now = await worklist.add_case(CODE), datetime.now(UTC)
    await worklist.admin.execute("UPDATE intake.cases SET traceparent = $2 WHERE case_id = $1", case, KEPT)
    await worklist.admin.execute(
        "INSERT INTO intake.standings (case_id, fact, attempt, tellings, version, state, waiting_on, since)"
        " VALUES ($1, 'case_waitlisted', 1, '{}', 2, 'waitlisted', 'capacity', $2)",
        case, now - timedelta(hours=2),
    )  # fmt: skip
    return case


async def journey(worklist: Worklist, headers: dict[str, str], case: object = CODE) -> dict[str, Any]:
    answer = await worklist.client.get(f"/v1/journeys/{case}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    story: dict[str, Any] = answer.json()
    return story


@pytest.mark.parametrize("role", ["operator", "coordinator"])
async def test_a_journey_tells_steps_waits_and_traces_by_code_or_by_id(
    worklist: Worklist, staff: Headers, role: str
) -> None:
    case = await a_waiting_case(worklist)
    story = await journey(worklist, staff(role))
    assert (story["case_id"], story["case_code"]) == (str(case), CODE)
    assert [(one["service"], one["step"]) for one in story["steps"]] == [
        ("intake", "asked for care"),
        ("intake", "stands as waitlisted"),
    ]
    [wait] = story["waits_for"]
    assert (wait["service"], wait["cause"], wait["what"], wait["because"]) == (
        "intake",
        "state",
        "capacity",
        "case waitlisted",
    )
    assert story["traces"] == [{"trace_id": TRACE, "href": f"{TRACES}/zipkin/traces/{TRACE}"}]
    assert await journey(worklist, staff(role), case) == story
    assert await journey(worklist, staff(role), "7k3m9-q2t4x") == story


async def test_a_trace_that_was_not_kept_has_no_link(worklist: Worklist, staff: Headers) -> None:
    case = await a_waiting_case(worklist)
    await worklist.admin.execute(
        "UPDATE intake.cases SET traceparent = $2 WHERE case_id = $1", case, NOT_KEPT
    )
    assert [one["href"] for one in (await journey(worklist, staff()))["traces"]] == [None]


async def test_technical_causes_come_first_and_are_named(worklist: Worklist, staff: Headers) -> None:
    case = await a_waiting_case(worklist)
    key, letter = str(case), uuid4()
    await worklist.admin.execute(
        "INSERT INTO matching.dead_letters (id, grp, topic, partition, record_offset, key, type, error, stack, payload)"
        " VALUES ($1, 'matching', 'intake.cases', 3, 7, $2, 'intake.case_updated.v1', 'ValueError', '', 'secret')",
        letter, key,
    )  # fmt: skip
    await worklist.admin.execute(
        "INSERT INTO matching.blocks (grp, topic, key, kind) VALUES ('matching', 'intake.cases', $1, 'dead')",
        key,
    )
    await worklist.admin.execute(
        "INSERT INTO notifications.waiting (fact, topic, key, type, payload)"
        " VALUES ('contact:1', 'scheduling.appointments', $1, 'scheduling.appointment_booked.v1', '')",
        key,
    )
    await worklist.admin.execute(
        "INSERT INTO intake.outbox (lane, shard, topic, key, sequence, event_id, type, at, payload)"
        " VALUES ('routine', 0, 'intake.cases', $1, 3, $2, 'intake.case_withdrawn.v1', now(), '')",
        key, uuid4(),
    )  # fmt: skip
    await worklist.admin.execute(
        "INSERT INTO matching.offsets (grp, topic, partition, next)"
        " SELECT 'matching', 'intake.cases', p, 5 FROM generate_series(0, 11) AS p"
    )
    answer = await worklist.client.get(f"/v1/journeys/{CODE}", headers=staff("operator"))
    waits = answer.json()["waits_for"]
    assert {one["cause"] for one in waits[:-1]} == {
        "consumer_stopped",
        "blocked_key",
        "dead_letter",
        "waiting_fact",
        "outbox_not_sent",
        "broker_away",
    }
    assert [one["cause"] for one in waits].count("consumer_stopped") == 1
    assert waits[-1]["cause"] == "state"
    said = {one["cause"]: one["what"] for one in waits}
    assert str(letter) in said["dead_letter"]
    assert said["waiting_fact"] == "scheduling.appointment_booked.v1 waits for contact"
    assert "secret" not in answer.text


async def test_what_humans_have_to_do_stands_with_it_as_far_as_the_role_may_see_it(
    worklist: Worklist, staff: Headers
) -> None:
    case = await a_waiting_case(worklist)
    await worklist.hear(tell_by_hand(case), tell_by_hand(case, queue="duty"))
    assert [one["kind"] for one in (await journey(worklist, staff()))["tasks"]] == ["tell_by_hand"]
    assert (await journey(worklist, staff("operator")))["tasks"] == []


async def test_whoever_asks_for_html_gets_the_page(worklist: Worklist, staff: Headers) -> None:
    await a_waiting_case(worklist)
    for accept, kind in (
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ):
        answer = await worklist.client.get(f"/v1/journeys/{CODE}", headers=staff() | {"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind), accept


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [
        ("12", 422, "invalid_request"),
        ("7K3M9Q2T4U", 422, "invalid_request"),
        ("x" * 61, 422, "invalid_request"),
        ("x" * 36, 422, "invalid_request"),
        ("%00", 422, "invalid_request"),
        ("ZZZZZZZZZZ", 404, "case_not_found"),
        (str(UUID(int=7)), 404, "case_not_found"),
    ],
)
async def test_what_is_no_case_is_said(
    worklist: Worklist, staff: Headers, case: str, status: int, code: str
) -> None:
    answer = await worklist.client.get(f"/v1/journeys/{case}", headers=staff())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 422:
        assert answer.json()["errors"][0]["pointer"] == "case"


async def test_nobody_reads_a_journey_whose_business_it_is_not(worklist: Worklist, staff: Headers) -> None:
    await a_waiting_case(worklist)
    for headers, status in ((staff("therapist"), 403), (staff("clinic_desk"), 403), ({}, 401)):
        answer = await worklist.client.get(f"/v1/journeys/{CODE}", headers=headers)
        assert answer.status_code == status
