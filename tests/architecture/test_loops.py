"""The flow goes from left to right; the edges back that say something are named, and there are no others."""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.console.handlers import HANDLERS as CONSOLE_HANDLERS
from services.intake.handlers import progress
from services.matching.handlers import hearing
from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.roster import Roster
from services.matching.settings import read_cities, read_policy
from services.notifications import handlers as notifications
from services.partners.handlers.telling import Projection
from services.scheduling import handlers as scheduling
from shared.contracts.base import Event
from shared.contracts.topics import TOPICS

ROOT = Path(__file__).parents[2]
LEFT_TO_RIGHT = ("intake", "matching", "scheduling", "notifications", "partners", "console")
NAMED_LOOPS = {
    ("scheduling.slot_not_found.v1", "matching"): "rematch",
    ("scheduling.slot_freed.v1", "matching"): "backfill",
    ("scheduling.capacity_changed.v1", "matching"): "backfill",
    ("notifications.stop_asked.v1", "intake"): "stop",
    ("notifications.contact_reconfirmed.v1", "intake"): "reconfirm",
    ("console.task_done.v1", "notifications"): "call",
}

Heard = Mapping[type[Event], Callable[..., Any]]


def heard() -> dict[str, Heard]:
    """What every service hears, as its composition root wires it."""
    policy, _ = read_policy()
    matchmaker = Matchmaker(policy, Roster(policy, read_cities()))
    return {
        "intake": progress.HANDLERS,
        "matching": {**hearing.handlers(matchmaker), **hearing.crisis_handlers(AlarmBook(policy))},
        "scheduling": scheduling.KNOWING_HANDLERS,
        "notifications": {**notifications.HANDLERS, **notifications.PAGER_HANDLERS},
        "partners": Projection(["rehmat-hospital"]).handlers(),
        "console": CONSOLE_HANDLERS,
    }


def coming_due() -> dict[str, Callable[..., Any]]:
    """What matching does later of its own accord, by the kind of the row: a handler may leave it to one of these to
    say something. A row for a task (continuity) is none of them: a task ends with a human, not in a loop."""
    policy, _ = read_policy()
    matchmaker = Matchmaker(policy, Roster(policy, read_cities()))
    return dict(hearing.due_handlers(matchmaker))


def functions_of(service: str) -> dict[str, list[ast.AST]]:
    """Every function of the service's handlers, by its bare name."""
    found: dict[str, list[ast.AST]] = {}
    folder = ROOT / "services" / service
    for path in [*folder.glob("handlers.py"), *folder.glob("handlers/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.setdefault(node.name, []).append(node)
    return found


def calls(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            name = getattr(one.func, "attr", getattr(one.func, "id", ""))
            yield str(name)


def rows_left(node: ast.AST) -> Iterator[str]:
    """The kinds of the due rows that a function makes or hastens, where it names them."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and getattr(one.func, "attr", getattr(one.func, "id", "")) in (
            "Due",
            "hasten",
        ):
            match one.args:
                case [ast.Constant(value=str(kind)), *_]:
                    yield kind


def emits(handler: Callable[..., Any], functions: dict[str, list[ast.AST]]) -> bool:
    """Whether it or anything of its service's handlers that it calls, now or by a due row, says something; by name,
    so rather yes."""
    later = coming_due()
    waiting, seen = [inspect.unwrap(handler).__name__], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in functions.get(name, ()):
            for called in calls(node):
                if called == "emit":
                    return True
                waiting.append(called)
            waiting += [inspect.unwrap(later[kind]).__name__ for kind in rows_left(node) if kind in later]
    return False


def edges_back(hearing_of: Mapping[str, Heard]) -> set[tuple[str, str]]:
    """(event type, service) wherever a service further left hears one further right, and says something then."""
    producer_of = {topic.name: topic.producer for topic in TOPICS}
    back = set()
    for service, handlers in hearing_of.items():
        functions = functions_of(service)
        for event, handler in handlers.items():
            producer = producer_of.get(event.topic, event.topic.split(".")[0])
            right_to_left = LEFT_TO_RIGHT.index(producer) >= LEFT_TO_RIGHT.index(service)
            if right_to_left and emits(handler, functions):
                back.add((event.type_name, service))
    return back


def test_every_edge_back_that_says_something_is_a_named_loop() -> None:
    assert edges_back(heard()) == set(NAMED_LOOPS)


def test_a_loop_nobody_named_is_found() -> None:
    hearing_of = heard()
    unnamed = next(event for event in hearing_of["matching"] if event.__name__ == "AppointmentCancelled")
    searching = next(h for event, h in hearing_of["matching"].items() if event.__name__ == "SlotNotFound")
    hearing_of["matching"] = {**hearing_of["matching"], unnamed: searching}
    assert edges_back(hearing_of) - set(NAMED_LOOPS) == {("scheduling.appointment_cancelled.v1", "matching")}


@pytest.mark.parametrize("loop", sorted(set(NAMED_LOOPS.values())))
def test_the_architecture_page_names_the_loops(loop: str) -> None:
    assert f"**{loop}**" in (ROOT / "ARCHITECTURE.md").read_text()
