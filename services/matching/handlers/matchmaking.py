"""Searches: a batch of cases gets one assignment, and everybody in it a match or a place on the waiting list."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.matching.domain.cases import (
    Case,
    load_changes,
    matched,
    not_matched,
    tries_left,
    waitlisted,
    waits_for,
)
from services.matching.domain.decisions import Decision, Found, decide
from services.matching.domain.policy import Policy
from services.matching.domain.requests import Request, Tried, tried
from services.matching.domain.vocabulary import lane_of
from services.matching.handlers.announcing import case_waitlisted, match_made
from services.matching.handlers.roster import Roster
from services.matching.repository import cases, explanations, therapists
from services.matching.repository.explanations import Explanation
from shared.contracts.base import Event
from shared.contracts.intake import CaseSubmitted, RequestForCare
from shared.contracts.scheduling import SlotNotFound
from shared.messaging import Due, Transaction


@dataclass(frozen=True, slots=True)
class Search:
    """One case that needs somebody. `text` is its request as JSON, where it has to be kept."""

    case: Case
    submitted: RequestForCare
    priority: int
    tried: Tried
    text: str | None = None
    known: bool = True


class Matchmaker:
    """Its methods are handlers."""

    def __init__(self, policy: Policy, roster: Roster) -> None:
        self._policy = policy
        self._roster = roster

    async def match_cases(self, events: Sequence[CaseSubmitted], tx: Transaction) -> None:
        """New cases, and held ones whose gate has opened; what came before changes nothing."""
        known = await cases.lock_cases(tx, [event.case_id for event in events])
        fresh = [event for event in events if _is_new(known.get(event.case_id))]
        alarms = await cases.alarm_priorities(tx, [event.case_id for event in fresh])
        searches = [begun(event, known.get(event.case_id), alarms) for event in fresh]
        await cases.save_cases(tx, [(s.case, s.text) for s in searches if s.submitted.gate != "open"])
        await self.search(tx, [search for search in searches if search.submitted.gate == "open"])

    async def match_again(self, events: Sequence[SlotNotFound], tx: Transaction) -> None:
        """Nobody who was asked has an hour: others are, as often as the policy allows, then the case waits."""
        known = await cases.lock_cases(tx, [event.case_id for event in events])
        failed = [
            known[event.case_id]
            for event in events
            if event.case_id in known and waits_for(known[event.case_id], event.match_id)
        ]
        searches = await _resumed(tx, failed)
        await self.search(tx, [s for s in searches if tries_left(s.case, self._policy)])
        await self._give_up(tx, [s for s in searches if not tries_left(s.case, self._policy)])

    async def review_waiting(self, dues: Sequence[Due], tx: Transaction) -> None:
        """Whoever is still on the list on the promised day is looked at again, with all therapists."""
        known = await cases.lock_cases(tx, [UUID(due.key) for due in dues])
        await self.search(tx, await _resumed(tx, [c for c in known.values() if c.state == "waitlisted"]))

    async def search(self, tx: Transaction, searches: Sequence[Search]) -> list[Case]:
        """One assignment for all of them, saved and said; returns how they stand after it."""
        if not searches:
            return []
        directory, capacity = await self._roster.look(tx)
        requests = [_request(search) for search in searches]
        decisions = await asyncio.to_thread(decide, requests, directory, capacity, self._policy)
        by_case = {search.case.case_id: search for search in searches}
        ended = [(by_case[one.request.case_id], one) for one in decisions]
        saved = [(search, one, self._after(search, one, tx)) for search, one in ended]
        await self._save(tx, saved)
        return [after for *_, after in saved]

    async def _give_up(self, tx: Transaction, searches: Sequence[Search]) -> None:
        after = [waitlisted(s.case, "no_hour", s.priority, self._policy, tx.now) for s in searches]
        pairs = list(zip(searches, after, strict=True))
        await therapists.move_loads(tx, load_changes((s.case, case) for s, case in pairs))
        await cases.save_cases(tx, [(case, None) for case in after])
        await _promise_reviews(tx, after)
        tx.emit(case_waitlisted(case, s.submitted, tx) for s, case in pairs)

    async def _save(self, tx: Transaction, ended: Sequence[tuple[Search, Decision, Case]]) -> None:
        changes = load_changes((s.case if s.known else None, after) for s, _, after in ended)
        await therapists.move_loads(tx, changes)
        await cases.save_cases(tx, [(after, search.text) for search, _, after in ended])
        why = [_explanation(decision, after) for _, decision, after in ended]
        await explanations.save_explanations(tx, why, self._policy.version)
        await _promise_reviews(tx, [after for *_, after in ended])
        tx.emit(self._said(search, decision, after, tx) for search, decision, after in ended)

    def _after(self, search: Search, decision: Decision, tx: Transaction) -> Case:
        outcome = decision.outcome
        if isinstance(outcome, Found):
            first = outcome.offers[0].therapist_id
            return matched(search.case, tx.new_id(), lane_of(outcome.modality), first)
        return not_matched(search.case, outcome, search.priority, self._policy, tx.now)

    def _said(self, search: Search, decision: Decision, after: Case, tx: Transaction) -> Event:
        if isinstance(decision.outcome, Found):
            return match_made(after, search.submitted, decision.outcome, search.priority, self._policy, tx)
        return case_waitlisted(after, search.submitted, tx)


def _is_new(case: Case | None) -> bool:
    return case is None or (case.state == "held" and not case.request_version)


def begun(event: RequestForCare, known: Case | None, alarms: Mapping[UUID, int]) -> Search:
    """A search with a request that has to be kept. `alarms` are priorities by case."""
    case = known or Case(event.case_id, event.person_id, "held")
    priority = max(event.priority, alarms.get(event.case_id, 0))
    return Search(case, event, priority, {}, event.model_dump_json(), known is not None)


async def _resumed(tx: Transaction, found: Sequence[Case]) -> list[Search]:
    asked = await cases.requests_of(tx, [case.case_id for case in found])
    before = await explanations.asked_before(tx, [(case.case_id, case.tries_from) for case in found])
    searches = []
    for case in found:
        submitted = RequestForCare.model_validate_json(asked[case.case_id].request)
        priority = max(submitted.priority, asked[case.case_id].alarm_priority or 0)
        searches.append(Search(case, submitted, priority, tried(before.get(case.case_id, ()))))
    return searches


def _request(search: Search) -> Request:
    asked = search.submitted
    return Request(
        case_id=asked.case_id,
        priority=search.priority,
        submitted_at=asked.submitted_at,
        modalities=asked.modalities,
        languages=asked.languages,
        problem_areas=asked.problem_areas,
        age_band=asked.age_band,
        step=asked.step,
        max_fee=asked.max_fee,
        city=asked.city,
        radius_km=asked.radius_km,
        tried=search.tried,
    )


def _explanation(decision: Decision, case: Case) -> Explanation:
    outcome = decision.outcome
    if isinstance(outcome, Found):
        who = tuple(offer.therapist_id for offer in outcome.offers)
        match = (case.match_id, outcome.modality, case.lane)
        return Explanation(case.case_id, case.attempt, *match, who, None, decision.explained)
    return Explanation(case.case_id, case.attempt, None, None, None, (), outcome, decision.explained)


async def _promise_reviews(tx: Transaction, after: Sequence[Case]) -> None:
    """A date that a person is told is a row that comes due on it."""
    await tx.schedule(
        [
            Due("review", key, case.next_review, traceparent=tx.traceparent_of(key))
            for case in after
            if case.next_review and (key := str(case.case_id))
        ]
    )
