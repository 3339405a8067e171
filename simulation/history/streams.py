"""In order per topic and key, gap-free, and read by everybody who reads the topic.

The relay is at least once: a record may come again. What counts are first occurrences.
"""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from simulation.history.facts import History, Record

Stream = tuple[str, str]


def reordered(history: History) -> Iterator[str]:
    """Streams in which a sequence came for the first time after a higher one, or on a second partition, or
    twice under different ids."""
    highest: dict[Stream, int] = {}
    places: dict[Stream, int] = {}
    ids: dict[tuple[str, str, int], UUID] = {}
    for record in history.streams.records:
        stream, place = (record.topic, record.key), (record.topic, record.key, record.sequence)
        if places.setdefault(stream, record.partition) != record.partition:
            yield _name(record, "second partition")
        if place not in ids and record.sequence < highest.get(stream, 0):
            yield _name(record, "late")
        if ids.setdefault(place, record.event_id) != record.event_id:
            yield _name(record, "two events")
        highest[stream] = max(highest.get(stream, 0), record.sequence)


def unsaid(history: History) -> Iterator[str]:
    """Events that were committed and are not on the topic: 1 to n, n by the producer's own count."""
    seen: dict[Stream, set[int]] = defaultdict(set)
    for record in history.streams.records:
        seen[record.topic, record.key].add(record.sequence)
    for (topic, key), last in history.streams.said.items():
        if topic in history.streams.compacted:
            missing = last not in seen[topic, key]  # only the latest is promised
        else:
            missing = len(seen[topic, key] & set(range(1, last + 1))) < last
        if missing:
            yield f"{topic} {key}"
    yield from (f"{t} {k}" for (t, k) in seen if (t, k) not in history.streams.said)


def unread(history: History) -> Iterator[str]:
    """Events that a group which reads the topic has not applied."""
    streams = history.streams
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for service, group, topic in streams.readings:
        groups[topic].append((service, group))
    for record in streams.records:
        for reader in groups[record.topic]:
            if not _was_read(history, reader, record):
                yield f"{reader[0]}/{reader[1]} {record.topic} {record.key} {record.sequence}"


def _was_read(history: History, reader: tuple[str, str], record: Record) -> bool:
    reached = history.streams.reached.get((*reader, record.topic, record.key), 0)
    if record.topic in history.streams.compacted:
        return reached >= record.sequence
    return reached >= record.sequence and record.event_id in history.streams.read.get(reader, frozenset())


def _name(record: Record, what: str) -> str:
    return f"{record.topic} {record.key} {record.sequence}: {what}"
