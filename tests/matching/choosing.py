"""A person who chooses, for tests: an offer made, and decisions on it."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

from services.matching.handlers.choosing import ChoiceDesk, Decision
from tests.matching.conftest import Office
from tests.matching.events import a_case


async def offered(office: Office, **changes: Any) -> dict[str, Any]:
    """The offer to somebody who wishes to choose."""
    case = a_case(booking_mode="choose", **changes)
    await office.hear(office.matchmaker.match_cases, case)
    return next(o for o in await office.said("match_offered") if o["case_id"] == str(case.case_id))


async def decide(office: Office, offer: dict[str, Any], key: str = "", **decision: Any) -> Any:
    """`option` is the number of the option that is chosen; otherwise `reason` is why none is."""
    option = decision.pop("option", None)
    if option is not None:
        decision["option_id"] = UUID(offer["options"][option]["option_id"])
    said = Decision(
        match_id=UUID(offer["match_id"]),
        case_id=decision.pop("case_id", UUID(offer["case_id"])),
        key=key or uuid4().hex,
        body_hash=hashlib.blake2b(repr(decision).encode(), digest_size=32).digest(),
        **decision,
    )
    async with office.database.transaction() as tx:
        return await ChoiceDesk(office.matchmaker).decide(said, tx)


async def state_of(office: Office, offer: dict[str, Any]) -> str:
    found = await office.database.pool.fetchval(
        "SELECT state FROM offers WHERE match_id = $1", UUID(offer["match_id"])
    )
    return str(found)
