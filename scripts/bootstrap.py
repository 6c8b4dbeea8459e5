#!/usr/bin/env python3
"""Make `.venv` with the locked requirements: `python3 scripts/bootstrap.py [--dev]`. Standard library only.

Running it again costs nothing while the lock files are unchanged; an installation that was cut off is begun again.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SUPPORTED = ((3, 11), (3, 12), (3, 13))


def main() -> None:
    """Bring `.venv` to the locked state; one plain sentence and exit code 1 when that cannot be."""
    use_supported_python()
    locks = [ROOT / "requirements.txt"]
    if "--dev" in sys.argv[1:]:
        locks.append(ROOT / "requirements-dev.txt")
    wanted = stamp_of(locks)
    stamps = VENV / "installed.json"
    installed = read_stamps(stamps)
    if works() and wanted in installed.values():
        return
    try:
        if not works():
            shutil.rmtree(VENV, ignore_errors=True)
            print("Virtual environment …", flush=True)
            make_environment()
            installed = {}
        print(f"Packages ({' and '.join(lock.name for lock in locks)}) …", flush=True)
        # The stamp goes first and comes back last: an installation cut off half-way is never taken for a whole one.
        stamps.unlink(missing_ok=True)
        install(locks)
        both = {lock.name: stamp_of([lock]) for lock in locks}
        stamps.write_text(json.dumps({**both, "+".join(both): wanted}))
    except OSError as fault:
        sys.exit(f"Making .venv stopped: {fault.strerror or fault}: {fault.filename or VENV}.")


def use_supported_python() -> None:
    """Go on in a supported Python: this one, or another on the path."""
    if sys.version_info[:2] in SUPPORTED:
        return
    for _, minor in reversed(SUPPORTED):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.run([other, "-c", ""], capture_output=True, check=False).returncode == 0:
            os.execv(other, [other, *sys.argv])
    version = ".".join(str(part) for part in sys.version_info[:2])
    sys.exit(f"Trialsite needs Python 3.11, 3.12 or 3.13 and this is {version}: install one, or name it with PYTHON=….")


def stamp_of(locks: list[Path]) -> str:
    """What the environment must be made from: this Python and exactly these lock files."""
    digest = hashlib.sha256(sys.version.encode())
    for lock in locks:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def read_stamps(file: Path) -> dict[str, str]:
    """What was installed completely, if anything was."""
    try:
        return dict(json.loads(file.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def works() -> bool:
    """Whether the environment has a Python of the same version that runs."""
    if not PYTHON.exists():
        return False
    said = subprocess.run([PYTHON, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False)
    return said.stdout.strip() == sys.version.strip()


def make_environment() -> None:
    """Create it without pip: some systems (Debian) ship Python without the part that brings pip along."""
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", VENV], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"Python could not make a virtual environment: {last_line(done.stderr or done.stdout)}")


def install(locks: list[Path]) -> None:
    """Install exactly the locked versions, each checked against its hash."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *pip(Path(folder)),
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--require-hashes",
            "--only-binary=:all:",
        ]
        for lock in locks:
            command += ["--requirement", str(lock)]
        done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit("The packages could not be installed; the reason stands above. Run the command again to go on.")


def pip(folder: Path) -> list[str]:
    """A pip that installs into `.venv`: Python's own, the system's, or one fetched from the package index."""
    ensured = subprocess.run([PYTHON, "-m", "ensurepip", "--default-pip"], capture_output=True, check=False)
    if ensured.returncode == 0:
        return [str(PYTHON), "-m", "pip"]
    system = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"pip (\d+)\.(\d+)", system.stdout)
    if found and (int(found[1]), int(found[2])) >= (22, 3):
        return [sys.executable, "-m", "pip", f"--python={PYTHON}"]
    # A wheel is a zip file that Python can run.
    return [str(PYTHON), str(fetch_pip(folder) / "pip")]


def fetch_pip(folder: Path) -> Path:
    """Fetch pip's newest wheel from the package index."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    asked = urllib.request.Request(f"{index}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            files = json.load(answer)["files"]
        wheels = [file for file in files if re.fullmatch(r"pip-[\d.]+-py3-none-any\.whl", file["filename"])]
        newest = max(wheels, key=lambda file: [int(part) for part in file["filename"].split("-")[1].split(".")])
        with urllib.request.urlopen(newest["url"], timeout=60) as answer:
            content = answer.read()
    except (urllib.error.URLError, ValueError, KeyError) as fault:
        sys.exit(
            f"This Python has no pip and the package index {index} did not give one ({fault}): install python3-venv."
        )
    if hashlib.sha256(content).hexdigest() != newest["hashes"]["sha256"]:
        sys.exit("The pip that the package index gave is not the one it announced: run the command again.")
    wheel = folder / str(newest["filename"])
    wheel.write_bytes(content)
    return wheel


def last_line(text: str) -> str:
    """The last thing a program said."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it gave no reason.")


if __name__ == "__main__":
    main()
