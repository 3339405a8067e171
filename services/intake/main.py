"""Puts intake together, one process per role, and decides nothing: python -m services.intake.main --role api."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import uvloop
from fastapi import FastAPI

from services.intake.api.backlog import Backlog, Limits
from services.intake.api.cards import CardDeck
from services.intake.api.problems import with_card
from services.intake.domain.policy import Policy
from services.intake.gateways.crisis import CrisisProcess
from services.intake.handlers import escalating, pausing, progress
from services.intake.roles import page_renderer, serve_crisis, serve_keys, serve_people
from services.intake.settings import Settings
from services.intake.settings.data_files import read_policy
from services.intake.settings.page_words import read_words
from shared import messaging, web
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, Kernel, open_kernel
from shared.postgres import migrate
from shared.web import idempotency
from shared.web.process import Build, Close

HERE = Path(__file__).parent
HEARD = (
    "matching.outcomes",
    "matching.matches.online",
    "matching.matches.in_person",
    "scheduling.appointments",
    "notifications.deliveries",
)
# Connections by role; the crisis process has its own, so that routine work can never take them all.
POOLS = {"api": 6, "crisis": 4, "vault": 4, "worker": 6}

Built = tuple[Sequence[web.Loop], Close]


def main() -> int:
    """Runs one role until it is told to stop."""
    parser = argparse.ArgumentParser(prog="intake")
    parser.add_argument("--role", choices=[*ROLES, "migrate"], required=True)
    role = parser.parse_args().role
    settings = Settings()
    if role == "migrate":
        return uvloop.run(bring_up_to_date(settings))
    return uvloop.run(run(role, settings))


async def bring_up_to_date(settings: Settings) -> int:
    """Both schemas, each as its own role."""
    await migrate(settings.vault_database_url, schema="vault", folders=[HERE / "vault_migrations"])
    folders = [messaging.MIGRATIONS, web.MIGRATIONS, HERE / "migrations"]
    await migrate(settings.process.database_url, schema="intake", folders=folders)
    return 0


async def run(role: str, settings: Settings) -> int:
    """The process around a role; production does not start on rules that nobody has signed."""
    policy = read_policy()
    unread = [f"pages/{language}" for language, words in read_words().items() if not words.reviewed]
    if (unsigned := [*policy.unsigned, *unread]) and settings.process.environment == "production":
        sys.exit(f"not signed by a clinician: {', '.join(unsigned)}")
    app = web.create_app(
        f"intake ({role})",
        sample_ratio=settings.process.trace_sample_ratio,
        on_problem=with_card(CardDeck(policy.lines, policy.other_help)),
    )
    build: Build = partial(ROLES[role], settings, policy)
    return await web.run_process(app, build, service="intake", role=role, process=settings.process)


async def build_api(settings: Settings, policy: Policy, app: FastAPI) -> Built:
    """Requests from people. It relays nothing: the worker is woken by NOTIFY within about 10 ms of a commit."""
    web.show_problems(app, page_renderer(settings, policy).page_of)  # also while the database is away
    kernel = await _kernel(settings, "api")
    backlog = Backlog(kernel.database, Limits(settings.outbox_limit, settings.most_wait_s))
    crisis = CrisisProcess(settings.crisis_url) if settings.crisis_url else None
    watch = serve_people(app, settings, policy, kernel.database, backlog, crisis)

    async def close() -> None:
        await kernel.close()
        if crisis:
            await crisis.close()

    return [*kernel.loops, watch, backlog], close


async def build_crisis(settings: Settings, policy: Policy, app: FastAPI) -> Built:
    """What routine load may never delay: its own process, pool, lane, relay and producer."""
    kernel = await _kernel(settings, "crisis")
    kernel.relay("crisis")
    kernel.due(escalating.due_handlers(policy.alarms))
    serve_crisis(app, settings, policy, kernel.database)
    return kernel.loops, kernel.close


async def build_vault(settings: Settings, policy: Policy, app: FastAPI) -> Built:
    """The last gate, with the vault's own database role."""
    kernel = await _kernel(settings, "vault", schema="vault")
    serve_keys(app, settings, kernel.database)
    return kernel.loops, kernel.close


async def build_worker(settings: Settings, policy: Policy, app: FastAPI) -> Built:
    """The routine lane out, what the others say in, and what comes due."""
    kernel = await _kernel(settings, "worker")
    kernel.relay("routine")
    kernel.desk([kernel.consumer("intake", HEARD, progress.HANDLERS)], {"intake": ("standings",)})
    kernel.due(pausing.DUE_HANDLERS)
    kernel.retention(idempotency.sweep)
    return kernel.loops, kernel.close


ROLES: dict[str, Callable[[Settings, Policy, FastAPI], Awaitable[Built]]] = {
    "api": build_api,
    "crisis": build_crisis,
    "vault": build_vault,
    "worker": build_worker,
}


async def _kernel(settings: Settings, role: str, schema: str = "intake") -> Kernel:
    return await open_kernel(
        settings.process.database_url,
        schema=schema,
        role=role,
        pool_size=POOLS[role],
        kafka=KafkaSettings.of(settings.process),
        topics=TOPICS,
    )


if __name__ == "__main__":
    sys.exit(main())
