"""What `benchmarks/multiply.py` cannot read from the catalogue: what is not kept, and how a life ends.

Expressions are SQL over a row `r` of the pattern; `{back}` times k is how far back the copy lies, `{units}` the same for ids.
"""

# Tables (in any schema, or in one) of which a real system with as many cases behind it would have no more rows.
NOT_COPIED = {
    "outbox": "what was sent is deleted",
    "due": "what was due is deleted when it is done",
    "waiting": "what is known waits no longer",
    "parked": "what is redriven is deleted",
    "blocks": "what is redriven is deleted",
    "dead_letters": "kept for 30 days, and there are none where nothing fails",
    "operator_requests": "operators ask, not cases",
    "session_tries": "forgotten within the day",
    "intake.pace": "one row, of whoever was answered last",
    "vault.alarm_keys": "a key dies with its alarm",
}

# Tables (in any schema) that name no case and grow all the same.
GROWS_TOO = {
    "weekly_load": "a row for each therapist and week",
    "idempotency_keys": "a row for each request, for two days",
}

_PLACE = "CASE WHEN r.{0} > 0 THEN r.{0} + k * (SELECT o.position FROM partners.organisations o WHERE o.organisation = r.organisation) ELSE r.{0} END"


def _then(column: str, otherwise: str) -> str:
    """When it was, or when it would have been; further back."""
    return f"coalesce(r.{column}, {otherwise}) - k * {{back}}"


# How a row stands when everything is over that its case was asked for: delivered, seen, closed. Keys and answers are as they
# were. What the product forgets after a while keeps its own time, so that it is not forgotten at once: a million cases may come
# within two days, and then all of it is there.
LIFE_OVER: dict[str, dict[str, str]] = {
    "idempotency_keys": {"at": "r.at"},
    "partners.told": {
        "told_at": "r.told_at",
        "replaced_at": "r.replaced_at",
        "position": _PLACE.format("position"),
        "until": _PLACE.format("until"),
    },
    "partners.bookings": {
        "status": "replace(r.status, 'booked', 'fulfilled')",
        "position": _PLACE.format("position"),
    },
    "intake.standings": {
        "fact": "CASE r.fact WHEN 'appointment_booked' THEN 'appointment_fulfilled' ELSE r.fact END",
        "waiting_on": "'nobody'",
    },
    "intake.alarms": {
        "state": "'closed'",
        "acknowledged_by": "coalesce(r.acknowledged_by, 'staff')",
        "acknowledged_name": "coalesce(r.acknowledged_name, 'Staff')",
        "acknowledged_at": _then("acknowledged_at", "r.raised_at"),
        "closed_by": "coalesce(r.closed_by, 'staff')",
        "closed_name": "coalesce(r.closed_name, 'Staff')",
        "closed_at": _then("closed_at", "r.raised_at"),
        "outcome": "coalesce(r.outcome, 'reached')",
        "reason": "coalesce(r.reason, 'over')",
        "reachable": "false",
        "contact_box": "NULL",
        "unconfirmed_handover": "NULL",
    },
    "matching.alarms": {"closed": "true"},
    "matching.cases": {
        "state": "CASE WHEN r.state IN ('held', 'offered', 'matched', 'waitlisted') THEN 'closed' ELSE r.state END",
        "holder": "NULL",
        "held_until": "NULL",
        "reason": "NULL",
        "next_review": "NULL",
    },
    "matching.offers": {
        "state": "CASE r.state WHEN 'open' THEN 'expired' ELSE r.state END",
        "decided_at": _then("decided_at", "r.expires_at"),
    },
    "matching.continuity": {
        "closed_at": _then("closed_at", "r.due_by"),
        "closed_by": "coalesce(r.closed_by, 'system')",
        "outcome": "coalesce(r.outcome, 'not_needed')",
    },
    "scheduling.appointments": {
        "state": "CASE WHEN r.state IN ('booked', 'arrived') THEN 'fulfilled' ELSE r.state END",
        "version": "r.version + (r.state = 'booked')::int",
    },
    "scheduling.holds": {
        "state": "CASE r.state WHEN 'held' THEN 'released' ELSE r.state END",
        "counted": "false",
        "ended_at": _then("ended_at", "r.held_until"),
    },
    "notifications.appointments": {
        "state": "CASE WHEN r.state IN ('booked', 'arrived') THEN 'fulfilled' ELSE r.state END",
    },
    "notifications.messages": {
        "state": "CASE WHEN r.state IN ('planned', 'sending', 'calling') THEN 'delivered' ELSE r.state END",
        "settled_at": _then("settled_at", "r.due_at"),
        "tried_by": "NULL",
    },
    "notifications.alarms": {"state": "'closed'"},
    "notifications.offers": {"open": "false"},
    "notifications.tasks": {
        "closed_at": _then("closed_at", "r.due_by"),
        "outcome": "coalesce(r.outcome, 'told')",
        "closed_by": "coalesce(r.closed_by, 'staff')",
    },
    "notifications.calls": {
        "closed_at": _then("closed_at", "r.due_by"),
        "outcome": "coalesce(r.outcome, 'told')",
        "closed_by": "coalesce(r.closed_by, 'staff')",
    },
    "console.tasks": {
        "state": "'done'",
        "done_at": _then("done_at", "r.due_by"),
        "done_by": "coalesce(r.done_by, 'staff')",
        "outcome": "coalesce(r.outcome, r.outcomes[1])",
    },
}

# Columns that only a copy has otherwise than its pattern.
STAYS = {"position", "until"}

# Tables of which the pattern stays as it was: there are always people who will be reminded, and the planner has to know of them.
UNDER_WAY = {"notifications.messages"}

# What follows from the copies once all are there; `{times}` is how many times as much there is.
ONCE_MORE = (
    # Nobody has anybody any more, and everybody's hours are to be counted again.
    "UPDATE matching.loads SET open_cases = 0, sliding_cases = 0, changed_by = pg_current_xact_id()",
    "UPDATE scheduling.therapists SET changed_by = pg_current_xact_id()",
    "UPDATE partners.organisations SET position = position * {times}, changes = changes * {times}",
    """
    INSERT INTO scheduling.appointment_changes (appointment_id, version, case_id, step, changed_at, changed_by)
    SELECT appointment_id, version, case_id, 'appointment_fulfilled', ends_at, 'staff'
    FROM scheduling.appointments WHERE state = 'fulfilled' ON CONFLICT DO NOTHING
    """,
)
