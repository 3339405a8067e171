"""Changing one's wishes while a case lasts: RFC 7396 on what was wished, and when a change still counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.intake.domain.alarms import AlarmOnCase
from services.intake.domain.attendees import Awaited, KeptAttendee
from services.intake.domain.requests import Needs
from services.intake.domain.triage import Triage
from services.intake.domain.vocabulary import Gate, Pause

Refused = Literal["closed", "stale"]


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request as it stands: all that matching has to hear again when something in it changes.

    `version` is that of the view its person has seen, `request_version` counts what was changed in the request.
    `alarms` are all of the case, in no order; `gate_since` is when a human last decided about the gate.
    `resumed_after` is the attempt of matching after which somebody let a paused case go on, 0 where there was none.
    """

    case_id: UUID
    person_id: UUID
    attendee_id: UUID
    gate: Gate
    needs: Needs
    triage: Triage
    step_table_version: str
    continues: UUID | None
    submitted_at: datetime
    closed: bool
    version: int
    request_version: int
    attendees: tuple[KeptAttendee, ...] = ()
    awaits: Awaited | None = None
    alarms: tuple[AlarmOnCase, ...] = ()
    paused_for: Pause | None = None
    gate_since: datetime | None = None
    paused_until: datetime | None = None
    resumed_at: datetime | None = None
    resumed_after: int | None = None

    @property
    def alarm_open(self) -> bool:
        """Whether somebody may be in danger as far as is known: nobody has closed it."""
        return any(one.state != "closed" for one in self.alarms)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: members of the patch replace those of the target, null takes away, anything but an object is the
    whole."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    left: list[tuple[dict[str, Any], Mapping[str, Any]]] = [
        (merged, patch)
    ]  # no recursion: others write the patch
    while left:
        into, part = left.pop()
        for name, value in part.items():
            if value is None:
                into.pop(name, None)
            elif isinstance(value, Mapping):
                known = into.get(name)
                into[name] = dict(known) if isinstance(known, Mapping) else {}
                left.append((into[name], value))
            else:
                into[name] = value
    return merged


def change(before: KeptRequest, seen_version: int, needs: Needs) -> KeptRequest | Refused:
    """The request with these needs; the same one if nothing is other than it was."""
    if before.closed:
        return "closed"
    if before.version != seen_version:
        return "stale"
    if needs == before.needs:
        return before
    return replace(
        before, needs=needs, version=before.version + 1, request_version=before.request_version + 1
    )
