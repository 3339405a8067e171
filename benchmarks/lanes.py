"""Whether one lane feels what becomes of the other: one stands still with ten times its work before it, and the other is measured.

A lane stands still by its process being away, which burns nothing and holds nothing; its topic fills up meanwhile.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks import steady, world
from deploy.local.stack import Stack
from simulation.population import Person

PER_SECOND, SECONDS, KNOWN = 30.0, 20.0, 1500
TIMES = 10  # so many times what comes in a second waits before the lane that stands still, at least
ONLINE, IN_PERSON = "scheduling-online", "scheduling-in-person"
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
