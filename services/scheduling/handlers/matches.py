"""Kafka in: matches are given hours, and withdrawn matches give them back. The same for both lanes."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from services.scheduling.domain import booking, changes, fencing
from services.scheduling.domain.appointments import Appointment, Change, cancelled, resources_of
from services.scheduling.domain.booking import Hour, NoSlotReason, asked_for
from services.scheduling.domain.fencing import Fence
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers import announcing, holding
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.facts import care_fact, therapist_fact
from services.scheduling.handlers.wishes import appointment_of, wish_of
from services.scheduling.repository import appointments, diary, fences, holds, places, resources
from services.scheduling.repository.diary import Floor
from shared.contracts.matching import MatchMade, MatchWithdrawn
from shared.messaging import Transaction

SUPERSEDED = Change("system", "superseded")

Found = Sequence[tuple[MatchMade, Hour | NoSlotReason]]


async def book_matches(events: Sequence[MatchMade], tx: Transaction) -> None:
    """An hour with the first candidate who has one, decided for the whole batch; what a lower attempt of the
    same case had is given back. What nobody here knows of yet waits for it."""
    standing = await fences.lock(tx, [event.case_id for event in events])
    current = fencing.current(standing, events)
    known = [match.case_id for match in current if standing[match.case_id].attempt]
    older, held = await appointments.live(tx, known), await holds.live(tx, known)
    theirs = resources_of([*older, *(one.appointment for one in held)])
    floor = await diary.lock(tx, asked_for([wish_of(match) for match in current]), theirs)
    awaited = {match.case_id: fact for match in current if (fact := _awaits(match, standing, floor))}
    ready = [match for match in current if match.case_id not in awaited]
    superseded = [one for one in older if one.case_id not in awaited]

    await appointments.cancel(tx, [(one, SUPERSEDED) for one in superseded])
    await holding.release(tx, [(one, SUPERSEDED) for one in held if one.case_id not in awaited])
    ids = {match.case_id: tx.new_id() for match in ready}
    found = await _find_hours(tx, ready, floor, ids)
    booked = await _book(tx, found, ids)
    await fences.decide(tx, [(m.case_id, m.attempt, None if isinstance(o, Hour) else o) for m, o in found])

    await may_have_risen(tx, [one.therapist_id for one in superseded])
    await tx.wait_for([(match, awaited[match.case_id]) for match in current if match.case_id in awaited])
    tx.emit(announcing.cancelled(cancelled(one), SUPERSEDED, tx) for one in superseded)
    tx.emit(announcing.freed(_freed(superseded, booked, tx), tx))
    tx.emit(announcing.booked(one, tx) for one in booked)
    tx.emit(announcing.not_found(m, o, tx) for m, o in found if not isinstance(o, Hour))


async def withdraw_matches(events: Sequence[MatchWithdrawn], tx: Transaction) -> None:
    """Gives back what was booked for these attempts or lower ones, and lets none of them book any more."""
    last = fencing.highest(events)
    standing = await fences.lock(tx, list(last))
    booked, held = await appointments.live(tx, list(last)), await holds.live(tx, list(last))
    why = {case_id: Change("system", one.reason) for case_id, one in last.items()}
    gone = [(one, why[one.case_id]) for one in booked if one.attempt <= last[one.case_id].attempt]
    kept = [(one, why[one.case_id]) for one in held if one.attempt <= last[one.case_id].attempt]
    await resources.lock(
        tx, {}, resources_of([one for one, _ in gone] + [one.appointment for one, _ in kept])
    )
    await appointments.cancel(tx, gone)
    await holding.release(tx, kept)
    await fences.withdraw(
        tx, {case: fencing.withdrawn(standing[case], one.attempt) for case, one in last.items()}
    )
    await may_have_risen(tx, [one.therapist_id for one, _ in gone])
    tx.emit(announcing.cancelled(cancelled(one), change, tx) for one, change in gone)
    tx.emit(announcing.freed(_freed([one for one, _ in gone], [], tx), tx))


def _freed(gone: Sequence[Appointment], booked: Sequence[Appointment], tx: Transaction) -> list[Appointment]:
    return changes.freed(gone, booked, minute_after(tx.now))


def _awaits(match: MatchMade, standing: Mapping[UUID, Fence], floor: Floor) -> str | None:
    if standing[match.case_id].care_stopped:
        return care_fact(match.case_id)
    unknown = (one.therapist_id for one in match.candidates if one.therapist_id not in floor.therapists)
    return next(map(therapist_fact, unknown), None)


async def _find_hours(
    tx: Transaction, ready: Sequence[MatchMade], floor: Floor, ids: Mapping[UUID, UUID]
) -> Found:
    decide = partial(booking.decide, [wish_of(match) for match in ready])
    return list(zip(ready, await diary.reserve(tx, floor, decide, ids), strict=True))


async def _book(tx: Transaction, found: Found, ids: Mapping[UUID, UUID]) -> list[Appointment]:
    hours = [(match, hour) for match, hour in found if isinstance(hour, Hour)]
    zones = await places.zones(tx, {hour.site_id for _, hour in hours if hour.site_id})
    booked = [
        appointment_of(m, hour, ids[m.case_id], zones[hour.site_id] if hour.site_id else m.time_zone)
        for m, hour in hours
    ]
    await appointments.book(tx, booked, [hour.weekly_limit for _, hour in hours])
    return booked
