"""Where the running servers are, left on disk for `manage.py` in another terminal."""

import json
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

NAMES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "TRIALSITE_SECRET_KEY", "TRIALSITE_DEMO")
FILE = "addresses.json"


def publish(data: Path, environment: Mapping[str, str]) -> Path:
    """Write the addresses, readable by this account only; the supervisor removes the file when it stops."""
    scratch = data / f"{FILE}.new"
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump({name: environment[name] for name in NAMES if name in environment}, out)
    return scratch.replace(data / FILE)


def adopt(root: Path, environment: MutableMapping[str, str]) -> None:
    """Fill in the addresses of a Trialsite running from this folder, unless the environment names servers itself."""
    if "DATABASE_URL" in environment:
        return
    try:
        running = json.loads((Path(environment.get("TRIALSITE_DATA") or root / ".trialsite") / FILE).read_text())
    except (FileNotFoundError, PermissionError, ValueError):
        return
    for name, value in running.items():
        environment.setdefault(name, value)
