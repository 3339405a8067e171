"""What gateways say later: the handset got a message, or never will; then the next channel is tried."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from services.notifications.domain.outcomes import Settled
from services.notifications.domain.receipts import Receipt, Verdict, fold, weigh
from services.notifications.domain.sending import BY_OURSELVES, Channel
from services.notifications.handlers.announcing import announce, delivered, failed
from services.notifications.handlers.by_hand import ask_humans
from services.notifications.handlers.taking_back import call_off
from services.notifications.repository import receiving as repository
from services.notifications.repository.receiving import Moved, Standing
from services.notifications.repository.sending import keep_tries
from shared.contracts.base import Event
from shared.messaging import Transaction

UNDELIVERED = "undelivered"
STATES: Mapping[Verdict, str] = {"delivered": "delivered", "failed": "failed", "next_channel": "planned"}


async def take_receipts(
    tx: Transaction, receipts: Sequence[Receipt], offered: Collection[Channel]
) -> dict[str, int]:
    """How many receipts meant what: `delivered`, `failed`, `next_channel`, `repeated`, `late`, `unknown`. The same batch
    again changes nothing."""
    news = fold(receipts)
    standing = await repository.lock(tx, news.keys(), {*offered, *BY_OURSELVES})
    weighed = [(standing[one], news[one], weigh(standing[one].sent, news[one])) for one in sorted(standing)]
    changed = [one for one in weighed if one[2] in STATES]
    await repository.save(tx, [_moved(receipt, verdict) for _, receipt, verdict in changed])
    unnamed = [receipt for one, receipt, _ in weighed if not one.named]
    await repository.name(tx, [(one.message_id, one.gateway_id) for one in unnamed if one.gateway_id])
    undelivered = [receipt for _, receipt, verdict in changed if verdict != "delivered"]
    await keep_tries(tx, [(one.message_id, one.channel, UNDELIVERED) for one in undelivered])
    told = [(one.message, _event(tx, one, receipt, verdict)) for one, receipt, verdict in changed]
    announce(tx, told)
    await ask_humans(tx, told)
    await call_off(tx, [receipt.message_id for _, receipt, verdict in changed if verdict == "delivered"])
    counts = Counter[str](verdict for _, _, verdict in weighed)
    counts["unknown"] = len(news) - len(standing)
    counts["repeated"] += len(receipts) - len(news)
    return dict(counts)


def _moved(receipt: Receipt, verdict: Verdict) -> Moved:
    reason = None if verdict == "delivered" else UNDELIVERED
    return Moved(receipt.message_id, STATES[verdict], receipt.channel, reason)


def _event(tx: Transaction, one: Standing, receipt: Receipt, verdict: Verdict) -> Event:
    if verdict == "delivered":
        return delivered(one.message, receipt.channel, tx.now)
    settled = Settled("failed", UNDELIVERED, last_chance=verdict == "failed")
    return failed(one.message, receipt.channel, settled, tx.now)
