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

NOBODY = Holder(UUID(int=0), UUID(int=0))


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
        answer, tries[knock.case_code] = _answer(
            knock, holders.get(knock.case_code, NOBODY), tries[knock.case_code], tx, pin_key
        )
        answers.append(answer)
    await sessions.save_tries(tx, list(tries.values()))
    return answers


def _answer(
    knock: Knock, holder: Holder, tries: Tries, tx: Transaction, pin_key: bytes
) -> tuple[Holder | Refused, Tries]:
    # The PIN of nobody is computed and compared like any other, so that time tells nothing.
    right = pin_matches(pin_key, holder.case_id, knock.pin) and holder is not NOBODY
    left = wait(tries, tx.now)
    if left:
        return Refused(ceil(left.total_seconds())), tries
    if right:
        return holder, Tries(knock.case_code)
    return Refused(0), after_failure(tries, tx.now)
