"""Chromium for the browser tests: found where it is, brought where it is not.

`python scripts/browser.py` is part of `make test`; the tests ask `find_chromium()`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
MISSING = (
    "No Chromium was found and none could be brought: install one (Debian: apt-get install chromium) "
    "or name yours with TRIALSITE_CHROMIUM; only the browser tests need it."
)


def runs(program: Path) -> bool:
    """Whether it starts here: a downloaded browser may lack system libraries."""
    try:
        tried = subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def find_chromium() -> Path | None:
    """The Chromium to use: the one named by TRIALSITE_CHROMIUM, the system's, or Playwright's own."""
    named = os.environ.get("TRIALSITE_CHROMIUM")
    if named:
        return Path(named) if runs(Path(named)) else None
    return next((program for program in candidates() if runs(program)), None)


def candidates() -> Iterator[Path]:
    """Where one may be, the system's first; asking Playwright takes a second, so it is asked last."""
    yield from (Path(found) for name in NAMES if (found := shutil.which(name)))
    yield MAC
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield Path(playwright.chromium.executable_path)


def bring_chromium() -> Path | None:
    """Install one: Debian's package for root, Playwright's own otherwise."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *command], env=quiet, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if not (found := find_chromium()):
        try:
            subprocess.run(
                [sys.executable, "-m", "playwright", "install", "chromium"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=300,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        found = find_chromium()
    return found


if __name__ == "__main__":
    # The other tests run without a browser, so its absence is said and not an error of this command.
    if not find_chromium():
        print("Chromium for the browser tests …", flush=True)
        if not bring_chromium():
            print(MISSING, file=sys.stderr)
