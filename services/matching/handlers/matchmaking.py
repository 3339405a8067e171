"""Searches: a batch of cases gets one assignment, and everybody in it a match or a place on the waiting list."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.matching.domain.capacity import Capacity
from services.matching.domain.cases import (
    Case,
    load_changes,
    matched,
    not_matched,
    offered,
    tries_left,
    waitlisted,
    waits_for,
)
from services.matching.domain.decisions import Decision, Found, decide
from services.matching.domain.directory import Directory
from services.matching.domain.offers import Choice, Offered, narrowed
from services.matching.domain.policy import Policy
from services.matching.domain.requests import Request
from services.matching.domain.showing import within_km
from services.matching.domain.vocabulary import Reason, lane_of
from services.matching.handlers.announcing import (
    Known,
    case_waitlisted,
    hour_to_keep,
    match_made,
    match_offered,
)
from services.matching.handlers.meanwhile import offer_meanwhile
from services.matching.handlers.roster import Roster
from services.matching.handlers.searches import Search, begun, request_of, resumed
from services.matching.repository import cases, explanations, offers, therapists, waitlist
from services.matching.repository.explanations import Explanation
from shared.contracts.base import Event
from shared.contracts.intake import CaseSubmitted, RequestForCare
from shared.contracts.scheduling import SlotNotFound
from shared.messaging import Due, Transaction


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a search: the case after it, and the offer where its person wishes to choose."""

    search: Search
    explained: dict[str, Any]
    case: Case
    outcome: Found | Reason
    offer: Offered | None = None


Keep = Callable[[Sequence[Ended]], Sequence[Ended]]


class Matchmaker:
    """Its methods are handlers."""

    def __init__(self, policy: Policy, roster: Roster) -> None:
        self.policy = policy
        self.roster = roster

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
        searches = await resumed(tx, failed)
        await self.search(tx, [s for s in searches if tries_left(s.case, self.policy)])
        await self.give_up(tx, [s for s in searches if not tries_left(s.case, self.policy)], "no_hour")

    async def review_waiting(self, dues: Sequence[Due], tx: Transaction) -> None:
        """Whoever is still on the list on the promised day is looked at again, with all therapists."""
        known = await cases.lock_cases(tx, [UUID(due.key) for due in dues])
        await self.search(tx, await resumed(tx, [c for c in known.values() if c.state == "waitlisted"]))

    async def search(
        self, tx: Transaction, searches: Sequence[Search], *, only_found: bool = False
    ) -> list[Case]:
        """One assignment for all of them, saved and said; returns how they stand after it.

        With `only_found` whoever finds nobody stays as they are, and is not among those returned.
        """
        if not searches:
            return []
        ended = await self._decide(tx, searches, *await self.roster.look(tx))
        if only_found:
            ended = [one for one in ended if isinstance(one.outcome, Found)]
        await self._save(tx, ended)
        return [one.case for one in ended]

    async def search_among(
        self,
        tx: Transaction,
        searches: Sequence[Search],
        directory: Directory,
        capacity: Capacity,
        keep: Keep,
    ) -> None:
        """The same with nobody to be found but whom `capacity` has free. Only what `keep` keeps is saved and said:
        everybody else stays as they are."""
        if searches:
            await self._save(tx, keep(await self._decide(tx, searches, directory, capacity)))

    async def _decide(
        self, tx: Transaction, searches: Sequence[Search], directory: Directory, capacity: Capacity
    ) -> list[Ended]:
        requests = [self._aged(search, tx.now) for search in searches]
        decisions = await asyncio.to_thread(decide, requests, directory, capacity, self.policy)
        by_case = {search.case.case_id: search for search in searches}
        return [self._ended(by_case[one.request.case_id], one, tx) for one in decisions]

    def _aged(self, search: Search, now: datetime) -> Request:
        request = request_of(search)
        waited = now - request.submitted_at
        return replace(request, raised=self.policy.waiting.ageing.raised(request.priority, waited))

    async def give_up(self, tx: Transaction, searches: Sequence[Search], reason: Reason) -> None:
        """Nobody is searched for now: the cases wait, and are told why."""
        after = [waitlisted(s.case, reason, s.priority, self.policy, tx.now) for s in searches]
        pairs = list(zip(searches, after, strict=True))
        await therapists.move_loads(tx, load_changes((s.case, case) for s, case in pairs))
        await cases.save_cases(tx, [(case, None) for case in after])
        await _promise_reviews(tx, after, self.policy.waiting.rest)
        tx.emit(case_waitlisted(case, s.submitted, tx) for s, case in pairs)
        told = [(case, s.submitted, s.priority) for s, case in pairs]
        await offer_meanwhile(tx, self.policy.alternatives, told)

    async def _save(self, tx: Transaction, ended: Sequence[Ended]) -> None:
        changes = load_changes((one.search.case if one.search.known else None, one.case) for one in ended)
        await therapists.move_loads(tx, changes)
        await cases.save_cases(tx, [(one.case, one.search.text) for one in ended])
        made = [one.offer for one in ended if one.offer]
        await offers.put_offers(tx, made)
        await explanations.save_explanations(tx, [_explanation(one) for one in ended], self.policy.version)
        await _promise_reviews(tx, [one.case for one in ended], self.policy.waiting.rest)
        await _promise_ends(tx, made)
        tx.emit(event for one in ended for event in self._said(one, tx))
        told = [(one.case, one.search.submitted, one.search.priority) for one in ended]
        await offer_meanwhile(tx, self.policy.alternatives, told)

    def _ended(self, search: Search, decision: Decision, tx: Transaction) -> Ended:
        outcome, case = decision.outcome, search.case
        if not isinstance(outcome, Found):
            reason: Reason = "no_other" if outcome == "no_hour" and search.declined else outcome
            waits = not_matched(case, reason, search.priority, self.policy, tx.now)
            return Ended(search, decision.explained, waits, reason)
        lane = lane_of(outcome.modality)
        if search.chooses:
            match_id = tx.new_reference()  # it stands in the address of the offer
            outcome = narrowed(outcome, self.policy.waiting.choices)
            waits = offered(case, match_id, lane, _pays_less_to(outcome))
            return Ended(search, decision.explained, waits, outcome, self._offer(waits, outcome, search, tx))
        first = outcome.offers[0].therapist_id
        found = matched(case, tx.new_id(), lane, first, _pays_less_to(outcome))
        return Ended(search, decision.explained, found, outcome)

    def _offer(self, case: Case, found: Found, search: Search, tx: Transaction) -> Offered:
        assert case.match_id is not None
        return Offered(
            match_id=case.match_id,
            case_id=case.case_id,
            attempt=case.attempt,
            request_version=case.request_version,
            modality=found.modality,
            choices=tuple(Choice(tx.new_reference(), one.therapist_id, one.sites) for one in found.offers),
            offered_at=tx.now,
            expires_at=tx.now + self.policy.waiting.time_to_choose(search.priority),
        )

    def _said(self, one: Ended, tx: Transaction) -> list[Event]:
        search, outcome = one.search, one.outcome
        if not isinstance(outcome, Found):
            return [case_waitlisted(one.case, search.submitted, tx)]
        made = match_made(one.case, search.submitted, outcome, search.priority, self.policy, tx)
        if one.offer is None:
            return [made]
        offer = match_offered(one.offer, search.submitted, self._known(one.offer, search.submitted))
        until = tx.now + self.policy.waiting.time_kept(search.priority)
        # Who waited is asked in their turn: were it the last hour of a week, it is theirs before it is anybody's.
        return [offer, hour_to_keep(made, until, last_too=search.case.state == "waitlisted")]

    def _known(self, offer: Offered, submitted: RequestForCare) -> dict[UUID, Known]:
        profiles = self.roster.described(one.therapist_id for one in offer.choices)
        sites = {one.therapist_id: self.roster.points(one.sites) for one in offer.choices}
        waiting, cities = self.policy.waiting, self.roster.cities
        return {
            one: Known(profile, within_km(submitted.city, sites[one], cities, waiting))
            for one, profile in profiles.items()
        }


