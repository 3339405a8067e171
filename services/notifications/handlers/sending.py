"""The sender's transactions: what may go out now, and what became of it. The sender itself does the rest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.domain.outcomes import Accepted, Outcome, Settled, after, settle, unknown
from services.notifications.domain.sending import (
    BY_OURSELVES,
    NEVER_TWICE,
    Channel,
    Decision,
    Exhausted,
    Later,
    Send,
    Skip,
    Unknown,
    decide,
    next_channel,
)
from services.notifications.domain.windows import Limit
from services.notifications.handlers.announcing import Wording, announce, delivered, failed, sent, skipped
from services.notifications.handlers.by_hand import ask_humans
from services.notifications.handlers.calling import ask_to_call
from services.notifications.handlers.taking_back import call_off
from services.notifications.handlers.unconfirmed import hold_unconfirmed
from services.notifications.repository import sending as repository
from services.notifications.repository.messages import Message
from services.notifications.repository.sending import Claimed, Fate
from shared.contracts.base import Event
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are ours to send until the lease ends, by the way they go; `found` counts all that were due."""

    claim: UUID
    found: int
    ways: Mapping[Channel, Sequence[Claimed]]

    @property
    def claimed(self) -> list[Claimed]:
        return [one for way in self.ways.values() for one in way]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was handed to a gateway, and its answer."""

    claimed: Claimed
    channel: Channel
    wording: Wording
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Ending:
    """What is recorded of a message and what is said of it; both only while it is ours."""

    message: Message
    fate: Fate
    events: Sequence[Event] = ()


async def claim_due(
    tx: Transaction,
    limit: int,
    lease: timedelta,
    offered: Collection[Channel],
    limits: Sequence[Limit] = (),
) -> Batch:
    """Looks again, under the lock, whether each due message is still true, wanted and timely, within the `limits` of
    its way. `offered` are the ways there are: whatever else a person allowed is passed over."""
    claim = tx.new_id()
    due = await repository.claim_due(tx, limit, {*offered, *BY_OURSELVES})
    decided = await hold_unconfirmed(tx, [(one, decide(one.due, tx.now, limits)) for one in due])
    endings = [_ending(one, decision, tx.now, lease) for one, decision in decided]
    await repository.save(tx, [ending.fate for ending in endings], ours=None, claim=claim)
    await _announce(tx, endings)
    await _have_called(tx, decided)
    return Batch(claim, len(due), {channel: _going(decided, channel) for channel in offered})


async def mark_tried(
    tx: Transaction, claim: UUID, claimed: Sequence[Claimed], channel: Channel, lease: timedelta
) -> list[Claimed]:
    """From here on nobody can be sure that these did not leave; returns those still ours and still true."""
    messages = [one.message for one in claimed]
    ours = await repository.mark_tried(tx, messages, claim, channel, tx.now + lease)
    return [one for one in claimed if one.message.id in ours]


async def record_attempts(tx: Transaction, claim: UUID, attempts: Sequence[Attempt]) -> None:
    """What the gateways answered; what was not accepted is kept as well, try by try."""
    ours = await _record(tx, claim, [_attempted(attempt, tx.now) for attempt in attempts])
    await repository.keep_tries(
        tx,
        [
            (attempt.claimed.message.id, attempt.channel, attempt.outcome.reason)
            for attempt in attempts
            if not isinstance(attempt.outcome, Accepted) and attempt.claimed.message.id in ours
        ],
    )


async def record_refusals(tx: Transaction, claim: UUID, refusals: Sequence[tuple[Claimed, str]]) -> None:
    """The vault gives no key, because the person is stopped or erased."""
    await _record(tx, claim, [_refused(one, reason, tx.now) for one, reason in refusals])


async def put_back(
    tx: Transaction, claim: UUID, claimed: Sequence[Claimed], reason: str, seconds: float
) -> None:
    """Nothing left us and it was nobody's fault: looked at again later, inside the window, without end."""
    again = tx.now + timedelta(seconds=seconds)
    await _record(tx, claim, [_again(one, again, reason) for one in claimed])


async def _record(tx: Transaction, claim: UUID, endings: Sequence[_Ending]) -> set[UUID]:
    ours = await repository.save(tx, [ending.fate for ending in endings], ours=claim, claim=None)
    await _announce(tx, [ending for ending in endings if ending.fate.id in ours])
    return ours


