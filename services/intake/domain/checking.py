"""A request as it was typed becomes a request in one spelling, or every refusal at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.intake.domain.attendees import Participant, in_their_own_name, unfitting
from services.intake.domain.contacts import read_address
from services.intake.domain.policy import Policy
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import (
    CareRequest,
    Needs,
    contradicting_needs,
    contradictions,
    repeated,
    unknown_text,
)
from services.intake.domain.screening import Answers, misfits, unknown


def check(policy: Policy, typed: CareRequest) -> CareRequest | list[Refusal]:
    """The request with its city and address in the one form they are kept in, or all that is wrong with it."""
    city = _city(policy, typed.needs)
    address = read_address(typed.contact.channel, typed.contact.address)
    refusals = [
        *(found for found in (city, address) if isinstance(found, Refusal)),
        *contradictions(typed.needs, typed.contact, typed.consent),
        *unknown_text(typed.consent.text_version, policy.consent_texts),
        *_misfits(policy, typed.answers),
        *repeated("/red_flags", typed.red_flags),
        *unfitting(typed.needs.kind, typed.attendees),
    ]
    others = _others(typed.attendees, refusals)
    if not refusals and not isinstance(address, Refusal) and typed.needs.source != "family":
        refusals += in_their_own_name(replace(typed.contact, address=address), others)
    if refusals or isinstance(city, Refusal) or isinstance(address, Refusal):
        return refusals
    needs = typed.needs if city == typed.needs.city else replace(typed.needs, city=city)
    return replace(typed, needs=needs, contact=replace(typed.contact, address=address), attendees=others)


def check_wishes(policy: Policy, needs: Needs) -> Needs | list[Refusal]:
    """The same for needs that changed: as a whole, because a wish may be right alone and wrong beside the others."""
    city = _city(policy, needs)
    refusals = [*([city] if isinstance(city, Refusal) else []), *contradicting_needs(needs)]
    if refusals or isinstance(city, Refusal):
        return refusals
    return replace(needs, city=city)


def _others(typed: Sequence[Participant], refusals: list[Refusal]) -> tuple[Participant, ...]:
    """Those who take part, with their addresses as they are kept; what is wrong with one is added to `refusals`."""
    others = []
    for place, one in enumerate(typed):
        read = read_participant(one, f"/attendees/{place}")
        if isinstance(read, Refusal):
            refusals.append(read)
        else:
            others.append(read)
    return tuple(others)


def read_participant(typed: Participant, at: str = "") -> Participant | Refusal:
    """Somebody who takes part, with the address of their contact as it is kept."""
    if typed.contact is None:
        return typed
    address = read_address(typed.contact.channel, typed.contact.address, f"{at}/contact")
    if isinstance(address, Refusal):
        return address
    return replace(typed, contact=replace(typed.contact, address=address))


def _city(policy: Policy, needs: Needs) -> str | Refusal | None:
    return None if needs.city is None else policy.places.read_city(needs.city, needs.province)


def _misfits(policy: Policy, answers: Mapping[str, Answers]) -> list[Refusal]:
    refusals: list[Refusal] = []
    for name, given in answers.items():
        instrument = policy.instruments.get(name)
        refusals += misfits(instrument, given) if instrument else [unknown(name)]
    return refusals