def _pays_less_to(found: Found) -> tuple[UUID, ...]:
    return tuple(one.therapist_id for one in found.offers if one.at_sliding_fee)


def _is_new(case: Case | None) -> bool:
    return case is None or (case.state == "held" and not case.request_version)


def _explanation(one: Ended) -> Explanation:
    case, outcome = one.case, one.outcome
    if isinstance(outcome, Found):
        who = tuple(offer.therapist_id for offer in outcome.offers)
        match = (case.match_id, outcome.modality, case.lane)
        return Explanation(case.case_id, case.attempt, *match, who, None, one.explained)
    return Explanation(case.case_id, case.attempt, None, None, None, (), outcome, one.explained)


def rest_of(case: Case) -> str:
    """The key of the end of its rest. Each has its own: whoever works off an earlier one waits for the case, which we have."""
    return f"{case.case_id} {case.attempt}"


async def _promise_reviews(tx: Transaction, after: Sequence[Case], rest: timedelta) -> None:
    """A date that a person is told is a row that comes due on it. For whoever had no hour one more comes at the end of
    their rest, which tells from where to look for room that appeared in it."""
    promised = [
        Due("review", key, case.next_review, traceparent=tx.traceparent_of(key))
        for case in after
        if case.next_review and (key := str(case.case_id))
    ]
    resting = [case for case in after if case.reason == "no_hour"]
    seen = {"seen": await waitlist.look(tx)} if resting else {}
    ends = [
        Due("rested", rest_of(case), tx.now + rest, seen, tx.traceparent_of(str(case.case_id)))
        for case in resting
    ]
    await tx.schedule([*promised, *ends])


async def _promise_ends(tx: Transaction, made: Sequence[Offered]) -> None:
    """The end of an offer comes by itself. Whoever decides before leaves the row: taking it back under the case's lock
    would wait for the one who has it and waits for the case."""
    await tx.schedule(
        [
            Due("offer", str(one.match_id), one.expires_at, {"case_id": case}, tx.traceparent_of(case))
            for one in made
            if (case := str(one.case_id))
        ]
    )
