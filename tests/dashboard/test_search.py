"""The search box: what a few letters find, for whom, and in how many queries."""

import pytest
from django.urls import resolve

from apps.access.roles import ROLE_ACTIONS
from apps.core.action import Action
from apps.dashboard import search
from apps.review import services as review
from apps.visits import services as entry
from tests import scenarios, scenarios_review, scenarios_safety
from tests.dashboard.test_start_pages import add_subjects, queries_for, signed_in
from tests.scenarios import CAST, NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(ima402: Trial) -> Trial:
    """Two subjects at site 101: the first has an event; the second has vital signs, with a query, numbered 1."""
    scenarios_safety.event(
        ima402, scenarios.subject(ima402), term="Low neutrophils", ctcae_term="Neutrophil count decreased"
    )
    scenarios_review.query(ima402, scenarios_review.completed(ima402), text="Is this right?")
    return ima402


def found(trial: Trial, text: str, *, by: str = "chidi") -> search.Found:
    with trial.acting_as(by) as actor:
        return search.search(text, study=trial.study, actor=actor)


def titles(trial: Trial, text: str, *, by: str = "chidi") -> dict[str, list[str]]:
    """Of each kind that was found, the subject and the beginning of what the page says."""
    return {
        kind.title: [f"{hit.about} {hit.what}".split(",")[0].strip() for hit in kind.hits]
        for kind in found(trial, text, by=by).kinds
    }


NAMED: dict[str, dict[str, list[str]]] = {
    "101-001": {"Subjects": ["101-001"]},
    "001": {"Subjects": ["101-001"]},
    "101 002": {"Subjects": ["101-002"]},
    "1": {"Queries": ["101-002 Query 1"]},
    "#1": {"Queries": ["101-002 Query 1"]},
    "Query 1": {"Queries": ["101-002 Query 1"]},
    "neutro": {"Adverse events": ["101-001 Low neutrophils"]},
    "COUNT decreased": {"Adverse events": ["101-001 Low neutrophils"]},
    "001 neutro": {"Adverse events": ["101-001 Low neutrophils"]},
    "002 neutro": {},
    "vital": {"Forms": ["101-002 Vital signs"]},
    "scr  vital   002": {"Forms": ["101-002 Vital signs"]},
    "C1D1 vital": {},
    "2": {},
    "%%": {},
    "a_b": {},
    "\0": {},
    "": {},
    "²": {},
    "99999999999999999999": {},
}


def test_what_is_typed_finds_what_it_names(filled: Trial) -> None:
    assert {typed: titles(filled, typed) for typed in NAMED} == NAMED


def test_a_hit_leads_to_the_very_thing(filled: Trial) -> None:
    for text, name in (("101-001", "subject"), ("#1", "query"), ("neutro", "record"), ("vital", "record")):
        (kind,) = found(filled, text).kinds
        assert resolve(kind.hits[0].url).url_name == name
        assert signed_in(filled, "chidi").get(kind.hits[0].url).status_code == 200


def test_everybody_who_reads_data_finds_only_what_they_may_open(filled: Trial) -> None:
    """Who works at another site finds nothing; who reads no data has no box, and the page does not open."""
    for name, (_, role, site) in CAST.items():
        client = signed_in(filled, name)
        reads = Action.READ_DATA in ROLE_ACTIONS[role]
        assert client.get("/IMA402/search/?q=101-001").status_code == (200 if reads else 403), name
        assert ('id="search-box"' in client.get("/IMA402/study/").content.decode()) is reads, name
        if not reads:
            continue
        for text in ("101-001", "1", "neutro", "vital"):
            hits = [hit for kind in found(filled, text, by=name).kinds for hit in kind.hits]
            assert bool(hits) is (site != "202"), (name, text)
            assert {client.get(hit.url).status_code for hit in hits} <= {200}, (name, text)


def test_a_draft_of_a_query_is_found_by_the_side_that_writes_it(filled: Trial) -> None:
    record = scenarios_review.completed(filled)
    with filled.acting_as("noor") as noor:
        draft = review.raise_query(actor=noor, record=record, path="", text="Perhaps?", at=NOON, as_draft=True)
    assert "Queries" in titles(filled, f"#{draft.number}", by="noor")
    assert "Queries" not in titles(filled, f"#{draft.number}", by="chidi")


def test_an_entry_that_was_removed_is_not_found(filled: Trial) -> None:
    record = scenarios_safety.event(filled, scenarios.subject(filled), term="Entered twice")
    assert titles(filled, "twice")
    with filled.acting_as("chidi") as chidi:
        entry.remove_record(actor=chidi, record=record, why="Entered twice", at=NOON)
    assert titles(filled, "twice") == {}


def test_of_many_forms_the_unfinished_come_first(filled: Trial) -> None:
    """A form that is complete waits for nobody, however new it is."""
    scenarios_review.vital_signs(filled)
    scenarios_review.completed(filled)
    words = [hit.standing for hit in found(filled, "vital").kinds[0].hits]
    assert words[0] == "Not started"
    assert len(words) == 3


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ([11, 11, 11, 11], [3, 3, 2, 2]),
        ([1, 0, 11, 11], [1, 0, 5, 4]),
        ([11, 0, 0, 0], [10, 0, 0, 0]),
        ([2, 1, 0, 3], [2, 1, 0, 3]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_ten_hits_are_shared_out_among_the_kinds(wanted: list[int], given: list[int]) -> None:
    assert search._shares(wanted, search.MOST_HITS) == given


def test_more_than_ten_are_cut_and_it_is_said(ima402: Trial) -> None:
    add_subjects(ima402, 12)
    answer = found(ima402, "101-")
    assert (answer.total, answer.has_more) == (10, True)
    assert "Type more to narrow them" in signed_in(ima402, "chidi").get("/IMA402/search/?q=101-").content.decode()
    assert not found(ima402, "101-012").has_more


def test_searching_more_data_asks_the_database_no_more_often(ima402: Trial) -> None:
    def more(number: int) -> None:
        for _ in range(number):
            scenarios_safety.event(ima402, scenarios.subject(ima402))
            scenarios_review.query(ima402, scenarios_review.completed(ima402))

    def asked() -> list[int]:
        return [queries_for(ima402, f"/IMA402/search/?q={typed}") for typed in ("101-", "1", "fatigue", "vital")]

    more(1)
    few = asked()
    more(2)
    assert asked() == few


SENTENCES = {
    "": "nothing was asked for",
    "x": "Type at least two",
    "nowhere": "Nothing that you may see matches “nowhere”. Try part of a subject ID",
    "<b>": "matches “&lt;b&gt;”",
    "neutro": "1 found",
}


def test_the_page_says_what_it_found_or_what_to_type(filled: Trial) -> None:
    client = signed_in(filled, "chidi")
    for typed, sentence in SENTENCES.items():
        assert sentence in client.get("/IMA402/search/", {"q": typed}).content.decode()


def test_below_the_box_come_the_hits_alone(filled: Trial) -> None:
    """The same address is the page elsewhere, so a browser that goes back must not take the one for the other."""
    client = signed_in(filled, "chidi")
    answer = client.get("/IMA402/search/?q=neutro", headers={"HX-Request": "true"})
    assert "Low neutrophils" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert "HX-Request" in answer.headers["Vary"]
    empty = client.get("/IMA402/search/?q=", headers={"HX-Request": "true"})
    assert empty.content.decode().strip() == ""
