"""Who owns which shard of an outbox and which partition of a topic, told from the advisory locks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lock:
    """One item that one database session holds; the session's name is `owner:<schema>:<purpose>`."""

    session: int
    name: str
    item: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one session owns of one purpose; `session` is None for what nobody owns."""

    service: str
    purpose: str
    session: int | None
    items: tuple[str, ...]


def shares(
    locks: Iterable[Lock], members: Iterable[tuple[int, str]], named: Mapping[str, Mapping[int, str]]
) -> list[Share]:
    """Every member's share, an empty one included, then what nobody owns.

    `named` gives per `<schema>:<purpose>` all its items with their names; of a purpose that is not in it
    nothing can be said to be missing.
    """
    held: dict[tuple[str, int], list[int]] = {(_key(name), session): [] for session, name in members}
    for lock in locks:
        held.setdefault((_key(lock.name), lock.session), []).append(lock.item)
    found = [_share(key, session, items, named) for (key, session), items in sorted(held.items())]
    taken = {(key, item) for (key, _), items in held.items() for item in items}
    return found + [one for key in sorted(named) for one in _unowned(key, named[key], taken)]


def _unowned(key: str, items: Mapping[int, str], taken: set[tuple[str, int]]) -> Sequence[Share]:
    missing = sorted(name for item, name in items.items() if (key, item) not in taken)
    service, _, purpose = key.partition(":")
    return [Share(service, purpose, None, tuple(missing))] if missing else []


def _share(key: str, session: int, items: Iterable[int], named: Mapping[str, Mapping[int, str]]) -> Share:
    service, _, purpose = key.partition(":")
    names = named.get(key, {})
    return Share(service, purpose, session, tuple(sorted(names.get(item, str(item)) for item in items)))


def _key(name: str) -> str:
    return name.removeprefix("owner:")
