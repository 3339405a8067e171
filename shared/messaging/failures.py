"""Which failures pass by themselves and which never will."""

import asyncpg
from aiokafka.errors import KafkaError

# Classes: 08 connection, 40 rollback (deadlock, serialisation), 53 resources, 57 operator intervention
# (shutdown, statement timeout), 58 system; 55P03 lock timeout, 25006 read-only (a demoted server).
TRANSIENT_CLASSES = frozenset({"08", "40", "53", "57", "58"})
TRANSIENT_STATES = frozenset({"55P03", "25006"})


# What asyncpg raises when a database is away, or goes away under us. InternalClientError is the word of a connection that
# has heard the server say goodbye and has not seen the end yet: a moment later it is gone and made anew.
TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class Fenced(Exception):
    """Somebody else has moved this partition's offset: roll back, read it again."""


class Stopped(Exception):
    """The consumer has stopped itself: the same failure again and again means that we are broken."""


def is_transient(failure: BaseException) -> bool:
    """Whether the same batch may pass if it is tried again a little later."""
    if isinstance(failure, asyncpg.PostgresError):
        state = failure.sqlstate or ""
        return state[:2] in TRANSIENT_CLASSES or state in TRANSIENT_STATES
    return isinstance(failure, TROUBLE)


def is_held_up(failure: BaseException) -> bool:
    """Whether it waited in vain for what somebody else has locked (55P03)."""
    return isinstance(failure, asyncpg.LockNotAvailableError)


def describe(failure: BaseException) -> str:
    """The failure's kind without any value: database errors and models quote rows and inputs in their text."""
    if isinstance(failure, asyncpg.PostgresError):
        return f"{type(failure).__name__} {failure.sqlstate} {failure.constraint_name or ''}".strip()
    if isinstance(failure, KafkaError):
        return f"{type(failure).__name__} {failure}"[:200]  # speaks of brokers and partitions only
    places = getattr(failure, "errors", None)
    if callable(places):
        found = places(include_input=False, include_url=False, include_context=False)
        where = ", ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])
        return f"{type(failure).__name__} {where}"
    return type(failure).__name__
