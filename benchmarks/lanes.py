"""Whether one lane feels what becomes of the other, and what another worker of one lane brings it.

One stands still with ten times its work before it, and the other is measured: a lane stands still by its process being away, which
burns nothing and holds nothing; its topic fills up meanwhile. Then one is given a handler that waits, as for somebody who answers slowly, and
is let loose on a full topic with one worker and with two, while the other is measured.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg

from benchmarks import steady, world
from benchmarks.stages import watched
from deploy.local.processes import PROCESSES
from deploy.local.stack import Stack
from simulation.population import Person

PER_SECOND, SECONDS, KNOWN = 30.0, 20.0, 1500
TIMES = 10  # so many times what comes in a second waits before the lane that stands still, at least
ONLINE, IN_PERSON = "scheduling-online", "scheduling-in-person"
TWIN = "scheduling-online-2"
# Longer than an event costs and not so long that a batch of 500 would take the five seconds that a statement may.
WAIT_MS = 8
FULL, BEGUN = 2400, 200  # so many wait, and so many of them, at the begin and at the end, are not counted
# Before anything is locked, as who asks somebody else would.
WAITS = f"""
CREATE FUNCTION scheduling.wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep({WAIT_MS / 1000});
    RETURN NEW;
END $$;
CREATE TRIGGER waits BEFORE INSERT ON scheduling.inbox FOR EACH ROW WHEN (NEW.grp = 'scheduling.online')
EXECUTE FUNCTION scheduling.wait();
"""
WAITS_NO_MORE = "DROP TRIGGER waits ON scheduling.inbox; DROP FUNCTION scheduling.wait()"
READS = {ONLINE: "read scheduling scheduling.online", IN_PERSON: "read scheduling scheduling.in_person"}


async def measure(stack: Stack) -> dict[str, Any]:
    """On a stack with care in it: p99 from request to message in seconds, quiet and beside a lane that stands still;
    `ratio` is the worse of the two."""
    people = by_lane(world.askers(steady.SEED, KNOWN))
    found: dict[str, Any] = {}
    for lane, other in ((ONLINE, IN_PERSON), (IN_PERSON, ONLINE)):
        quiet = await _measured(stack, people[lane])
        await stack.hold(other)
        await steady.fill(stack, people[other], round(TIMES * PER_SECOND))
        beside = await _measured(stack, people[lane], READS[other])
        await stack.restart(other)
        await stack.ready(other)
        found[lane] = {"quiet_p99_s": quiet["p99_s"], "beside_p99_s": beside["p99_s"]}
    return found | {"ratio": max(one["beside_p99_s"] / one["quiet_p99_s"] for one in found.values())}


async def double(stack: Stack) -> dict[str, Any]:
    """On a stack with care in it and a port for TWIN: events a second that ONLINE works off with `one` worker and with `two`, its
    handler waiting WAIT_MS for each, `factor` between them, and the p99 of the other lane beside each."""
    people = by_lane(world.askers(steady.SEED, KNOWN))
    await _execute(stack, WAITS)
    one, beside_one = await _worked_off(stack, people, [ONLINE])
    await stack.add(replace(next(own for own in PROCESSES if own.name == ONLINE), name=TWIN))
    await stack.ready(TWIN)
    two, beside_two = await _worked_off(stack, people, [ONLINE, TWIN])
    await stack.hold(TWIN)
    await _execute(stack, WAITS_NO_MORE)
    return {"one": one, "two": two, "factor": two / one, "beside_p99_s": [beside_one, beside_two]}


async def _worked_off(
    stack: Stack, people: dict[str, list[Person]], workers: Sequence[str]
) -> tuple[float, float]:
    """Events a second of a full topic, and the p99 of the other lane meanwhile."""
    for name in workers:
        await stack.hold(name)
    await steady.fill(stack, people[ONLINE], FULL)
    await steady.settle(stack, READS[ONLINE])
    beside = asyncio.create_task(_measured(stack, people[IN_PERSON], READS[ONLINE]))
    await asyncio.sleep(steady.WARM_SECONDS)
    for name in workers:
        await stack.restart(name)
    async with watched(stack.addresses["database"], stack.addresses["kafka"]) as stages:
        full = (await stages.look())[READS[ONLINE]].number
        began, waited = await stages.down_to(full - BEGUN, READS[ONLINE])
        ended, left = await stages.down_to(BEGUN, READS[ONLINE])
    return (waited - left) / (ended - began), float((await beside)["p99_s"])


async def _execute(stack: Stack, sql: str) -> None:
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def by_lane(people: Sequence[Person]) -> dict[str, list[Person]]:
    """Who would come in person and comes in no other way, and all others online and in no other way."""
    there = [one for one in people if "in_person" in one.body["modalities"]]
    elsewhere = [one for one in people if "in_person" not in one.body["modalities"]]
    return {
        IN_PERSON: [replace(one, body=one.body | {"modalities": ["in_person"]}) for one in there],
        ONLINE: [replace(one, body=one.body | {"modalities": ["video", "audio"]}) for one in elsewhere],
    }


async def _measured(stack: Stack, people: Sequence[Person], still: str = "") -> dict[str, Any]:
    return await steady.measure(stack, SECONDS, per_second=PER_SECOND, people=people, still=still)
