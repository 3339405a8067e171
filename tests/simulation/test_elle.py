"""What an outside checker is given: every event appended once, every read whole, and every fault of order to be seen in it."""

import re
from collections import defaultdict
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from simulation.history.elle import lines
from simulation.history.facts import Reading, Record, Streams

LINE = re.compile(
    r"\{:index (\d+), :type :(invoke|ok), :process (\d+), :f :txn, :value \[\[:(append|r) \"([^\"]+)\" (.+)\]\]\}"
)


def record(key: str, sequence: int) -> Record:
    return Record("intake.cases", 0, sequence, key, UUID(int=hash((key, sequence)) % 2**64), "t", sequence)


def parsed(streams: Streams) -> tuple[dict[str, list[int]], dict[str, list[str]]]:
    """Appends and reads per list, of a history that is well formed: indexes rise, every operation is invoked and ends."""
    appends: dict[str, list[int]] = defaultdict(list)
    reads: dict[str, list[str]] = defaultdict(list)
    asked = None
    for place, line in enumerate(lines(streams)):
        found = LINE.fullmatch(line)
        assert found, line
        index, kind, process, what, name, value = found.groups()
        assert int(index) == place
        if kind == "invoke":
            asked = (process, what, name)
            assert value == ("nil" if what == "r" else value)
            continue
        assert asked == (process, what, name)
        (appends[name].append(int(value)) if what == "append" else reads[name].append(value))
    return appends, reads


@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 6)), st.integers(1, 3))
def test_every_event_is_appended_once_and_read_in_order(keys: dict[str, int], times: int) -> None:
    records = [record(key, number) for key, last in keys.items() for number in range(1, last + 1)] * times
    applied = {("matching", "matching"): frozenset(one.event_id for one in records)}
    streams = Streams(records, readings=[Reading("matching", "matching", "intake.cases")], read=applied)
    appends, reads = parsed(streams)
    assert appends == {f"intake.cases {key}": list(range(1, last + 1)) for key, last in keys.items()}
    assert reads == {name: [f"[{' '.join(map(str, found))}]"] for name, found in appends.items()}


def test_an_event_that_nobody_applied_is_missing_from_what_was_read() -> None:
    records = [record("a", 1), record("a", 2), record("a", 3)]
    applied = {("matching", "matching"): frozenset({records[0].event_id, records[2].event_id})}
    streams = Streams(records, readings=[Reading("matching", "matching", "intake.cases")], read=applied)
    assert parsed(streams)[1] == {"intake.cases a": ["[1 3]"]}


def test_what_came_out_of_order_is_appended_out_of_order() -> None:
    assert parsed(Streams([record("a", 2), record("a", 1)]))[0] == {"intake.cases a": [2, 1]}


def test_a_compacted_topic_is_appended_and_not_read() -> None:
    records = [record("a", 1), record("a", 3)]
    reading = [Reading("matching", "matching", "intake.cases")]
    appends, reads = parsed(Streams(records, readings=reading, compacted=frozenset({"intake.cases"})))
    assert (appends, reads) == ({"intake.cases a": [1, 3]}, {})
