"""A request that was admitted, with its handles and with what may only be kept sealed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.admission import Admission
from services.intake.domain.alarms import Raised
from services.intake.domain.requests import CareRequest


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """An alarm about to be raised, and until when a human has to be on it."""

    alarm_id: UUID
    raised: Raised
    due_by: datetime


@dataclass(frozen=True, slots=True)
class SealedParts:
    """The sealed address, the sealed answers per instrument, and (purpose, wrapped data key) of each seal."""

    address: str | None
    answers: tuple[str, ...]
    keys: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class NewCase:
    """One case before it is saved; `traceparent` is the trace it is followed in."""

    case_id: UUID
    person_id: UUID
    attendee_id: UUID
    request: CareRequest
    admission: Admission
    alarm: NewAlarm | None
    sealed: SealedParts
    traceparent: str | None
