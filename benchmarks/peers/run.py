"""`python -m benchmarks.peers.run ours|faststream|dbos --people 1000 --concurrency 1,8,32`: the same people through each.

Everybody posts as fast as the answers come over so many connections, from a process beside those that are measured; the turn
ends when everybody was told, or nothing has moved for a while. Fifty others come first, so that no process is met cold.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import orjson
import uvloop

from benchmarks import usage
from benchmarks.peers import figures, world
from benchmarks.peers.stage import Stage, stage
from benchmarks.peers.world import Asker
from simulation.asking import CONNECTIONS, PATH
from simulation.gateways.sink import whole_lines_from
from simulation.http_client import Address, Connection, pour
from simulation.http_wire import prepare

PEERS = ("ours", "faststream", "dbos")
STEPS = ("intake", "matching", "scheduling", "notifications")
SEED = 1
WARMING = 50
LOOK_SECONDS = 0.1
STILL_SECONDS = 8.0  # so long without news, and whoever was not told will not be
GROUPS_SECONDS = 4.0  # until consumer groups have shared the partitions out

# Those who look at their own page, whose row is the news; by the code that they were given.
ON_THEIR_PAGE = """
SELECT c.case_code, extract(epoch FROM m.settled_at)::float8 AS at
FROM intake.cases c JOIN notifications.messages m ON m.case_id = c.case_id
WHERE c.case_code = ANY ($1) AND m.purpose = 'booked' AND m.state = 'delivered'
"""


async def measure(peer: str, people: int, settings: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each setting of concurrency; ourselves have none to set, and run as often."""
    everybody = world.askers(SEED, (people + WARMING) * len(settings))
    rows = []
    async with stage(SEED, ours=peer == "ours") as one:
        await PREPARE[peer](one)
        for turn, concurrency in enumerate(settings):
            begin = turn * (people + WARMING)
            await START[peer](one, concurrency)
            await _turn(one, peer, everybody[begin : begin + WARMING])
            found = await _turn(one, peer, everybody[begin + WARMING : begin + WARMING + people])
            rows.append({"peer": peer, "concurrency": concurrency} | found)
            await one.end_peers()
    return rows


async def _turn(one: Stage, peer: str, askers: Sequence[Asker]) -> dict[str, Any]:
    """These people ask, and it is waited for what they hear."""
    url = one.stack.addresses["intake"] if peer == "ours" else one.peer_url
    news, before = News(one, askers), one.used()
    posting = asyncio.create_task(_post(Address.of(url), askers, news))
    await news.until_told(posting)
    await posting
    return figures.row(news.posted, news.told, usage.between(before, one.used()))


async def _post(address: Address, askers: Sequence[Asker], news: "News") -> None:
    async def post(own: Connection, who: Asker) -> None:
        request = prepare("POST", PATH, address.name, who.sent, {"idempotency-key": uuid4().hex})
        news.posted[who.number] = time.time()
        answer = await own.insist(request)
        if answer.status == 202 and who.address is None:
            news.codes[orjson.loads(answer.body)["case_code"]] = who.number

    await pour(address, askers, post, connections=CONNECTIONS)


class News:
    """What has reached whom, read at the ends where people would: both sinks, and the rows of those who look themselves."""

    def __init__(self, one: Stage, askers: Sequence[Asker]) -> None:
        self._one = one
        self._numbers = {who.address: who.number for who in askers if who.address}
        self._files = dict.fromkeys(("sms.jsonl", "mail.jsonl"), 0)
        self.codes: dict[str, int] = {}
        self.posted: dict[int, float] = {}
        self.told: dict[int, float] = {}

    async def until_told(self, posting: "asyncio.Task[None]") -> None:
        """Returns when everybody was told, or nothing has come for a while."""
        heard, last = -1, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()
            done = posting.done()
            if len(self.told) > heard or not done:
                heard, last = len(self.told), time.monotonic()
            if done and (heard >= len(self.posted) or time.monotonic() - last > STILL_SECONDS):
                return

    async def _look(self) -> None:
        for name, place in self._files.items():
            lines, self._files[name] = whole_lines_from(self._one.sinks / name, place, having=b"")
            for line in lines:
                self._hear(self._numbers.get(line["to"]), line["received_at"])
        open_codes = [code for code, number in self.codes.items() if number not in self.told]
        if open_codes:
            for row in await self._one.connection.fetch(ON_THEIR_PAGE, open_codes):
                self._hear(self.codes[row["case_code"]], row["at"])

    def _hear(self, number: int | None, at: float) -> None:
        if number is not None:
            self.told.setdefault(number, at)


async def _prepare_ours(_one: Stage) -> None:
    """Nothing: all is up."""


async def _start_ours(_one: Stage, _concurrency: int) -> None:
    """Nothing: all is up."""


async def _prepare_faststream(one: Stage) -> None:
    from benchmarks.peers.faststream_app import PARTITIONS, TOPICS

    await one.make_topics(TOPICS, PARTITIONS)


async def _start_faststream(one: Stage, concurrency: int) -> None:
    told = {"CONCURRENCY": str(concurrency)}
    for step in STEPS:
        await one.start(step, "benchmarks.peers.faststream_app", step, told=told)
    await asyncio.sleep(GROUPS_SECONDS)


PREPARE = {"ours": _prepare_ours, "faststream": _prepare_faststream}
START = {"ours": _start_ours, "faststream": _start_faststream}


def main() -> int:
    """0 when somebody was told in every turn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.run", description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--concurrency", default="1,8,32")
    told = parser.parse_args()
    settings = [int(one) for one in told.concurrency.split(",")]
    rows = uvloop.run(measure(told.peer, told.people, settings))
    sys.stdout.write("\n".join(figures.line(one) for one in rows) + "\n")
    return 0 if all(one["journeys"] for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
