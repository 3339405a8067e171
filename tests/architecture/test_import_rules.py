"""Every import rule is broken once, on a copy, and must be seen to fail: a rule nobody saw fail is no rule."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")

# (what is done wrong, file to append to or make, the wrong line, the contract that must break)
VIOLATIONS = [
    ("a service imports another", "services/matching/main.py", "import services.scheduling.domain", "services never import each other"),
    ("shared imports a service", "shared/postgres/pool.py", "import services.intake.domain", "services may import shared"),
    ("domain imports contracts", "services/scheduling/domain/__init__.py", "import shared.contracts.base", "domain knows neither"),
    ("domain imports pydantic", "services/intake/domain/__init__.py", "import pydantic", "domain knows neither"),
    ("domain imports a driver inside a function", "services/intake/domain/__init__.py", "def f() -> None:\n    import asyncpg", "domain and handlers know no framework"),
    ("a handler imports the driver", "services/notifications/handlers/__init__.py", "import asyncpg", "domain and handlers know no framework"),
    ("a handler imports a route", "services/intake/handlers/__init__.py", "import services.intake.api", "inside a service imports point inwards"),
    ("a repository imports a handler", "services/intake/repository/__init__.py", "import services.intake.handlers", "inside a service imports point inwards"),
    ("a route imports the broker's client", "services/scheduling/api/__init__.py", "import aiokafka", "api talks HTTP only"),
    ("a route imports a page", "services/intake/api/__init__.py", "import services.intake.pages", "inside a service imports point inwards"),
    ("a page imports the driver", "services/intake/pages/steps.py", "import asyncpg", "api talks HTTP only"),
    ("contracts import a framework", "shared/contracts/base.py", "import fastapi", "contracts are data only"),
    ("messaging is imported by postgres", "shared/postgres/pool.py", "import shared.messaging", "shared is layered too"),
    ("an unlisted module in shared", "shared/odds.py", "import json", "shared is layered too"),
    ("an unlisted module in a service", "services/matching/odds.py", "import json", "inside a service imports point inwards"),
]  # fmt: skip


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINTER), "--no-cache"], cwd=tree, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    for part in ("services", "shared"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_the_house_as_it_stands_keeps_every_import_rule(tree: Path) -> None:
    result = lint(tree)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("wrong", "file", "line", "contract"), VIOLATIONS, ids=[v[0] for v in VIOLATIONS])
def test_a_broken_import_rule_is_seen(wrong: str, file: str, line: str, contract: str, tree: Path) -> None:
    path = tree / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        result = lint(tree)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert result.returncode != 0, wrong
    broken = [row for row in result.stdout.splitlines() if row.rstrip().endswith("BROKEN")]
    assert any(contract in row for row in broken), result.stdout
