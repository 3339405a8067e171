"""An hour is held for a case, confirmed, given back, or its time is up: by the protocol of every booking."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import orjson

from services.scheduling.domain import changes, holds
from services.scheduling.domain.appointments import Appointment, By, Change, resources_of
from services.scheduling.domain.availability import Therapist
from services.scheduling.domain.booking import Asked, asked_for
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.fencing import Fence
from services.scheduling.domain.holds import Hold, Wanted
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers import announcing
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.repository import appointments, diary, fences, places, resources, roster
from services.scheduling.repository import holds as repository
from shared.messaging import Due, Transaction
from shared.web import idempotency
from shared.web.idempotency import KeyedRequest

ENDS = "hold_ends"
EXPIRED = Change("system", "expired")


async def hold(tx: Transaction, wanted: Wanted, caller: Caller, keyed: KeyedRequest) -> Hold:
    """Keeps the hour; a repeat under the same key is the same hold. Raises Refused, with other starts when this one is
    not free, and Problem where the key was used for something else."""
    [claim] = await idempotency.claim(tx, [keyed])
    if claim.state == "replay" and claim.response is not None:
        return await _find(tx, UUID(orjson.loads(claim.response)["hold_id"]), caller)
    if claim.state != "new":
        raise idempotency.refusal(claim)
    now = minute_after(tx.now)
    holds.check_wanted(wanted, now)
    last = await _lock_case(tx, wanted, caller)
    asked = asked_for([holds.wish_anywhere(wanted, last, now)])
    zone = await _look(tx, asked, wanted, last, caller)

    floor = await diary.lock(tx, asked)
    hold_id = tx.new_id()
    until = holds.until(wanted, tx.now)
    decide = partial(holds.held_hour, wanted, last)
    (hour,) = await diary.reserve(tx, floor, decide, {wanted.case_id: hold_id}, {wanted.case_id: until})
    made = holds.held(wanted, last, hour, hold_id, zone, until)
    await keep(tx, [made], [hour.weekly_limit], caller.by)
    kept = orjson.dumps({"hold_id": str(hold_id)})
    idempotency.record(tx, [(keyed.scope, keyed.key, keyed.body_hash, 201, kept)])
    return made


async def show(tx: Transaction, hold_id: UUID, caller: Caller) -> Hold:
    """How a hold of the caller's stands. Raises Refused."""
    return (await _find(tx, hold_id, caller)).at(tx.now)


async def confirm(tx: Transaction, hold_id: UUID, caller: Caller) -> Appointment:
    """The appointment that it is now; twice is once. Raises Refused, also where its hour was closed meanwhile."""
    held, fence = await _lock(tx, hold_id, caller)
    if held.state != "confirmed":
        holds.check_confirmable(held, fence, tx.now)
        if not (still := await still_open(tx, [held])):
            raise Refused("not_open", "This hour was closed meanwhile; another one can be held.")
        await repository.confirm(tx, still, caller.by)
        tx.emit(announcing.booked(holds.ended(one, "confirmed").appointment, tx, caller.by) for one in still)
    appointment = await appointments.find(tx, hold_id)
    assert appointment is not None  # just written, or by whoever confirmed it first
    return appointment


async def give_back(tx: Transaction, hold_id: UUID, caller: Caller) -> Hold:
    """Released; twice is once. Raises Refused."""
    held, _ = await _lock(tx, hold_id, caller)
    if held.state == "confirmed":
        raise Refused("already_confirmed", "This hour is booked; it can be cancelled.")
    if held.state == "held":
        over = held.at(tx.now).state == "released"
        await release(tx, [(held, EXPIRED if over else Change(caller.by, "given_back"))])
    return await _find(tx, hold_id, caller)


async def release(tx: Transaction, gone: Sequence[tuple[Hold, Change]]) -> None:
    """Frees the hours of these and says so. Their cases and all that they reserve must be locked."""
    await let_go(tx, gone)
    await tell_freed(tx, [held.appointment for held, _ in gone])


async def let_go(tx: Transaction, gone: Sequence[tuple[Hold, Change]]) -> None:
    """The same, but for what else is decided in this transaction and may take the hours again: `tell_freed` is said after it."""
    if gone:
        await repository.release(tx, gone)
        await may_have_risen(tx, [held.appointment.therapist_id for held, _ in gone])
        tx.emit(
            announcing.released(holds.ended(held, "released", change.reason).appointment, change, tx)
            for held, change in gone
        )


