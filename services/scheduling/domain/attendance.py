"""What becomes of a booked hour: a table of steps, each from one state and none before its time.

Whatever became of it, the hour was taken: its reservations stay and it counts in its week, unless it is cancelled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.scheduling.domain.appointments import Appointment, State, Why
from services.scheduling.domain.refusals import Refused, check_seen

Step = Literal["confirm", "arrive", "fulfil", "no_show"]

# People come from far and wait; whoever is checked in on another day is somebody else's mistake.
EARLIEST_ARRIVAL = 12 * 60


@dataclass(frozen=True, slots=True)
class Passage:
    """From one state to another. It may be taken from `opens` on and before `closes`, in minutes after the start."""

    before: State
    after: State
    opens: int | None = None
    closes: int | None = None


PASSAGES: Mapping[Step, Passage] = {
    "confirm": Passage("booked", "booked", closes=0),
    "arrive": Passage("booked", "arrived", opens=-EARLIEST_ARRIVAL),
    "fulfil": Passage("arrived", "fulfilled", opens=0),
    "no_show": Passage("booked", "no_show", opens=0),
}

# What a slip of the hand may have said of somebody. A session that took place is said by whoever held it.
Mistaken = Literal["arrived", "no_show"]
UNDONE: tuple[Mistaken, ...] = ("arrived", "no_show")

_STANDS: Mapping[State, tuple[str, str]] = {
    "booked": ("not_arrived", "Nobody has arrived yet."),
    "arrived": ("already_arrived", "They have arrived."),
    "fulfilled": ("already_fulfilled", "This appointment took place."),
    "no_show": ("already_no_show", "Nobody came to this appointment."),
    "cancelled": ("already_cancelled", "This appointment was cancelled."),
}


def after_step(appointment: Appointment, step: Step, seen: int | None, now: int) -> Appointment:
    """The appointment after this step; the same one if the step was taken already. `now` is the minute that has
    begun. Raises Refused: unseen, from another state, or at the wrong time."""
    passage = PASSAGES[step]
    if _is_done(appointment, step):
        return appointment
    check_seen(appointment.version, seen)
    check_state(appointment, passage.before)
    _check_time(appointment, passage, now)
    # Whoever came, came to this hour: nothing about it is open any more.
    return replace(appointment, state=passage.after, why=None, version=appointment.version + 1)


@dataclass(frozen=True, slots=True)
class Taken:
    """The last step: when it was taken, and why the hour was provisional before, if it was."""

    at: datetime
    why: Why | None = None


def undone(
    appointment: Appointment, last: Taken | None, seen: int | None, now: datetime, within: timedelta
) -> Appointment:
    """The appointment as it stood before somebody said by mistake that its people came, or that nobody did. Raises
    Refused: unseen, from another state, or longer after it than `within`."""
    check_seen(appointment.version, seen)
    if appointment.state == "booked":
        raise Refused("nothing_to_undo", "Nothing was said yet of who came.")
    check_state(appointment, *UNDONE)
    if last is None or now - last.at > within:
        raise Refused("too_late", "Others have acted on it by now; it can not be taken back any more.")
    return replace(appointment, state="booked", why=last.why, version=appointment.version + 1)


def mistaken_of(appointment: Appointment) -> Mistaken:
    """What is said of it and can be taken back."""
    return "no_show" if appointment.state == "no_show" else "arrived"


def possible_steps(appointment: Appointment) -> list[Step]:
    """The steps that lead on from how it stands, whatever time it is."""
    return [
        step
        for step, passage in PASSAGES.items()
        if passage.before == appointment.state and not _is_done(appointment, step)
    ]


def check_state(appointment: Appointment, *allowed: State) -> None:
    """Whether it stands as it must. Raises Refused with a code that says how it stands."""
    if appointment.state not in allowed:
        raise Refused(*_STANDS[appointment.state])


def _is_done(appointment: Appointment, step: Step) -> bool:
    if step == "confirm":
        return appointment.state == "booked" and appointment.certainty == "firm"
    return appointment.state == PASSAGES[step].after


def _check_time(appointment: Appointment, passage: Passage, now: int) -> None:
    since_start = now - appointment.start
    if passage.opens is not None and since_start < passage.opens:
        possible_from = appointment.start + passage.opens
        raise Refused("too_early", "It is too early for that.", possible_from=possible_from)
    if passage.closes is not None and since_start >= passage.closes:
        raise Refused("already_begun", "This appointment has begun or is over.")
