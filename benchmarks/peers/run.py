"""`python -m benchmarks.peers.run ours|faststream|dbos|temporal --people 1000 --concurrency 1,8,32`: the same people through each.

Everybody posts as fast as the answers come over so many connections, from a process beside those that are measured; the turn
ends when everybody was told, or nothing has moved for a while. Fifty others come first, so that no process is met cold.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import orjson
import uvloop

from benchmarks import usage, world
from benchmarks.peers import figures
from benchmarks.peers.stage import Stage, stage
from benchmarks.peers.temporal import server
from simulation.asking import CONNECTIONS, PATH
from simulation.gateways.sink import whole_lines_from
from simulation.http_client import Address, Connection, pour
from simulation.http_wire import prepare
from simulation.population import Person

# Settings of concurrency of which the best counts. Ourselves have none; DBOS has 0 for no queue, and one at a time would measure how
# often it looks at its queue; Temporal comes with 100, and has 0 for steps that its worker takes without asking the server.
SETTINGS = {"ours": (0,), "faststream": (1, 8, 32), "dbos": (8, 32, 0), "temporal": (32, 100, 0)}
STEPS = ("intake", "matching", "scheduling", "notifications")
SEED = 1
WARMING = 50
LOOK_SECONDS = 0.1
STILL_SECONDS = 8.0  # so long without news, and whoever was not told will not be
WORKERS = 2  # of those who have such, for there are two cores
GROUPS_SECONDS = 4.0  # until consumer groups have shared the partitions out

# How far those came who have a code.
REACHED = """
SELECT count(c.*) AS cases, count(*) FILTER (WHERE m.state IN ('matched', 'booked')) AS matched,
    count(a.case_id) AS booked, count(*) FILTER (WHERE n.state IN ('sent', 'delivered')) AS told
