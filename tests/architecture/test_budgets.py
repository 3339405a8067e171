"""Sizes, names and words: what makes a house one can find one's way in. Every rule is seen to fail on a source that breaks it:
a rule nobody saw fail is no rule."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "shared", "deploy", "simulation")
FILE_LINES, TEST_LINES, FUNCTION_LINES, README_LINES = 300, 400, 40, 40
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
# Words of the trade: mechanism that knows one of them has swallowed a service's business.
TRADE = re.compile(
    r"\b(case|person|patient|therapist|appointment|booking|alarm|crisis|contact|calendar|match|intake|scheduling)s?\b"
)
# `case_id` may stand on spans and in logs; a lane is called crisis; `match` and `case` are Python's.
MECHANISM = ("shared/messaging", "shared/postgres")
ASKED = re.compile(r"\b(datetime\.now|time\.time|date\.today|uuid4|uuid7|random\.\w+\(|os\.environ|open\()")
ENVIRONMENT = re.compile(r"\b(os\.environ|environb?\[|getenv|\(BaseSettings\))")
# A statement begins so, in capitals; and whoever has none has nothing to hand to the driver.
SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|TRUNCATE|MERGE INTO|LOCK TABLE)\s")
ASKING = {"fetch", "fetchrow", "fetchval", "fetchmany", "execute", "executemany", "copy_records_to_table"}

# What breaks a rule in the source of this path, as somebody reads it who has to mend it.
Rule = Callable[[str, str], list[str]]


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)


def broken(rule: Rule, *folders: str) -> list[str]:
    return [
        f"{path}: {what}"
        for file in files(*folders)
        for path in [str(file.relative_to(ROOT))]
        for what in rule(path, file.read_text())
    ]


def too_long(path: str, source: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{lines} lines"] if lines > (TEST_LINES if path.startswith("tests/") else FILE_LINES) else []


def long_functions(_: str, source: str) -> list[str]:
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]


def named_after_nothing(path: str, _: str) -> list[str]:
    return sorted({Path(path).stem} & BANNED)


def without_a_word(_: str, source: str) -> list[str]:
    return [] if ast.get_docstring(ast.parse(source)) else ["no docstring"]


def words_of_the_trade(_: str, source: str) -> list[str]:
    return [
        name
        for node in ast.walk(ast.parse(source))
        for kind in ("id", "name", "attr", "arg")
        if isinstance(name := getattr(node, kind, ""), str) and TRADE.search(name)
    ]


def asking_the_world(path: str, source: str) -> list[str]:
    return ASKED.findall(source) if "/domain" in path else []


def more_than_load_decide_save_emit(path: str, source: str) -> list[str]:
    if "/handlers" not in path:
        return []
    tried = [f"try in line {n.lineno}" for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Try)]
    return tried + [word for word in ("getLogger", "tracer", ".commit(") if word in source]


def sql_outside(path: str, source: str) -> list[str]:
    """Statements, and what only somebody with a statement calls."""
    if "/repository" in path:
        return []
    nodes = list(ast.walk(ast.parse(source)))
    texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    asked = [n.func.attr for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return [text.strip()[:40] for text in texts if SQL.match(text)] + [one for one in asked if one in ASKING]


def environment_outside(path: str, source: str) -> list[str]:
    """`shared/settings.py` is what the settings of all services are made of."""
    own = "/settings" in path
    return [] if own else ENVIRONMENT.findall(source)


def test_no_file_holds_two_topics() -> None:
    assert broken(too_long, *SOURCES, "tests") == []


def test_a_function_has_one_thought() -> None:
    assert broken(long_functions, *SOURCES) == []


def test_no_file_is_named_after_nothing() -> None:
    assert broken(named_after_nothing, *SOURCES, "tests") == []


def test_every_module_says_why_it_exists() -> None:
    assert broken(without_a_word, *SOURCES) == []


def test_the_kernel_knows_no_word_of_the_trade() -> None:
    assert broken(words_of_the_trade, *MECHANISM) == []


def test_time_chance_and_the_environment_come_in_as_arguments_to_the_domain() -> None:
    assert broken(asking_the_world, "services") == []


def test_a_handler_has_no_try_no_loop_of_its_own_and_no_commit() -> None:
    assert broken(more_than_load_decide_save_emit, "services") == []


def test_the_repository_has_the_only_sql_of_a_service() -> None:
    assert broken(sql_outside, "services") == []


def test_settings_alone_read_the_environment() -> None:
    assert broken(environment_outside, "services", "shared") == []


WHY = '"""Why."""\n'
BREAKS: list[tuple[Rule, str, str]] = [
    (too_long, "services/intake/api/cases.py", WHY + "x = 1\n" * FILE_LINES),
    (too_long, "tests/intake/test_cases.py", WHY + "x = 1\n" * TEST_LINES),
    (long_functions, "services/intake/main.py", "def f() -> None:\n" + "    x = 1\n" * FUNCTION_LINES),
    (long_functions, "services/intake/main.py", "async def f() -> None:\n" + "    x = 1\n" * FUNCTION_LINES),
    *((named_after_nothing, f"shared/web/{name}.py", WHY) for name in sorted(BANNED)),
    (without_a_word, "shared/web/forms.py", "x = 1\n"),
    (words_of_the_trade, "shared/messaging/relay.py", "case = 1\n"),
    (words_of_the_trade, "shared/messaging/relay.py", "def intake() -> None: ...\n"),
    (words_of_the_trade, "shared/postgres/pool.py", "row.therapist\n"),
    (words_of_the_trade, "shared/postgres/pool.py", "def f(alarms: int) -> None: ...\n"),
    (asking_the_world, "services/intake/domain/gates.py", "now = datetime.now(UTC)\n"),
    (asking_the_world, "services/intake/domain/gates.py", "now = time.time()\n"),
    (asking_the_world, "services/intake/domain/gates.py", "one = uuid4()\n"),
    (asking_the_world, "services/intake/domain/gates.py", "one = random.choice(many)\n"),
    (asking_the_world, "services/intake/domain/gates.py", "level = os.environ['LEVEL']\n"),
    (asking_the_world, "services/intake/domain/gates.py", "text = open('x').read()\n"),
    (more_than_load_decide_save_emit, "services/intake/handlers/gates.py", "try:\n    x = 1\nfinally:\n    y = 2\n"),
    (more_than_load_decide_save_emit, "services/intake/handlers/gates.py", "log = logging.getLogger(__name__)\n"),
    (more_than_load_decide_save_emit, "services/intake/handlers/gates.py", "await consumer.commit()\n"),
    (more_than_load_decide_save_emit, "services/intake/handlers/gates.py", "with tracer.span(): ...\n"),
    (sql_outside, "services/intake/api/cases.py", 'ALL = """\nSELECT * FROM cases"""\n'),
    (sql_outside, "services/intake/handlers/gates.py", 'END = f"UPDATE cases SET gate = {gate}"\n'),
    (sql_outside, "services/intake/vault/keys.py", "await pool.fetchval(cases.ALL)\n"),
    (environment_outside, "services/intake/main.py", "level = os.environ['LEVEL']\n"),
    (environment_outside, "services/intake/gateways/sms.py", "from os import environ\nurl = environ['URL']\n"),
    (environment_outside, "shared/telemetry/logs.py", "level = os.getenv('LEVEL')\n"),
    (environment_outside, "services/intake/api/cases.py", "class Mine(BaseSettings): ...\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    BREAKS,
    ids=[f"{rule.__name__}-{number}" for number, (rule, *_) in enumerate(BREAKS)],
)
def test_a_broken_rule_is_seen(rule: Rule, path: str, source: str) -> None:
    assert len(rule(path, source)) == 1


def test_every_rule_of_the_house_has_been_seen_to_fail() -> None:
    asked = ast.parse(Path(__file__).read_text())
    rules = {
        node.args[0].id
        for node in ast.walk(asked)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "broken"
        if isinstance(node.args[0], ast.Name)
    }
    assert rules == {rule.__name__ for rule, *_ in BREAKS}


@pytest.mark.parametrize("rule", [asking_the_world, more_than_load_decide_save_emit])
def test_a_rule_of_one_place_says_nothing_elsewhere(rule: Rule) -> None:
    assert rule("services/intake/api/cases.py", "try:\n    now = time.time()\nfinally:\n    x = 1\n") == []


def unsaid(page: str) -> list[str]:
    """What is missing on the page of a service; or that it is too long to be read."""
    missing = [word for word in ("owns", "hears", "says") if word not in page.lower()]
    return missing + ["too long"] * (len(page.splitlines()) > README_LINES)


@pytest.mark.parametrize(
    "service", ["intake", "matching", "scheduling", "notifications", "partners", "console"]
)
def test_every_service_says_what_it_owns_hears_and_says(service: str) -> None:
    assert unsaid((ROOT / "services" / service / "README.md").read_text()) == []


def test_a_page_that_leaves_something_out_is_seen() -> None:
    assert unsaid("# x\n**Owns** a. **Says** b.") == ["hears"]
    assert unsaid("owns hears says" + "\n" * README_LINES + "x") == ["too long"]


def without_gaps(names: list[str]) -> bool:
    """Whether the numbers that the names begin with follow one another, each once."""
    numbers = [int(name[:4]) for name in sorted(names)]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize(
    "folder", sorted(ROOT.glob("*/*/*migrations")), ids=lambda p: f"{p.parent.name}-{p.name}"
)
def test_migrations_are_numbered_without_gaps(folder: Path) -> None:
    names = [path.name for path in folder.glob("*.sql")]
    assert without_gaps(names)
    assert min(names).startswith("0001_")


def test_every_decision_has_a_number_of_its_own() -> None:
    assert without_gaps([path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")])


@pytest.mark.parametrize("names", [["0001_a.sql", "0003_b.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_a_number_that_is_missing_or_given_twice_is_seen(names: list[str]) -> None:
    assert not without_gaps(names)
