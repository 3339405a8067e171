"""People choose from their offers, or do not: every way an offer ends is decided under the lock of its case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from services.matching.domain.cases import Case, chosen, tries_left
from services.matching.domain.offers import (
    Choice,
    DeclineReason,
    KeptHour,
    Offered,
    OfferState,
    accepted,
    declined,
    expired,
    only,
    still_fit,
)
from services.matching.handlers.announcing import match_made, match_withdrawn, offer_decided
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.searches import Search, request_of, resumed
from services.matching.handlers.standing import settle
from services.matching.repository import cases, offers
from shared.messaging import Due, Transaction
from shared.web import idempotency

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody with a session of `case_id` says of an offer: the option they choose, and the `start` of the hour that
    was kept for them if they want just that one; or why none of them.

    `key` and `body_hash` make a repeated request the same one.
    """

    match_id: UUID
    case_id: UUID | None
    key: str
    body_hash: bytes
    option_id: UUID | None = None
    reason: DeclineReason | None = None
    start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a decision does not count: no such offer of theirs, it ended as `why` says, no such option, or it has gone, or
    the hour with it has, which was wished."""

    why: Literal["not_found", "unknown_option", "option_gone", "hour_gone"] | OfferState


class ChoiceDesk:
    """What people decide over HTTP, and what comes due when they do not."""

    def __init__(self, matchmaker: Matchmaker) -> None:
        self._matchmaker = matchmaker
        self._policy = matchmaker.policy

    async def decide(self, decision: Decision, tx: Transaction) -> Answer | Refused | idempotency.Claim:
        """The answer to whoever decides; a refusal changes nothing. A claim is one that is not new and no replay."""
        found = await offers.find_offer(tx, decision.match_id)
        if found is None or found.case_id != decision.case_id:
            return Refused("not_found")
        scope = f"POST /v1/matches/{decision.match_id}"
        [claim] = await idempotency.claim(
            tx, [idempotency.KeyedRequest(scope, decision.key, decision.body_hash)]
        )
        if claim.state == "replay" and claim.response is not None:
            kept: Answer = orjson.loads(claim.response)
            return kept
        if claim.state != "new":
            return claim
        answer = await self._decide(decision, tx)
        if not isinstance(answer, Refused):
            kept_answer = (scope, decision.key, decision.body_hash, 200, orjson.dumps(answer))
            idempotency.record(tx, [kept_answer])
        return answer

    async def expire_offers(self, dues: Sequence[Due], tx: Transaction) -> None:
        """Nobody chose in time: the case waits, and whoever was offered to it is free for others."""
        for due in dues:
            tx.trace(due.body["case_id"], due.traceparent)
        known = await cases.lock_cases(tx, [UUID(due.body["case_id"]) for due in dues])
        offered = [case for case in known.values() if case.state == "offered"]
        standing = await offers.open_offers(tx, [case.case_id for case in offered])
        over = {case_id: one for case_id, one in standing.items() if one.stands(tx.now) == "expired"}
        ended = {case_id: expired(one, tx.now) for case_id, one in over.items()}
        await offers.decide_offers(tx, list(ended.values()))
        searches = await resumed(tx, [case for case in offered if case.case_id in ended])
        tx.emit(offer_decided(ended[s.case.case_id], s.submitted) for s in searches)
        tx.emit(match_withdrawn(s.case, "offer_expired", tx) for s in searches)
        await self._matchmaker.give_up(tx, searches, "offer_expired")

    async def _decide(self, decision: Decision, tx: Transaction) -> Answer | Refused:
        known = await cases.lock_cases(tx, [decision.case_id] if decision.case_id else [])
        offer = await offers.find_offer(tx, decision.match_id)
        assert offer is not None
        if (stands := offer.stands(tx.now)) != "open":
            return Refused(stands)
        case = known[offer.case_id]
        if decision.option_id is None:
            assert decision.reason is not None
            return await self._decline(case, declined(offer, decision.reason, tx.now), tx)
        choice = offer.choice(decision.option_id)
        if choice is None:
            return Refused("unknown_option")
        kept = offer.hour_with(choice.therapist_id, tx.now)
        if decision.start is not None and (kept is None or kept.start != decision.start):
            return Refused("hour_gone")
        return await self._accept(case, offer, choice, decision.start, tx)

    async def _accept(
        self, case: Case, offer: Offered, choice: Choice, start: datetime | None, tx: Transaction
    ) -> Answer | Refused:
        [search] = await resumed(tx, [case])
        if choice not in await self.available(search, offer, tx):
            return Refused("option_gone")
        after, ended = chosen(case, choice.therapist_id), accepted(offer, choice, tx.now)
        await settle(tx, [(case, after)])
        await offers.decide_offers(tx, [ended])
        asked = only(choice, offer.modality)
        tx.emit([offer_decided(ended, search.submitted)])
        made = match_made(after, search.submitted, asked, search.priority, self._policy, tx)
        # It may be closed before this is heard: then nothing is booked that they did not wish.
        tx.emit([made.model_copy(update={"start": start})])
        return _answer(ended, offer.hour_with(choice.therapist_id, tx.now))

    async def _decline(self, case: Case, ended: Offered, tx: Transaction) -> Answer:
        await offers.decide_offers(tx, [ended])
        searches = await resumed(tx, [case])
        tx.emit([offer_decided(ended, searches[0].submitted), match_withdrawn(case, "offer_declined", tx)])
        if tries_left(case, self._policy):
            await self._matchmaker.search(tx, searches)
        else:
            await self._matchmaker.give_up(tx, searches, "no_other")
        return _answer(ended)

    async def available(self, search: Search, offer: Offered, tx: Transaction) -> Sequence[Choice]:
        """Whom the hard rules and everybody's load leave of this offer at this moment."""
        directory, capacity = await self._matchmaker.roster.look(tx)
        return still_fit(request_of(search), offer, directory, capacity, self._policy.radius_km, tx.now)


def _answer(offer: Offered, kept: KeptHour | None = None) -> Answer:
    return {
        "match_id": str(offer.match_id),
        "state": offer.state,
        "option_id": str(offer.option_id) if offer.option_id else None,
        "reason": offer.reason,
        "start": kept.start.isoformat() if kept else None,
    }
