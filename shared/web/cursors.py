"""Where the next page begins: a place in an order, packed so that nobody builds one, and read as carefully as any input."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from shared.web.moments import in_utc
from shared.web.problems import FieldProblem, Problem

T = TypeVar("T")
MOST = 2**31 - 1


def pack_cursor(*place: datetime | UUID | int | str) -> str:
    """The place as `next` tells it."""
    # The database driver has a class of its own for ids, which the encoder does not know.
    return base64.urlsafe_b64encode(orjson.dumps(place, default=str)).decode().rstrip("=")


def read_cursor(cursor: str | None, place: Callable[..., T]) -> T | None:
    """What `place` makes of the parts, None at the beginning. Raises Problem 422 where they are none of ours: `place`
    raises ValueError for those it does not know, as `moment` and `whole` do."""
    if cursor is None:
        return None
    try:
        parts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if not isinstance(parts, list):
            raise ValueError
        return place(*parts)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        field = FieldProblem("cursor", "not_a_cursor", "Use `next` of the page before, as it is.")
        raise Problem(422, "invalid_request", "This cursor cannot be read.", [field]) from None


def moment(said: Any) -> datetime:
    """A moment with its offset, which UTC can tell. Raises ValueError, or TypeError for what is no text."""
    read = datetime.fromisoformat(said)
    if read.tzinfo is None:
        raise ValueError
    return in_utc(read)


def whole(said: Any) -> int:
    """A whole number that a database holds as int. Raises ValueError."""
    if type(said) is not int or not -MOST <= said <= MOST:
        raise ValueError
    return said
