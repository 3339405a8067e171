"""A test that hangs ends as a failure that says where: in its body it fails alone, elsewhere it ends the run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]

HANGING = """
import asyncio
import pytest, pytest_asyncio
from tests import limits

KEPT = []

@pytest_asyncio.fixture(loop_scope="session")
async def stuck():
    yield
    await never_gone()

async def never_gone():
    await asyncio.Event().wait()

async def never_there():
    await asyncio.Event().wait()

async def test_body():
    await never_there()

def test_after_it():
    pass

async def test_leaves_a_server_open():
    KEPT.append(await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0))

async def test_fails_and_then_hangs_at_the_end(stuck):
    assert False
"""


def suite(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest with this suite's own settings on a file of its own."""
    (folder / "test_hanging.py").write_text(HANGING)
    (folder / "conftest.py").write_text("from tests import limits\nlimits.TEST_SECONDS = 0.5\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest",
         "-c", str(ROOT / "pyproject.toml"), *options, str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=folder, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_a_test_that_hangs_fails_where_it_waits_and_the_run_goes_on(tmp_path: Path) -> None:
    run = suite(tmp_path, "-k", "body or after_it")
    assert "1 failed, 1 passed" in run.stdout
    assert "never_there" in run.stdout
    assert "TimeoutError" in run.stdout


def test_a_finalizer_that_hangs_after_a_failure_ends_the_run_and_names_what_it_waits_for(
    tmp_path: Path,
) -> None:
    run = suite(tmp_path, "-k", "hangs_at_the_end", "-o", "faulthandler_timeout=4")
    assert run.returncode == 1
    assert "test_fails_and_then_hangs_at_the_end hangs" in run.stderr
    assert "never_gone" in run.stderr
    assert "most recent call first" in run.stderr


def test_a_server_that_a_test_left_open_is_an_error_and_does_not_keep_the_run_from_ending(
    tmp_path: Path,
) -> None:
    run = suite(tmp_path, "-k", "leaves_a_server", "-o", "faulthandler_timeout=10")
    assert "1 passed" in run.stdout
    assert "1 error" in run.stdout
    assert "left open by some test" in run.stdout
    assert "TCPServer" in run.stdout