def _ending(one: Claimed, decision: Decision, now: datetime, lease: timedelta) -> _Ending:
    message, tries = one.message, one.tries
    match decision:
        case Send(channel="inbox"):
            fate = Fate(message.id, "delivered", tries, channel="inbox", given_up=one.due.given_up)
            return _Ending(message, fate, [delivered(message, "inbox", now)])
        case Send(channel="call", until=until):
            fate = Fate(
                message.id, "calling", tries, until, channel="call", reason=None, given_up=one.due.given_up
            )
            return _Ending(message, fate)
        case Send(channel=channel):
            # What may never leave twice is marked as tried just before it leaves.
            tried_by = None if channel in NEVER_TWICE else channel
            fate = Fate(
                message.id, "sending", tries, now + lease, tried_by, channel, given_up=one.due.given_up
            )
            return _Ending(message, fate)
        case Later(at=at, reason=reason):
            return _again(one, at, reason or ("held" if one.due.held else "safe_window"))
        case Skip(reason=reason):
            return _skip(one, reason, now)
        case Unknown(channel=channel):
            return _settled(one, channel, unknown(message.purpose, channel), now)
        case Exhausted(channel=channel):
            return _settled(one, channel, Settled("failed", "no_channel", last_chance=True), now)


def _again(one: Claimed, at: datetime, reason: str) -> _Ending:
    # What may have arrived keeps its channel, or its receipt would be taken for one of another.
    state, tried_by = "sending" if one.due.tried_by else "planned", one.due.tried_by
    fate = Fate(
        one.message.id, state, one.tries, at, tried_by, tried_by, reason=reason, given_up=one.due.given_up
    )
    return _Ending(one.message, fate)


def _skip(one: Claimed, reason: str, now: datetime) -> _Ending:
    fate = Fate(one.message.id, "skipped", one.tries, reason=reason, given_up=one.due.given_up)
    return _Ending(one.message, fate, [skipped(one.message, reason, now)])


def _refused(one: Claimed, reason: str, now: datetime) -> _Ending:
    tried_by = one.due.tried_by
    if tried_by:
        return _settled(one, tried_by, unknown(one.message.purpose, tried_by), now)
    return _skip(one, reason, now)


def _attempted(attempt: Attempt, now: datetime) -> _Ending:
    one, channel, wording = attempt.claimed, attempt.channel, attempt.wording
    others = next_channel(one.due.contact, [*one.due.given_up, channel]) is not None
    outcome = after(one.due.tried_by, attempt.outcome)
    settled = settle(outcome, channel, one.message.purpose, one.tries + 1, now, others=others)
    ending = _settled(one, channel, settled, now)
    ending.fate.language = wording.language
    ending.fate.template_version = wording.template_version
    ending.fate.parts = wording.parts
    if isinstance(attempt.outcome, Accepted):
        ending.fate.gateway_id = attempt.outcome.gateway_id
        return _Ending(one.message, ending.fate, [sent(one.message, channel, wording, now)])
    return ending


def _settled(one: Claimed, channel: Channel, settled: Settled, now: datetime) -> _Ending:
    fate = Fate(
        one.message.id, settled.state, one.tries + 1, settled.due_at, settled.tried_by, channel,
        reason=settled.reason, given_up=one.due.given_up,
    )  # fmt: skip
    if settled.given_up:
        fate.tries, fate.given_up = 0, (*one.due.given_up, channel)
    over = settled.state == "failed" or settled.given_up
    return _Ending(one.message, fate, [failed(one.message, channel, settled, now)] if over else [])


async def _have_called(tx: Transaction, decided: Sequence[tuple[Claimed, Decision]]) -> None:
    """A human is asked for the calls that may be made now, and for none of those that were to be made before."""
    wanted = [
        (one.message, decision.until)
        for one, decision in decided
        if isinstance(decision, Send) and decision.channel == "call" and decision.until
    ]
    going = {message.id for message, _ in wanted}
    await call_off(
        tx, [one.message.id for one, _ in decided if one.state == "calling" and one.message.id not in going]
    )
    await ask_to_call(tx, wanted)


def _going(decided: Iterable[tuple[Claimed, Decision]], channel: Channel) -> list[Claimed]:
    return [one for one, decision in decided if isinstance(decision, Send) and decision.channel == channel]


async def _announce(tx: Transaction, endings: Iterable[_Ending]) -> None:
    told = [(ending.message, event) for ending in endings for event in ending.events]
    announce(tx, told)
    await ask_humans(tx, told)
