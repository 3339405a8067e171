"""The browser that tests need is found, or it is said in one sentence what is missing."""

from pathlib import Path

import pytest

from deploy.local import browser


def test_a_chromium_on_the_path_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.found() == str(program)
    assert browser.main() == 0


def test_where_nothing_can_be_installed_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.main() == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "`chromium`" in told
