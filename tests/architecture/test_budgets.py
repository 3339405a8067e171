"""Sizes, names and words: what makes a house one can find one's way in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "shared", "deploy", "simulation")
FILE_LINES, TEST_LINES, FUNCTION_LINES = 300, 400, 40
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
# Words of the trade: mechanism that knows one of them has swallowed a service's business.
TRADE = re.compile(
    r"\b(case|person|patient|therapist|appointment|booking|alarm|crisis|contact|calendar|match|intake|scheduling)s?\b"
)
# `case_id` may stand on spans and in logs; a lane is called crisis; `match` and `case` are Python's.
MECHANISM = ("shared/messaging", "shared/postgres")


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def too_long(path: Path, limit: int) -> bool:
    return len(path.read_text().splitlines()) > limit


def test_no_file_holds_two_topics() -> None:
    assert [relative(p) for p in files(*SOURCES) if too_long(p, FILE_LINES)] == []
    assert [relative(p) for p in files("tests") if too_long(p, TEST_LINES)] == []


def test_a_function_has_one_thought() -> None:
    long = [
        f"{relative(p)}:{name}"
        for p in files(*SOURCES)
        for name, lines in functions(p)
        if lines > FUNCTION_LINES
    ]
    assert long == []


def test_no_file_is_named_after_nothing() -> None:
    assert [relative(p) for p in files(*SOURCES, "tests") if p.stem in BANNED] == []


def test_every_module_says_why_it_exists() -> None:
    assert [relative(p) for p in files(*SOURCES) if not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_the_kernel_knows_no_word_of_the_trade() -> None:
    found = []
    for path in files(*MECHANISM):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [
                getattr(node, "id", ""),
                getattr(node, "name", ""),
                getattr(node, "attr", ""),
                getattr(node, "arg", ""),
            ]
            found += [
                f"{relative(path)}: {name}" for name in names if isinstance(name, str) and TRADE.search(name)
            ]
    assert found == []


def test_a_budget_can_fail(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def f() -> None:\n" + "    x = 1\n" * 50)
    assert [lines for _, lines in functions(path) if lines > FUNCTION_LINES] == [51]
    assert too_long(path, 50)
    assert TRADE.search("book_appointments".replace("_", " "))


@pytest.mark.parametrize(
    "service", ["intake", "matching", "scheduling", "notifications", "partners", "console"]
)
def test_every_service_says_what_it_owns_hears_and_says(service: str) -> None:
    page = (ROOT / "services" / service / "README.md").read_text()
    assert len(page.splitlines()) <= 40
    for word in ("owns", "hears", "says"):
        assert word in page.lower(), f"{service}: {word}"


@pytest.mark.parametrize("folder", sorted(ROOT.glob("*/*/migrations")), ids=lambda p: p.parent.name)
def test_migrations_are_numbered_without_gaps(folder: Path) -> None:
    numbers = [int(path.name[:4]) for path in sorted(folder.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_time_chance_and_the_environment_come_in_as_arguments_to_the_domain() -> None:
    asked = re.compile(
        r"\b(datetime\.now|time\.time|date\.today|uuid4|uuid7|random\.\w+\(|os\.environ|open\()"
    )
    found = [
        relative(p) for p in files("services") if "/domain" in relative(p) and asked.search(p.read_text())
    ]
    assert found == []


def test_a_handler_has_no_try_no_loop_of_its_own_and_no_commit() -> None:
    found = []
    for path in files("services"):
        if "/handlers" not in relative(path):
            continue
        tree = ast.parse(path.read_text())
        found += [f"{relative(path)}:{n.lineno}" for n in ast.walk(tree) if isinstance(n, ast.Try)]
        found += [relative(path) for word in ("getLogger", "tracer", ".commit(") if word in path.read_text()]
    assert found == []
