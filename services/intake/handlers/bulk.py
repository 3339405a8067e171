"""Many requests of one sender: each under a reference of the sender's own, so that a file may come again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.intake.handlers.submission import Asked, Desk, Invited, submit_cases
from services.intake.repository import attendees
from services.intake.repository import bulk_references as references
from services.intake.repository.bulk_references import Claim
from shared.messaging import Transaction

Outcome = Literal["accepted", "already_accepted", "reference_reused"]


@dataclass(frozen=True, slots=True)
class BulkLine:
    """A request with keyed hashes of (sender, reference) and of what was sent."""

    reference: bytes
    body_hash: bytes
    asked: Asked


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a line. A reused reference tells nothing of the case it belongs to; a case that is no more
    has no code. `invited` are all who take part: who hands a request over is no party to it, and passes codes on."""

    outcome: Outcome
    case_id: UUID | None = None
    case_code: str | None = None
    alarmed: bool = False
    invited: tuple[Invited, ...] = ()


async def accept_lines(lines: Sequence[BulkLine], tx: Transaction, sender: str, desk: Desk) -> list[Settled]:
    """Answers in the order of the lines; the first of several with one reference is the one that counts."""
    firsts = {line.reference: line for line in reversed(lines)}
    claims = [Claim(one.reference, one.body_hash, tx.new_id()) for one in firsts.values()]
    free = await references.claim(tx, sender, claims)
    earlier = await references.find(tx, [one.reference for one in claims if one.reference not in free])
    fresh = [one for one in claims if one.reference in free]
    asked = [replace(firsts[one.reference].asked, case_id=one.case_id) for one in fresh]
    accepted = await submit_cases(asked, tx, desk) if asked else []
    known = {
        one.reference: (
            one.body_hash,
            Settled("accepted", case.case_id, case.case_code, case.alarmed, case.invited),
        )
        for one, case in zip(fresh, accepted, strict=True)
    }
    others = await attendees.codes_of(tx, [one.case_id for one in earlier.values()]) if earlier else {}
    for reference, old in earlier.items():
        invited = tuple(Invited(*one) for one in others.get(old.case_id, ()))
        settled = Settled("already_accepted", old.case_id, old.case_code, old.alarmed, invited)
        known[reference] = (old.body_hash, settled)
    return _in_order(lines, known)


def _in_order(lines: Sequence[BulkLine], known: Mapping[bytes, tuple[bytes, Settled]]) -> list[Settled]:
    told: set[bytes] = set()
    answers = []
    for line in lines:
        body_hash, settled = known[line.reference]
        if line.body_hash != body_hash:
            settled = Settled("reference_reused")
        elif line.reference in told:
            settled = replace(settled, outcome="already_accepted")
        told.add(line.reference)
        answers.append(settled)
    return answers
