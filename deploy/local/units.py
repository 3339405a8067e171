"""How each part of a stack is started: the servers, and our processes as children with their environment."""

import signal
from collections.abc import Mapping
from pathlib import Path

from deploy.local import kafka, postgres, zipkin
from deploy.local.child import Child, Program, StartFailed, last_lines
from deploy.local.processes import Process, Surroundings, environment
from deploy.local.supervisor import Running, Unit

ROOT = Path(__file__).resolve().parents[2]
INFRASTRUCTURE, OURS = 0, 1


def postgres_unit(folder: Path, ports: Mapping[str, int]) -> Unit:
    data = folder / "postgres"

    async def start() -> Running:
        return await postgres.start(data, ports["postgres"])

    return Unit("postgres", INFRASTRUCTURE, str(data), start, signal.SIGINT)


def kafka_unit(around: Surroundings) -> Unit:
    data, ports = around.folder / "kafka", around.ports

    async def start() -> Running:
        told = around.detours.get("kafka")
        return await kafka.start(data, ports["kafka"], ports["kafka-controller"], advertised=told)

    return Unit("kafka", INFRASTRUCTURE, str(data), start)


def zipkin_unit(folder: Path, ports: Mapping[str, int]) -> Unit:
    data = folder / "zipkin"

    async def start() -> Running:
        return await zipkin.start(data, ports["zipkin"])

    return Unit("zipkin", INFRASTRUCTURE, str(data), start, signal.SIGKILL)


def process_unit(process: Process, around: Surroundings) -> Unit:
    async def start() -> Running:
        return Child(_program(process, around))

    return Unit(process.name, OURS, " ".join(process.command(around.folder)[1:]), start)


async def run_to_end(process: Process, around: Surroundings) -> None:
    """Runs a program that ends by itself; raises when it does not end well."""
    child = Child(_program(process, around))
    try:
        code = await child.wait()
    finally:
        await child.stop()
    if code:
        log = child.program.log
        raise StartFailed(f"{process.name} ended with {code}; {log}:\n{last_lines(log)}")


def _program(process: Process, around: Surroundings) -> Program:
    return Program(
        name=process.name,
        argv=process.command(around.folder),
        log=around.folder / "logs" / f"{process.name}.log",
        environment=environment(process, around),
        folder=ROOT,
        nice=process.nice,
    )
