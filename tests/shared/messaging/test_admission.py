"""Admission: last + 1 is applied, what is known is dropped, what is early or behind a dead letter waits."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.admission import Admitted, Policy, admit, in_order
from shared.messaging.envelope import Envelope
from shared.messaging.incoming import Incoming

NAMESPACE = UUID(int=0)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(sequence: int, key: str = "a", topic: str = "t", *, retold: bool = False) -> Incoming:
    envelope = Envelope(
        uuid5(NAMESPACE, f"{topic}{key}{sequence}"), "x", "tests", AT, key, sequence, None, b"{}"
    )
    return Incoming(topic, key, 0, sequence, envelope=envelope, retold=retold)


def admitted(events: list[Incoming], last: int | None = None, **changes: object) -> Admitted:
    arguments: dict[str, object] = {
        "fresh": {e.envelope.id for e in events if e.envelope},
        "last": {} if last is None else {("t", "a"): last},
        "dead": set(),
        "policy": Policy(),
    }
    return admit(events, **(arguments | changes))  # type: ignore[arg-type]


def numbers(events: list[Incoming]) -> list[int]:
    return [e.envelope.sequence for e in events if e.envelope]


def test_the_first_event_seen_sets_the_start() -> None:
    assert numbers(admitted([event(7), event(8)]).apply) == [7, 8]


def test_a_known_event_id_is_dropped() -> None:
    result = admitted([event(1)], fresh=set())
    assert (result.apply, result.repeats) == ([], 1)


def test_an_event_id_that_comes_twice_in_one_batch_is_applied_once() -> None:
    first = event(1)
    assert first.envelope
    again = Incoming("t", "a", 0, 2, envelope=replace(first.envelope, sequence=2))
    assert numbers(admitted([first, again]).apply) == [1]


def test_an_older_sequence_is_dropped_even_under_a_new_id() -> None:
    assert admitted([event(3)], last=3).repeats == 1


def test_an_event_after_a_missing_one_is_held() -> None:
    result = admitted([event(5), event(6)], last=3)
    assert (numbers(result.park), result.gaps, result.last) == ([5, 6], {("t", "a")}, {})


def test_the_missing_event_releases_those_held_behind_it() -> None:
    held = [event(5, retold=True), event(6, retold=True)]
    result = admitted(in_order(held, [event(4)]), last=3)
    assert numbers(result.apply) == [4, 5, 6]


def test_the_missing_event_releases_those_held_behind_it_in_the_same_batch() -> None:
    result = admitted([event(5), event(4), event(7), event(6)], last=3)
    assert (numbers(result.apply), result.park, result.gaps) == ([4, 5, 6, 7], [], set())


def test_an_event_that_is_missing_behind_a_dead_letter_is_waited_for() -> None:
    early = admitted([event(6)], last=4, dead={("t", "a")})
    assert (numbers(early.park), early.last) == ([6], {})
    late = admitted([event(5)], last=4, dead={("t", "a")})
    assert (numbers(late.park), late.last) == ([5], {("t", "a"): 5})


def test_events_behind_a_dead_letter_are_parked_and_others_go_on() -> None:
    result = admitted([event(4), event(1, key="b")], last=3, dead={("t", "a")})
    assert (numbers(result.park), numbers(result.apply)) == ([4], [1])


def test_on_a_compacted_topic_greater_is_enough() -> None:
    result = admitted([event(9), event(4)], last=3, fresh=set(), policy=Policy(compacted={"t"}))
    assert (numbers(result.apply), result.repeats) == ([9], 1)


def test_on_a_topic_that_is_never_parked_a_gap_holds_nothing_back() -> None:
    assert numbers(admitted([event(9)], last=3, policy=Policy(never_parked={"t"})).apply) == [9]


@given(st.permutations(range(1, 8)), st.lists(st.integers(1, 7)))
def test_any_order_with_any_repeats_is_applied_once_and_in_order(order: list[int], again: list[int]) -> None:
    """Feeds one event at a time, as separate batches, and keeps what was parked as the tables would."""
    known: set[UUID] = set()
    last: dict[tuple[str, str], int] = {("t", "a"): 0}
    parked: list[Incoming] = []
    done: list[int] = []
    for sequence in [*order, *again]:
        arrived = event(sequence)
        assert arrived.envelope
        fresh = {arrived.envelope.id} - known
        known |= fresh
        result = admit(in_order(parked, [arrived]), fresh=fresh, last=last, dead=set(), policy=Policy())
        parked = [Incoming(p.topic, p.key, envelope=p.envelope, retold=True) for p in result.park]
        last |= result.last
        done += numbers(result.apply)
    assert done == [1, 2, 3, 4, 5, 6, 7]
