"""The local staff issuer signs what every service verifies, and nothing without a key or a name."""

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest
from joserfc.jwk import OKPKey
from typer.testing import CliRunner

from services.console.main import app
from shared.web import TokenSigner, TokenVerifier


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "token.key"
    key = OKPKey.generate_key("Ed25519", {"kid": "local", "alg": "Ed25519", "use": "sig"})
    file.write_text(json.dumps(key.as_dict(private=True)))
    return file


def test_a_token_carries_role_name_and_staff_id(key_file: Path, tmp_path: Path) -> None:
    arguments = ["token", "--role", "duty_clinician", "--name", "Amina K."]
    result = CliRunner().invoke(app, arguments, env={"TOKEN_KEY_FILE": str(key_file)})
    assert result.exit_code == 0, result.output
    public = tmp_path / "public.json"
    public.write_text(json.dumps(TokenSigner(key_file).public_keys()))
    principal = TokenVerifier(public).verify(result.stdout.strip(), now=time.time())
    assert (principal.role, principal.name, principal.subject) == ("duty_clinician", "Amina K.", "amina-k")
    assert 3500 < principal.expires - time.time() <= 3600


def test_the_token_of_a_clinic_desk_may_name_its_site(key_file: Path, tmp_path: Path) -> None:
    site, env = uuid4(), {"TOKEN_KEY_FILE": str(key_file)}
    arguments = [
        "token",
        "--role",
        "clinic_desk",
        "--name",
        "Desk",
        "--organisation",
        "rehmat-hospital",
        "--site",
    ]
    result = CliRunner().invoke(app, [*arguments, str(site)], env=env)
    assert result.exit_code == 0, result.output
    public = tmp_path / "public.json"
    public.write_text(json.dumps(TokenSigner(key_file).public_keys()))
    principal = TokenVerifier(public).verify(result.stdout.strip(), now=time.time())
    assert (principal.organisation, principal.site_id) == ("rehmat-hospital", site)
    assert CliRunner().invoke(app, [*arguments, "lahore"], env=env).exit_code == 2


def test_an_unknown_role_a_nameless_name_and_a_missing_key_are_refused(
    key_file: Path, tmp_path: Path
) -> None:
    env = {"TOKEN_KEY_FILE": str(key_file)}
    assert CliRunner().invoke(app, ["token", "--role", "king", "--name", "A"], env=env).exit_code == 2
    nameless = CliRunner().invoke(app, ["token", "--role", "auditor", "--name", "!"], env=env)
    assert (nameless.exit_code, "A name" in nameless.stderr) == (1, True)
    env = {"TOKEN_KEY_FILE": str(tmp_path / "none")}
    keyless = CliRunner().invoke(app, ["token", "--role", "auditor", "--name", "A"], env=env)
    assert (keyless.exit_code, "TOKEN_KEY_FILE" in keyless.stderr) == (1, True)
