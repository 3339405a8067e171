"""Kafka in: what must be known of people and places before a message may go, and who must not be written to."""

from collections.abc import Sequence

from services.notifications.domain.calling import RECONFIRM
from services.notifications.domain.composing import neutral_directions
from services.notifications.domain.planning import contact_fact, site_fact
from services.notifications.domain.sending import AFTER_THE_END, AWAITS_A_CONTACT
from services.notifications.handlers import by_hand
from services.notifications.handlers.taking_back import say_closed, take_back
from services.notifications.repository import calls, messages, projections
from services.notifications.templates import forbidden_words
from shared.contracts.intake import CaseEnded, ConsentChanged, ContactChanged, ContactStopped
from shared.contracts.scheduling import SiteChanged
from shared.messaging import Transaction


async def remember_contacts(events: Sequence[ContactChanged], tx: Transaction) -> None:
    """Whoever can be reached now is told what waited for it; who is to be called is looked at again."""
    people = [event.person_id for event in events]
    await projections.save_contacts(tx, events)
    await messages.look_again(tx, people, AWAITS_A_CONTACT)
    say_closed(tx, await calls.close_of_people(tx, RECONFIRM, people))
    await tx.arrived([contact_fact(event.person_id) for event in events])


async def remember_sites(events: Sequence[SiteChanged], tx: Transaction) -> None:
    """Directions that would tell what a place is for are left out: people get the city instead."""
    forbidden = forbidden_words()
    neutral = [neutral_directions(event.directions, forbidden) for event in events]
    await projections.save_sites(tx, events, neutral)
    await tx.arrived([site_fact(event.site_id) for event in events])


async def stop_contact(events: Sequence[ContactStopped], tx: Transaction) -> None:
    """No message of any kind any more: what was planned is taken back at once."""
    await projections.save_stops(tx, [(event.person_id, True, event.stopped_at) for event in events])
    await by_hand.close_unwanted(tx, [event.person_id for event in events])
    await take_back(tx, await messages.stop(tx, [event.person_id for event in events]))


async def end_cases(events: Sequence[CaseEnded], tx: Transaction) -> None:
    """Nobody is reminded of them or asked after them; that an hour is given back is still told."""
    ended = {case_id for event in events for case_id in event.case_ids}
    await projections.save_ends(tx, ended)
    await by_hand.close_decided(tx, ended)
    await take_back(tx, await messages.end(tx, ended, AFTER_THE_END))


async def follow_consent(events: Sequence[ConsentChanged], tx: Transaction) -> None:
    """Consent to contact taken back stops messages; given again it lifts the stop."""
    contact = [event for event in events if event.purpose == "contact"]
    withdrawn = [event.person_id for event in contact if event.state == "withdrawn"]
    await projections.save_stops(
        tx, [(event.person_id, event.state == "withdrawn", event.changed_at) for event in contact]
    )
    await by_hand.close_unwanted(tx, withdrawn)
    await take_back(tx, await messages.stop(tx, withdrawn))
