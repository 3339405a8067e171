"""The table of our processes, and the environment each is given; a role is a flag of one program."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import databases, postgres, secrets


@dataclass(frozen=True, slots=True)
class Process:
    """`python -m <module> --role <role> <arguments>`; `name` is also its port's, `database_role` its DSN's."""

    name: str
    module: str
    role: str | None = None
    database_role: str | None = None
    arguments: tuple[str, ...] = ()
    nice: int = 0

    @property
    def service(self) -> str:
        """`services.intake.main` -> `intake`: whose token it shows."""
        return self.module.split(".")[1]

    def command(self, folder: Path) -> tuple[str, ...]:
        """With -X, which Python lets pass, the command line says whose stack the process belongs to."""
        role = ("--role", self.role) if self.role else ()
        return (sys.executable, "-X", f"stack={folder}", "-m", self.module, *role, *self.arguments)


# Whoever asks for help, and whoever may be in danger, comes before what follows from requests that have their answer.
# Ten steps of nice(1) are a tenth of the processor beside somebody who wants all of it.
ROUTINE = 10


def _of(service: str, name: str, role: str, database_role: str | None = None, *, nice: int = 0) -> Process:
    return Process(name, f"services.{service}.main", role, database_role or service, nice=nice)


# The outside world first: nobody waits for it, and it is there when the first message goes out.
PROCESSES: tuple[Process, ...] = (
    Process("sms", "simulation.gateways"),
    Process("hospital", "simulation.hospital"),
    _of("intake", "intake-vault", "vault", "vault"),
    _of("intake", "intake-crisis", "crisis"),
    _of("intake", "intake", "api"),
    _of("intake", "intake-worker", "worker", nice=ROUTINE),
    _of("matching", "matching", "all", nice=ROUTINE),
    _of("scheduling", "scheduling", "api"),
    _of("scheduling", "scheduling-online", "online", nice=ROUTINE),
    _of("scheduling", "scheduling-in-person", "in_person", nice=ROUTINE),
    _of("notifications", "notifications", "worker", nice=ROUTINE),
    _of("notifications", "notifications-sender", "sender", nice=ROUTINE),
    _of("notifications", "pager", "pager"),
    _of("partners", "partners", "all", nice=ROUTINE),
    Process("console", "services.console.main", None, "console", ("serve",), nice=ROUTINE),
)

# Run to their end, side by side, before the processes: migrations need the database, topics the broker.
MIGRATIONS: tuple[Process, ...] = (
    *(
        _of(service, f"migrate-{service}", "migrate")
        for service in ("intake", "matching", "scheduling", "notifications", "partners")
    ),
    Process("migrate-console", "services.console.main", None, "console", ("migrate",)),
)
TOPICS = Process("topics", "services.console.main", None, "console", ("topics",))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One stack's folder and ports; everything else a process is told follows from them.

    `detours` are the ports by which our processes come to "kafka" and "postgres" where something stands between.
    """

    folder: Path
    ports: Mapping[str, int]
    detours: Mapping[str, int] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def dsn(self, role: str) -> str:
        """The database as one service's role sees it: by its socket, or by the detour."""
        if "postgres" in self.detours:
            return f"postgresql://{role}@127.0.0.1:{self.detours['postgres']}/{databases.NAME}"
        return postgres.socket_dsn(self.folder / "postgres", self.ports["postgres"], databases.NAME, role)


def environment(process: Process, around: Surroundings) -> dict[str, str]:
    """The caller's environment with ours on top; only LOG_LEVEL and TRACE_SAMPLE_RATIO may be the caller's."""
    ours = (
        _urls(around)
        | secrets.files_for(around.secrets, process.service)
        | {
            "ENVIRONMENT": "local",
            "HTTP_HOST": "127.0.0.1",
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{around.detours.get('kafka', around.ports['kafka'])}",
            "OTEL_TRACES_EXPORTER": "zipkin",
            "PYTHONUNBUFFERED": "1",
            "SINK_DIR": str(around.folder / "sinks"),
            "PARTNER_KEY_FILE": str(around.secrets / "humqadam-network.key"),
        }
    )
    if process.name in around.ports:
        ours["HTTP_PORT"] = str(around.ports[process.name])
    if process.database_role:
        ours["DATABASE_URL"] = around.dsn(process.database_role)
    if process.role == "migrate" and process.service == "intake":
        ours["VAULT_DATABASE_URL"] = around.dsn("vault")
    defaults = {"LOG_LEVEL": "INFO", "TRACE_SAMPLE_RATIO": "0.02"}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return defaults | inherited | ours


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """Where everything of a stack is, by name: base URLs, host:port of mail and broker, the admin's DSN."""
    others = {
        "smtp": f"127.0.0.1:{ports['smtp']}",
        "kafka": f"127.0.0.1:{ports['kafka']}",
        "database": f"postgresql://postgres@127.0.0.1:{ports['postgres']}/{databases.NAME}",
    }
    silent = {"postgres", "kafka-controller"}
    return {name: f"http://127.0.0.1:{port}" for name, port in ports.items() if name not in silent} | others


def _urls(around: Surroundings) -> dict[str, str]:
    web = {name: url for name, url in addresses(around.ports).items() if url.startswith("http")}
    urls = {f"{name.upper().replace('-', '_')}_URL": url for name, url in web.items()}
    return urls | {
        "SMS_GATEWAY_URL": urls["SMS_URL"],
        "WHATSAPP_URL": f"{urls['SMS_URL']}/whatsapp/v1/1",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(around.ports["smtp"]),
        "VAULT_URL": urls["INTAKE_VAULT_URL"],
        "CRISIS_URL": urls["INTAKE_CRISIS_URL"],
        "ZIPKIN_ENDPOINT": f"{urls['ZIPKIN_URL']}/api/v2/spans",
    }
