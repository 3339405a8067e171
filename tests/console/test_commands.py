"""An operator sees what runs and what is stuck, and sets it right, with the console's own database role."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.console.operated import CODE, OPENINGS, Operated, operated

pytestmark = pytest.mark.kafka


@pytest_asyncio.fixture(loop_scope="session")
async def system(database: Any, kafka_server: Any) -> AsyncIterator[Operated]:
    async with operated(database, kafka_server.bootstrap) as running:
        yield running


async def test_topics_are_made_once_and_then_only_checked(system: Operated) -> None:
    first = await system.asked("topics")
    assert {row["topic"] for row in first} >= {"intake.cases", "partners.bookings.rehmat-hospital"}

    async def all_there() -> bool:  # a new topic is visible a moment after it was made
        return {row["was"] for row in await system.asked("topics")} == {"there"}

    await system.until(all_there)


async def test_lag_and_outbox_show_nothing_when_all_is_read(system: Operated) -> None:
    case = await system.new_id()
    await system.say((case, 1), (case, 2))
    await system.until(lambda: (case, 2) in system.applied)
    assert await system.asked("outbox") == []
    (group,) = (await system.asked("lag"))["lag"]
    assert (group["service"], group["group"], group["topic"]) == ("scheduling", "readers", OPENINGS)
    assert group["behind"] == 0
    assert group["stored"] == group["end"] > 0
    assert "Groups" in (await system.console("lag")).output


async def test_owners_name_every_partition_and_what_nobody_owns(system: Operated) -> None:
    case = await system.new_id()
    await system.say((case, 1))
    await system.until(lambda: (case, 1) in system.applied)
    shares = {share["purpose"]: share for share in await system.asked("owners")}
    assert len(shares["consumer:readers"]["items"]) == 12
    assert shares["consumer:readers"]["items"][0].startswith(OPENINGS)
    assert len(shares["outbox:routine"]["items"]) == 8
    assert all(share["session"] for share in shares.values())
    assert "shard 7" in (await system.console("owners")).output


async def test_a_journey_joins_tables_and_topics_and_says_what_is_waited_for(system: Operated) -> None:
    case = await system.make_case(datetime.now(UTC))
    await system.say((case, 1), (case, 2))
    await system.until(lambda: (case, 2) in system.applied)
    story = await system.asked("journey", f"{CODE[:5]}-{CODE[5:]}".lower())
    told = [(step["source"], step["what"]) for step in story["steps"]]
    assert told[0] == ("intake", "asked for care")
    assert told[1:] == [(OPENINGS, "slot_not_found.v1")] * 2
    assert [step["detail"].split()[0] for step in story["steps"][1:]] == ["#1", "#2"]
    assert story["waits_for"] == ["intake: system"]


async def test_an_unknown_code_is_said_and_fails(system: Operated) -> None:
    result = await system.console("journey", "ZZZZZZZZZZ")
    assert result.exit_code == 1
    assert "no case with this code" in result.stderr


async def test_a_dead_letter_is_seen_redriven_and_what_was_parked_follows(system: Operated) -> None:
    case = await system.make_case(datetime.now(UTC))
    system.poisoned.add(case)
    await system.say((case, 1))
    await system.say((case, 2))

    async def parked() -> bool:
        return [row["parked"] for row in await system.asked("dead-letters", "list")] == [1]

    await system.until(parked)
    (letter,) = await system.asked("dead-letters", "list")
    assert (letter["service"], letter["group"], letter["state"]) == ("scheduling", "readers", "open")
    waits = (await system.asked("journey", CODE))["waits_for"]
    assert any("blocked" in why for why in waits)
    assert any(letter["id"] in why for why in waits)
    shown = await system.asked("dead-letters", "show", letter["id"])
    assert shown["topic"] == OPENINGS
    assert "payload" not in shown

    system.poisoned.clear()
    answer = await system.asked(
        "dead-letters", "redrive", letter["id"], "--by", "amina", "--reason", "mended"
    )
    assert answer["state"] == "done"
    assert system.applied_to(case) == [(case, 1), (case, 2)]
    assert await system.asked("dead-letters", "list") == []
    (settled,) = await system.asked("dead-letters", "list", "--all")
    assert (settled["state"], settled["settled_by"], settled["reason"]) == ("redriven", "amina", "mended")


async def test_discarding_needs_a_reason_and_keeps_it(system: Operated) -> None:
    case = await system.new_id()
    system.poisoned.add(case)
    await system.say((case, 1))

    async def dead() -> bool:
        return len(await system.asked("dead-letters", "list")) == 1

    await system.until(dead)
    (letter,) = await system.asked("dead-letters", "list")
    refused = await system.console("dead-letters", "discard", letter["id"], "--reason", " ")
    assert refused.exit_code == 1
    assert "reason is needed" in refused.stderr
    await system.asked("dead-letters", "discard", letter["id"], "--reason", "test data", "--by", "amina")
    (kept,) = await system.asked("dead-letters", "list", "--all")
    assert (kept["state"], kept["reason"]) == ("discarded", "test data")
    again = await system.console("dead-letters", "discard", letter["id"], "--reason", "again")
    assert again.exit_code == 1


async def test_a_rebuild_reads_everything_again(system: Operated) -> None:
    case = await system.new_id()
    await system.say((case, 1))
    await system.until(lambda: (case, 1) in system.applied)
    answer = await system.asked("rebuild", "scheduling", "--by", "amina")
    assert (answer["group"], answer["state"]) == ("readers", "done")
    await system.until(lambda: system.applied.count((case, 1)) == 2)
    unknown = await system.console("rebuild", "scheduling", "nobody")
    assert unknown.exit_code == 1
    assert "reads as: readers" in unknown.stderr


async def test_the_console_may_look_and_ask_and_nothing_else(system: Operated) -> None:
    connection = await asyncpg.connect(system.database.dsn("console"))
    for forbidden in (
        "SELECT payload FROM scheduling.dead_letters",
        "SELECT needs FROM intake.cases",
        "DELETE FROM scheduling.offsets",
        "UPDATE scheduling.dead_letters SET state = 'discarded'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()


async def test_what_is_away_is_said_in_one_line(system: Operated) -> None:
    case = await system.new_id()
    await system.say((case, 1))
    await system.until(lambda: (case, 1) in system.applied)
    system.bootstrap = "127.0.0.1:9"
    result = await system.console("lag")
    assert result.exit_code == 1
    assert "broker cannot be asked" in result.stderr
    system.database = type("Nowhere", (), {"dsn": lambda *_: "postgresql://console@127.0.0.1:9/x"})()
    result = await system.console("outbox")
    assert result.exit_code == 1
    assert "database cannot be reached" in result.stderr
