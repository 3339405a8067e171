"""A record on its way in: how old an event may be, and what is wrong with one that is older."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.messaging.dead_letters import Parked
from shared.messaging.envelope import to_headers
from shared.messaging.incoming import TOO_OLD, Incoming, TooOld, born, from_parked, from_record
from shared.messaging.retention import INBOX, oldest_id
from tests.shared.messaging.notes import NoteWritten, applied
from tests.shared.messaging.test_reading import bench, written
from tests.waiting import until

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DATA = b'{"page": "a", "number": 1}'
TYPES = {NoteWritten.type_name: NoteWritten}


@dataclass
class Record:
    """What the broker's client hands over."""

    headers: list[tuple[str, bytes]]
    topic: str = "tests.notes"
    key: bytes = b"a"
    value: bytes = DATA
    partition: int = 0
    offset: int = 7


def read(age: timedelta) -> Incoming:
    """An event that was born so long ago, whatever its record says of its time."""
    row = {
        "event_id": oldest_id(NOW - age), "type": NoteWritten.type_name, "at": NOW, "key": "a", "sequence": 1,
        "traceparent": None,
    }  # fmt: skip
    return from_record(Record(to_headers("tests", row)), TYPES, NOW)


def test_the_inbox_remembers_longer_than_an_event_may_be_old() -> None:
    """Else one that was applied before could be applied again: nobody would know it."""
    assert INBOX - timedelta(days=1) >= TOO_OLD


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=30), TOO_OLD])
def test_an_event_that_the_inbox_would_know_is_read(age: timedelta) -> None:
    incoming = read(age)
    assert (incoming.problem, incoming.event) == (None, NoteWritten(page="a", number=1))


@pytest.mark.parametrize("age", [TOO_OLD + timedelta(milliseconds=1), INBOX, timedelta(days=400)])
def test_an_event_older_than_the_inbox_remembers_is_not_read_and_keeps_its_place(age: timedelta) -> None:
    incoming = read(age)
    assert isinstance(incoming.problem, TooOld)
    assert incoming.event is None
    assert (incoming.type, incoming.key, incoming.offset) == (NoteWritten.type_name, "a", 7)


def test_an_event_that_was_parked_may_be_older() -> None:
    """The inbox knows it: a human may take a month and more to mend what it waits behind."""
    old = oldest_id(NOW - timedelta(days=60))
    parked = Parked("tests.notes", "a", 1, old, NoteWritten.type_name, NOW - timedelta(days=60), None, DATA)
    assert from_parked(parked, TYPES).event == NoteWritten(page="a", number=1)
    assert born(old) == NOW - timedelta(days=60)


@pytest.mark.kafka
async def test_an_event_that_is_too_old_becomes_a_dead_letter_and_is_not_applied(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        await it.say(*written("a", 1), *written("b", 1))
        born_long_ago = oldest_id(datetime.now(UTC) - TOO_OLD - timedelta(minutes=1))
        await it.database.pool.execute("UPDATE outbox SET event_id = $1 WHERE key = 'a'", born_long_ago)
        it.relay()
        it.consumer()
        await it.applied_are({"b": [1]})
        letter = "SELECT error FROM dead_letters WHERE key = 'a'"
        await until(lambda: it.database.pool.fetchval(letter), "a human decides")
        assert await it.database.pool.fetchval(letter) == "TooOld"
        assert await applied(it.database) == {"b": [1]}
