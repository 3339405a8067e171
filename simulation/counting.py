"""The figures of a run: what happened to the people of this run, counted from facts and from nothing else."""

from collections import Counter
from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from simulation import timing
from simulation.figures import Figures, Leftovers
from simulation.history import Findings, History, judge
from simulation.history.facts import Message
from simulation.history.messages import OPEN
from simulation.history.outcomes import acknowledged, hours_of, outcomes
from simulation.history.tasks import by_a_human, told_by_call

# Ways on which nobody says whether a message arrived: taken is all that is known, and counts as delivered.
WITHOUT_RECEIPTS = frozenset({"email", "whatsapp"})
MOVED_BY_THEMSELVES = ("appointment_rescheduled", "person")
DOUBLE_BOOKED = (
    "case_booked_twice",
    "appointments_overlap",
    "reservations_overlap",
    "appointment_incomplete",
)


def count(history: History, leftovers: Leftovers, *, people: int, now: datetime) -> tuple[Figures, Findings]:
    """The figures and the checker's findings. `people` is how many asked; `now` tells what may not be sent yet."""
    findings = judge(history)
    found = findings.counts
    parts = _cases(history) | _messages(history, now) | _bookings(history) | timing.figures(history)
    figures = Figures(
        people=people,
        **parts,
        events_skipped=leftovers.skipped,
        dead_letters=leftovers.dead_letters,
        outbox_left=leftovers.outbox,
        parked=leftovers.parked,
        waiting=leftovers.waiting,
        lost=found["lost"],
        duplicated=found["told_twice"] + found["request_repeated"],
        double_booked=sum(found[name] for name in DOUBLE_BOOKED),
        crisis_answers_without_lines=found["crisis_answer_without_lines"],
        checks=found,
    )
    return figures, findings


def why_waiting(message: Message, now: datetime) -> str:
    """Why a planned message has not gone out: its time has not come, or what notifications wrote down."""
    if message.reason:
        return message.reason
    if message.state == "calling":
        return "to_be_called"
    if message.state == "sent":
        return "no_receipt_yet"
    return f"{message.purpose}_not_due" if message.due_at > now else "due_now"


def _cases(history: History) -> dict[str, Any]:
    hours = hours_of(history)
    discharged = {case.case_id for case in history.cases if case.closed_by}
    held = sum("held" in outcomes(case, hours, history) for case in history.cases)
    return {
        "accepted": len(list(acknowledged(history))),
        "accepted_in_bulk": len({told.case_code for told in history.told if told.in_bulk and told.case_code}),
        "alarms": len(history.alarms),
        "alarms_closed": sum(alarm.state == "closed" for alarm in history.alarms),
        "tasks": len(history.tasks),
        "tasks_done": sum(map(by_a_human, history.tasks)),
        "waitlisted": len(history.waitlisted),
        "waitlist_reasons": _counted(c.reason for c in history.cases if c.case_id in history.waitlisted),
        "held_for_human": held,
        "agreed": history.agreed,
        "refused": sum(case.withdrawn and not case.closed_by for case in history.cases),
        "chosen": history.chosen,
        "offered": len(history.offered),
        "hours_kept": len(history.kept_hours),
        "hours_taken": sum(one.state == "confirmed" for one in history.kept_hours),
        "hours_let_go": sum(one.state == "released" for one in history.kept_hours),
        "given_back": len(hours.given_back - discharged),
        "came": len(hours.in_care),
        "missed": len(hours.missed),
        "discharged": len(discharged),
    }


def _messages(history: History, now: datetime) -> dict[str, Any]:
    states = Counter(_counts_as(message) for message in history.messages)
    waiting = [message for message in history.messages if _counts_as(message) == "waiting"]
    unknown = sum(m.state == "failed" and m.reason == "outcome_unknown" for m in history.messages)
    return {
        "messages_planned": len(history.messages),
        "messages_delivered": states["delivered"],
        "called": sum(told_by_call(message) for message in history.messages),
        "messages_skipped": states["skipped"],
        "messages_skipped_reasons": _counted(m.reason for m in history.messages if m.state == "skipped"),
        "messages_waiting": len(waiting),
        "messages_waiting_reasons": _counted(why_waiting(message, now) for message in waiting),
        "messages_failed": states["failed"] - unknown,
        "messages_unknown": unknown,
    }


def _counts_as(message: Message) -> str:
    if message.state == "sent":
        return "delivered" if message.channel in WITHOUT_RECEIPTS else "waiting"
    return "waiting" if message.state in OPEN else message.state


def _bookings(history: History) -> dict[str, Any]:
    live = history.own_appointments()
    would_only_come = _cases_of(history, history.would_only_come)
    switched = {one.case_id for one in live if one.lane != history.lanes.get(one.case_id, one.lane)}
    switched |= {one.case_id for one in live if one.lane == "online" and one.case_id in would_only_come}
    moved = {one.case_id for one in history.steps if (one.step, one.by) == MOVED_BY_THEMSELVES}
    return {
        "matched": len(history.matched),
        "moved": len(moved.intersection(one.case_id for one in live) - switched),
        "switched": len(switched),
        "booked_online": len({a.case_id for a in live if a.lane == "online"}),
        "booked_in_person": len({a.case_id for a in live if a.lane == "in_person"}),
        "partner_bookings_seen": len(history.bookings),
        "partner_bookings_expected": sum(a.organisation in history.partners for a in live),
    }


def _cases_of(history: History, people: Container[int]) -> set[UUID]:
    codes = {told.case_code for told in history.told if told.person in people}
    return {case.case_id for case in history.cases if case.case_code in codes}


def _counted(reasons: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(reason or "unsaid" for reason in reasons).most_common())
