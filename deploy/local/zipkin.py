"""Zipkin on loopback: the web page on which one person's way through all services is one trace."""

import asyncio
import signal
import urllib.request
from contextlib import suppress
from pathlib import Path

from deploy.local import jars
from deploy.local.child import Child, Program
from deploy.local.java import java, surroundings
from deploy.local.ports import answers


class ZipkinServer:
    """A running Zipkin; traces are kept in memory and go with it."""

    def __init__(self, child: Child, url: str) -> None:
        self._child = child
        self.url = url

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def kill(self, sent: signal.Signals = signal.SIGKILL) -> None:
        self._child.kill(sent)

    async def stop(self) -> None:
        await self._child.stop(grace=5)


async def start(folder: Path, port: int) -> ZipkinServer:
    """Starts it with room for some thousand traces; `folder` is for what it unpacks."""
    jar = await asyncio.to_thread(jars.class_path, "zipkin")
    # Its own setting for the port listens everywhere; naming one part of a listener means naming all of it.
    listener = {"ip": "127.0.0.1", "port": str(port), "protocols[0]": "http"}
    bind = tuple(f"--armeria.ports[0].{name}={value}" for name, value in listener.items())
    quiet = "--armeria.docs-path="  # it would build pages about itself in its first seconds, which are ours
    child = Child(
        Program(
            name="zipkin",
            argv=(*java(folder / "scratch", most_memory="192m"), "-jar", jar, *bind, quiet),
            log=folder.parent / "logs" / "zipkin.log",
            environment=surroundings(MEM_MAX_SPANS="60000"),
            nice=19,  # nobody waits for a trace
            stop_signal=signal.SIGKILL,  # it takes seconds to say goodbye, and has nothing to keep
        )
    )
    try:
        await child.until(lambda: answers(port), seconds=60)
        await asyncio.to_thread(_takes_spans, port)
    except BaseException:
        await child.stop()
        raise
    return ZipkinServer(child, f"http://127.0.0.1:{port}")


def _takes_spans(port: int) -> None:
    """Returns when it has taken a message without spans: its port opens while it still loads what keeps them."""
    empty = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v2/spans", data=b"[]", headers={"Content-Type": "application/json"}
    )
    with suppress(OSError):  # whoever sends spans is told the same, and tries again
        urllib.request.urlopen(empty, timeout=10).close()
