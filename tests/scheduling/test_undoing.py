"""A slip is taken back: soon, by whoever saw it, and only while nothing else was built on it."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from services.scheduling.domain.appointments import Appointment, State
from services.scheduling.domain.attendance import UNDONE, Taken, undone
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.holds import Wanted
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import attending, holding
from shared.contracts.scheduling import AppointmentArrived, AppointmentCorrected, AppointmentNoShow
from shared.messaging import Transaction
from shared.web.idempotency import KeyedRequest
from tests.scheduling import world
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_attendance import AN_HOUR, TUESDAY, at_its_start, take
from tests.scheduling.test_changing import COORDINATOR, DESK, refusal

AN_HOUR_LONG = timedelta(hours=1)


@pytest.mark.parametrize("state", get_args(State))
def test_what_somebody_else_may_have_acted_on_is_not_taken_back(state: State) -> None:
    hour, last = replace(AN_HOUR, state=state), Taken(NOW, "to_be_confirmed")
    if state in UNDONE:
        after = undone(hour, last, 3, NOW + AN_HOUR_LONG, AN_HOUR_LONG)
        assert after == replace(hour, state="booked", why="to_be_confirmed", version=4)
        return
    with pytest.raises(Refused) as refused:
        undone(hour, last, 3, NOW, AN_HOUR_LONG)
    assert refused.value.code == ("nothing_to_undo" if state == "booked" else f"already_{state}")


@pytest.mark.parametrize(
    ("seen", "later", "code"),
    [
        (None, timedelta(0), "version_missing"),
        (2, timedelta(0), "stale_version"),
        (3, AN_HOUR_LONG + timedelta(seconds=1), "too_late"),
    ],
)
def test_a_slip_is_taken_back_by_whoever_has_seen_it_and_not_for_ever(
    seen: int | None, later: timedelta, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        undone(replace(AN_HOUR, state="no_show"), Taken(NOW), seen, NOW + later, AN_HOUR_LONG)
    assert refused.value.code == code


async def undo(store: Store, hour: object, who: Caller = DESK, seen: int | None = 2) -> Appointment:
    async with store.transaction() as tx:
        return await attending.undo(tx, hour.appointment_id, who, seen, AN_HOUR_LONG)  # type: ignore[attr-defined]


async def test_taken_back_the_hour_stands_as_before_and_everybody_is_told(store: Store) -> None:
    hour, _ = await at_its_start(store)
    before = await store.rows("SELECT * FROM scheduling.reservations ORDER BY resource_id")
    await take(store, hour, "no_show", COORDINATOR)
    store.now += timedelta(minutes=40)
    after = await undo(store, hour)
    assert (after.state, after.version, after.start) == ("booked", 3, minute_of(hour.start))
    (said,) = await store.said(AppointmentCorrected)
    same = hour.model_dump(exclude={"version", "by", "changed_at"})
    assert same.items() <= said.model_dump().items()
    assert (said.version, said.by, said.mistaken) == (3, "clinic", "no_show")
    assert await store.rows("SELECT * FROM scheduling.reservations ORDER BY resource_id") == before
    (step,) = await store.rows("SELECT detail FROM scheduling.journey WHERE step = 'appointment_corrected'")
    assert step["detail"] == "by clinic"
    assert (await take(store, hour, "arrive", seen=3)).state == "arrived"
    assert (await undo(store, hour, seen=4)).version == 5
    assert [one.mistaken for one in await store.said(AppointmentCorrected)] == ["no_show", "arrived"]


async def test_an_hour_that_was_provisional_before_somebody_arrived_by_mistake_is_so_again(
    store: Store,
) -> None:
    hour, _ = await at_its_start(store)
    await store.admin.execute("UPDATE scheduling.appointments SET certainty = 'provisional'")
    await take(store, hour, "arrive")
    (came,) = await store.said(AppointmentArrived)
    assert came.certainty == "firm"
    assert (await undo(store, hour)).certainty == "provisional"


async def test_after_its_time_it_stays_as_it_was_said(store: Store) -> None:
    hour, _ = await at_its_start(store)
    await take(store, hour, "no_show")
    store.now += AN_HOUR_LONG + timedelta(minutes=1)
    assert (await refusal(store, undo(store, hour))).code == "too_late"


async def test_staff_of_others_find_nothing_to_take_back(store: Store) -> None:
    hour, _ = await at_its_start(store)
    await take(store, hour, "no_show")
    foreign = Caller("clinic_desk", "desk-2", organisation="humqadam-network")
    assert (await refusal(store, undo(store, hour, foreign))).code == "not_found"


async def test_a_case_that_has_another_hour_by_now_gets_the_missed_one_not_back(store: Store) -> None:
    hour, _ = await at_its_start(store)
    await take(store, hour, "no_show")
    therapist = await world.add_therapist(store)
    changes = {"case_id": hour.case_id, "attendees": hour.attendees, "earliest": TUESDAY}
    await store.hear(world.match(therapist, attempt=2, **changes))
    assert (await refusal(store, undo(store, hour))).code == "case_moved_on"


async def test_nor_while_another_hour_is_held_for_it(store: Store) -> None:
    hour, _ = await at_its_start(store)
    await take(store, hour, "no_show")
    wanted = Wanted(hour.case_id, await world.add_therapist(store), minute_of(TUESDAY), "video", None, 30)
    async with store.transaction() as tx:
        await holding.hold(tx, wanted, COORDINATOR, keyed(tx))
    assert (await refusal(store, undo(store, hour))).code == "already_booked"
    store.now += timedelta(minutes=31)  # nobody took it
    assert (await undo(store, hour)).state == "booked"


async def test_a_case_that_was_taken_back_meanwhile_stays_so(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    (hour,) = await store.rows("SELECT appointment_id, starts_at FROM scheduling.appointments")
    store.now = hour["starts_at"]
    async with store.transaction() as tx:
        await attending.take_step(tx, hour["appointment_id"], COORDINATOR, "no_show", 1)
    await store.hear(world.withdrawal(made))
    (missed,) = await store.said(AppointmentNoShow)
    assert (await refusal(store, undo(store, missed))).code == "case_moved_on"


def keyed(tx: Transaction) -> KeyedRequest:
    return KeyedRequest("POST /v1/holds", str(tx.new_id()), b"0" * 32)
