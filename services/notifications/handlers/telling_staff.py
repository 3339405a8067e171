"""Kafka in: therapists and the desks of sites learn that an hour with them is booked, moved or cancelled; and the sender's
transactions: what is gathered, and what became of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain import staff
from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome, settle
from services.notifications.domain.staff import Fact, Hour, Purpose, StaffRules
from services.notifications.repository import staff as repository
from services.notifications.repository import staff_messages
from services.notifications.repository.staff_messages import DueNews, StaffFate, StaffMessage
from shared.contracts.scheduling import (
    Appointment,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
)
from shared.messaging import Transaction


class StaffNews:
    """Notes what staff are to be told, for those with a telephone; `numbers` are the ids of those who have one."""

    def __init__(self, numbers: Collection[UUID], rules: StaffRules) -> None:
        self._numbers = frozenset(numbers)
        self._rules = rules

    async def note_bookings(self, events: Sequence[AppointmentBooked], tx: Transaction) -> None:
        """Told soon, gathered with what else is booked until then."""
        facts = [_fact("new_booking", event) for event in events]
        await repository.note(tx, staff.note(facts, self._numbers, self._rules, tx.now))

    async def note_changes(
        self, events: Sequence[AppointmentRescheduled | AppointmentCancelled], tx: Transaction
    ) -> None:
        """Told soon, unless it is the therapist who did it, or whoever is to be told was not told of the hour
        yet. A desk whose site it leaves hears that, and one whose site it comes to hears of a new one."""
        facts = [_fact("changed_booking", event) for event in events]
        holders = await repository.holders(tx, facts)
        await repository.note_changes(tx, staff.note(facts, self._numbers, self._rules, tx.now, holders))


async def claim_staff_messages(
    tx: Transaction, limit: int, lease_seconds: float, numbers: Collection[UUID], rules: StaffRules
) -> dict[StaffMessage, list[Hour]]:
    """Gathers what is due and takes what is to be sent; returns the hours that each message tells of, as they stand now. What
    can wait for the morning is put off till then, however late it is looked at."""
    await _gather(tx, await staff_messages.due(tx, limit), rules)
    claimed = await staff_messages.claim(tx, limit, lease_seconds)
    # Whether a change is told hangs on what became of the booking.
    bookings = await _true(tx, [one for one in claimed if one.purpose == "new_booking"])
    true = bookings | await _true(tx, [one for one in claimed if one.purpose != "new_booking"])
    told = {one: hours for one, hours in true.items() if hours and one.recipient_id in numbers}
    resting = {one: until for one, hours in told.items() if (until := _rests(hours, tx.now, rules))}
    await staff_messages.settle(
        tx,
        [_skipped(one, hours) for one, hours in true.items() if one not in told]
        + [_put_off(one, until) for one, until in resting.items()],
    )
    return {one: hours for one, hours in told.items() if one not in resting}


async def record_staff_messages(
    tx: Transaction, answers: Mapping[StaffMessage, Outcome]
) -> Mapping[str, int]:
    """What the gateway answered; one that was not taken is tried again under its own id. Returns how many are in which
    state."""
    fates = [_fate(message, outcome, tx.now) for message, outcome in answers.items()]
    await staff_messages.settle(tx, fates)
    return Counter(fate.state for fate in fates)


async def _true(tx: Transaction, messages: Sequence[StaffMessage]) -> dict[StaffMessage, list[Hour]]:
    """The hours that each of these tells of and that are to be told still; the others are dropped."""
    if not messages:
        return {}
    standing = await staff_messages.hours(tx, [one.id for one in messages])
    untrue = {
        (message.id, hour): reason
        for message in messages
        for hour in standing[message.id]
        if (reason := staff.untrue(message.purpose, hour, tx.now, message.may_have_left))
    }
    await staff_messages.drop(
        tx, [(message_id, hour, reason) for (message_id, hour), reason in untrue.items()]
    )
    return {
        message: [hour for hour in standing[message.id] if (message.id, hour) not in untrue]
        for message in messages
    }


async def _gather(tx: Transaction, news: Sequence[DueNews], rules: StaffRules) -> None:
    """One message of a kind to each recipient, of what does not wait for the morning."""
    resting = {
        one: until for one in news if (until := staff.rests_until([one.start, one.near], tx.now, rules))
    }
    await staff_messages.put_off(tx, resting)
    together: dict[tuple[UUID, str], list[DueNews]] = defaultdict(list)
    for one in news:
        if one not in resting:
            together[one.recipient_id, one.purpose].append(one)
    messages = {StaffMessage(tx.new_id(), *kind): gathered for kind, gathered in together.items()}
    await staff_messages.gather(tx, messages)


def _rests(hours: Sequence[Hour], now: datetime, rules: StaffRules) -> datetime | None:
    return staff.rests_until([at for hour in hours for at in (hour.start, hour.near)], now, rules)


def _skipped(message: StaffMessage, hours: Sequence[Hour]) -> StaffFate:
    """Nothing of it is true any more, or their number is not there any more."""
    return StaffFate(message.id, "skipped", message.tries, "no_number" if hours else "superseded")


def _put_off(message: StaffMessage, until: datetime) -> StaffFate:
    """It is night: not a try, and whether an earlier one has arrived is known no better."""
    left = message.may_have_left
    return StaffFate(message.id, "sending", message.tries, "night", next_at=until, may_have_left=left)


def _fate(message: StaffMessage, outcome: Outcome, now: datetime) -> StaffFate:
    tries = message.tries + 1
    settled = settle(outcome, "sms", message.purpose, tries, now)
    if isinstance(outcome, Accepted):
        return StaffFate(message.id, "sent", tries, gateway_id=outcome.gateway_id)
    state = "failed" if settled.state == "failed" else "sending"
    left = message.may_have_left or not isinstance(outcome, NotTaken)
    return StaffFate(message.id, state, tries, settled.reason, next_at=settled.due_at, may_have_left=left)


def _fact(purpose: Purpose, event: Appointment) -> Fact:
    return Fact(
        purpose,
        event.case_id,
        event.appointment_id,
        event.version,
        event.therapist_id,
        event.site_id if event.modality == "in_person" else None,
        event.start,
        event.by,
        event.previous_start if isinstance(event, AppointmentRescheduled) else None,
        isinstance(event, AppointmentCancelled),
    )
