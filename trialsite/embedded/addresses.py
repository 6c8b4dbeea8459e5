"""Where the running servers are, left on disk for `manage.py` in another terminal."""

import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from trialsite.embedded.private_file import write_private

NAMES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "TRIALSITE_SECRET_KEY", "TRIALSITE_DEMO")
FILE = "addresses.json"


def publish(data: Path, environment: Mapping[str, str]) -> Path:
    """Write the addresses, readable by this account only; the supervisor removes the file when it stops."""
    scratch = data / f"{FILE}.new"
    write_private(scratch, json.dumps({name: environment[name] for name in NAMES if name in environment}))
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
