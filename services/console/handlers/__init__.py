"""What console does: it follows what services say of work for humans, and lets humans do it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.console.handlers import data_tasks, following
from shared.contracts import matching, notifications
from shared.contracts.base import Event
from shared.contracts.scheduling import SiteChanged

HEARD = ("matching.tasks", "notifications.tasks", "scheduling.sites")

HANDLERS: Mapping[type[Event], Callable[..., Awaitable[Any]]] = {
    matching.TaskOpened: following.open_tasks,
    matching.TaskClosed: following.close_tasks,
    notifications.TaskOpened: following.open_tasks,
    notifications.TaskClosed: following.close_tasks,
    SiteChanged: following.know_sites,
}

DUE_HANDLERS: Mapping[str, Callable[..., Awaitable[Any]]] = {data_tasks.DUE: data_tasks.keep_data_tasks}
