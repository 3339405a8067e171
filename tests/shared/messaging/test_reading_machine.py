"""Whatever a log holds and whoever reads it: applied once, in order, what fails waits, on real Postgres."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import uuid_utils
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from deploy.local.postgres import PostgresServer
from shared.contracts.base import Event, Topic
from shared.messaging import Consumer, Database, KafkaSettings, Transaction
from shared.messaging.envelope import to_headers
from shared.messaging.failures import Fenced, Stopped
from shared.messaging.redrive import discard, redrive
from tests.machines import Machine, run_machine
from tests.shared.messaging.notes import NoteStruck, NoteWritten, opened, topic
from tests.shared.messaging.reading_model import Entry, ReaderModel
from tests.stack_fixtures import a_database

pages = st.sampled_from("ab")
TABLES = ("applied", "dead_letters", "blocks", "parked", "positions", "inbox", "offsets")
EXAMPLES = {"routine": 30, "compacted": 10, "crisis": 10}
KINDS: dict[str, dict[str, Any]] = {
    "routine": {},
    "compacted": {"compacted": True, "retention_days": None},
    "crisis": {"lane": "crisis"},
}


class Reading(Machine):
    """One partition with two pages, two processes that read it, and a broken handler for chosen events."""

    def __init__(self, runner: Any, database: Database, kind: str) -> None:
        super().__init__(runner, database)
        self.database = database
        self.topic = topic("tests.notes", **KINDS[kind])
        self.place = (self.topic.name, 0)
        self.model = ReaderModel(compacted=kind == "compacted", never_parked=kind == "crisis")
        self.refused = self.model.refused
        self.log: list[Entry] = []
        self.said: dict[str, int] = {}
        self.withheld: dict[str, Entry] = {}
        self.ids: dict[Entry, UUID] = {}
        self.at = 0
        self.readers = [self._reader(), self._reader()]
        self.run(self._begin())

    async def _begin(self) -> None:
        for table in TABLES:
            await self.database.pool.execute(f"DELETE FROM {table}")
        await self.database.pool.execute("INSERT INTO offsets VALUES ('tests', $1, 0, 0)", self.topic.name)

    def _reader(self) -> Consumer:
        handlers: dict[type[Event], Any] = dict.fromkeys((NoteWritten, NoteStruck), self._record)
        topics: Sequence[Topic] = [self.topic]
        return Consumer(
            self.database,
            KafkaSettings("nowhere:9"),
            group="tests",
            topics=topics,
            handlers=handlers,
            known=frozenset(),
        )

    async def _record(self, notes: Sequence[Any], tx: Transaction) -> None:
        assert len({note.page for note in notes}) == len(notes)
        await tx.connection.execute(
            "INSERT INTO applied (page, number) SELECT * FROM unnest($1::text[], $2::int[])",
            [note.page for note in notes],
            [note.number for note in notes],
        )
        for note in notes:
            if Entry(note.page, note.number) in self.refused:
                # An error of its own: many with the same one in a batch would stop the reader, which is right.
                raise type(f"Broken{note.page}{note.number}", (ValueError,), {})

    def _record_of(self, offset: int) -> SimpleNamespace:
        entry = self.log[offset]
        kind = NoteWritten if entry.sequence % 3 else NoteStruck
        event = kind(page=entry.page, number=entry.sequence)
        row = {
            "event_id": self.ids.setdefault(entry, UUID(bytes=uuid_utils.uuid7().bytes)), "type": kind.type_name,
            "at": self.now, "key": entry.page, "sequence": entry.sequence, "traceparent": None,
        }  # fmt: skip
        return SimpleNamespace(
            topic=self.topic.name, partition=0, offset=offset, key=entry.page.encode(),
            value=event.model_dump_json().encode(), headers=to_headers("tests", row),
        )  # fmt: skip

    @property
    def now(self) -> Any:
        return self.run(self.database.pool.fetchval("SELECT now()"))

    @rule(named=st.lists(pages, min_size=1, max_size=6))
    def events_are_said(self, named: list[str]) -> None:
        for page in named:
            self.said[page] = self.said.get(page, 0) + 1
            self.log.append(Entry(page, self.said[page]))

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def a_relay_sends_something_again(self, data: st.DataObject) -> None:
        first = data.draw(st.integers(0, len(self.log) - 1))
        self.log += self.log[first : first + 3]

    @rule(page=pages)
    def an_event_comes_too_late(self, page: str) -> None:
        """Held back by nobody we know: what follows it comes first."""
        if page not in self.withheld and not self._unread_trouble(page):
            self.withheld[page] = Entry(page, self.said.get(page, 0) + 1)
            self.said[page] = self.said.get(page, 0) + 2
            self.log.append(Entry(page, self.said[page]))

    @precondition(lambda self: self.withheld)
    @rule(data=st.data())
    def the_late_one_comes(self, data: st.DataObject) -> None:
        self.log.append(self.withheld.pop(data.draw(st.sampled_from(sorted(self.withheld)))))

    @rule(page=pages, which=st.sampled_from([(1,), (1, 2), (2, 4)]))
    def some_of_the_next_events_cannot_be_applied(self, page: str, which: tuple[int, ...]) -> None:
        if page not in self.withheld and page not in self.model.gaps():
            self.refused.update(Entry(page, self.said.get(page, 0) + later) for later in which)
            self.events_are_said([page] * 4)

    def _unread_trouble(self, page: str) -> bool:
        return any(one.page == page and one not in self.model.buried for one in self.refused)

    @precondition(lambda self: self.refused)
    @rule(data=st.data())
    def the_handler_is_mended_for_one(self, data: st.DataObject) -> None:
        self.refused.discard(data.draw(st.sampled_from(sorted(self.refused, key=str))))

    @precondition(lambda self: self.at < len(self.log))
    @rule(who=st.integers(0, 1), most=st.integers(1, 9), unaware=st.booleans())
    def a_batch_is_read(self, who: int, most: int, unaware: bool) -> None:
        """By whoever: one who lost the partition without noticing begins where it believes to stand."""
        reader = self.readers[who]
        believed = reader._partitions._next.get(self.place)
        begins = believed if unaware and believed is not None else self.at
        reader._partitions._next = {self.place: begins}
        reader.resume()  # how many letters are too many is not the question here
        records = [self._record_of(offset) for offset in range(begins, min(begins + most, len(self.log)))]
        fenced = False
        try:
            if records:
                self.run(reader._process(records))
        except Fenced:
            fenced = True
        except Stopped:
            pass
        assert fenced == (begins != self.at and bool(records))
        reached = self.run(self.database.pool.fetchval("SELECT next FROM offsets"))
        for entry in self.log[self.at : reached]:
            self.model.read(entry)
        self.at = reached

    @precondition(lambda self: self.at < len(self.log))
    @rule()
    def all_is_read(self) -> None:
        self.a_batch_is_read(0, len(self.log), False)

    @precondition(lambda self: self.model.letters)
    @rule(data=st.data(), again=st.booleans())
    def an_operator_settles_a_letter(self, data: st.DataObject, again: bool) -> None:
        page = data.draw(st.sampled_from(sorted(self.model.letters)))
        find = "SELECT id FROM dead_letters WHERE key = $1 AND state = 'open'"
        letter = self.run(self.database.pool.fetchval(find, page))
        assert self.run(self._settled(letter, again)) == self.model.settle(page, again=again)

    async def _settled(self, letter: UUID, again: bool) -> bool:
        try:
            async with self.database.transaction() as tx:
                await (redrive if again else discard)(tx, self.readers[0].reader, letter, "me", None)
        except ValueError:
            return False
        return True

    @invariant()
    def it_is_as_on_paper(self) -> None:
        applied, letters, parked = self.run(self._seen())
        assert applied == _by_page(self.model.applied)
        expected = self.model.buried if self.model.never_parked else self.model.letters.values()
        assert letters == _by_page(sorted(expected, key=lambda one: one.sequence))
        assert parked == {page: sorted(waiting) for page, waiting in self.model.parked.items() if waiting}

    async def _seen(self) -> tuple[dict[str, list[int]], dict[str, list[int]], dict[str, list[int]]]:
        queries = (
            "SELECT page, number FROM applied ORDER BY id",
            "SELECT key, sequence FROM dead_letters WHERE state = 'open' ORDER BY key, sequence",
            "SELECT key, sequence FROM parked ORDER BY key, sequence",
        )
        rows = [await self.database.pool.fetch(query) for query in queries]
        applied, letters, parked = (_by_page([Entry(*row) for row in found]) for found in rows)
        return applied, letters, parked


def _by_page(entries: Sequence[Entry]) -> dict[str, list[int]]:
    ordered = sorted(entries, key=lambda one: one.page)
    return {
        page: [one.sequence for one in own] for page, own in itertools.groupby(ordered, lambda one: one.page)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_log_holds_every_event_is_applied_once_and_in_order(
    postgres_server: PostgresServer, kind: str
) -> None:
    @asynccontextmanager
    async def world() -> AsyncIterator[Database]:
        async with a_database(postgres_server) as fresh, opened(fresh.dsn("matching"), size=3) as database:
            yield database

    run_machine(
        lambda runner, there: Reading(runner, there, kind), world(), examples=EXAMPLES[kind], steps=30
    )
