"""The one exception of this package: a server that will not start, with the sentence a newcomer reads."""

import errno
import shutil
from pathlib import Path

ROOM_NEEDED_MB = 150
"""A fresh database cluster takes 45 MB; the rest is write-ahead log and room to shut down cleanly."""


class ServerRefusal(Exception):
    """A server cannot run here. The text is one plain sentence: what is in the way and what to do about it."""


def demand_room(folder: Path, *, megabytes: int = ROOM_NEEDED_MB) -> None:
    """Refuse before anything is written when the disk under `folder` is nearly full."""
    standing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(standing).free // 1_000_000
    if free < megabytes:
        raise ServerRefusal(
            f"The disk that holds {standing} is full ({free} MB free, {megabytes} MB needed): "
            "free some space and start again."
        )


def in_words(fault: OSError, *, doing: str) -> ServerRefusal:
    """The sentence for what the operating system said while `doing` something."""
    place = f" ({fault.filename})" if fault.filename else ""
    match fault.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return ServerRefusal(f"The disk is full, so {doing} stopped{place}: free some space and start again.")
        case errno.EACCES | errno.EPERM:
            return ServerRefusal(f"This account may not write where {doing} needs to{place}: change its permissions.")
        case errno.EROFS:
            return ServerRefusal(f"The disk is read-only, so {doing} stopped{place}: choose another TRIALSITE_DATA.")
        case _:
            return ServerRefusal(f"The operating system stopped {doing}{place}: {fault.strerror}.")
