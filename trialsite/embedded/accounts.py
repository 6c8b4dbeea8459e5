"""Who runs PostgreSQL: it refuses to run as root, so root lends it an account without rights and a place to reach."""

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from trialsite.embedded.refusal import ServerRefusal, in_words

ACCOUNT = "trialsite"
REACHABLE = Path("/var/lib/trialsite")
"""Where root keeps a cluster and a copy of the binaries when the project lies in a closed folder such as /root."""


@dataclass(frozen=True)
class Account:
    """The system account that owns the cluster; `ids` is None when that is simply who we are."""

    ids: tuple[int, int] | None

    def give(self, folder: Path) -> None:
        """Make the folder and everything in it this account's own."""
        if self.ids is None:
            return
        try:
            for place in (folder, *folder.rglob("*")):
                if not place.is_symlink():
                    os.chown(place, *self.ids)
        except OSError as fault:
            raise in_words(fault, doing="handing the database folder to its account") from fault

    def can_reach(self, folder: Path) -> bool:
        """Whether every folder on the way lets this account pass."""
        if self.ids is None:
            return True
        for place in folder.resolve().parents:
            if place.exists():
                status = place.stat()
                pass_bit = stat.S_IXUSR if status.st_uid == self.ids[0] else stat.S_IXOTH
                if not status.st_mode & pass_bit:
                    return False
        return True

    def reachable_twin(self) -> Path:
        """A new place that stands for a folder this account cannot reach; the link there is what remembers it."""
        return REACHABLE / secrets.token_hex(6)

    def run(self, *command: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a short command as this account and keep what it says."""
        return subprocess.run(
            [str(word) for word in command],
            cwd="/",
            env=env,
            capture_output=True,
            text=True,
            check=False,
            user=self.ids[0] if self.ids else None,
            group=self.ids[1] if self.ids else None,
            extra_groups=[] if self.ids else None,
        )


def database_account() -> Account:
    """Ourselves, or for root a system account without rights, created once where it does not exist."""
    if os.geteuid() != 0:
        return Account(ids=None)
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _create_account()
    if entry.pw_uid == 0:
        raise ServerRefusal(
            f"The account {ACCOUNT} has root's rights, and PostgreSQL refuses those: start as another user."
        )
    return Account(ids=(entry.pw_uid, entry.pw_gid))


def _create_account() -> pwd.struct_passwd:
    """A system account; on machines without `useradd` (or with read-only /etc) the one called nobody serves."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        subprocess.run(
            [
                useradd,
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/bin/false",
                ACCOUNT,
            ],
            capture_output=True,
            check=False,
        )
    for name in (ACCOUNT, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerRefusal(
        "PostgreSQL refuses to run as root and this machine has no other account: start as another user."
    )


def reachable_install(install: Path, *, libraries: Path, account: Account) -> Path:
    """The PostgreSQL programs where the account can run them: in place, or a copy where it can."""
    if account.can_reach(install / "bin" / "postgres"):
        return install
    wheel = hashlib.sha256(
        f"{install.resolve()} {(install / 'bin' / 'postgres').stat().st_mtime_ns}".encode()
    ).hexdigest()
    copy = REACHABLE / f"programs-{wheel[:12]}"
    if not copy.is_dir():
        scratch = copy.with_name(f"{copy.name}.{os.getpid()}")
        try:
            # The binaries find their libraries by relative path, so the copy keeps the wheel's layout.
            shutil.copytree(install, scratch / install.parent.name / install.name, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
            for place in (REACHABLE, scratch, scratch / install.parent.name):
                place.chmod(0o755)
            scratch.rename(copy)
        except OSError as fault:
            shutil.rmtree(scratch, ignore_errors=True)
            if not copy.is_dir():
                raise in_words(fault, doing="copying the PostgreSQL programs") from fault
    return copy / install.parent.name / install.name
