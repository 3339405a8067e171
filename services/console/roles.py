"""The console as a process: what it serves and what it follows. One is enough; a second one shares the work."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI, Response

from services.console.api.journeys import JourneyBook, journey_routes
from services.console.api.schemas import schema_routes
from services.console.api.tasks import Worklist, task_routes
from services.console.domain.tasks import Refused
from services.console.gateways.notifications import how_to_reach
from services.console.handlers import DUE_HANDLERS, HANDLERS, HEARD, data_tasks, worklist
from services.console.handlers.journeys import Told, journey_of, with_what_is_late
from services.console.handlers.worklist import Claiming, Finishing, Listed
from services.console.pages.calls import CallDesk, call_pages
from services.console.pages.journeys import journey_pages, render_journey
from services.console.pages.rendering import SignedIn, StaffPages
from services.console.pages.signing_in import PATHS, Reception, sign_in_routes
from services.console.pages.worklist import Room, worklist_pages
from services.console.repository.tasks import Sight, Wanted
from services.console.settings import ServeSettings
from shared import messaging, web
from shared.contracts.topics import TOPICS
from shared.messaging import Database, KafkaSettings, Kernel, Transaction, open_kernel
from shared.messaging.failures import is_transient
from shared.postgres import migrate
from shared.web.process import Close

SCHEMA = "console"
MIGRATIONS = [messaging.MIGRATIONS, Path(__file__).parent / "migrations"]
FORMS = web.Bodies(limit=32_768, types=("application/x-www-form-urlencoded",))


async def prepare(settings: ServeSettings) -> None:
    """Brings the schema up to date."""
    await migrate(settings.process.database_url, schema=SCHEMA, folders=MIGRATIONS)


async def run(settings: ServeSettings) -> int:
    """The process; returns its exit code."""
    app = web.create_app(SCHEMA, sample_ratio=settings.process.trace_sample_ratio)

    async def build(app: FastAPI) -> tuple[Sequence[web.Loop], Close]:
        kernel = await open_kernel(
            settings.process.database_url,
            schema=SCHEMA,
            role="serve",
            pool_size=settings.pool_size,
            kafka=KafkaSettings.of(settings.process),
            topics=TOPICS,
        )
        serve(app, settings, kernel.database)
        await follow(kernel)
        return kernel.loops, kernel.close

    return await web.run_process(app, build, service=SCHEMA, role="serve", process=settings.process)


async def follow(kernel: Kernel) -> None:
    """What is heard, what is looked at now and then, and the relay of what is said."""
    kernel.relay("routine")
    consumer = kernel.consumer(SCHEMA, HEARD, HANDLERS)
    kernel.desk([consumer], {SCHEMA: ("sites",)})
    kernel.due(DUE_HANDLERS)
    kernel.retention()
    async with kernel.database.transaction() as tx:
        await data_tasks.begin(tx)


def serve(app: FastAPI, settings: ServeSettings, database: Database) -> None:
    """The routes and the pages."""
    pages = StaffPages(settings.zipkin_url)
    secret = settings.service_token_file.read_bytes()
    form_key = blake2b(secret, person=b"staff forms", digest_size=32).digest()
    reception = Reception(pages, form_key, settings.process.environment == "production")
    desk, book = _worklist(database), _journeys(database, pages, settings)
    app.state.tokens = web.TokenVerifier(settings.token_public_key_file)
    for path in ("/tasks/act", "/tasks/sign-in", "/tasks/sign-out"):
        web.read_other_bodies(app, "POST", path, FORMS)
    app.include_router(task_routes(desk))
    app.include_router(journey_routes(book))
    app.include_router(schema_routes())
    app.include_router(sign_in_routes(reception))
    app.include_router(worklist_pages(Room(reception, desk)))
    app.include_router(call_pages(reception, _calls(database, settings)))
    app.include_router(journey_pages(reception, book))
    web.show_problems(
        app,
        lambda path, problem: pages.nothing(None, problem.status, problem.detail) if _is_page(path) else None,
    )


def _is_page(path: str) -> bool:
    return path in PATHS or path.startswith(tuple(f"{one}/" for one in PATHS))


@asynccontextmanager
async def _attempt(database: Database, traceparent: str | None = None) -> AsyncIterator[Transaction]:
    """A transaction of one request; whoever met another one, or no database, is asked to come again."""
    try:
        async with database.transaction(origin=traceparent) as tx:
            yield tx
    except Exception as failure:
        if not is_transient(failure):
            raise
        detail = "It may not have been saved; please look, and send it again."
        raise web.Problem(503, "try_again", detail, headers={"retry-after": "1"}) from failure


def _worklist(database: Database) -> Worklist:
    async def look(sight: Sight, wanted: Wanted) -> Listed:
        async with _attempt(database) as tx:
            return await worklist.look(sight, wanted, tx)

    async def claim(claiming: Claiming, traceparent: str | None) -> Listed | Refused:
        async with _attempt(database, traceparent) as tx:
            return await worklist.claim(claiming, tx)

    async def finish(finishing: Finishing, traceparent: str | None) -> Listed | Refused:
        async with _attempt(database, traceparent) as tx:
            return await worklist.finish(finishing, tx)

    return Worklist(look, claim, finish)


def _calls(database: Database, settings: ServeSettings) -> CallDesk:
    async def see(sight: Sight, task_id: UUID) -> Listed:
        async with _attempt(database) as tx:
            return await worklist.see(sight, task_id, tx)

    return CallDesk(see, partial(how_to_reach, settings.notifications_url))


def _journeys(database: Database, pages: StaffPages, settings: ServeSettings) -> JourneyBook:
    async def told(case: UUID | str, sight: Sight) -> Told | None:
        async with _attempt(database) as tx:
            story = await journey_of(case, sight, tx)
            now = tx.now
        return await with_what_is_late(story, settings.process, now) if story else None

    def page(story: Told, caller: web.Principal) -> Response:
        return render_journey(pages, SignedIn(caller, ""), story)

    return JourneyBook(told, page, settings.zipkin_url)
