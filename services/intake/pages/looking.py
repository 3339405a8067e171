"""Looking how a request stands, with code and PIN: for whoever asked, and for whoever takes part."""

from fastapi import Request, Response

from services.intake.api.shedding import Reads
from services.intake.api.taking_part import find_own
from services.intake.domain import taking_part
from services.intake.pages.entering import Door, Known, own_case, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.standing import own_page, standing_page
from services.intake.repository.standings import CaseView
from services.intake.repository.taking_part import OwnView
from shared.web import Problem
from shared.web.forms import Form

PAGE = "status"


class Looking:
    """GET and POST /{language}/status."""

    def __init__(
        self, renderer: Renderer, door: Door, look: Reads[CaseView], look_own: Reads[OwnView]
    ) -> None:
        self._renderer = renderer
        self._door = door
        self._look = look
        self._look_own = look_own

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form."""
        return self._door.ask(PAGE, language)

    async def show(self, language: str, request: Request) -> Response:
        """How the case stands now. The token stands in the page, so that the PIN is typed once in ten minutes."""
        form: Form = {}
        try:
            self._look.admit()
            form = await read_sent(request, frozenset())
            known = await self._door.know(request, form)
            if known.principal.role in taking_part.ROLES:
                return await self._own(language, known)
            entered = await own_case(known, self._look)
        except Problem as problem:
            return self._door.again(PAGE, language, form, problem)
        return standing_page(self._renderer, language, entered)

    async def _own(self, language: str, known: Known) -> Response:
        try:
            view = await find_own(self._look_own, known.code, known.principal)
        except Problem as problem:
            # Their word was taken back meanwhile, or the code is another one: behind the door nothing is there.
            raise Problem(401, "token_invalid") if problem.status == 404 else problem from None
        return own_page(self._renderer, language, view, known.token)
