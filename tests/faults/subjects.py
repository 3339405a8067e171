"""Whom a fault can hit: our processes as the database and the broker see them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.processes import PROCESSES, Process

OUTSIDE = frozenset({"sms", "hospital"})  # not ours: the sinks are the witnesses

# What each process reads, by the names of its groups; who reads nothing answers requests or sends.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "intake-worker": ("intake",),
    "matching": ("matching",),
    "scheduling-online": ("scheduling.online",),
    "scheduling-in-person": ("scheduling.in_person",),
    "notifications": ("notifications",),
    "pager": ("pager",),
    "partners": ("partners",),
    "console": ("console",),
}
# Whose outbox a process relays; the crisis process alone relays alarms.
RELAYS = frozenset(GROUPS) - {"pager"} | {"intake-crisis"}
SENDERS = frozenset({"notifications-sender", "pager"})


@dataclass(frozen=True, slots=True)
class Subject:
    """A process: its schema, its name in pg_stat_activity, the groups it reads as, and what else it does."""

    name: str
    schema: str
    application: str
    groups: tuple[str, ...]
    relays: bool
    sends: bool


def _subject(process: Process) -> Subject:
    schema = "vault" if process.role == "vault" else process.service
    return Subject(
        name=process.name,
        schema=schema,
        application=f"{schema}:{process.role or 'serve'}",
        groups=GROUPS.get(process.name, ()),
        relays=process.name in RELAYS,
        sends=process.name in SENDERS,
    )


SUBJECTS: Mapping[str, Subject] = {
    process.name: _subject(process) for process in PROCESSES if process.name not in OUTSIDE
}
READERS = tuple(GROUPS)
# The long way of a case: a fault of a server, or of everybody, is over when each of these goes on.
WAY = ("intake-worker", "matching", "notifications")


def of_service(schema: str) -> tuple[str, ...]:
    """The processes of one service that read something."""
    return tuple(name for name in READERS if SUBJECTS[name].schema == schema)


def twin(process: Process) -> Process:
    """A second process of the same role, on a port of its own."""
    return Process(
        f"{process.name}-twin", process.module, process.role, process.database_role, process.arguments
    )


TWINS: Mapping[str, Process] = {
    process.name: twin(process)
    for process in PROCESSES
    if process.name in GROUPS or process.name == "notifications-sender"
}
