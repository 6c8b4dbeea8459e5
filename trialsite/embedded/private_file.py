"""Files that only this account may read: passwords and keys."""

import os
from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Write it anew, readable by nobody else from the first byte on, and on disk when this returns."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