async def tell_freed(tx: Transaction, hours: Sequence[Appointment]) -> None:
    """Says which of these hours, which were given back or moved away from, can be had again: somebody may have been given one
    that had run out before its end was told, or have it from what was decided now, and it may be closed by now. All that they
    reserved must be locked."""
    free = await diary.left_free(tx, changes.ahead(hours, minute_after(tx.now)))
    if free:
        therapists, rooms = await _who_and_where(tx, free)
        tx.emit(announcing.freed([one for one in free if not holds.is_closed(one, therapists, rooms)], tx))


async def end_holds(dues: Sequence[Due], tx: Transaction) -> None:
    """Their time is up. One that was confirmed or given back meanwhile is left alone."""
    ids = [UUID(due.key) for due in dues]
    cases = {one.appointment.case_id for one in await repository.find(tx, ids) if one.state == "held"}
    for due in dues:
        tx.trace(due.body["case_id"], due.traceparent)
    await fences.lock(tx, cases)
    seen = await repository.live(tx, cases)
    await resources.lock(tx, {}, resources_of([one.appointment for one in seen]))
    over = [one for one in seen if one.id in ids and one.at(tx.now).state == "released"]
    await release(tx, [(one, EXPIRED) for one in over])


async def keep(tx: Transaction, made: Sequence[Hold], limits: Sequence[int], by: By) -> None:
    """Writes these down, promises their ends and says that they are kept; `limits` are those of their weeks, in parallel."""
    await repository.save(tx, made, by, limits)
    await tx.schedule([_end_of(one, tx) for one in made])
    tx.emit(announcing.held(one, by, tx) for one in made)


async def still_open(tx: Transaction, kept: Sequence[Hold]) -> list[Hold]:
    """Those of these whose hours nobody has closed since, as certain as they are by now. All they reserve must be locked:
    whoever closes an hour locks its therapist or its room."""
    if not kept:
        return []
    therapists, rooms = await _who_and_where(tx, [one.appointment for one in kept])
    return [still for one in kept if (still := holds.still_open(one, therapists, rooms))]


async def take_up(tx: Transaction, chosen: Sequence[Hold]) -> None:
    """Their people have chosen them: appointments from now on, and nothing was sought. All they reserve must be locked, and
    found whole and open since."""
    await repository.confirm(tx, chosen, "person")
    tx.emit(announcing.booked(holds.ended(one, "confirmed").appointment, tx, "person") for one in chosen)


async def _who_and_where(
    tx: Transaction, hours: Sequence[Appointment]
) -> tuple[dict[UUID, Therapist], dict[UUID, list[UUID]]]:
    """Their therapists, and the open rooms of their sites."""
    therapists = await roster.read(tx, {hour.therapist_id for hour in hours})
    return therapists, await places.open_rooms(tx, {hour.site_id for hour in hours if hour.site_id})


def _end_of(made: Hold, tx: Transaction) -> Due:
    case_id = str(made.case_id)
    return Due(ENDS, str(made.id), made.held_until, {"case_id": case_id}, tx.traceparent_of(case_id))


async def _find(tx: Transaction, hold_id: UUID, caller: Caller) -> Hold:
    (found,) = await repository.find(tx, [hold_id]) or (None,)
    changes.seen_by(caller, found.appointment if found else None)
    assert found is not None  # or it was refused
    return found


async def _lock(tx: Transaction, hold_id: UUID, caller: Caller) -> tuple[Hold, Fence]:
    seen = await _find(tx, hold_id, caller)
    case_id = seen.appointment.case_id
    fence = (await fences.lock(tx, [case_id]))[case_id]
    await resources.lock(tx, {}, resources_of([seen.appointment]))
    return await _find(tx, hold_id, caller), fence


async def _lock_case(tx: Transaction, wanted: Wanted, caller: Caller) -> Appointment:
    holds.check_site(caller, wanted)
    # Looked at before the lock, which makes a row for a case that nobody knows.
    if last := await appointments.last(tx, wanted.case_id):
        fence = (await fences.lock(tx, [wanted.case_id]))[wanted.case_id]
        last = await appointments.last(tx, wanted.case_id)
    else:
        fence = Fence()
    last = holds.check_case(last, fence, await repository.live(tx, [wanted.case_id]), caller, tx.now)
    return replace(last, version=await repository.last_version(tx, wanted.case_id, last.attempt))


async def _look(tx: Transaction, asked: Asked, wanted: Wanted, last: Appointment, caller: Caller) -> str:
    """The zone it will be told in, if it looks free: refused at once, before anybody is kept waiting."""
    floor = await diary.look(tx, asked)
    holds.check_therapist(caller, floor.therapists.get(wanted.therapist_id))
    zones = await places.zones(tx, asked.sites)
    zone = holds.zone_of(wanted, last, zones)
    holds.held_hour(wanted, last, await diary.read_board(tx, floor, locked=False))
    return zone


DUE_HANDLERS = {ENDS: end_holds}