FROM intake.cases c LEFT JOIN matching.cases m USING (case_id)
LEFT JOIN scheduling.appointments a ON a.case_id = c.case_id AND a.state = 'booked'
LEFT JOIN notifications.messages n ON n.case_id = c.case_id AND n.purpose = 'booked'
WHERE c.case_code = ANY ($1)
"""
# Those who look at their own page, whose row is the news; by the code that they were given.
ON_THEIR_PAGE = """
SELECT c.case_code, extract(epoch FROM m.settled_at)::float8 AS at
FROM intake.cases c JOIN notifications.messages m ON m.case_id = c.case_id
WHERE c.case_code = ANY ($1) AND m.purpose = 'booked' AND m.state = 'delivered'
"""


async def lacking(peer: str) -> str | None:
    """Why a peer cannot be measured here, in one line; None when it can. What has to be built for it is built now."""
    return await server.lacking() if peer == "temporal" else None


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


async def _turn(one: Stage, peer: str, askers: Sequence[Person]) -> dict[str, Any]:
    """These people ask, and it is waited for what they hear."""
    url = one.stack.addresses["intake"] if peer == "ours" else one.peer_url
    news, before = News(one, askers), one.used()
    posting = asyncio.create_task(_post(Address.of(url), askers, news))
    await news.until_told(posting)
    await posting
    row = figures.row(news.posted, news.told, usage.between(before, one.used()))
    reached = dict(await one.connection.fetchrow(REACHED, list(news.codes)))
    return row | {"answers": {str(one): number for one, number in news.answers.items()}, "reached": reached}


async def _post(address: Address, askers: Sequence[Person], news: "News") -> None:
    async def post(own: Connection, who: Person) -> None:
        request = prepare(
            "POST", PATH, address.name, orjson.dumps(who.body), {"idempotency-key": uuid4().hex}
        )
        news.posted[who.number] = time.time()
        answer = await own.insist(request)
        news.answers[answer.status] += 1
        if answer.status == 202:
            news.codes[orjson.loads(answer.body)["case_code"]] = who.number

    await pour(address, askers, post, connections=CONNECTIONS)


class News:
    """What has reached whom, read at the ends where people would: both sinks, and the rows of those who look themselves."""

    def __init__(self, one: Stage, askers: Sequence[Person]) -> None:
        self._one = one
        self._numbers = {who.address: who.number for who in askers if who.address}
        self._files = dict.fromkeys(("sms.jsonl", "mail.jsonl"), 0)
        self._on_their_page = {who.number for who in askers if who.address is None}
        self.codes: dict[str, int] = {}
        self.answers: Counter[int] = Counter()
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
        waiting = self._on_their_page - self.told.keys()
        if codes := [code for code, number in self.codes.items() if number in waiting]:
            for row in await self._one.connection.fetch(ON_THEIR_PAGE, codes):
                self._hear(self.codes[row["case_code"]], row["at"])

    def _hear(self, number: int | None, at: float) -> None:
        if number is not None:
            self.told.setdefault(number, at)


async def _nothing(_one: Stage, _concurrency: int = 0) -> None:
    """All is up."""


async def _prepare_faststream(one: Stage) -> None:
    from benchmarks.peers.faststream_app import PARTITIONS, TOPICS

    await one.make_topics(TOPICS, PARTITIONS)


async def _start_faststream(one: Stage, concurrency: int) -> None:
    told = {"CONCURRENCY": str(concurrency)}
    for step in STEPS:
        await one.start(step, "benchmarks.peers.faststream_app", step, told=told)
    await asyncio.sleep(GROUPS_SECONDS)


async def _start_dbos(one: Stage, concurrency: int) -> None:
    """With a queue there are workers beside the web process; without one it does all itself."""
    told = {"CONCURRENCY": str(concurrency), "SYSTEM_DATABASE_URL": one.dsn("peer_dbos")}
    for name, role in _roles(WORKERS if concurrency else 0):
        await one.start(name, "benchmarks.peers.dbos_app", role, told=told | {"EXECUTOR": name})


async def _prepare_temporal(one: Stage) -> None:
    postgres_port, own = one.stack.surroundings.ports["postgres"], server.free_ports()
    await asyncio.to_thread(server.make_databases, postgres_port)
    config = server.write_config(one.stack.folder / "temporal", postgres_port, own)
    await one.serve("temporal", server.command(config), port=own["frontend"])
    one.told["TEMPORAL_ADDRESS"] = f"127.0.0.1:{own['frontend']}"


async def _start_temporal(one: Stage, concurrency: int) -> None:
    for name, role in _roles(WORKERS):
        told = {"CONCURRENCY": str(concurrency)}
        await one.start(name, "benchmarks.peers.temporal_app", role, told=told)


def _roles(workers: int) -> list[tuple[str, str]]:
    """Processes and what each of them does: the web process, and so many workers beside it."""
    return [("intake", "intake"), *((f"worker-{number}", "worker") for number in range(1, workers + 1))]


PREPARE: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "ours": _nothing,
    "faststream": _prepare_faststream,
    "dbos": _nothing,
    "temporal": _prepare_temporal,
}
START: dict[str, Callable[[Stage, int], Awaitable[None]]] = {
    "ours": _nothing,
    "faststream": _start_faststream,
    "dbos": _start_dbos,
    "temporal": _start_temporal,
}


def main() -> int:
    """0 when somebody was told in every turn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.run", description=__doc__)
    parser.add_argument("peer", choices=list(SETTINGS))
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--concurrency", help="such as 1,8,32")
    told = parser.parse_args()
    settings = [int(one) for one in told.concurrency.split(",")] if told.concurrency else SETTINGS[told.peer]
    if reason := uvloop.run(lacking(told.peer)):
        sys.stdout.write(f"{reason}\n")
        return 1
    rows = uvloop.run(measure(told.peer, told.people, settings))
    told_of = [figures.line(one) for one in rows] + [f"best: concurrency {figures.best(rows)['concurrency']}"]
    sys.stdout.write("\n".join(told_of) + "\n")
    return 0 if all(one["journeys"] for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
