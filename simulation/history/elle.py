"""The history of the topics in the form that Elle's list-append checker reads (github.com/jepsen-io/elle, "list-append"):
a list per topic and key, each event an append of its sequence, each consumer group a reader of what it has applied.

One EDN map a line: `{:index 1, :type :ok, :process 0, :f :txn, :value [[:append "topic key" 1]]}`. An event that is missing,
twice or out of order is a duplicate element or an incompatible order to it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import NamedTuple

from simulation.history.facts import Record, Streams


class Deed(NamedTuple):
    """What a process asked for, and what it did or found, each as a micro-operation."""

    process: str
    asked: str
    done: str


def lines(streams: Streams) -> Iterator[str]:
    """Every append in the order of the log, then what every group has read; each as it is invoked and as it ends well."""
    index = count()
    numbers: dict[str, int] = defaultdict(count().__next__)
    for deed in chain(_appends(streams), _reads(streams)):
        for kind, value in (("invoke", deed.asked), ("ok", deed.done)):
            process = numbers[deed.process]
            yield f"{{:index {next(index)}, :type :{kind}, :process {process}, :f :txn, :value [{value}]}}"


def _appends(streams: Streams) -> Iterator[Deed]:
    """What a relay sent a second time is the same append."""
    seen = set()
    for record in streams.records:
        if record.event_id not in seen:
            seen.add(record.event_id)
            append = f"[:append {_name(record)} {record.sequence}]"
            yield Deed(record.topic.partition(".")[0], append, append)


def _reads(streams: Streams) -> Iterator[Deed]:
    """A compacted topic is left out: its reader may pass over what a later event has replaced."""
    topics: dict[str, list[list[Record]]] = defaultdict(list)
    for (topic, _), records in _by_stream(streams).items():
        topics[topic].append(records)
    for service, group, topic in streams.readings:
        applied = streams.read.get((service, group), frozenset())
        for records in [] if topic in streams.compacted else topics[topic]:
            found = " ".join(str(one.sequence) for one in records if one.event_id in applied)
            name = _name(records[0])
            yield Deed(f"{service}/{group}", f"[:r {name} nil]", f"[:r {name} [{found}]]")


def _by_stream(streams: Streams) -> Mapping[tuple[str, str], list[Record]]:
    """The first record of each event, per topic and key, in the order of the log."""
    found: dict[tuple[str, str], dict[object, Record]] = defaultdict(dict)
    for record in streams.records:
        found[record.topic, record.key].setdefault(record.event_id, record)
    return {stream: list(records.values()) for stream, records in found.items()}


def _name(record: Record) -> str:
    return f'"{record.topic} {record.key}"'
