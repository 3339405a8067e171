"""Posts with their idempotency keys: the same key and body has the same answer, and makes one case."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from services.intake.handlers.submission import Accepted, Asked, Desk, Invited, submit_cases
from shared.messaging import Transaction
from shared.web import idempotency

SCOPE = "POST /v1/cases"


@dataclass(frozen=True, slots=True)
class Post:
    """One request with its key, and a keyed hash of its body: a plain one could be guessed from few answers."""

    key: str
    body_hash: bytes
    asked: Asked


async def accept_posts(posts: Sequence[Post], tx: Transaction, desk: Desk) -> list[Accepted | Exception]:
    """Answers in the order of the posts; what is kept for a replay holds no secret: the PIN is made again."""
    claims = await idempotency.claim(
        tx, [idempotency.KeyedRequest(SCOPE, post.key, post.body_hash) for post in posts]
    )
    fresh = [place for place, claim in enumerate(claims) if claim.state == "new"]
    accepted = await submit_cases([posts[place].asked for place in fresh], tx, desk) if fresh else []
    made = dict(zip(fresh, accepted, strict=True))
    idempotency.record(
        tx,
        [
            (SCOPE, posts[place].key, posts[place].body_hash, 202, orjson.dumps(answer))
            for place, answer in made.items()
        ],
    )
    return [made.get(place) or _earlier(claim) for place, claim in enumerate(claims)]


def _earlier(claim: idempotency.Claim) -> Accepted | Exception:
    if claim.state != "replay" or claim.response is None:
        return idempotency.refusal(claim)
    kept = orjson.loads(claim.response)
    invited = tuple(
        Invited(**one | {"attendee_id": UUID(one["attendee_id"])}) for one in kept.get("invited", ())
    )
    return Accepted(**kept | {"case_id": UUID(kept["case_id"]), "invited": invited})
