"""The schedule: the same for a seed wherever it begins, fair to every kind and to everybody a kind can hit."""

from collections import Counter
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.processes import PROCESSES
from shared.contracts.topics import GROUPS as ALL_GROUPS
from tests.faults.schedule import BLOWS, BY_NAME, KINDS, LONGER_THAN_EVERY_TIMEOUT, schedule
from tests.faults.subjects import GROUPS, OUTSIDE, SUBJECTS, TWINS

SEEDS = st.integers(min_value=0, max_value=2**32)
DECK = sum(kind.times for kind in KINDS)


@given(SEEDS, st.integers(0, 120))
def test_it_goes_on_where_it_was_left(seed: int, begin: int) -> None:
    whole = list(islice(schedule(seed), begin + 20))
    assert list(islice(schedule(seed, begin=begin), 20)) == whole[begin:]
    assert [fault.number for fault in whole] == list(range(begin + 20))


@given(SEEDS, st.integers(1, 6))
def test_in_every_deck_each_kind_comes_as_often_as_it_should(seed: int, decks: int) -> None:
    drawn = Counter(fault.kind for fault in islice(schedule(seed), decks * DECK))
    assert drawn == {kind.name: kind.times * decks for kind in KINDS}


@given(SEEDS)
def test_everybody_is_hit_before_anybody_is_hit_again(seed: int) -> None:
    for kind in KINDS:
        drawn = schedule(seed, kinds=[kind])
        for _ in range(3):
            assert sorted(fault.whom for fault in islice(drawn, len(kind.whom))) == sorted(kind.whom)


@given(SEEDS)
def test_a_fault_lasts_as_long_as_its_kind_says_and_only_blows_fall_beside_another(seed: int) -> None:
    for fault in islice(schedule(seed), 5 * DECK):
        least, most = BY_NAME[fault.kind].seconds
        assert least <= fault.seconds <= most
        assert fault.whom in BY_NAME[fault.kind].whom
        assert fault.pause > 0
        assert not fault.beside or fault.kind in BLOWS


@given(SEEDS)
def test_another_seed_gives_other_faults(seed: int) -> None:
    assert list(islice(schedule(seed), DECK)) != list(islice(schedule(seed + 1), DECK))


def test_every_process_of_ours_can_be_killed_and_every_reader_has_a_twin() -> None:
    ours = {process.name for process in PROCESSES} - OUTSIDE
    assert set(BY_NAME["kill"].whom) == set(SUBJECTS) == ours
    assert set(GROUPS) <= set(TWINS)


def test_every_group_that_is_read_as_belongs_to_a_process() -> None:
    read = {group for groups in GROUPS.values() for group in groups}
    # These two are read by processes that read as another group as well.
    assert read | {"matching.crisis", "scheduling.knowing"} == set(ALL_GROUPS)


def test_who_is_frozen_sleeps_longer_than_every_time_out() -> None:
    for name in ("freeze", "freeze_server", "hold"):
        assert BY_NAME[name].seconds == LONGER_THAN_EVERY_TIMEOUT
