"""Kafka in for the pager: an alarm is paged until a named human has it. Nothing of it is told on another topic."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.domain.outcomes import Accepted, Outcome
from services.notifications.domain.paging import PagingRules, retry_seconds
from services.notifications.repository import paging
from services.notifications.repository.paging import NextPage, Page
from shared.contracts.intake import (
    AlarmAcknowledged,
    AlarmClosed,
    AlarmEscalated,
    AlarmHandedOver,
    AlarmLevelChanged,
    AlarmRaised,
)
from shared.messaging import Transaction


async def page_alarms(events: Sequence[AlarmRaised], tx: Transaction) -> None:
    """Due at once; an alarm that was acknowledged before we heard of it stays quiet."""
    await paging.raise_alarms(tx, [(event.alarm_id, event.level) for event in events])


async def hear_acknowledgements(events: Sequence[AlarmAcknowledged], tx: Transaction) -> None:
    """Somebody has it: no more pages."""
    await paging.quieten(tx, [(event.alarm_id, event.acknowledged_at) for event in events], "acknowledged")


async def hear_closures(events: Sequence[AlarmClosed], tx: Transaction) -> None:
    """Somebody has closed it: no more pages."""
    await paging.quieten(tx, [(event.alarm_id, event.closed_at) for event in events], "closed")


async def follow_handovers(events: Sequence[AlarmHandedOver], tx: Transaction) -> None:
    """The colleague is paged until somebody has it; who took it over from another has said so by it."""
    taken = [(one.alarm_id, one.handed_over_at) for one in events if one.staff_id == one.to_staff_id]
    given = [one for one in events if one.staff_id != one.to_staff_id]
    await paging.quieten(tx, taken, "acknowledged")
    await paging.ask(tx, [(one.alarm_id, one.to_staff_id, one.handed_over_at) for one in given])


async def follow_escalations(events: Sequence[AlarmEscalated], tx: Transaction) -> None:
    """The next on the rota is paged in the place of a colleague who has not confirmed, and besides the desk while nobody
    has the alarm; the desk where nobody is on."""
    given = [one for one in events if one.missing == "confirmation"]
    untaken = [one for one in events if one.missing == "acknowledgement"]
    await paging.ask(tx, [(one.alarm_id, one.to_staff_id, one.escalated_at) for one in given])
    if untaken:
        await paging.raise_alarms(tx, [(one.alarm_id, one.level) for one in untaken])
    await paging.ask_besides(tx, [(one.alarm_id, one.to_staff_id, one.escalated_at) for one in untaken])


async def follow_levels(events: Sequence[AlarmLevelChanged], tx: Transaction) -> None:
    """Paged at the pace of the new level, and at once when it is graver and nobody has it. A level never quietens."""
    await paging.change_levels(tx, [(event.alarm_id, event.level) for event in events])


async def record_pages(tx: Transaction, answers: Sequence[tuple[Page, Outcome]], rules: PagingRules) -> None:
    """A page that was taken comes again under a new id unless somebody acknowledges; one that was not taken
    comes again soon under its own."""
    taken = [page for page, outcome in answers if isinstance(outcome, Accepted)]
    failed = [page for page, outcome in answers if not isinstance(outcome, Accepted)]
    await paging.keep_pages(tx, taken)
    again = [
        _next(page, tx.new_id(), tx.now + timedelta(minutes=rules.wait_minutes(page.level, page.to)), 0)
        for page in taken
    ]
    soon = [
        _next(page, page.page_id, tx.now + timedelta(seconds=retry_seconds(page.tries)), page.tries + 1)
        for page in failed
    ]
    await paging.plan_next(tx, again + soon)


def _next(page: Page, page_id: UUID, at: datetime, tries: int) -> NextPage:
    return NextPage(page.alarm_id, page.page_id, page_id, at, tries)
