"""The one table of topics (design: partitions, retention, compaction, lane, readers) and of event types."""

from shared.contracts import console, intake, matching, notifications, partners, scheduling
from shared.contracts.base import Event, Topic

TOPICS: tuple[Topic, ...] = (
    Topic(name="intake.cases", producer="intake", key="case_id", readers=("matching",)),
    Topic(
        name="intake.people",
        producer="intake",
        key="person_id",
        readers=("matching", "scheduling", "notifications", "partners", "console"),
    ),
    Topic(
        name="intake.contacts",
        producer="intake",
        key="person_id",
        readers=("notifications",),
        compacted=True,
        retention_days=None,
    ),
    Topic(name="intake.invitations", producer="intake", key="person_id", readers=("notifications",)),
    Topic(
        name="intake.alarms",
        producer="intake",
        key="case_id",
        readers=("pager", "matching"),
        lane="crisis",
    ),
    Topic(
        name="matching.therapists",
        producer="matching",
        key="therapist_id",
        readers=("scheduling", "partners", "console"),
        compacted=True,
        retention_days=None,
    ),
    Topic(
        name="matching.matches.online",
        producer="matching",
        key="case_id",
        readers=("scheduling", "intake", "console"),
        lane="online",
    ),
    Topic(
        name="matching.matches.in_person",
        producer="matching",
        key="case_id",
        readers=("scheduling", "intake", "console"),
        lane="in_person",
    ),
    Topic(
        name="matching.outcomes",
        producer="matching",
        key="case_id",
        readers=("intake", "notifications", "console"),
    ),
    Topic(name="matching.tasks", producer="matching", key="task_id", readers=("console",), partitions=3),
    Topic(
        name="scheduling.sites",
        producer="scheduling",
        key="site_id",
        readers=("matching", "notifications", "console"),
        compacted=True,
        retention_days=None,
    ),
    Topic(
        name="scheduling.capacity",
        producer="scheduling",
        key="therapist_id",
        readers=("matching", "console"),
        compacted=True,
        retention_days=None,
    ),
    Topic(
        name="scheduling.appointments",
        producer="scheduling",
        key="case_id",
        readers=("notifications", "intake", "matching", "partners", "console"),
    ),
    Topic(
        name="scheduling.openings",
        producer="scheduling",
        key="case_id or therapist_id",
        readers=("matching", "console"),
    ),
    Topic(
        name="notifications.deliveries",
        producer="notifications",
        key="case_id",
        readers=("intake", "console"),
    ),
    Topic(
        name="notifications.tasks",
        producer="notifications",
        key="task_id",
        readers=("console",),
        partitions=3,
    ),
    Topic(
        name="console.tasks",
        producer="console",
        key="task_id",
        readers=("matching", "notifications"),
        partitions=3,
    ),
)

EVENTS: dict[str, type[Event]] = {
    event.type_name: event
    for module in (intake, matching, scheduling, notifications, partners, console)
    for event in module.EVENTS
}

# Consumer groups and what each reads, as it is published; a test compares it with what the services are wired to.
# A group keeps its name for ever: another name would read everything again.
GROUPS: dict[str, tuple[str, ...]] = {
    "intake": (
        "matching.outcomes",
        "matching.matches.online",
        "matching.matches.in_person",
        "scheduling.appointments",
        "notifications.deliveries",
    ),
    "matching": (
        "intake.cases",
        "scheduling.openings",
        "scheduling.appointments",
        "scheduling.sites",
        "scheduling.capacity",
        "console.tasks",
    ),
    "matching.crisis": ("intake.alarms",),
    "scheduling.online": ("matching.matches.online",),
    "scheduling.in_person": ("matching.matches.in_person",),
    "scheduling.knowing": ("matching.therapists", "intake.people"),
    "notifications": (
        "scheduling.appointments",
        "scheduling.sites",
        "matching.outcomes",
        "intake.contacts",
        "intake.people",
        "intake.invitations",
        "console.tasks",
    ),
    "pager": ("intake.alarms",),
    "partners": ("scheduling.appointments",),
    "console": ("matching.tasks", "notifications.tasks", "scheduling.sites"),
}


def topics_of(event: type[Event]) -> tuple[str, ...]:
    """Where events of a type go: to one topic, or where a lane decides to any of the lanes' topics."""
    if event.destination is Event.destination or "lane" not in event.model_fields:
        return (event.topic,)
    stem = event.topic.rpartition(".")[0]
    return tuple(topic.name for topic in TOPICS if topic.name.rpartition(".")[0] == stem)


def partner_topic(organisation: str) -> Topic:
    """The topic of one partner that reads Kafka; all its events are about its own bookings only."""
    return Topic(
        name=f"partners.bookings.{organisation}",
        producer="partners",
        key="booking_ref",
        readers=(organisation, "console"),
        partitions=3,
        retention_days=30,
    )
