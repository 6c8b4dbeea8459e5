"""Everything captured leaves: each field of each typed page has a dataset target or a reason to stay."""

from pathlib import Path

import pytest

from apps.exports import targets
from apps.visits import pages
from clinical.protocol import loading
from clinical.protocol.pages import Page
from clinical.sdtm import implementation_guide

ROOT = Path(__file__).resolve().parents[2]
PROTOCOLS = sorted((ROOT / "protocols").glob("*/*.toml"))


def captured(page: pages.PageType) -> set[str]:
    """The paths of a page, without the keys of its lines."""
    head = set(page.form.base_fields)
    lines = {f"{line.kind}/{name}" for line in page.lines for name in line.form.base_fields}
    return head | lines


@pytest.mark.parametrize("page", pages.all_pages(), ids=lambda page: page.code)
def test_every_field_of_every_page_has_a_target(page: pages.PageType) -> None:
    assert captured(page) - set(targets.TARGETS.get(page.code, {})) == set()


@pytest.mark.parametrize("code", sorted(targets.TARGETS))
def test_no_target_is_of_a_field_that_is_not_there(code: str) -> None:
    assert pages.known(code), f"{code} is no page"
    assert set(targets.TARGETS[code]) - captured(pages.page(code)) == set()


def test_every_typed_page_of_the_protocol_language_is_in_the_table() -> None:
    assert {page.value for page in Page} == set(targets.TARGETS)


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_every_item_that_a_shipped_protocol_adds_has_a_target_that_its_page_can_reach(path: Path) -> None:
    definition = loading.load(path.read_text(encoding="utf-8"), path.name).definition
    assert definition is not None
    for form in definition.forms:
        for item in form.items:
            where = item.target
            assert where.excluded or where.dataset, item.code
            assert where.excluded or where.variable or where.qualifier or where.finding, item.code
            if where.variable and where.dataset:
                assert implementation_guide.dataset(where.dataset).variable(where.variable), item.code


@pytest.mark.parametrize(
    ("page", "path", "target"),
    [
        (page, path, target)
        for page, fields in targets.TARGETS.items()
        for path, target in fields.items()
        if isinstance(target, targets.Beside | targets.About)
    ],
)
def test_names_fit_what_the_guide_allows(page: str, path: str, target: targets.Beside | targets.About) -> None:
    name = target.name if isinstance(target, targets.Beside) else target.test
    assert len(name) <= 8
    assert len(target.label) <= 40
