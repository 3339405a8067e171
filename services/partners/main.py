"""Composition root of partners: one process; wires everything, decides nothing."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import uvloop
from fastapi import FastAPI

from services.partners.handlers import Projection
from services.partners.settings import Role, Settings
from shared.contracts.topics import TOPICS, partner_topic
from shared.messaging import MIGRATIONS, KafkaSettings, Loop, open_kernel
from shared.postgres import migrate
from shared.web import create_app, run_process
from shared.web.process import Close

SCHEMA = "partners"


async def build(settings: Settings) -> tuple[Sequence[Loop], Close]:
    """Reads appointments, tells each organisation with a topic about its own."""
    process = settings.process
    kernel = await open_kernel(
        process.database_url,
        schema=SCHEMA,
        role="all",
        pool_size=settings.pool_size,
        kafka=KafkaSettings(process.kafka_bootstrap_servers),
        topics=(*TOPICS, *(partner_topic(name) for name in settings.organisations)),
    )
    kernel.relay("routine")
    projection = Projection(settings.organisations)
    consumer = kernel.consumer("partners", ["scheduling.appointments"], projection.handlers())
    kernel.desk([consumer])
    kernel.retention()
    return kernel.loops, kernel.close


async def run(role: Role, settings: Settings) -> int:
    """Runs one role to its end; returns the exit code."""
    if role == "migrate":
        folders = [MIGRATIONS, Path(__file__).parent / "migrations"]
        await migrate(settings.process.database_url, schema=SCHEMA, folders=folders)
        return 0

    async def built(_app: FastAPI) -> tuple[Sequence[Loop], Close]:
        return await build(settings)

    return await run_process(
        create_app("partners"), built, service=SCHEMA, role=role, process=settings.process
    )


def main() -> None:
    """`python -m services.partners.main --role all|migrate`."""
    parser = argparse.ArgumentParser(prog="partners")
    parser.add_argument("--role", choices=get_args(Role), required=True)
    raise SystemExit(uvloop.run(run(parser.parse_args().role, Settings())))


if __name__ == "__main__":
    main()
