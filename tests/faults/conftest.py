"""One kill table for the whole run."""

from collections.abc import Iterator

import pytest

from tests.faults.kill_table import WRITE, KillTable


@pytest.fixture(scope="session")
def kill_table() -> Iterator[KillTable]:
    """Written at the end where it is asked for (`make mutants`)."""
    table = KillTable()
    yield table
    if WRITE:
        table.write()
