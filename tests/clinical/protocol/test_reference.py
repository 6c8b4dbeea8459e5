"""The reference in the docs is the declarations, told."""

from pathlib import Path

from clinical.protocol import reference

DOCS = Path(__file__).resolve().parents[3] / "docs" / "protocol-file.md"
BEGINS = "<!-- Every table and key, as `manage.py protocol_check --keys` prints them. -->\n\n"


def test_the_reference_in_the_docs_is_up_to_date() -> None:
    written = DOCS.read_text(encoding="utf-8").partition(BEGINS)[2]
    assert written == reference.tables(), "paste what `manage.py protocol_check --keys` prints below the marker"
