"""What a credential allows: a table that is looked up, most particular row first, and nothing where it is silent."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from services.matching.domain.credentials import Allowance, CredentialTable, Row
from services.matching.domain.decisions import decide
from services.matching.domain.directory import Directory
from services.matching.domain.policy import InconsistentPolicyError
from services.matching.domain.vocabulary import LANES, Profession, RegisterStatus
from services.matching.settings import CREDENTIALS, read_credentials
from tests.matching.examples import CITIES, NOW, POLICY, SITES, asked, request, room_for, therapist

TABLE = read_credentials()
AT_HOME = CredentialTable(
    "test",
    {
        Row("any", "any", "verified"): Allowance("Therapist", True),
        Row("any", "PK-SD", "verified"): Allowance("Therapist", True, lanes=("in_person",)),
        Row("psychiatrist", "any", "verified"): Allowance("Psychiatrist", True, steps=(1, 2)),
        Row("psychiatrist", "PK-SD", "verified"): Allowance("Psychiatrist", False),
    },
)


@pytest.mark.parametrize("profession", [None, *get_args(Profession), "astrologer"])
@pytest.mark.parametrize("status", [*get_args(RegisterStatus), "unheard of"])
def test_nobody_practises_on_papers_that_are_pending_lapsed_or_taken_away(
    profession: str, status: str
) -> None:
    found = TABLE.allowance(profession, status, "PK-PB")
    assert found.may_practise == (
        status == "verified" or (status == "no-register-exists" and profession != "psychiatrist")
    )
    assert bool(found.title) == found.may_practise
    assert bool(found.lanes) == bool(found.steps) == found.may_practise


def test_where_no_register_exists_that_is_a_title_and_not_a_refusal() -> None:
    found = TABLE.allowance("clinical_psychologist", "no-register-exists")
    assert (found.title, found.steps) == ("Clinical psychologist (no register exists)", (1, 2, 3, 4))


def test_lay_counsellors_work_at_the_lower_steps_under_supervision() -> None:
    found = TABLE.allowance("lay_counsellor", "no-register-exists")
    assert (found.needs_supervision, found.steps) == (True, (1, 2))
    assert not TABLE.allowance("psychiatrist", "verified", "PK-SD").needs_supervision


def test_the_most_particular_row_counts_and_silence_allows_nothing() -> None:
    assert AT_HOME.allowance("psychiatrist", "verified", "PK-SD").may_practise is False
    assert AT_HOME.allowance("psychiatrist", "verified", "PK-PB").steps == (1, 2)
    assert AT_HOME.allowance("lay_counsellor", "verified", "PK-SD").lanes == ("in_person",)
    assert AT_HOME.allowance(None, "verified").lanes == LANES
    assert not AT_HOME.allowance(None, "pending").may_practise


def test_the_province_of_the_person_decides_and_so_does_the_lane_and_the_step() -> None:
    team = [therapist(1), therapist(2, profession="psychiatrist")]
    known = Directory(team, SITES, CITIES, AT_HOME).at(NOW)
    room = room_for(known)

    def outcome(**wanted: object) -> list[int] | object:
        [decision] = decide([request(1, **wanted)], known, room, POLICY)
        return decision.outcome if isinstance(decision.outcome, str) else sorted(asked(decision))

    assert outcome(province="PK-PB") == outcome(province=None) == [1, 2]
    assert outcome(province="PK-PB", step=3) == [1]
    assert outcome(province="PK-SD") == "no_modality"


def test_a_step_that_the_papers_do_not_cover_is_not_offered_though_others_are() -> None:
    only_grave = therapist(1, profession="psychiatrist", steps=(3, 4))
    known = Directory([only_grave], SITES, CITIES, AT_HOME).at(NOW)
    [decision] = decide([request(1, step=1)], known, room_for(known), POLICY)
    assert decision.outcome == "no_area"


def test_the_table_is_unsigned_and_says_where_it_has_its_registers_from() -> None:
    said = yaml.safe_load(CREDENTIALS.read_text())
    assert said["signed_off"] is None
    assert said["basis"] == "design"
    assert all(one["source"] and one["verified_on"] for one in said["registers"])


def test_two_rows_for_the_same_are_refused(tmp_path: Path) -> None:
    said = yaml.safe_load(CREDENTIALS.read_text())
    said["rows"].append(said["rows"][0])
    (tmp_path / "credentials.yaml").write_text(yaml.safe_dump(said))
    with pytest.raises(InconsistentPolicyError, match="two rows"):
        read_credentials(tmp_path / "credentials.yaml")
