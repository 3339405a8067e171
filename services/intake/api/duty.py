"""What the duty desk needs and what it sends, the same for the JSON routes and for the page."""

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from services.intake.api.requests import Sent
from services.intake.api.together import read_together, together
from services.intake.domain.alarms import AttemptOutcome, Outcome, Staff, Verdict
from services.intake.domain.policy import Policy
from services.intake.domain.rota import Staffing
from services.intake.domain.vocabulary import Level
from services.intake.gateways.vault import Vault
from services.intake.handlers import alarms, attending, rota
from services.intake.handlers.alarms import Closing, Taking
from services.intake.handlers.attending import Attempting, Judged, Judging, Recorded
from services.intake.handlers.handing_over import HandingOver, hand_alarms_over
from services.intake.handlers.reaching import ContactReader, Reach, Reading, permit_readings
from services.intake.repository.alarm_views import Page
from shared.messaging import Database
from shared.web import FieldProblem, PlainText, Principal, Problem, allowed

REFUSALS = {
    "taken_by_another": "Somebody else has taken this alarm.",
    "not_acknowledged": "An alarm is taken before it is handed over or closed.",
    "closed_already": "This alarm is closed.",
}
Clinician = Annotated[Principal, allowed("duty_clinician")]
NO_STORE = {"Cache-Control": "no-store"}


def _typed(text: str) -> str:
    """Several lines are meant; other control characters are not, and a database cannot keep all of them."""
    text = text.replace("\r\n", "\n").strip()
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text):
        raise PydanticCustomError("control_characters", "Control characters are not accepted.")
    return text


Typed = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_typed)]
Reason = Annotated[
    str, StringConstraints(min_length=3, max_length=2000, pattern=r"\S"), AfterValidator(_typed)
]


StaffId = Annotated[PlainText, StringConstraints(min_length=1, max_length=120)]  # the subject of a token
StaffName = Annotated[PlainText, StringConstraints(min_length=1, max_length=80, pattern=r"\S")]


class ClosingSent(Sent):
    """POST /v1/alarms/{id}/close; the reason is kept with the alarm and goes nowhere else."""

    outcome: Outcome
    reason: Reason


class AttemptSent(Sent):
    """POST /v1/alarms/{id}/attempts; the note is kept with the alarm and goes nowhere else."""

    outcome: AttemptOutcome
    note: Typed | None = None


class HandoverSent(Sent):
    """POST /v1/alarms/{id}/handover: `to_id` is the subject of the colleague's token; the reason is kept with the alarm
    and goes nowhere else."""

    to_id: StaffId
    to_name: StaffName
    reason: Reason


class LevelSent(Sent):
    """POST /v1/alarms/{id}/level; a reason is needed to lower it, and kept with the alarm."""

    level: Level
    reason: Typed | None = None


@dataclass(frozen=True, slots=True)
class DutyDesk:
    """What the routes need; `note_key` hashes what is typed, which a plain hash would let somebody guess."""

    page: Callable[[Page], Awaitable[list[dict[str, Any]]]]
    look: Callable[[UUID], Awaitable[dict[str, Any] | None]]
    acknowledge: Callable[[Taking], Awaitable[Verdict | None]]
    attempt: Callable[[Attempting], Awaitable[Recorded | Verdict | None]]
    change_level: Callable[[Judging], Awaitable[Judged | None]]
    hand_over: Callable[[HandingOver], Awaitable[Verdict | None]]
    close: Callable[[Closing], Awaitable[Verdict | None]]
    reach: Callable[[Reading], Awaitable[Reach | Verdict | None]]
    staffing: Callable[[None], Awaitable[Staffing]]
    note_key: bytes


def open_desk(database: Database, policy: Policy, vault: Vault, note_key: bytes) -> DutyDesk:
    """The desk on a database; what comes together shares transactions."""
    return DutyDesk(
        page=read_together(database, alarms.list_alarms),
        look=read_together(database, alarms.look_at_alarms),
        acknowledge=together(database, alarms.acknowledge_alarms),
        attempt=together(database, attending.record_attempts),
        change_level=together(
            database, partial(attending.change_levels, policy=policy.alarms, gates=policy.gates)
        ),
        hand_over=together(database, partial(hand_alarms_over, policy=policy.alarms)),
        close=together(database, partial(alarms.close_alarms, policy=policy.gates)),
        reach=ContactReader(together(database, permit_readings), vault).read,
        staffing=read_together(database, rota.look_at_staffing),
        note_key=note_key,
    )


def named(principal: Principal) -> Staff:
    """The human behind a token. Raises Problem 403: what a nameless token did, nobody could answer for."""
    if not principal.name:
        raise Problem(403, "name_needed", "Only a named human may act on an alarm.")
    return Staff(principal.subject, principal.name)


def staff_of(principal: Principal) -> Staff:
    """The same where a name is not needed; whose issuer gives none stands by what the token is for."""
    return Staff(principal.subject, principal.name or principal.subject)


def no_alarm() -> Problem:
    """404."""
    return Problem(404, "alarm_not_found", "There is no such alarm.")


def stand_by(verdict: Verdict | None) -> None:
    """Returns when what was asked is so; else raises Problem 404, 409, or 422 where a reason is missing."""
    if verdict is None:
        raise no_alarm()
    if verdict == "reason_needed":
        field = FieldProblem("/reason", "missing", "A level is lowered with a reason only.")
        raise Problem(422, "reason_needed", "A level is lowered with a reason only.", [field])
    if verdict in REFUSALS:
        raise Problem(409, verdict, REFUSALS[verdict])


def attempt_digest(desk: DutyDesk, alarm_id: UUID, staff: Staff, body: bytes) -> bytes:
    """A keyed hash of all that one attempt says: the same key for another alarm or by another human is refused."""
    whole = b"|".join((alarm_id.bytes, staff.id.encode(), body))
    return blake2b(whole, key=desk.note_key, digest_size=32).digest()


def attempted(row: Recorded | Verdict | None) -> Recorded:
    """The attempt as it was written down; Problem 404 or 409 where it was not."""
    if isinstance(row, Recorded):
        return row
    stand_by(row)
    raise AssertionError(row)
