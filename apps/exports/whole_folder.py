"""Folders that appear whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.core.refusal import Refusal


class FolderInUse(Refusal):
    """The folder holds something that is not ours to replace."""


@contextmanager
def whole_folder(path: Path, *, known_by: str) -> Iterator[Path]:
    """A folder to write into, which takes its name only when the block ends well.

    A folder that holds the file `known_by` is an earlier one of the same kind and is replaced; any other that holds
    something is refused.
    """
    path = path.absolute()
    if path.exists() and not path.is_dir():
        raise FolderInUse(f"{path} is a file. Name a folder.")
    if path.is_dir() and any(path.iterdir()) and not (path / known_by).exists():
        raise FolderInUse(f"{path} holds other files. Name an empty or a new folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield scratch
        scratch.chmod(0o755)
        if path.exists():
            aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
            path.replace(aside)
            scratch.replace(path)
            shutil.rmtree(aside)
        else:
            scratch.replace(path)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
