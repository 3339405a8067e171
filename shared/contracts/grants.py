"""Who may do what on the broker: the Kafka ACL, derived from the one table of topics and readers.

Writing and reading imply describing. Whoever commits offsets reads its group; the console, which makes topics and looks how far
others are, may describe all of them and reads those it is named for. Nobody has a right to all topics or groups.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from shared.contracts.topics import GROUPS, TOPICS, partner_topic

CONSOLE = "console"


class Grant(NamedTuple):
    """One rule that allows; whatever no rule allows is refused. A prefixed name stands for all that begin with it."""

    principal: str
    operation: Literal["read", "write", "describe", "create"]
    resource: Literal["topic", "group"]
    name: str
    prefixed: bool = False


def grants(partners: Iterable[str]) -> tuple[Grant, ...]:
    """All rules, with those of the organisations that read a topic of their own."""
    organisations = sorted(set(partners))
    return (*_topics(organisations), *_groups(), *_partner_groups(organisations))


def principals(partners: Iterable[str]) -> tuple[str, ...]:
    """Everybody who connects: our services, the pager by itself, and partners."""
    return tuple(sorted({one.principal for one in grants(partners)}))


def _topics(organisations: list[str]) -> Iterator[Grant]:
    for topic in (*TOPICS, *map(partner_topic, organisations)):
        yield Grant(topic.producer, "write", "topic", topic.name)
        for reader in topic.readers:
            yield Grant(reader, "read", "topic", topic.name)
        yield Grant(CONSOLE, "create", "topic", topic.name)
        yield Grant(CONSOLE, "describe", "topic", topic.name)


def _groups() -> Iterator[Grant]:
    """A group belongs to the service it is named after, `scheduling.online` to scheduling."""
    for group in GROUPS:
        yield Grant(group.partition(".")[0], "read", "group", group)


def _partner_groups(organisations: list[str]) -> Iterator[Grant]:
    """A partner's groups are called after it, with a dot before whatever follows: `x` has none of `x-y`."""
    for organisation in organisations:
        yield Grant(organisation, "read", "group", organisation)
        yield Grant(organisation, "read", "group", f"{organisation}.", prefixed=True)
