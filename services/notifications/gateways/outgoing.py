"""A message ready to leave: the only place where an address, a text and an id stand together, in memory only."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """`id` is the idempotency key at the SMS gateway and the Message-ID of a mail. `template` and `values` are for a
    gateway to which the text itself is known. It has no repr: neither an address nor a text may ever stand in a log."""

    id: UUID
    to: str
    subject: str
    text: str
    language: str
    template: str = ""
    values: tuple[str, ...] = ()
