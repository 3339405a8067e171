"""Reads the data files a clinician signs; one that does not fit stops the start, never a request."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.intake.domain.alarms import AlarmPolicy
from services.intake.domain.contacts import Window
from services.intake.domain.crisis import CrisisLines, Line
from services.intake.domain.gates import GatePolicy
from services.intake.domain.other_help import KindOfHelp, OtherHelp
from services.intake.domain.places import City, Places
from services.intake.domain.policy import TITLE_LANGUAGES, Policy, checked
from services.intake.domain.red_flags import RedFlags
from services.intake.domain.screening import Band, Instrument, ItemAlarm
from services.intake.domain.told import TOLD
from services.intake.domain.triage import Floor, Row, StepTable
from shared.contracts.told import ALTERNATIVES, DECLINE_REASONS, WAIT_REASONS
from shared.settings import read_yaml

DATA = Path(__file__).parent.parent / "data"


def read_policy(folder: Path = DATA) -> Policy:
    """All files of `folder` as one value; InconsistentPolicyError or KeyError if they do not fit."""
    files = {path.stem: read_yaml(path) for path in sorted(folder.rglob("*.yaml"))}
    other_help = _other_help(files["other_help"])
    instruments = [_instrument(files[path.stem]) for path in sorted((folder / "instruments").glob("*.yaml"))]
    return checked(
        Policy(
            instruments={instrument.id: instrument for instrument in instruments},
            red_flags=RedFlags(files["red_flags"]["version"], files["red_flags"]["alarms"]),
            steps=_steps(files["steps"]),
            alarms=_alarms(files["alarm_policy"]),
            gates=_gates(files["alarm_policy"], files["steps"]),
            lines=_lines(files["crisis_lines"]),
            other_help=other_help,
            consent_texts=frozenset(text["version"] for text in files["consent"]["texts"]),
            places=_places(files["places"]),
            told=TOLD
            | {
                "reasons": (*TOLD["reasons"], *WAIT_REASONS),
                "alternatives": ALTERNATIVES,
                "decline_reasons": DECLINE_REASONS,
            },
            titles=files["choices"]["titles"]
            | files["standings"]["titles"]
            | {"alternatives": _called(other_help)},
            unsigned=tuple(
                name for name, file in files.items() if "signed_off" in file and not file["signed_off"]
            ),
        )
    )


def _instrument(file: dict[str, Any]) -> Instrument:
    return Instrument(
        id=file["id"],
        version=file["version"],
        name=file["name"],
        items=file["items"],
        least=file["least"],
        most=file["most"],
        bands=_bands(file["bands"]),
        alarms=tuple(ItemAlarm(**alarm) for alarm in file["alarms"]),
        must_answer=tuple(file["must_answer"]),
        scale=file.get("scale", 1),
        has_gate=file.get("has_gate", False),
        bands_of={gender: _bands(bands) for gender, bands in file.get("bands_of", {}).items()},
        ages=file["ages"],
        text_status=file["text_status"],
    )


def _bands(rows: list[dict[str, Any]]) -> tuple[Band, ...]:
    return tuple(Band(**band) for band in rows)


def _steps(file: dict[str, Any]) -> StepTable:
    return StepTable(
        version=file["version"],
        rows=tuple(_row(row) for row in file["rows"]),
        otherwise=_row(file["otherwise"]),
        floors={level: Floor(**floor) for level, floor in file["floors"].items()},
    )


def _row(row: dict[str, Any]) -> Row:
    sets = {name: frozenset(row.get(name, ())) for name in ("problem_areas", "red_flags")}
    return Row(**row | sets)


def _alarms(file: dict[str, Any]) -> AlarmPolicy:
    within = {level: timedelta(minutes=minutes) for level, minutes in file["within_minutes"].items()}
    confirm = {level: timedelta(minutes=minutes) for level, minutes in file["confirm_within_minutes"].items()}
    return AlarmPolicy(file["version"], within, confirm, file["person_asked_for_help"])


def _gates(alarms: dict[str, Any], steps: dict[str, Any]) -> GatePolicy:
    holding = frozenset(level for level, floor in steps["floors"].items() if floor["waits_for_human"])
    return GatePolicy(holding, alarms["after_closing"])


def _lines(file: dict[str, Any]) -> CrisisLines:
    lines = tuple(_line(row) for row in file["lines"])
    return CrisisLines(file["version"], lines, file["messages"], file["good_to_know"])


def _other_help(file: dict[str, Any]) -> OtherHelp:
    kinds = {code: KindOfHelp(**texts) for code, texts in file["kinds"].items()}
    return OtherHelp(file["version"], kinds, file["without_lines"])


def _called(help: OtherHelp) -> dict[str, dict[str, str]]:
    return {
        code: {language: kind.title[language] for language in sorted(TITLE_LANGUAGES)}
        for code, kind in help.kinds.items()
    }


def _line(row: dict[str, Any]) -> Line:
    return Line(
        id=row["id"],
        names=row["names"],
        dial=row["dial"],
        then=row.get("then"),
        languages=tuple(row.get("languages", ())),
        provinces=frozenset(row.get("provinces", ())),
        hours=tuple(_window(**hours) for hours in row["hours"]) if "hours" in row else None,
        trust=row["trust"],
        active=row.get("status") == "active",
        verified_on=row.get("verified_on"),
        verify_every_days=row.get("verify_every_days", 0),
    )


def _window(day: int, start: str, end: str) -> Window:
    return Window(day, _minutes(start), _minutes(end))


def _minutes(wall_time: str) -> int:
    hours, minutes = wall_time.split(":")
    return int(hours) * 60 + int(minutes)


def _places(file: dict[str, Any]) -> Places:
    return Places({city["name"].casefold(): City(**city) for city in file["cities"]})
