"""The worklist over HTTP on the real database: who sees what, who takes it, what came of it, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.console.handlers.data_tasks import keep_data_tasks
from services.console.repository.queues import held_back
from shared.contracts.examples import story
from shared.contracts.scheduling import SiteChanged
from shared.web import pack_cursor
from tests.console.conftest import Headers, Worklist, tell_by_hand

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


async def listed(worklist: Worklist, headers: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    answer = await worklist.client.get(f"/v1/tasks{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tasks: list[dict[str, Any]] = answer.json()["tasks"]
    return tasks


def a_site(organisation: str) -> SiteChanged:
    return SiteChanged(
        site_id=uuid4(), organisation=organisation, city="Lahore", latitude=31.5, longitude=74.3,
        time_zone=story.LAHORE_TIME, step_free=True, directions={}, status="open", changed_at=now(),
    )  # fmt: skip


async def test_what_two_services_have_opened_is_one_list_and_the_overdue_stands_first(
    worklist: Worklist, staff: Headers
) -> None:
    case = await worklist.add_case("7K3M9Q2T4X")
    later = await worklist.opens(due_by=now() + HOUR)
    overdue = await worklist.opens(due_by=now() - HOUR)
    by_hand = tell_by_hand(case)
    await worklist.hear(by_hand)
    found = await listed(worklist, staff())
    assert [one["task_id"] for one in found] == [str(overdue), str(by_hand.task_id), str(later)]
    assert [one["overdue"] for one in found] == [True, False, False]
    told = found[1]
    assert (told["opened_by"], told["kind"], told["outcomes"]) == (
        "notifications",
        "tell_by_hand",
        ["told", "not_reached"],
    )
    assert (told["case_id"], told["case_code"], told["state"]) == (str(case), "7K3M9Q2T4X", "open")


async def test_each_role_sees_its_own_queues_and_no_other(worklist: Worklist, staff: Headers) -> None:
    for queue in ("coordinator", "clinic", "supervisor", "duty", "data"):
        await worklist.opens(queue=queue)
    seen = {role: {one["queue"] for one in await listed(worklist, staff(role))} for role in (
        "coordinator", "supervisor", "duty_clinician", "clinic_desk", "operator")}  # fmt: skip
    assert seen == {
        "coordinator": {"coordinator", "clinic", "supervisor"},
        "supervisor": {"supervisor"},
        "duty_clinician": {"duty"},
        "clinic_desk": set(),
        "operator": {"data"},
    }
    assert [one["queue"] for one in await listed(worklist, staff(), "?queue=clinic")] == ["clinic"]
    foreign = await worklist.client.get("/v1/tasks?queue=duty", headers=staff())
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_your_queue")


async def test_a_clinic_desk_sees_what_is_to_be_done_at_its_own_sites(
    worklist: Worklist, staff: Headers
) -> None:
    ours, theirs = a_site("rehmat-hospital"), a_site("other-clinic")
    await worklist.hear(ours, theirs)
    mine = await worklist.opens(queue="clinic", site_id=ours.site_id)
    foreign = await worklist.opens(queue="clinic", site_id=theirs.site_id)
    desk = staff("clinic_desk", organisation="rehmat-hospital")
    assert [one["task_id"] for one in await listed(worklist, desk)] == [str(mine)]
    headers = desk | {"If-Match": '"1"'}
    assert (await worklist.client.post(f"/v1/tasks/{foreign}/claim", headers=headers)).status_code == 404
    assert (await worklist.client.post(f"/v1/tasks/{mine}/claim", headers=headers)).status_code == 200
    nowhere = staff("clinic_desk")
    assert await listed(worklist, nowhere) == []


@pytest.mark.parametrize("query", ["", "?queue=clinic"])
async def test_the_desk_of_one_site_sees_nothing_of_another_one_of_its_organisation(
    worklist: Worklist, staff: Headers, query: str
) -> None:
    here, there = a_site("rehmat-hospital"), a_site("rehmat-hospital")
    await worklist.hear(here, there)
    mine = await worklist.opens(queue="clinic", site_id=here.site_id)
    foreign = await worklist.opens(queue="clinic", site_id=there.site_id)
    desk = staff("clinic_desk", organisation="rehmat-hospital", site_id=str(here.site_id))
    seen = (await worklist.client.get(f"/v1/tasks{query}", headers=desk)).text
    assert (str(mine) in seen, str(foreign) in seen) == (True, False)
    headers = desk | {"If-Match": '"1"'}
    assert (await worklist.client.post(f"/v1/tasks/{foreign}/claim", headers=headers)).status_code == 404
    assert (await worklist.client.post(f"/v1/tasks/{mine}/claim", headers=headers)).status_code == 200
    stranger = staff("clinic_desk", organisation="other-clinic", site_id=str(here.site_id))
    assert str(mine) not in (await worklist.client.get(f"/v1/tasks{query}", headers=stranger)).text


async def test_a_named_human_takes_it_does_it_and_its_service_is_told(
    worklist: Worklist, staff: Headers
) -> None:
    task = await worklist.opens()
    for _ in range(2):  # the same again changes nothing
        taken = await worklist.client.post(f"/v1/tasks/{task}/claim", headers=staff() | {"If-Match": '"1"'})
        assert (taken.status_code, taken.headers["etag"]) == (200, '"2"')
        assert (taken.json()["state"], taken.json()["claimed_name"]) == ("claimed", "Asma")
    for _ in range(2):
        done = await worklist.client.post(
            f"/v1/tasks/{task}/done", json={"outcome": "told"}, headers=staff() | {"If-Match": '"2"'}
        )
        assert (done.status_code, done.headers["etag"], done.json()["outcome"]) == (200, '"3"', "told")
    assert await listed(worklist, staff()) == []
    assert [one["done_name"] for one in await listed(worklist, staff(), "?state=done")] == ["Asma"]
    [said] = await worklist.said()
    assert said == {
        "type": "console.task_done.v1", "task_id": str(task), "opened_by": "matching", "kind": "hour",
        "outcome": "told", "done_by": "s-asma", "done_at": said["done_at"],
    }  # fmt: skip


async def test_who_has_seen_that_somebody_else_has_it_takes_it_over(
    worklist: Worklist, staff: Headers
) -> None:
    task = await worklist.opens()
    path, bilal = f"/v1/tasks/{task}", staff(name="Bilal")
    await worklist.client.post(f"{path}/claim", headers=staff() | {"If-Match": '"1"'})
    stale = await worklist.client.post(f"{path}/claim", headers=bilal | {"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"], stale.headers["etag"]) == (412, "stale_version", '"2"')
    held = await worklist.client.post(
        f"{path}/done", json={"outcome": "told"}, headers=bilal | {"If-Match": '"2"'}
    )
    assert (held.status_code, held.json()["code"]) == (409, "held_by_another")
    over = await worklist.client.post(f"{path}/claim", headers=bilal | {"If-Match": '"2"'})
    assert (over.status_code, over.json()["claimed_name"]) == (200, "Bilal")
    assert await worklist.said() == []


async def test_what_nobody_needs_is_done_and_comes_back_when_it_is_needed(
    worklist: Worklist, staff: Headers
) -> None:
    task = await worklist.opens()
    await worklist.client.post(f"/v1/tasks/{task}/claim", headers=staff() | {"If-Match": '"1"'})
    await worklist.closes(task)
    row = await worklist.row(task)
    assert (row["state"], row["outcome"], row["done_by"]) == ("done", "not_needed", "system")
    late = await worklist.client.post(
        f"/v1/tasks/{task}/done", json={"outcome": "told"}, headers=staff() | {"If-Match": '"3"'}
    )
    assert (late.status_code, late.json()["code"]) == (409, "already_done")
    await worklist.opens(task_id=task)
    row = await worklist.row(task)
    assert (row["state"], row["claimed_by"], row["done_by"]) == ("open", None, None)


@pytest.mark.parametrize("by", ["s-asma", "s-bilal"])
async def test_what_a_human_has_done_stays_done_whatever_the_service_says_after(
    worklist: Worklist, staff: Headers, by: str
) -> None:
    task = await worklist.opens()
    if by == "s-asma":
        await worklist.client.post(
            f"/v1/tasks/{task}/done", json={"outcome": "stays"}, headers=staff() | {"If-Match": '"1"'}
        )
    else:
        await worklist.closes(task, "stays", by)
    await worklist.closes(task)
    await worklist.opens(task_id=task)
    row = await worklist.row(task)
    assert (row["state"], row["outcome"], row["done_by"]) == ("done", "stays", by)


async def test_a_task_said_again_keeps_whoever_has_it(worklist: Worklist, staff: Headers) -> None:
    task = await worklist.opens()
    await worklist.client.post(f"/v1/tasks/{task}/claim", headers=staff() | {"If-Match": '"1"'})
    sooner = now() - HOUR
    await worklist.opens(task_id=task, due_by=sooner)
    row = await worklist.row(task)
    assert (row["claimed_name"], row["due_by"], row["version"]) == ("Asma", sooner, 3)


async def test_a_dead_letter_is_work_for_operators_until_it_is_settled(
    worklist: Worklist, staff: Headers
) -> None:
    case, letter = await worklist.add_case("7K3M9Q2T4X"), uuid4()
    await worklist.admin.execute(
        "INSERT INTO matching.dead_letters (id, grp, topic, partition, record_offset, key, type, error, stack)"
        " VALUES ($1, 'matching', 'intake.cases', 3, 7, $2, 'intake.case_submitted.v1', 'ValueError', '')",
        letter, str(case),
    )  # fmt: skip

    async def look() -> None:
        async with worklist.database.transaction() as tx:
            await keep_data_tasks([], tx)

    await look()
    await look()
    [task] = await listed(worklist, staff("operator"))
    assert (task["task_id"], task["kind"], task["opened_by"], task["version"]) == (
        str(letter),
        "dead_letter",
        "matching",
        1,
    )
    assert (task["case_code"], task["outcomes"]) == ("7K3M9Q2T4X", [])
    said = await worklist.client.post(
        f"/v1/tasks/{letter}/done", json={"outcome": "told"}, headers=staff("operator") | {"If-Match": '"1"'}
    )
    assert (said.status_code, said.json()["code"]) == (409, "closes_itself")
    await worklist.admin.execute(
        "UPDATE matching.dead_letters SET state = 'redriven', settled_at = now(), settled_by = 'amina'"
    )
    await look()
    assert await listed(worklist, staff("operator")) == []
    row = await worklist.row(letter)
    assert (row["outcome"], row["done_by"]) == ("redriven", "amina")


async def test_a_dead_letter_whose_key_is_none_is_work_too(worklist: Worklist, staff: Headers) -> None:
    await worklist.admin.execute(
        "INSERT INTO matching.dead_letters (id, grp, topic, partition, record_offset, key, type, error, stack)"
        " VALUES (gen_random_uuid(), 'matching', 'intake.cases', 3, 7, 'broken', '', 'Malformed', '')"
    )
    async with worklist.database.transaction() as tx:
        await keep_data_tasks([], tx)
    assert [one["case_id"] for one in await listed(worklist, staff("operator"))] == [None]


async def test_a_group_that_stands_still_is_work_for_operators_until_it_goes_on(
    worklist: Worklist, staff: Headers
) -> None:
    async def look() -> list[dict[str, Any]]:
        async with worklist.database.transaction() as tx:
            await keep_data_tasks([], tx)
        return await listed(worklist, staff("operator"))

    halt = (
        "INSERT INTO matching.halts (grp, topic, partition, why)"
        " SELECT $1, 'intake.cases', p, 'stored offset is outside the log' FROM generate_series(1, $2) p"
    )
    await worklist.admin.execute(halt, "matching", 12)
    await worklist.admin.execute(halt, "matching.crisis", 1)
    why = "stands still at intake.cases/1: stored offset is outside the log"
    held = {(one["group"], one["why"], one["number"]) for one in await held_back(worklist.admin)}
    assert ("matching.crisis", why, 1) in held
    first = await look()
    assert [(one["kind"], one["opened_by"], one["outcomes"], one["version"]) for one in first] == [
        ("reader_stopped", "matching", [], 1)
    ] * 2
    assert await look() == first
    await worklist.admin.execute("DELETE FROM matching.halts WHERE grp = 'matching'")
    [crisis] = await look()
    [settled] = [one["task_id"] for one in first if one["task_id"] != crisis["task_id"]]
    row = await worklist.row(UUID(settled))
    assert (row["state"], row["outcome"], row["done_by"]) == ("done", "goes_on", "system")
    await worklist.admin.execute(halt, "matching", 1)  # it stops once more: the same work again
    assert {one["task_id"] for one in await look()} == {one["task_id"] for one in first}


async def test_the_list_comes_in_pages_by_due_time(worklist: Worklist, staff: Headers) -> None:
    due = [now() + timedelta(minutes=minutes) for minutes in (5, 1, 4, 2, 3)]
    tasks = {str(await worklist.opens(due_by=at)): at for at in due}
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await worklist.client.get(f"/v1/tasks?limit=2{cursor}", headers=staff())
        seen += [one["task_id"] for one in answer.json()["tasks"]]
        if answer.json()["next"] is None:
            break
        cursor = f"&cursor={answer.json()['next']}"
    assert seen == sorted(tasks, key=lambda task: tasks[task])
    before = due[2].isoformat().replace("+", "%2B")
    assert len(await listed(worklist, staff(), f"?due_before={before}")) == 4


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("queue=nobody", "queue"),
        ("state=lost", "state"),
        ("due_before=tomorrow", "due_before"),
        ("due_before=2026-11-27T08:00:00", "due_before"),
        ("due_before=0001-01-01T00:00:00%2B14:00", "due_before"),  # in UTC it is before the first year
        ("due_before=9999-12-31T23:59:59-14:00", "due_before"),
        ("cursor=x", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
        (f"cursor={'x' * 301}", "cursor"),
        (f"cursor={pack_cursor('0001-01-01T00:00:00+14:00', UUID(int=1))}", "cursor"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(
    worklist: Worklist, staff: Headers, query: str, pointer: str
) -> None:
    refused = await worklist.client.get(f"/v1/tasks?{query}", headers=staff())
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("sent", "status", "pointer", "code"),
    [
        ({}, 422, "/outcome", "missing"),
        ({"outcome": "Told him"}, 422, "/outcome", "string_pattern_mismatch"),
        ({"outcome": 3}, 422, "/outcome", "string_type"),
        ({"outcome": "renewed"}, 422, "/outcome", "not_for_this"),
        ({"outcome": "told", "note": "rang twice"}, 422, "/note", "unknown_field"),
    ],
)
async def test_an_outcome_that_cannot_be_names_the_field_and_changes_nothing(
    worklist: Worklist, staff: Headers, sent: dict[str, Any], status: int, pointer: str, code: str
) -> None:
    task = await worklist.opens()
    before = await worklist.row(task)
    refused = await worklist.client.post(
        f"/v1/tasks/{task}/done", json=sent, headers=staff() | {"If-Match": '"1"'}
    )
    assert refused.status_code == status
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(pointer, code)]
    assert (await worklist.row(task), await worklist.said()) == (before, [])


@pytest.mark.parametrize("act", ["claim", "done"])
async def test_without_a_version_a_name_or_the_right_role_nothing_changes(
    worklist: Worklist, staff: Headers, act: str
) -> None:
    task = await worklist.opens()
    before = await worklist.row(task)

    async def ask(
        headers: dict[str, str], of: Any = task, content: bytes = b'{"outcome": "told"}'
    ) -> tuple[int, str]:
        kind = {"Content-Type": "application/json"}
        answer = await worklist.client.post(f"/v1/tasks/{of}/{act}", content=content, headers=kind | headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    seen = {"If-Match": '"1"'}
    assert await ask(staff()) == (428, "version_missing")
    assert await ask(staff() | {"If-Match": '"9"'}) == (412, "stale_version")
    assert await ask(staff() | {"If-Match": "yesterday"}) == (422, "invalid_request")
    assert await ask(staff(name="") | seen) == (403, "name_needed")
    assert await ask(staff("therapist") | seen) == (403, "forbidden")
    assert await ask(seen) == (401, "token_missing")
    assert await ask(staff("operator") | seen) == (404, "task_not_found")
    assert await ask(staff() | seen, uuid4()) == (404, "task_not_found")
    assert await ask(staff() | seen, "nothing") == (422, "invalid_request")
    if act == "done":
        assert await ask(staff() | seen, content=b"{") == (400, "broken_json")
    assert (await worklist.row(task), await worklist.said()) == (before, [])


async def test_nothing_of_what_a_case_is_about_stands_in_it(worklist: Worklist, staff: Headers) -> None:
    case = await worklist.add_case("7K3M9Q2T4X")
    await worklist.hear(tell_by_hand(case))
    [task] = await listed(worklist, staff())
    assert set(task) == {
        "task_id", "opened_by", "kind", "queue", "outcomes", "due_by", "overdue", "priority", "case_id", "case_code",
        "therapist_id", "site_id", "opened_at", "state", "claimed_by", "claimed_name", "claimed_at", "outcome",
        "done_by", "done_name", "done_at", "version", "appointment_id",
    }  # fmt: skip


async def test_whoever_meets_another_at_the_same_task_is_asked_to_come_again(
    worklist: Worklist, staff: Headers
) -> None:
    task = await worklist.opens()
    async with worklist.admin.transaction():
        await worklist.admin.execute("SELECT FROM console.tasks WHERE task_id = $1 FOR UPDATE", task)
        answer = await worklist.client.post(f"/v1/tasks/{task}/claim", headers=staff() | {"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "try_again",
        "1",
    )
    assert (await worklist.row(task))["state"] == "open"
