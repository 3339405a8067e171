"""Requests that change: what is under way for them ends, and they are searched again where that helps."""

from collections.abc import Sequence
from dataclasses import replace

from services.matching.domain.cases import Case, Change, is_newer, may_have_hours, on_change, put_down
from services.matching.handlers.announcing import match_withdrawn, offer_left_behind
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.searches import begun
from services.matching.handlers.standing import end_offers, look_after_the_booked, settle
from services.matching.repository import cases
from shared.contracts.intake import CaseUpdated, RequestForCare
from shared.messaging import Transaction

# What says nothing about who would fit: two requests that differ in no other field ask for the same.
NOT_WISHES = {"gate", "alarm_open", "request_version", "updated_at", "resumed_after"}

# Where scheduling is asked for an hour, to be booked or kept: such an attempt withdraws all lower ones.
ASKED = ("offered", "matched")
# What tells the person by itself that they have nothing to choose from the offer before.
REPLACED = ("offered", "waitlisted")

Changed = tuple[CaseUpdated, Case, Change]


class ChangeDesk:
    """Its method is a handler."""

    def __init__(self, matchmaker: Matchmaker) -> None:
        self._matchmaker = matchmaker

    async def follow_changes(self, events: Sequence[CaseUpdated], tx: Transaction) -> None:
        """The latest request counts; whatever was found for an older one and is not booked yet is taken back.

        An hour that was taken while the change was under way goes with its attempt: it was sought for wishes that
        are no more. One that matching has heard of stays, and the request is only kept. `submitted_at` is that of
        the first request, so that nobody loses their place by saying more.
        """
        changed = await _what_changes(events, tx)
        await cases.save_cases(
            tx, [(_now_asks(event, case), event.model_dump_json()) for event, case, _ in changed]
        )
        begin_anew = [(event, _now_asks(event, case)) for event, case, change in changed if change != "keep"]
        idle = await _put_down(tx, [case for _, case in begin_anew])
        alarms = await cases.alarm_priorities(tx, [case.case_id for case in idle])
        searches = [
            begun(event, case, alarms)
            for (event, _), case in zip(begin_anew, idle, strict=True)
            if event.gate == "open"
        ]
        found = {case.case_id: case for case in await self._matchmaker.search(tx, searches)}
        after = {case.case_id: found.get(case.case_id, case) for case in idle}
        # When its cancellation is heard of, an hour that was put down is history.
        await look_after_the_booked(
            tx, [(case, put_down(case)) for _, case in begin_anew if case.state == "booked"]
        )
        tx.emit(
            offer_left_behind(case, event, tx)
            for event, case in begin_anew
            if case.state == "offered" and after[case.case_id].state not in REPLACED
        )
        # A higher match withdraws the lower one by itself; without one scheduling has to be told. After a cancelled hour
        # too: staff could have another one held for that attempt, of which nobody who waits on the list would be told.
        tx.emit(
            match_withdrawn(case, "request_changed", tx)
            for _, case in begin_anew
            if may_have_hours(case) and after[case.case_id].state not in ASKED
        )


async def _what_changes(events: Sequence[CaseUpdated], tx: Transaction) -> list[Changed]:
    """What each request that is newer than the known one means; of a case never heard of it is the first."""
    known = await cases.lock_cases(tx, [event.case_id for event in events])
    before = {e.case_id: known.get(e.case_id) or Case(e.case_id, e.person_id, "held") for e in events}
    newer = [event for event in events if is_newer(before[event.case_id], event.request_version)]
    asked = await cases.requests_of(tx, [event.case_id for event in newer if event.case_id in known])
    changed = []
    for event in newer:
        earlier = asked.get(event.case_id)
        differ = earlier is None or _wishes(event) != _wishes(
            RequestForCare.model_validate_json(earlier.request)
        )
        case = before[event.case_id]
        changed.append(
            (
                event,
                case,
                on_change(
                    case,
                    gate_is_open=event.gate == "open",
                    wishes_differ=differ,
                    resumed_after=event.resumed_after,
                ),
            )
        )
    return changed


async def _put_down(tx: Transaction, begin_anew: Sequence[Case]) -> list[Case]:
    """Ends what is under way, so that the search finds their own therapist's place free again."""
    idle = [put_down(case) for case in begin_anew]
    await settle(tx, [(case, after) for case, after in zip(begin_anew, idle, strict=True) if after != case])
    await end_offers(tx, begin_anew, "superseded")
    return idle


def _now_asks(event: CaseUpdated, case: Case) -> Case:
    return replace(case, request_version=event.request_version)


def _wishes(request: RequestForCare) -> dict[str, object]:
    return request.model_dump(exclude=NOT_WISHES)
