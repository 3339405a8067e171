"""Whose work a fault hits, and whose progress tells that it is over."""

import pytest

from tests.faults.deeds import DEEDS
from tests.faults.flight import Hit, who_goes_on
from tests.faults.schedule import KINDS
from tests.faults.subjects import SUBJECTS, WAY


def test_every_kind_of_fault_has_a_deed_and_hits_processes_that_there_are() -> None:
    assert set(DEEDS) == {kind.name for kind in KINDS}
    for kind in KINDS:
        for whom in kind.whom:
            hit = DEEDS[kind.name].hit(whom)
            assert hit.processes, (kind.name, whom)
            assert set(hit.processes) <= set(SUBJECTS)
            assert hit.transactions or hit.outbox or hit.sending
            assert set(who_goes_on(hit)) <= set(hit.processes)
            assert who_goes_on(hit)


def test_a_fault_of_everybody_is_over_when_the_way_of_a_case_is_open_again() -> None:
    assert who_goes_on(Hit.everybody()) == WAY


@pytest.mark.parametrize(
    ("name", "outbox", "sending"),
    [
        ("intake", False, False),
        ("matching", True, False),
        ("notifications-sender", False, True),
        ("pager", False, True),
    ],
)
def test_what_a_process_relays_or_sends_is_in_flight_with_it(name: str, outbox: bool, sending: bool) -> None:
    hit = Hit.process(name)
    assert (hit.processes, hit.outbox, hit.sending) == ((name,), outbox, sending)


def test_trouble_at_a_gateway_hits_messages_alone() -> None:
    hit = Hit.gateways()
    assert (hit.transactions, hit.outbox, hit.sending) == (False, False, True)
