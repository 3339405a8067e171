"""Wrong tries slow the next one down, more and more, and nobody is ever locked out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alarms import AlarmStanding, AlarmState, Staff, acknowledge, close
from services.intake.domain.sessions import LONGEST_WAIT, Tries, after_failure, wait

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_three_wrong_tries_are_free_and_then_the_wait_doubles_to_a_minute() -> None:
    tries, waits = Tries("X"), []
    for _ in range(11):
        tries = after_failure(tries, T0)
        waits.append(wait(tries, T0).total_seconds())
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.integers(0, 10_000), st.integers(0, 100_000))
def test_no_wait_is_ever_longer_than_a_minute(failures: int, seconds: int) -> None:
    tries = Tries("X", failures, T0)
    assert timedelta() <= wait(tries, T0 + timedelta(seconds=seconds)) <= LONGEST_WAIT
    assert wait(tries, T0 + LONGEST_WAIT) == timedelta()


def test_yesterdays_wrong_tries_are_forgotten() -> None:
    assert after_failure(Tries("X", 50, T0), T0 + timedelta(days=1)).failures == 1


ASMA, BILAL = Staff("s-1", "Asma"), Staff("s-2", "Bilal")


def alarm(state: AlarmState, by: Staff | None = None, closed_by: Staff | None = None) -> AlarmStanding:
    return AlarmStanding(
        UUID(int=1),
        UUID(int=2),
        state,
        "R2",
        T0,
        by.id if by else None,
        closed_by.id if closed_by else None,
    )


def test_the_first_human_takes_an_alarm_and_another_is_told_so() -> None:
    verdict, taken = acknowledge(alarm("open"), ASMA)
    assert (verdict, taken.state, taken.acknowledged_by) == ("done", "acknowledged", "s-1")
    assert acknowledge(taken, ASMA) == ("done_already", taken)
    assert acknowledge(taken, BILAL) == ("taken_by_another", taken)
    assert acknowledge(alarm("closed", ASMA, ASMA), ASMA)[0] == "closed_already"


def test_only_an_alarm_that_somebody_took_can_be_closed() -> None:
    assert close(alarm("open"), ASMA)[0] == "not_acknowledged"
    verdict, closed = close(alarm("acknowledged", ASMA), BILAL)
    assert (verdict, closed.state, closed.closed_by) == ("done", "closed", "s-2")
    assert close(closed, BILAL) == ("done_already", closed)
    assert close(closed, ASMA) == ("closed_already", closed)
