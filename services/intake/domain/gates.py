"""The gate between asking and matching, where an alarm closed it: a named human's judgement decides what comes after.

A level that waits for a human holds the gate until it is lowered or its alarm is closed; how it was closed says whether
the person goes on. A call for help leaves an open gate as it is: a case code is no secret, and whoever knows one could
otherwise stop the search of somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.intake.domain.alarms import AlarmOnCase, Outcome
from services.intake.domain.invitations import decided, let_go
from services.intake.domain.vocabulary import Level, Pause
from services.intake.domain.wishes import KeptRequest

# What an outcome says of the person whose alarm it was: an alarm that was no alarm says nothing of them.
AfterClosing = Literal["goes_on", "pauses", "says_nothing"]


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Levels that wait for a human, and what follows from each outcome; both signed by a clinician."""

    holding: frozenset[Level]
    after_closing: Mapping[Outcome, AfterClosing]


def held(before: KeptRequest, now: datetime) -> KeptRequest:
    """The request after a human judged it graver: it waits for a human again, paused or not."""
    if before.closed or (before.gate == "waits_for_human" and before.paused_for is None):
        return before
    return decided(replace(before, gate="waits_for_human", paused_for=None, paused_until=None), now)


def released(before: KeptRequest, policy: GatePolicy, now: datetime, *, asked_for_care: bool) -> KeptRequest:
    """The request after an alarm of it was closed or judged lighter; the same one if nothing follows from it.

    Whoever only called for help agreed to no care: their case waits for them, and no search is begun.
    """
    if before.closed or before.gate != "waits_for_human" or _waits_for_human(before, policy, asked_for_care):
        return before
    pause = _pause(before, policy, asked_for_care)
    if before.paused_for == "on_request" and pause is None:
        return before  # an alarm that did not hold the gate does not end what its person asked for
    if pause:
        after = replace(before, paused_for=pause)
    else:
        after = replace(let_go(before, now), paused_for=None, paused_until=None)
    return before if after == before else decided(after, now)


def _waits_for_human(before: KeptRequest, policy: GatePolicy, asked_for_care: bool) -> bool:
    unclosed = [one for one in before.alarms if one.state != "closed"]
    return any(one.level in policy.holding or not asked_for_care for one in unclosed)


def _pause(before: KeptRequest, policy: GatePolicy, asked_for_care: bool) -> Pause | None:
    closed = sorted((one for one in before.alarms if _counts(one, before)), key=_when)
    said = [policy.after_closing[one.outcome] for one in closed if one.outcome]
    telling = [one for one in said if one != "says_nothing"]
    if telling and telling[-1] == "pauses":
        return "helped_elsewhere"
    return None if asked_for_care else "not_asked_yet"


def _counts(alarm: AlarmOnCase, before: KeptRequest) -> bool:
    """What was said of the person before they were let go on is history."""
    if alarm.closed_at is None:
        return False
    return before.resumed_at is None or alarm.closed_at > before.resumed_at


def _when(alarm: AlarmOnCase) -> tuple[datetime, str]:
    assert alarm.closed_at is not None
    return alarm.closed_at, alarm.alarm_id.hex
