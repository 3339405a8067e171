"""Kafka in: matches are given hours, and withdrawn matches give them back. The same for both lanes."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from services.scheduling.domain import booking, fencing
from services.scheduling.domain.appointments import Appointment, Change, cancelled, resources_of
from services.scheduling.domain.booking import Hour, NoSlotReason, asked_for
from services.scheduling.domain.fencing import Fence
from services.scheduling.domain.holds import Hold
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers import announcing, holding
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.facts import care_fact, therapist_fact
from services.scheduling.handlers.wishes import appointment_of, chosen_is, kept_until, needs_an_hour, wish_of
from services.scheduling.repository import appointments, diary, fences, holds, places, resources
from services.scheduling.repository.diary import Floor
from shared.contracts.matching import MatchMade, MatchWithdrawn
from shared.messaging import Transaction

SUPERSEDED = Change("system", "superseded")

Found = Sequence[tuple[MatchMade, Hour | NoSlotReason]]


async def book_matches(events: Sequence[MatchMade], tx: Transaction) -> None:
    """An hour with the first candidate who has one, decided for the whole batch; what a lower attempt of the
    same case had is given back. Of an offer the hour is only kept, where there is one to spare; the choice from it books
    the hour that is kept. What nobody here knows of yet waits for it."""
    standing = await fences.lock(tx, [event.case_id for event in events])
    current = fencing.current(standing, events)
    known = [match.case_id for match in current if standing[match.case_id].attempt]
    older, held = await appointments.live(tx, known), await holds.live(tx, known)
    theirs = resources_of([*older, *(one.appointment for one in held)])
    floor = await diary.lock(tx, asked_for([wish_of(match) for match in current]), theirs)
    # Once more: somebody who came after the end of one may have taken part of it before we had its locks.
    held = held and await holds.live(tx, known)
    awaited = {match.case_id: fact for match in current if (fact := _awaits(match, standing, floor))}
    ready = [match for match in current if match.case_id not in awaited]
    superseded = [one for one in older if one.case_id not in awaited]
    taken_up = {one.case_id: one for one in await holding.still_open(tx, _chosen(ready, held, tx))}

    await appointments.cancel(tx, [(one, SUPERSEDED) for one in superseded])
    released = _not_chosen([one for one in held if one.case_id not in awaited], taken_up, tx)
    await holding.let_go(tx, released)
    await holding.take_up(tx, list(taken_up.values()))
    others = [match for match in ready if match.case_id not in taken_up]
    sought = [match for match in others if needs_an_hour(match, tx.now)]
    ids = {match.case_id: tx.new_id() for match in sought}
    found = await _find_hours(tx, sought, floor, ids)
    booked = await _book(tx, found, ids)
    await _keep(tx, found, ids)
    await fences.decide(tx, _decided(ready, found))

    await may_have_risen(tx, [one.therapist_id for one in superseded])
    await tx.wait_for([(match, awaited[match.case_id]) for match in current if match.case_id in awaited])
    tx.emit(announcing.cancelled(cancelled(one), SUPERSEDED, tx) for one in superseded)
    await holding.tell_freed(tx, [*superseded, *(one.appointment for one, _ in released)])
    tx.emit(announcing.booked(one, tx) for one in booked)
    tx.emit(announcing.not_found(match, reason, tx) for match, reason in _in_vain(found))


async def withdraw_matches(events: Sequence[MatchWithdrawn], tx: Transaction) -> None:
    """Gives back what was booked for these attempts or lower ones, and lets none of them book any more. An hour that has
    begun stays: its people are in it, and what became of it is still to be said."""
    last = fencing.highest(events)
    standing = await fences.lock(tx, list(last))
    booked, held = await appointments.live(tx, list(last)), await holds.live(tx, list(last))
    why = {case_id: Change(one.by, one.reason) for case_id, one in last.items()}
    ahead = [one for one in booked if one.start > minute_after(tx.now)]
    gone = [(one, why[one.case_id]) for one in ahead if one.attempt <= last[one.case_id].attempt]
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
    await holding.tell_freed(tx, [one for one, _ in gone])


def _awaits(match: MatchMade, standing: Mapping[UUID, Fence], floor: Floor) -> str | None:
    if standing[match.case_id].care_stopped:
        return care_fact(match.case_id)
    unknown = (one.therapist_id for one in match.candidates if one.therapist_id not in floor.therapists)
    return next(map(therapist_fact, unknown), None)


def _chosen(ready: Sequence[MatchMade], held: Sequence[Hold], tx: Transaction) -> list[Hold]:
    """The hours that are kept and that their people have chosen."""
    matches = {match.case_id: match for match in ready}
    return [one for one in held if one.case_id in matches and chosen_is(one, matches[one.case_id], tx.now)]


def _not_chosen(
    held: Sequence[Hold], taken_up: Mapping[UUID, Hold], tx: Transaction
) -> list[tuple[Hold, Change]]:
    """The others, which whatever was decided now ends, but for those whose time was up before."""
    return [
        (one, holding.EXPIRED if one.at(tx.now).state == "released" else SUPERSEDED)
        for one in held
        if one.case_id not in taken_up
    ]


def _decided(ready: Sequence[MatchMade], found: Found) -> list[tuple[UUID, int, str | None, bool]]:
    why = {match.case_id: reason for match, reason in _in_vain(found)}
    return [(one.case_id, one.attempt, why.get(one.case_id), one.mode == "offer") for one in ready]


def _in_vain(found: Found) -> list[tuple[MatchMade, NoSlotReason]]:
    """Those who have to be asked elsewhere. Whoever is choosing may go on: an hour is sought again when they have."""
    return [
        (match, outcome) for match, outcome in found if match.mode == "book" and not isinstance(outcome, Hour)
    ]


async def _find_hours(
    tx: Transaction, sought: Sequence[MatchMade], floor: Floor, ids: Mapping[UUID, UUID]
) -> Found:
    offered = {match.case_id: until for match in sought if (until := kept_until(match))}
    kept = await holds.kept_for_offers(tx, list(floor.therapists)) if offered else {}
    decide = partial(booking.decide, [wish_of(match) for match in sought], kept=kept)
    return list(zip(sought, await diary.reserve(tx, floor, decide, ids, offered), strict=True))


async def _book(tx: Transaction, found: Found, ids: Mapping[UUID, UUID]) -> list[Appointment]:
    hours = [(match, hour) for match, hour in found if match.mode == "book" and isinstance(hour, Hour)]
    booked = await _appointments(tx, hours, ids)
    await appointments.book(tx, booked, [hour.weekly_limit for _, hour in hours])
    return booked


async def _keep(tx: Transaction, found: Found, ids: Mapping[UUID, UUID]) -> None:
    hours = [
        (match, hour, until)
        for match, hour in found
        if isinstance(hour, Hour) and (until := kept_until(match))
    ]
    kept = await _appointments(tx, [(match, hour) for match, hour, _ in hours], ids)
    made = [
        Hold(one, until, take_by=match.expires_at) for one, (match, _, until) in zip(kept, hours, strict=True)
    ]
    await holding.keep(tx, made, [hour.weekly_limit for _, hour, _ in hours], "system")


async def _appointments(
    tx: Transaction, hours: Sequence[tuple[MatchMade, Hour]], ids: Mapping[UUID, UUID]
) -> list[Appointment]:
    zones = await places.zones(tx, {hour.site_id for _, hour in hours if hour.site_id})
    return [
        appointment_of(m, hour, ids[m.case_id], zones[hour.site_id] if hour.site_id else m.time_zone)
        for m, hour in hours
    ]
