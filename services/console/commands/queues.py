"""`lag`, `outbox` and `owners`: is anything behind, what has not been sent, and who is on it."""

import time
from dataclasses import asdict
from typing import Any

from services.console.commands.rendering import AsJson, print_json, print_table, run
from services.console.domain.lag import Lag, Stored, behind, lags
from services.console.domain.owners import Share, shares
from services.console.gateways.broker import log_ends, times_at
from services.console.repository import owners as locks_repository
from services.console.repository import queues
from services.console.repository.catalog import opened
from services.console.settings import ConsoleSettings, read_settings
from shared.contracts.topics import TOPICS, partner_topic
from shared.messaging.outbox import SHARDS
from shared.messaging.partitions import lock_item


def lag(as_json: AsJson = False) -> None:
    """How far each group is behind, per topic: stored offset, end of the log, age of the oldest event."""
    rows, held = run(_lag(read_settings()))
    if as_json:
        print_json({"lag": [asdict(row) for row in rows], "held_back": held})
        return
    print_table("Groups", [asdict(row) for row in rows], empty="nobody has read anything yet")
    print_table("Held back", held, empty="nothing")


def outbox(as_json: AsJson = False) -> None:
    """Events that are committed and not on a topic yet, per service and lane."""
    rows = run(_outbox(read_settings()))
    if as_json:
        print_json(rows)
    else:
        print_table("Outboxes", rows, empty="empty, everything is sent")


def owners(as_json: AsJson = False) -> None:
    """Which session owns which shard of an outbox and which partition of a topic, and what nobody owns."""
    found = run(_owners(read_settings()))
    if as_json:
        print_json([asdict(share) for share in found])
    else:
        print_table("Owners", [_row(share) for share in found], empty="no process runs")


async def _lag(settings: ConsoleSettings) -> tuple[list[Lag], list[dict[str, Any]]]:
    async with opened(settings.database_url) as connection:
        stored = await queues.stored_offsets(connection)
        held = await queues.held_back(connection)
    ends = await log_ends(settings, [(one.topic, one.partition) for one in stored])
    late = [(one.topic, one.partition, one.next) for one in behind(stored, ends)]
    oldest = await times_at(settings, late)
    return lags(stored, ends, oldest, time.time()), [dict(row) for row in held]


async def _outbox(settings: ConsoleSettings) -> list[dict[str, Any]]:
    async with opened(settings.database_url) as connection:
        return [dict(row) for row in await queues.outboxes(connection)]


async def _owners(settings: ConsoleSettings) -> list[Share]:
    async with opened(settings.database_url) as connection:
        locks, members = await locks_repository.locks(connection)
        stored = await queues.stored_offsets(connection)
    lanes = {name.removeprefix("owner:") for _, name in members if ":outbox:" in name}
    named = {key: {shard: f"shard {shard}" for shard in range(SHARDS)} for key in lanes}
    return shares(locks, members, named | _partitions(settings, stored))


def _partitions(settings: ConsoleSettings, stored: list[Stored]) -> dict[str, dict[int, str]]:
    """What each group should own: all partitions of every topic it has stored offsets for."""
    counts = {topic.name: topic.partitions for topic in TOPICS}
    counts |= {partner_topic(name).name: partner_topic(name).partitions for name in settings.partners}
    named: dict[str, dict[int, str]] = {}
    for service, group, topic in sorted({(one.service, one.group, one.topic) for one in stored}):
        items = {lock_item(topic, p): f"{topic}/{p}" for p in range(counts.get(topic, 0))}
        named.setdefault(f"{service}:consumer:{group}", {}).update(items)
    return named


def _row(share: Share) -> dict[str, Any]:
    session = "nobody" if share.session is None else str(share.session)
    names = [item.rpartition("/") for item in share.items]
    topics = list(dict.fromkeys(topic for topic, _, _ in names if topic))
    parts = [f"{topic}: {' '.join(last for first, _, last in names if first == topic)}" for topic in topics]
    return {
        "service": share.service,
        "purpose": share.purpose,
        "session": session,
        "owns": len(share.items),
        "which": "; ".join(parts) or ", ".join(share.items),
    }
