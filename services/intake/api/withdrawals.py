"""Taking a request back: POST /v1/cases/{code}/withdraw, in the crisis process and in the api alike."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response

from services.intake.api.cards import CardDeck
from services.intake.api.requests import WithdrawalSent
from services.intake.api.together import read_together, together
from services.intake.api.views import not_found, render_view
from services.intake.domain.codes import read_case_code
from services.intake.handlers.lookups import look_up_cases
from services.intake.handlers.withdrawal import Withdrawal, withdraw_cases
from services.intake.repository.standings import CaseView
from shared.messaging import Database
from shared.web import Principal, allowed, parse
from shared.web.described import body_of

Owner = Annotated[Principal, allowed(own=("person",))]


@dataclass(frozen=True, slots=True)
class WithdrawalCounter:
    """`withdraw` answers how the case stands afterwards."""

    cards: CardDeck
    look: Callable[[str], Awaitable[CaseView | None]]
    withdraw: Callable[[Withdrawal], Awaitable[None]]


def open_withdrawals(cards: CardDeck, database: Database) -> WithdrawalCounter:
    """The counter on this database, with a look of its own."""
    look, withdraw = read_together(database, look_up_cases), together(database, withdraw_cases)
    return WithdrawalCounter(cards, look, withdraw)


def withdrawal_routes(counter: WithdrawalCounter) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["cases"])

    @router.post(
        "/v1/cases/{code}/withdraw",
        openapi_extra=body_of(WithdrawalSent, stop={"reason": "changed_mind", "stop_contact": True}),
    )
    async def withdraw(code: str, caller: Owner, request: Request) -> Response:
        """Closes the case, and stops every message if asked to. Doing it twice changes nothing."""
        sent = parse(WithdrawalSent, await request.body() or b"{}")
        code = read_case_code(code) or ""
        view = await counter.look(code)
        if view is None or caller.case_id != view.case_id:
            raise not_found()
        await counter.withdraw(Withdrawal(view.case_id, sent.reason, sent.stop_contact))
        after = await counter.look(code)
        return render_view(after or view, counter.cards)

    return router
