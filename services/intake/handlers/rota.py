"""The rota over HTTP: a coordinator enters a shift or takes it back, the desk looks who is on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.intake.domain.alarms import Staff
from services.intake.domain.refusals import Refusal
from services.intake.domain.rota import Shift, Staffing, unfitting
from services.intake.domain.vocabulary import Level
from services.intake.repository import rota
from services.intake.repository.rota import Entered, RotaPage
from shared.messaging import Transaction
from shared.web import idempotency

SCOPE = "POST /v1/duty-rota"


@dataclass(frozen=True, slots=True)
class Entering:
    """A shift that somebody enters; `body_hash` covers who does, so that a key is used once only."""

    staff: Staff
    begins: datetime
    ends: datetime
    levels: tuple[Level, ...]
    by: Staff
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Cancelling:
    """A shift that somebody takes back."""

    shift_id: UUID
    by: Staff


@dataclass(frozen=True, slots=True)
class Rota:
    """A page of shifts, and who is on now."""

    shifts: list[dict[str, Any]]
    staffing: Staffing


async def enter_shifts(
    entering: Sequence[Entering], tx: Transaction
) -> list[UUID | Sequence[Refusal] | Exception]:
    """In their order: the shift's id, or what is wrong with it. A repeat is one shift."""
    wrong = [unfitting(one.begins, one.ends, tx.now) for one in entering]
    claims = await idempotency.claim(
        tx, [idempotency.KeyedRequest(SCOPE, one.key, one.body_hash) for one in entering]
    )
    made: dict[int, Entered] = {}
    for place, (one, refusals, claim) in enumerate(zip(entering, wrong, claims, strict=True)):
        if claim.state == "new" and not refusals:
            shift = Shift(tx.new_id(), one.staff, one.begins, one.ends, one.levels)
            made[place] = Entered(shift, one.by)
    await rota.save_shifts(tx, list(made.values()))
    idempotency.record(
        tx,
        [
            (SCOPE, entering[place].key, entering[place].body_hash, 201, _kept(entered))
            for place, entered in made.items()
        ],
    )
    return [
        made[place].shift.shift_id if place in made else _not_made(claim, wrong[place])
        for place, claim in enumerate(claims)
    ]


async def cancel_shifts(cancelling: Sequence[Cancelling], tx: Transaction) -> list[bool]:
    """Whether there is such a shift; twice is once."""
    found = await rota.cancel_shifts(tx, [(one.shift_id, one.by) for one in cancelling])
    return [one.shift_id in found for one in cancelling]


async def look_at_rota(pages: Sequence[RotaPage], tx: Transaction) -> list[Rota]:
    """Each page with who is on now."""
    staffing = await rota.read_staffing(tx)
    return [Rota(await rota.list_shifts(tx, page), staffing) for page in pages]


async def look_at_staffing(questions: Sequence[None], tx: Transaction) -> list[Staffing]:
    """Who is on now, the same for everybody who asks."""
    return [await rota.read_staffing(tx)] * len(questions)


def _kept(entered: Entered) -> bytes:
    return orjson.dumps({"shift_id": entered.shift.shift_id})


def _not_made(claim: idempotency.Claim, refusals: Sequence[Refusal]) -> UUID | Sequence[Refusal] | Exception:
    # A repeat that comes when its shift is over is still the same request.
    if claim.state == "replay" and claim.response is not None:
        return UUID(orjson.loads(claim.response)["shift_id"])
    return refusals if claim.state == "new" else idempotency.refusal(claim)
