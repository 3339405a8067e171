"""Waves: a handler never meets one key twice, and per key the order of arrival stands."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.waves import by_type, waves


@dataclass(frozen=True)
class Item:
    stream: tuple[str, str]
    type: str
    number: int


items = st.lists(
    st.builds(
        Item,
        stream=st.tuples(st.sampled_from("tu"), st.sampled_from("abc")),
        type=st.sampled_from(["x", "y"]),
        number=st.integers(),
    )
)


@given(items)
def test_no_wave_holds_a_key_twice(batch: list[Item]) -> None:
    for wave in waves(batch):
        assert len({item.stream for item in wave}) == len(wave)


@given(items)
def test_waves_keep_every_event_and_the_order_of_each_key(batch: list[Item]) -> None:
    flattened = [item for wave in waves(batch) for _, group in by_type(wave) for item in group]
    assert len(flattened) == len(batch)
    for stream in {item.stream for item in batch}:
        assert [i for i in flattened if i.stream == stream] == [i for i in batch if i.stream == stream]
