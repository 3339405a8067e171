"""The second step: who fits, decided for one case among all therapists, who are held in memory; the match is saved with its why.

The loads of others' matches are known to this process alone, as far as it made them itself: scheduling enforces the limits.
Left out: offers to choose from, attempts after the first, reviews of the waiting list, other help meanwhile.
"""

import asyncpg

from benchmarks.peers.steps.opening import transaction
from services.matching.domain.capacity import Capacity, Load, with_loads
from services.matching.domain.cases import Case, matched, not_matched
from services.matching.domain.decisions import Decision, Found, decide
from services.matching.domain.directory import Directory
from services.matching.domain.policy import Policy
from services.matching.domain.vocabulary import LANES, lane_of
from services.matching.handlers.announcing import match_made
from services.matching.handlers.roster import Roster
from services.matching.handlers.searches import begun, request_of
from services.matching.settings import read_cities, read_policy
from shared.contracts.intake import CaseSubmitted
from shared.contracts.matching import MatchMade
from shared.messaging import Transaction

CASE = """
INSERT INTO cases (case_id, person_id, request, state, attempt, tries_from, match_id, lane, holder, appointment_version, reason,
    next_review, request_version, sliding_with, displaced, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, 0, $12, false, $13)
"""
EXPLANATION = """
INSERT INTO match_explanations (case_id, attempt, match_id, modality, lane, candidates, reason, rule_version, explained, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
LOAD = """
UPDATE loads SET open_cases = open_cases + 1, sliding_cases = sliding_cases + $2, changed_by = pg_current_xact_id()
WHERE therapist_id = $1
"""


class Matchmaker:
    """Holds all therapists, and what each can still take."""

    def __init__(self, pool: asyncpg.Pool, policy: Policy, directory: Directory, capacity: Capacity) -> None:
        self._pool = pool
        self._policy = policy
        self._directory = directory
        self._capacity = capacity

    @classmethod
    async def open(cls, pool: asyncpg.Pool) -> "Matchmaker":
        """Reads everybody once."""
        policy, _ = read_policy()
        async with transaction(pool) as tx:
            return cls(pool, policy, *await Roster(policy, read_cities()).look(tx))

    async def match(self, event: CaseSubmitted) -> MatchMade | None:
        """Decides and saves; None for whoever waits because nobody fits."""
        search = begun(event, None, {})
        async with transaction(self._pool) as tx:
            [decision] = decide([request_of(search)], self._directory, self._capacity, self._policy)
            case = self._after(search.case, decision, search.priority, tx)
            if case.holder:
                # Before anything is waited for, so that the next case sees it, as in a database with a lock on it.
                self._capacity = self._with_one_more(case)
            await self._save(tx, case, search.text, decision)
            if isinstance(decision.outcome, Found):
                return match_made(case, event, decision.outcome, search.priority, self._policy, tx)
            return None

    def _after(self, case: Case, decision: Decision, priority: int, tx: Transaction) -> Case:
        found = decision.outcome
        if not isinstance(found, Found):
            return not_matched(case, found, priority, self._policy, tx.now)
        less = tuple(one.therapist_id for one in found.offers if one.at_sliding_fee)
        return matched(case, tx.new_id(), lane_of(found.modality), found.offers[0].therapist_id, less)

    def _with_one_more(self, case: Case) -> Capacity:
        assert case.holder is not None
        now, number = self._capacity, self._directory.number_of[case.holder]
        lanes = frozenset(lane for lane in LANES if now.full.get(lane, 0) >> number & 1)
        sliding = int(now.sliding_load[number]) + (case.holder in case.sliding_with)
        load = Load(int(now.open_load[number]) + 1, lanes, sliding)
        return with_loads(now, self._directory, {case.holder: load})

    async def _save(self, tx: Transaction, case: Case, request: str | None, decision: Decision) -> None:
        found, execute = decision.outcome, tx.connection.execute
        if case.holder:
            await execute(LOAD, case.holder, int(case.holder in case.sliding_with))
        await execute(
            CASE, case.case_id, case.person_id, request, case.state, case.attempt, case.tries_from, case.match_id,
            case.lane, case.holder, case.reason, case.next_review, case.sliding_with, tx.now,
        )  # fmt: skip
        modality = found.modality if isinstance(found, Found) else None
        asked = [one.therapist_id for one in found.offers] if isinstance(found, Found) else []
        await execute(
            EXPLANATION, case.case_id, case.attempt, case.match_id, modality, case.lane, asked, case.reason,
            self._policy.version, decision.explained, tx.now,
        )  # fmt: skip
