"""Looking how a request stands, with code and PIN."""

from fastapi import Request, Response

from services.intake.api.shedding import Reads
from services.intake.pages.entering import Door, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.standing import standing_page
from shared.web import Problem
from shared.web.forms import Form

PAGE = "status"


class Looking:
    """GET and POST /{language}/status."""

    def __init__(self, renderer: Renderer, door: Door, look: Reads) -> None:
        self._renderer = renderer
        self._door = door
        self._look = look

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form."""
        return self._door.ask(PAGE, language)

    async def show(self, language: str, request: Request) -> Response:
        """How the case stands now. The token stands in the page, so that the PIN is typed once in ten minutes."""
        form: Form = {}
        try:
            self._look.admit()
            form = await read_sent(request, frozenset())
            entered = await self._door.enter(request, form, self._look)
        except Problem as problem:
            return self._door.again(PAGE, language, form, problem)
        return standing_page(self._renderer, language, entered)
