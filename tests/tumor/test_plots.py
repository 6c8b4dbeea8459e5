"""The figures of the Tumor page: who stands in them and who not, for whom, as picture, table and files."""

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.subjects.models import Subject
from apps.tumor import drawings
from apps.tumor.drawings import TimeAxis, TimeUnit
from clinical.figures.course import Course, Scan
from clinical.figures.spider import spider
from clinical.figures.waterfall import waterfall
from clinical.protocol.schedule import Anchor, AnchorSource
from clinical.recist.responses import Response
from tests import scenarios, scenarios_dosing
from tests import scenarios_tumor as tumor
from tests.scenarios import Trial

pytestmark = pytest.mark.django_db

SCANS = ("2026-05-06", "2026-07-01", "2026-08-26")


def followed(
    trial: Trial, baseline: str, later: Iterable[dict[str, str]] = (), *, level: int = 1, by: str = "chidi"
) -> Subject:
    """One target of that size at baseline, treated, and what each later scan says of the lesions."""
    subject = scenarios_dosing.assigned(trial, level=level, by=by)
    tumor.lesion(trial, subject, "TARGET", "LIVER", by=by)
    first = tumor.baseline_visit(trial)
    tumor.assessment(trial, subject, first, "2026-03-02", {"T1": baseline}, by=by)
    tumor.treated(trial, subject, by=by)
    visits = tumor.scans(trial, subject, by=by)
    for visit, day, cells in zip(visits, SCANS, later, strict=False):
        targets = {name: size for name, size in cells.items() if name != "N1"}
        record = tumor.assessment(trial, subject, visit, day, targets, by=by)
        if "N1" in cells:
            tumor.lesion(trial, subject, "NEW", "BRAIN", identified=day, identified_at=visit, by=by)
            tumor.fill(trial, record, {"N1": cells["N1"]}, by=by)
    return subject


def client_of(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")
    return client


def read(client: Client, name: str, query: str = "") -> str:
    answer = client.get(reverse(name, kwargs={"study": "IMA402"}) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def table(client: Client, name: str, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(client, name, query))))


@pytest.fixture
def three(ima402: Trial) -> list[str]:
    """A confirmed response, growth beyond the axis, and a subject without a scan after baseline."""
    subjects = [
        followed(ima402, "50", [{"T1": "30"}, {"T1": "25"}]),
        followed(ima402, "20", [{"T1": "52"}], level=2),
        followed(ima402, "40"),
    ]
    return [subject.number for subject in subjects]


def test_both_figures_stand_on_the_page_with_what_they_show(ima402: Trial, three: list[str]) -> None:
    page = read(client_of(ima402, "noor"), "tumor")
    response, growth, waiting = three
    assert "Best change of 2 subjects, from +160.0 % to \N{MINUS SIGN}50.0 %" in page
    assert "1 shrank by 30 % or more, 1 grew by 20 % or more" in page
    assert page.count("2 shown of 3") == 2
    assert page.count(f"No scan after baseline yet: {waiting}") == 2
    waterfall_marks = re.findall(r'<a href="([^"]+)"><title>([^<]+)</title>', page)
    first, second = waterfall_marks[:2]
    assert first[1].startswith(f"{growth} (DL2")
    assert first[1].endswith("best change +160.0 %, confirmed best response PD")
    assert second == (
        reverse("subject", kwargs={"study": "IMA402", "number": response}),
        f"{response} (DL1, 0.02 mg): best change \N{MINUS SIGN}50.0 %, confirmed best response PR",
    )
    assert ">+160.0 %</text>" in page  # cut off and printed


def test_the_table_and_the_file_hold_the_data_of_the_picture(ima402: Trial, three: list[str]) -> None:
    noor = client_of(ima402, "dana")
    rows = table(noor, "waterfall_table")
    assert [(row["Subject"], row["Best change (%)"], row["Confirmed best response"]) for row in rows] == [
        (three[1], "160.0", "PD"),
        (three[0], "-50.0", "PR"),
        (three[2], "", ""),
    ]
    assert rows[2]["Not shown because"] == "no scan after baseline yet"
    scans = [row for row in table(noor, "spider_table") if row["Subject"] == three[0]]
    assert [(row["Scan"], row["Day"], row["Change from baseline (%)"]) for row in scans] == [
        ("06-May-2026", "57", "-40.0"),
        ("01-Jul-2026", "113", "-50.0"),
    ]


def test_the_picture_as_a_file_stands_alone(ima402: Trial, three: list[str]) -> None:
    for name in ("waterfall_picture", "spider_picture"):
        picture = read(client_of(ima402, "noor"), name)
        assert picture.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "<a " not in picture
        assert all(number in picture for number in three[:2])
        assert "style=" not in picture
        words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
        assert re.search(
            r"IMA402, data of \d\d-\w{3}-\d{4} \d\d:\d\d UTC; investigator, sites 101, 202; 2 shown of 3", words
        )
        assert f"Not shown: No scan after baseline yet: {three[2]}" in words


def test_a_site_sees_its_own_subjects_in_every_form(ima402: Trial, three: list[str]) -> None:
    houston = followed(ima402, "30", [{"T1": "20"}], by="iris").number
    iris, chidi = client_of(ima402, "iris"), client_of(ima402, "chidi")
    for name in ("tumor", "waterfall_picture", "spider_picture"):
        assert houston in read(iris, name)
        assert houston not in read(chidi, name)
        assert not any(number in read(iris, name) for number in three)
        assert three[0] in read(chidi, name)
    assert {row["Site"] for row in table(client_of(ima402, "dana"), "waterfall_table")} == {"101", "202"}


