"""`make up`, `make demo`, `make down`: each ends the way its caller expects, and leaves nothing."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import ports
from tests.local_stack.test_stack import remaining

pytestmark = pytest.mark.stack


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.local_stack.small", str(folder), *arguments]


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A stack that another process keeps up, from the line that says how to end it."""
    with subprocess.Popen(command(folder, "up", *arguments), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail("".join(told))
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()


async def run(folder: Path, *arguments: str) -> tuple[int | None, str]:
    done = await asyncio.create_subprocess_exec(*command(folder, *arguments), stdout=subprocess.PIPE)
    told, _ = await done.communicate()
    return done.returncode, told.decode()


async def test_ctrl_c_ends_everything(stack_folder: Path) -> None:
    folder = stack_folder / "cli-up"
    with up(folder) as process:
        assert len(remaining(folder)) > 2
    assert process.returncode == 0
    assert remaining(folder) == []


async def test_a_demo_uses_the_stack_that_is_up_and_leaves_it_up(stack_folder: Path) -> None:
    folder = stack_folder / "cli-demo"
    with up(folder, "--people", "0"):
        code, told = await run(folder, "demo", "--people", "3")
        assert code == 3
        assert f"demo at http://127.0.0.1:{ports.chosen(folder / 'ports.json')['intake']}" in told
        assert "postgres" not in told
        again, _ = await run(folder, "up")
        assert again == 1


async def test_a_demo_without_a_stack_brings_one_up_and_takes_it_down(stack_folder: Path) -> None:
    folder = stack_folder / "cli-alone"
    code, told = await run(folder, "demo", "--people", "4")
    assert code == 4
    assert "postgres" in told
    assert remaining(folder) == []


async def test_down_ends_a_stack_that_somebody_else_started(stack_folder: Path) -> None:
    folder = stack_folder / "cli-down"
    with up(folder) as process:
        code, _ = await run(folder, "down")
        assert code == 0
        assert process.wait(1) == 0
        assert remaining(folder) == []
    assert (await run(folder, "down"))[0] == 0


async def test_reset_forgets_the_data(stack_folder: Path) -> None:
    folder = stack_folder / "cli-reset"
    await run(folder, "demo", "--people", "0")
    assert (folder / "postgres").exists()
    assert (await run(folder, "reset"))[0] == 0
    assert not folder.exists()
