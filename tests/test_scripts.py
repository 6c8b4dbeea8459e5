"""The scripts behind `make`: what they accept, and the one sentence when something is missing."""

import json
import sys
from pathlib import Path

import pytest

from scripts import bootstrap, browser


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_python_too_old_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 10, 4))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11, 3\.12 or 3\.13 and this is 3\.10: install one"):
        bootstrap.use_supported_python()


def test_a_supported_python_beside_it_is_used_the_newest_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(bootstrap.sys, "argv", ["bootstrap.py", "--dev"])
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "python3.13", "exit 127")
    works = program(tmp_path / "python3.12", "exit 0")
    program(tmp_path / "python3.11", "exit 0")
    started: list[list[str]] = []
    monkeypatch.setattr(bootstrap.os, "execv", lambda path, words: started.append(words) or sys.exit(0))
    with pytest.raises(SystemExit):
        bootstrap.use_supported_python()
    assert started == [[str(works), "bootstrap.py", "--dev"]]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """A project folder of its own; what would be installed is noted instead."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"# {name}\n")
    installed: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "install", lambda locks: installed.append([lock.name for lock in locks]))
    return installed


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(bootstrap.sys, "argv", ["bootstrap.py", *arguments])
    bootstrap.main()


def test_what_is_installed_is_not_installed_again(
    environment: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both = ["requirements.txt", "requirements-dev.txt"]
    run(monkeypatch)
    run(monkeypatch)
    assert environment == [["requirements.txt"]]
    run(monkeypatch, "--dev")
    run(monkeypatch)
    run(monkeypatch, "--dev")
    assert environment == [["requirements.txt"], both]
    (tmp_path / "requirements-dev.txt").write_text("# newer\n")
    run(monkeypatch)
    assert environment == [["requirements.txt"], both]
    run(monkeypatch, "--dev")
    assert environment == [["requirements.txt"], both, both]


def test_an_installation_cut_off_half_way_is_begun_again(
    environment: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def cut_off(locks: list[Path]) -> None:
        raise KeyboardInterrupt

    run(monkeypatch)
    (tmp_path / "requirements.txt").write_text("# newer\n")
    with monkeypatch.context() as once:
        once.setattr(bootstrap, "install", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(once)
    (tmp_path / "requirements.txt").write_text("# requirements.txt\n")
    run(monkeypatch)
    assert environment == [["requirements.txt"], ["requirements.txt"]]
    (tmp_path / ".venv" / "installed.json").write_text(json.dumps(["not", "ours"])[:5])
    run(monkeypatch)
    assert len(environment) == 3


def test_the_named_browser_is_used_and_a_broken_one_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = program(tmp_path / "good", "exit 0")
    monkeypatch.setenv("TRIALSITE_CHROMIUM", str(good))
    assert browser.find_chromium() == good
    monkeypatch.setenv("TRIALSITE_CHROMIUM", str(program(tmp_path / "broken", "exit 127")))
    assert browser.find_chromium() is None


def test_a_system_browser_that_lacks_libraries_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRIALSITE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "chromium", "exit 127")
    whole = program(tmp_path / "google-chrome", "exit 0")
    assert browser.find_chromium() == whole