def test_the_filters_of_the_page_narrow_the_figures_and_their_files(ima402: Trial, three: list[str]) -> None:
    followed(ima402, "30", [{"T1": "20"}], by="iris")
    dana = client_of(ima402, "dana")
    assert [row["Site"] for row in table(dana, "waterfall_table", "?site=202")] == ["202"]
    assert [row["Subject"] for row in table(dana, "waterfall_table", "?response=PR")] == [three[0]]
    page = read(dana, "tumor", "?response=PR&site=101")
    assert "1 shown of 1" in page
    assert "confirmed best response PR, site 101" in page
    assert 'href="/IMA402/tumor/waterfall.csv?response=PR&amp;site=101"' in page


def test_the_site_filter_offers_the_sites_that_one_sees(ima402: Trial) -> None:
    offered = '<select class="form-select" id="site" name="site"><option value="">All</option><option>101</option>'
    assert offered + "<option>202</option>" in read(client_of(ima402, "noor"), "tumor")
    assert offered + "</select>" in read(client_of(ima402, "chidi"), "tumor")


def test_a_new_lesion_and_what_nobody_confirmed_are_said_in_words(ima402: Trial) -> None:
    first = followed(ima402, "50", [{"T1": "30"}]).number
    second = followed(ima402, "50", [{"T1": "30", "N1": "present"}]).number
    by_subject = {row["Subject"]: row for row in table(client_of(ima402, "dana"), "waterfall_table")}
    assert by_subject[first]["Not confirmed"] == "yes"
    assert by_subject[second]["New lesion or progression although shrunk"] == "new lesion"
    page = read(client_of(ima402, "noor"), "tumor")
    assert "PR seen and not confirmed" in page
    assert "a new lesion was seen" in page


@pytest.mark.parametrize(
    ("kind", "words"),
    [("TARGET", "Nobody here has a scan after baseline yet"), ("NON-TARGET", "Nobody here has a target lesion")],
)
def test_a_figure_without_a_mark_says_why(ima402: Trial, kind: str, words: str) -> None:
    subject = scenarios.subject(ima402)
    tumor.lesion(ima402, subject, kind, "BONE")
    cells = {"T1": "30"} if kind == "TARGET" else {"NT1": "present"}
    tumor.assessment(ima402, subject, tumor.baseline_visit(ima402), "2026-03-02", cells)
    noor = client_of(ima402, "noor")
    page = read(noor, "tumor")
    assert page.count(words) == 2
    assert "<svg role" not in page
    assert noor.get(reverse("waterfall_picture", kwargs={"study": "IMA402"})).status_code == 404


def test_nobody_assessed_yet_leaves_the_page_without_figures(ima402: Trial) -> None:
    page = read(client_of(ima402, "noor"), "tumor")
    assert "No subject with a tumor assessment" in page
    assert "shown of" not in page


def test_the_figures_ask_the_database_as_often_for_many_subjects_as_for_few(ima402: Trial) -> None:
    noor = client_of(ima402, "noor")
    counts = []
    for _ in range(2):
        for level in (1, 2):
            followed(ima402, "50", [{"T1": "30"}], level=level)
        read(noor, "tumor")
        with CaptureQueriesContext(connection) as queries:
            read(noor, "tumor")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("name", "may"), [("pia", False), ("noor", True), ("sven", True)])
def test_only_who_downloads_listings_downloads_the_data(ima402: Trial, three: list[str], name: str, may: bool) -> None:
    client = client_of(ima402, name)
    assert ("waterfall.csv" in read(client, "tumor")) is may
    assert client.get(reverse("waterfall_table", kwargs={"study": "IMA402"})).status_code == (200 if may else 403)


FIRST_DOSE = Anchor(code="first_dose", title="First dose", source=AnchorSource.FIRST_DOSE, product="X")
INFUSION = Anchor(code="infusion", title="Infusion", source=AnchorSource.FIRST_DOSE, product="X", day=0)


@pytest.mark.parametrize(
    ("anchor", "unit", "title", "labels"),
    [
        (FIRST_DOSE, TimeUnit.DAYS, "Day (first dose = day 1)", ["1", "15", "29", "43"]),
        (INFUSION, TimeUnit.DAYS, "Day (infusion = day 0)", ["0", "14", "28", "42"]),
        (FIRST_DOSE, TimeUnit.WEEKS, "Weeks since first dose", ["0", "2", "4", "6"]),
        (INFUSION, TimeUnit.MONTHS, "Months since infusion", ["0", "1", "2", "3"]),
    ],
)
def test_time_is_counted_as_the_protocol_counts_it(
    anchor: Anchor, unit: TimeUnit, title: str, labels: list[str]
) -> None:
    axis = TimeAxis(anchor, unit)
    assert axis.title == title
    assert [words for _, words in axis.ticks(120)][:4] == labels


def many(count: int) -> list[Course]:
    return [
        Course(
            f"101-{number:03}",
            dose="DL1",
            dose_rank=1,
            best=Response.SD,
            confirmed=Response.SD,
            best_change_pct=Decimal(number - 40),
            baseline_mm=Decimal(50),
            scans=(Scan("06-May-2026", 56, Decimal(number - 40), True, Response.SD),),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("count", "width"), [(1, '"100%"'), (60, '"100%"'), (100, '"1472"')])
def test_a_figure_of_many_grows_instead_of_getting_illegible(count: int, width: str) -> None:
    drawn = drawings.waterfall(waterfall(many(count)), finding="", link=None)
    assert f" width={width} " in drawn
    drawn = drawings.spider(spider(many(count)), axis=TimeAxis(FIRST_DOSE), finding="", link=None)
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>101-\d{3}</text>', drawn))
    assert len(heights) == count
    assert all(after - before >= 12.9 for before, after in pairwise(heights))
