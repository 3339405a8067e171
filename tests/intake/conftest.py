"""What intake's tests share: the real data files."""

import pytest

from services.intake.domain.policy import Policy
from services.intake.settings.data_files import read_policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return read_policy()
