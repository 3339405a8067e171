"""Keeps units running: starts them, brings back what dies, says so, and stops all in reverse order."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local import pidfile

FIRST_DELAY, LONGEST_DELAY, STEADY_AFTER = 0.1, 5.0, 10.0
# A unit that ends this often while the stack is coming up will not come up at all.
TRIES_BEFORE_READY = 3
LOOK_EVERY = 0.1  # of sixteen programs: at 0.02 looking alone took 1.5 % of a core


class Running(Protocol):
    """What the supervisor needs to know of a started program."""

    @property
    def pid(self) -> int: ...

    @property
    def running(self) -> bool: ...

    def kill(self, sent: signal.Signals = signal.SIGKILL) -> None: ...

    async def stop(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Unit:
    """Something to keep running. `wave` orders the stop: the highest first, those of one wave together."""

    name: str
    wave: int
    mark: str
    start: Callable[[], Awaitable[Running]]
    stop_signal: signal.Signals = signal.SIGTERM


class Kept:
    """One unit with what runs for it now, and the task that watches it."""

    def __init__(self, unit: Unit, running: Running) -> None:
        self.unit = unit
        self.running = running
        self.deaths = 0
        self.held = False
        self.since = time.monotonic()
        self.turn = asyncio.Lock()  # one at a time stops or starts it
        self.watcher: asyncio.Task[None] | None = None


class Supervisor:
    """Holds nothing global: tests and the kill loop run one of their own beside anybody else's."""

    def __init__(self, pids: Path, tell: Callable[[str], None]) -> None:
        self._pids = pids
        self._tell = tell
        self._kept: dict[str, Kept] = {}
        self._write_pids()

    async def start(self, unit: Unit) -> Running:
        """Starts the unit and keeps it running from now on."""
        kept = Kept(unit, await unit.start())
        self._kept[unit.name] = kept
        self._write_pids()
        kept.watcher = asyncio.create_task(self._watch(kept), name=f"watch {unit.name}")
        return kept.running

    def running(self, name: str) -> Running:
        return self._kept[name].running

    def is_running(self, name: str) -> bool:
        return name in self._kept and self._kept[name].running.running

    def kill(self, name: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """A fault; the unit comes back by itself, as after any death."""
        self._kept[name].running.kill(sent)

    async def hold(self, name: str, sent: signal.Signals | None = None) -> None:
        """Takes the unit away until `restart`: stopped cleanly, or by the signal."""
        kept = self._kept[name]
        kept.held = True
        async with kept.turn:
            if sent is not None:
                kept.running.kill(sent)
            await kept.running.stop()

    async def restart(self, name: str) -> None:
        """Stops the unit if it runs, and starts it at once."""
        await self.hold(name)
        kept = self._kept[name]
        async with kept.turn:
            await self._start_again(kept)
            kept.held = False

    def hopeless(self, name: str) -> bool:
        """While the stack is coming up: a unit that ended so often cannot be expected any more."""
        return self._kept[name].deaths >= TRIES_BEFORE_READY

    async def stop(self) -> None:
        """Stops all, the last started wave first; the file of pids goes when nothing runs any more."""
        watchers = [kept.watcher for kept in self._kept.values() if kept.watcher]
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        for wave in sorted({kept.unit.wave for kept in self._kept.values()}, reverse=True):
            stopping = [kept.running.stop() for kept in self._kept.values() if kept.unit.wave == wave]
            await asyncio.gather(*stopping, return_exceptions=True)
        self._kept.clear()
        self._pids.unlink(missing_ok=True)

    async def _watch(self, kept: Kept) -> None:
        while True:
            while kept.held or kept.running.running:
                await asyncio.sleep(LOOK_EVERY)
            await self._revive(kept)

    async def _revive(self, kept: Kept) -> None:
        if time.monotonic() - kept.since > STEADY_AFTER:
            kept.deaths = 0
        delay = min(FIRST_DELAY * 2 ** min(kept.deaths, 10), LONGEST_DELAY)
        kept.deaths += 1
        self._tell(f"{kept.unit.name} died; starting it again in {delay:.1f} s")
        await asyncio.sleep(delay)
        async with kept.turn:
            if kept.held or kept.running.running:
                return
            await kept.running.stop()  # the rest of its process group
            try:
                await self._start_again(kept)
            except Exception as failure:  # whatever it was, the watch goes on and the next try is slower
                self._tell(f"{kept.unit.name} did not start: {failure}".splitlines()[0])

    async def _start_again(self, kept: Kept) -> None:
        kept.running = await kept.unit.start()
        kept.since = time.monotonic()
        self._write_pids()

    def _write_pids(self) -> None:
        entries = {
            name: (kept.running.pid, kept.unit.mark, kept.unit.stop_signal)
            for name, kept in self._kept.items()
        }
        pidfile.write(self._pids, entries)
