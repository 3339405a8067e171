"""Hours that were kept while people chose: what became of each, and whether who took theirs has it."""

import asyncpg

from simulation.history.facts import KeptHour, Reservation

# Taken is what its person chose while matching knew it as kept; another attempt may have come since, and a case that was
# taken back has no hour.
KEPT = """
SELECT h.hold_id, h.case_id, h.state, h.reason,
    coalesce(o.state = 'accepted' AND o.chosen = o.kept_with AND o.decided_at < o.kept_until
        AND f.attempt = h.attempt AND f.withdrawn < h.attempt, false)
FROM own JOIN scheduling.holds h USING (case_id) JOIN scheduling.case_fences f USING (case_id)
LEFT JOIN matching.offers o USING (match_id)
WHERE h.take_by IS NOT NULL
"""
LIVE = """
SELECT resource_id, appointment_id, lower(during), upper(during) FROM scheduling.reservations
WHERE held_until > clock_timestamp()
"""


async def kept(connection: asyncpg.Connection) -> list[KeptHour]:
    """Those of own cases."""
    return [KeptHour(*row) for row in await connection.fetch(KEPT)]


async def live(connection: asyncpg.Connection) -> list[Reservation]:
    """What holds reserve that have not run out; everybody's."""
    return [Reservation(*row) for row in await connection.fetch(LIVE)]
