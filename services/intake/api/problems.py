"""How refusals are told: problem+json that names the field, and where a person asks, the crisis card in it."""

from collections.abc import Callable, Sequence
from typing import Any

from services.intake.api.cards import CardDeck
from services.intake.domain.refusals import Refusal
from shared.web import FieldProblem, Problem

PERSON_FACING = (
    "/v1/cases",
    "/v1/invitations",
    "/v1/sessions",
    "/v1/crisis",
    "/v1/reference",
    "/en/",
    "/ur/",
)


def refused(refusals: Sequence[Refusal]) -> Problem:
    """All that is wrong with a request, at once."""
    fields = [FieldProblem(r.pointer, r.code, r.detail) for r in refusals]
    return Problem(422, "invalid_request", "Some fields cannot be accepted.", fields)


def with_card(cards: CardDeck) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """For `create_app`: whoever meets an error where people ask for help still sees whom to call."""

    def add(path: str, problem: dict[str, Any]) -> dict[str, Any]:
        if not path.startswith(PERSON_FACING):
            return problem
        return problem | {"crisis": cards.card(None, "en")}

    return add
