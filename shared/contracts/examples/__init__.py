"""One example of every event type, shown in what is published and judged by its own schema in the tests."""

from shared.contracts.base import Event
from shared.contracts.examples import console, intake, matching, notifications, partners, scheduling

EXAMPLES: dict[str, Event] = {
    example.type_name: example
    for module in (intake, matching, scheduling, notifications, partners, console)
    for example in module.EXAMPLES
}
