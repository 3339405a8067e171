"""Coming back with case code and PIN. A code that does not exist is treated as one that does."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from uuid import UUID

from services.intake.domain.codes import pin_matches
from services.intake.domain.sessions import Tries, after_failure, wait
from services.intake.repository import sessions
from services.intake.repository.sessions import Holder
from shared.messaging import Transaction

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Knock:
    """A case code, in the one spelling, and the PIN offered with it."""

    case_code: str
    pin: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not let in; `wait_seconds` 0 means that it was wrong, more that it came too soon to be looked at."""

    wait_seconds: int


async def open_sessions(knocks: Sequence[Knock], tx: Transaction, pin_key: bytes) -> list[Holder | Refused]:
    """In the order of the knocks; several knocks at one code are taken one after the other."""
    codes = [knock.case_code for knock in knocks]
    tries = await sessions.lock_tries(tx, codes)
    holders = await sessions.holders(tx, codes)
    answers: list[Holder | Refused] = []
    for knock in knocks:
        code, holder = knock.case_code, holders.get(knock.case_code)
        refused, tries[code] = let_in(knock, holder.subject if holder else None, tries[code], tx, pin_key)
        answers.append(holder if holder and not refused else refused or Refused(0))
    await sessions.save_tries(tx, list(tries.values()))
    return answers


def let_in(
    knock: Knock, subject: UUID | None, tries: Tries, tx: Transaction, pin_key: bytes
) -> tuple[Refused | None, Tries]:
    """None for whoever knows the PIN of `subject` (a case, an attendee; None is nobody), and the tries after it."""
    # The PIN of nobody is computed and compared like any other, so that time tells nothing.
    right = pin_matches(pin_key, subject or NOBODY, knock.pin) and subject is not None
    left = wait(tries, tx.now)
    if left:
        return Refused(ceil(left.total_seconds())), tries
    if right:
        return None, Tries(knock.case_code)
    return Refused(0), after_failure(tries, tx.now)
