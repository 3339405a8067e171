"""How far a run is: what the people of this run still wait for, asked of the tables while it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

CASES = """
SELECT state, count(*) AS cases, count(*) FILTER (WHERE state IN ('booked', 'waitlisted') AND NOT EXISTS (
    SELECT FROM notifications.messages m WHERE m.case_id = own.case_id AND m.person_id = own.person_id
)) AS untold
FROM (
    SELECT c.case_id, c.person_id, coalesce(s.state, CASE c.gate WHEN 'open' THEN 'matching' ELSE 'held' END) AS state
    FROM intake.cases c LEFT JOIN intake.standings s USING (case_id) WHERE c.case_code = ANY ($1)
) own GROUP BY state
"""
# A message under way has a lease, so that its next_at lies ahead although it could go now; an SMS is under way until its
# receipt is there.
MESSAGES = """
SELECT count(*) FILTER (WHERE m.state IN ('sent', 'delivered')) AS delivered,
    count(*) FILTER (WHERE m.state IN ('sent', 'delivered') AND m.purpose = 'consent_request') AS asked,
    count(*) FILTER (WHERE m.state = 'sending' OR (m.state = 'sent' AND m.channel = 'sms') OR (m.state = 'planned' AND m.next_at <= clock_timestamp())) AS due
FROM intake.cases c JOIN notifications.messages m USING (case_id) WHERE c.case_code = ANY ($1)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Own cases by state, booked or waitlisted people nobody has planned to tell, messages done and due now; `asked`
    of those done ask a guardian."""

    states: dict[str, int]
    untold: int
    delivered: int
    due: int
    asked: int = 0

    @property
    def cases(self) -> int:
        return sum(self.states.values())

    def settled(self, expected: int, answered: int = 0) -> bool:
        """Every case has an outcome, every message that may be sent now is sent, and the guardians who were asked have
        `answered`, as far as they ever will."""
        under_way = self.states.get("matching", 0) or self.untold or self.due
        return self.cases >= expected and self.asked <= answered and not under_way

    def __str__(self) -> str:
        states = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        return f"{states or 'nothing yet'}; {self.delivered} messages delivered, {self.due} due"


# A look at the waiting list that may still find somebody a place: more room than it knew of, or a list half walked.
LOOKS = """
SELECT EXISTS (
    SELECT FROM matching.due d WHERE d.kind = 'wake' AND (
        d.body ->> 'after' IS NOT NULL OR d.body ->> 'again' = 'true'
        OR EXISTS (SELECT FROM matching.loads WHERE freed_by >= coalesce(d.body ->> 'seen', '0')::xid8)
    )
) AND EXISTS (SELECT FROM matching.cases WHERE state = 'waitlisted')
"""


async def may_wake(connection: asyncpg.Connection) -> bool:
    """Whether matching has still to look who of those that wait can have room that has come."""
    return bool(await connection.fetchval(LOOKS))


async def standing(connection: asyncpg.Connection, codes: Sequence[str]) -> Standing:
    """How the cases with these codes stand now."""
    rows = await connection.fetch(CASES, codes)
    messages = await connection.fetchrow(MESSAGES, codes)
    return Standing(
        states={row["state"]: row["cases"] for row in rows},
        untold=sum(row["untold"] for row in rows),
        delivered=messages["delivered"],
        due=messages["due"],
        asked=messages["asked"],
    )
