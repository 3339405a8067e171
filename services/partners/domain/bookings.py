"""Which changes of bookings are news, and under which reference and position they are told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

# Crockford's alphabet: no letter that is read as another (I, L, O, U are missing).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LETTERS = 12

# A booking stands whatever became of its hour, unless that was given back.
STANDING = frozenset({"held", "booked", "arrived", "fulfilled", "no_show"})


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


@dataclass(frozen=True, slots=True)
class Reached:
    """How far an organisation has been told before a batch; who does not listen is given no positions."""

    position: int
    listens: bool


def fresh(news: Iterable[News], known: Mapping[UUID, Known]) -> list[News]:
    """Only what is newer than what was told."""
    return [
        one
        for one in news
        if one.appointment_id not in known or one.version > known[one.appointment_id].version
    ]


def positions(news: Sequence[News], reached: Mapping[str, Reached]) -> list[int]:
    """The position of each, counted on per organisation; 0 where nobody listens."""
    counted = {name: one.position for name, one in reached.items()}
    given = []
    for one in news:
        if not reached[one.organisation].listens:
            given.append(0)
            continue
        counted[one.organisation] += 1
        given.append(counted[one.organisation])
    return given


def reference(randomness: bytes) -> str:
    """Twelve letters of at least 8 random bytes: 60 bits, so it tells nothing and is never guessed."""
    number = int.from_bytes(randomness, "big")
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(REFERENCE_LETTERS))
