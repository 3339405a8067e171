"""The application factory: FastAPI for routes and OpenAPI, problem+json for everything that goes wrong."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from shared.web.edge import Bodies, Edge, OnProblem, PageOf
from shared.web.openapi import Application
from shared.web.problems import FieldProblem, Problem, render

CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}

log = logging.getLogger(__name__)


def create_app(
    title: str,
    version: str = "1",
    *,
    routers: Sequence[APIRouter] = (),
    json_limit: int = 65_536,
    sample_ratio: float = 0.0,
    on_problem: OnProblem | None = None,
) -> FastAPI:
    """An application. `on_problem(path, document)` may add members to a problem document.

    `app.state.waits_for` (a string or None) makes every route but health answer 503 not_ready;
    `app.state.tokens` is the TokenVerifier that `allowed` asks, `app.state.keys` finds who holds an API key.
    """
    app = Application(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        separate_input_output_schemas=False,
    )
    _serve_docs(app)
    app.state.waits_for = None
    app.state.tokens = app.state.keys = None
    app.state.app = app
    app.state.direct = {}
    app.state.bodies = {}
    app.state.page_of = None
    for router in routers:
        app.include_router(router)
    _answer_problems(app, on_problem)
    app.add_middleware(
        Edge,
        limit=json_limit,
        sample_ratio=sample_ratio,
        on_problem=on_problem,
        state=app.state,
    )
    return app


def serve_directly(app: FastAPI, router: APIRouter, method: str, path: str) -> None:
    """Serves one route of `router` (an endpoint of nothing but the Request) without the framework in between.

    The route stays in the router for OpenAPI. For the hottest route only: measured, it halves a POST's cost.
    """
    for route in router.routes:
        if isinstance(route, APIRoute) and route.path == path and method in (route.methods or ()):
            app.state.direct[method, path] = route.endpoint
            return
    raise LookupError(f"{method} {path} is no route of this router")


def read_other_bodies(app: FastAPI, method: str, path: str, bodies: Bodies) -> None:
    """Lets one route read other types, or more bytes, than JSON of at most `json_limit`."""
    app.state.bodies[method, path] = bodies


def show_problems(app: FastAPI, page_of: PageOf) -> None:
    """Lets `page_of(path, problem)` answer in place of the document; where it says None the document stays."""
    app.state.page_of = page_of


def _serve_docs(app: FastAPI) -> None:
    """The page at /docs with the files of a package: FastAPI's own loads them from a host that may be out of reach."""
    app.mount("/docs/files", StaticFiles(packages=[("fastapi_swagger", "resources")]))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/docs/files/swagger-ui-bundle.js",
            swagger_css_url="/docs/files/swagger-ui.css",
            swagger_favicon_url="/docs/files/favicon-32x32.png",
        )


def _answer_problems(app: FastAPI, on_problem: OnProblem | None) -> None:
    def answer(request: Request, problem: Problem) -> Response:
        page_of: PageOf | None = app.state.page_of
        if page_of and (page := page_of(request.url.path, problem)):
            return page
        document: dict[str, Any] = problem.document()
        if on_problem:
            document = on_problem(request.url.path, document)
        headers = {"cache-control": "no-store", **problem.headers}
        return Response(render(document), problem.status, headers, media_type="application/problem+json")

    async def told(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        return answer(request, problem)

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = CODES.get(error.status_code, "http_error")
        return answer(request, Problem(error.status_code, code, headers=error.headers or {}))

    async def parameters(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = [
            FieldProblem("/".join(map(str, one["loc"][1:])), str(one["type"]), str(one["msg"]))
            for one in error.errors()
        ]
        return answer(request, Problem(422, "invalid_request", "Some fields cannot be accepted.", fields))

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return answer(request, Problem(500, "internal"))

    app.add_exception_handler(Problem, told)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, parameters)
    app.add_exception_handler(Exception, unexpected)
