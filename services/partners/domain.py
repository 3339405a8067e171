"""Which bookings an organisation hears of, and under which reference and position."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

# Crockford's alphabet: no letter that is read as another (I, L, O, U are missing).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Known:
    """What we have told of an appointment."""

    booking_ref: str
    version: int


@dataclass(frozen=True, slots=True)
class News:
    """One appointment's change, as far as it concerns its organisation."""

    appointment_id: UUID
    organisation: str
    version: int


def concerns(news: Iterable[News], organisations: Collection[str], known: Mapping[UUID, Known]) -> list[News]:
    """Only organisations with a topic of their own, and only what is newer than what was told."""
    return [
        one
        for one in news
        if one.organisation in organisations
        and (one.appointment_id not in known or one.version > known[one.appointment_id].version)
    ]


def positions(news: Iterable[News], last: Mapping[str, int]) -> list[int]:
    """The position of each, counted on per organisation; `last` = the last one given before this batch."""
    reached = dict(last)
    given = []
    for one in news:
        reached[one.organisation] = reached.get(one.organisation, 0) + 1
        given.append(reached[one.organisation])
    return given


def reference(randomness: bytes) -> str:
    """Twelve letters of at least 8 random bytes: 60 bits, so it tells nothing and is never guessed."""
    number = int.from_bytes(randomness, "big")
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(REFERENCE_LETTERS))
