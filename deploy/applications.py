"""Every application that answers over HTTP, put together by its service's own main: what describes them all at once
(pages, tests) reads this one list. Without a database they cannot answer, but tell what they serve."""

import functools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from deploy.local import secrets
from services.console import roles as console
from services.console.settings import ServeSettings
from services.intake import roles as intake
from services.intake.api.backlog import Backlog, Limits
from services.intake.settings import Settings as IntakeSettings
from services.intake.settings.data_files import read_policy as read_intake_policy
from services.matching import main as matching
from services.matching.settings import Settings as MatchingSettings
from services.matching.settings import read_policy as read_matching_policy
from services.notifications import main as notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.partners import main as partners
from services.partners.settings import Settings as PartnersSettings
from services.scheduling import main as scheduling
from services.scheduling.settings import Settings as SchedulingSettings
from shared.contracts.topics import TOPICS
from shared.messaging import Database
from shared.web import create_app

CALLERS = ("notifications", "console", "intake")  # services that call an /internal route
LANES = {topic.name: topic.lane for topic in TOPICS}

Serve = Callable[[FastAPI, Path, Database], None]


@dataclass(frozen=True, slots=True)
class Served:
    """One process's routes; `schema` is that of the database it needs."""

    schema: str
    serve: Serve


def build(name: str, folder: Path, database: Database) -> FastAPI:
    """The application with this name of APPLICATIONS; `folder` holds the secrets, as `secrets.prepare` makes them."""
    app = create_app(name)
    APPLICATIONS[name].serve(app, folder, database)
    return app


@functools.cache
def descriptions() -> dict[str, dict[str, Any]]:
    """What /openapi.json of every application says, by its name; made once, to be read and not to be changed."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        secrets.prepare(folder, CALLERS)
        return {
            name: build(name, folder, _unopened(one.schema)).openapi() for name, one in APPLICATIONS.items()
        }


def _unopened(schema: str) -> Database:
    return Database(None, source=schema, lane_of=LANES.__getitem__)


def _people(app: FastAPI, folder: Path, database: Database) -> None:
    settings = _intake_settings(folder)
    backlog = Backlog(database, Limits(settings.outbox_limit, settings.most_wait_s))
    intake.serve_people(app, settings, read_intake_policy(), database, backlog)


def _crisis(app: FastAPI, folder: Path, database: Database) -> None:
    intake.serve_crisis(app, _intake_settings(folder), read_intake_policy(), database)


def _vault(app: FastAPI, folder: Path, database: Database) -> None:
    intake.serve_keys(app, _intake_settings(folder), database)


def _matching(app: FastAPI, folder: Path, database: Database) -> None:
    settings = MatchingSettings(token_public_key_file=folder / secrets.TOKEN_PUBLIC_KEY)
    matching.serve(app, settings, read_matching_policy()[0], database)


def _scheduling(app: FastAPI, folder: Path, database: Database) -> None:
    settings = SchedulingSettings(token_public_key_file=folder / secrets.TOKEN_PUBLIC_KEY)
    scheduling.serve(app, settings, database)


def _partners(app: FastAPI, folder: Path, database: Database) -> None:
    settings = PartnersSettings(token_public_key_file=folder / secrets.TOKEN_PUBLIC_KEY)
    partners.serve(app, settings, database)


def _notifications(app: FastAPI, folder: Path, database: Database) -> None:
    settings = NotificationsSettings(
        receipts_secret_file=folder / secrets.RECEIPTS_SECRET,
        token_public_key_file=folder / secrets.TOKEN_PUBLIC_KEY,
        service_token_file=secrets.token_file(folder, "notifications"),
    )
    notifications.serve(app, settings, database)


def _console(app: FastAPI, folder: Path, database: Database) -> None:
    settings = ServeSettings(
        token_public_key_file=folder / secrets.TOKEN_PUBLIC_KEY,
        service_token_file=secrets.token_file(folder, "console"),
    )
    console.serve(app, settings, database)


def _intake_settings(folder: Path) -> IntakeSettings:
    return IntakeSettings(
        deployment_key_file=folder / secrets.DEPLOYMENT_KEY,
        token_key_file=folder / secrets.TOKEN_KEY,
        token_public_key_file=folder / secrets.TOKEN_PUBLIC_KEY,
        service_token_file=folder / secrets.SERVICE_TOKENS,
    )


APPLICATIONS: Mapping[str, Served] = {
    "intake": Served("intake", _people),
    "intake-crisis": Served("intake", _crisis),
    "intake-vault": Served("vault", _vault),
    "matching": Served("matching", _matching),
    "scheduling": Served("scheduling", _scheduling),
    "notifications": Served("notifications", _notifications),
    "partners": Served("partners", _partners),
    "console": Served("console", _console),
}
