"""Taking a request back on a page: what it means is read first, then it is done, and nobody asks why unless told."""

from typing import cast, get_args

from fastapi import Request, Response

from services.intake.api.withdrawals import WithdrawalCounter
from services.intake.domain.vocabulary import WithdrawReason
from services.intake.handlers.withdrawal import Withdrawal
from services.intake.pages.entering import Door, Entered, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.standing import standing_page
from services.intake.pages.steps import first
from shared.web import Problem
from shared.web.forms import Form

PAGE = "withdraw"
KNOWN = frozenset({"reason", "stop_contact"})
REASONS = get_args(WithdrawReason)


class Leaving:
    """GET and POST /{language}/withdraw. It is never refused for load: its look is the withdrawals' own."""

    def __init__(self, renderer: Renderer, door: Door, counter: WithdrawalCounter) -> None:
        self._renderer = renderer
        self._door = door
        self._counter = counter

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form."""
        return self._door.ask(PAGE, language)

    async def leave(self, language: str, request: Request) -> Response:
        """Asks whether it is meant; takes it back when it is. Twice is once."""
        form: Form = {}
        try:
            form = await read_sent(request, KNOWN)
            entered = await self._door.enter(request, form, self._counter.look)
            if first(form, "go") == "withdraw":
                return await self._withdraw(language, entered)
        except Problem as problem:
            return self._door.again(PAGE, language, form, problem)
        view = entered.view
        if view.standing.state == "closed":
            return standing_page(self._renderer, language, entered)
        return self._renderer.page(
            PAGE,
            language,
            province=view.province,
            urgent=view.alarmed,
            case_code=view.case_code,
            token=entered.token,
        )

    async def _withdraw(self, language: str, entered: Entered) -> Response:
        reason = first(entered.form, "reason") or "not_said"
        if reason not in REASONS:
            raise Problem(400, "broken_form")
        stop = "stop_contact" in entered.form
        await self._counter.withdraw(Withdrawal(entered.view.case_id, cast(WithdrawReason, reason), stop))
        after = await self._counter.look(entered.view.case_code)
        texts = self._renderer.words[language].texts[PAGE]
        notice = texts["done_quietly" if stop else "done"]
        return standing_page(
            self._renderer, language, Entered(after or entered.view, entered.token, {}), notice
        )
