"""Every fault of a protocol file is named at once, in words, with its place."""

import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.protocol.loading import load
from clinical.protocol.places import lines_of
from tests.clinical.protocol.trial_files import FILES, SMALL, changed, defined


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_trials_that_ship_have_no_fault(path) -> None:
    loaded = load(path.read_text(encoding="utf-8"), path.name)
    assert loaded.sentences() == ()
    assert loaded.definition is not None
    assert loaded.definition.study.code == path.parent.name
    assert loaded.definition.study.version == path.stem


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ('code = "C1D8"', 'code = "C1D8"\nwindwo = {}', "visit[2].windwo", "Did you mean `window`?"),
        ("before = 1", 'before = "one"', "visit[2].window.before", "a whole number, not “one”"),
        ("before = 1", "before = true", "visit[2].window.before", "a whole number, not true"),
        ("before = 1", "before = -1", "visit[2].window.before", "-1 is too small"),
        ("target = 10", "target = nan", "dose_level[1].target", "not a number that can be used"),
        ("design", "desing", "escalation.desing", "Did you mean `design`?"),
        ("design", "desing", "escalation.design", "Missing: the name of the design"),
        ('"3+3"', '"4+4"', "escalation.design", "There is no design “4+4”"),
        ('design = "3+3"', 'design = "none"', "escalation.design", "name its design"),
        ('kind = "study drug"', 'kind = "study drag"', "product[1].kind", "Did you mean “study drug”?"),
        ('code = "DRUG"', 'code = "MY DRUG"', "product[1].code", "without spaces"),
        ("Nobody", " ", "study.sponsor", "This is empty"),
        ('forms = ["hematology", "drug"]', 'forms = ["hematolgy"]', "visit[2].forms[1]", "Did you mean “hematology”?"),
        ('"hematology", "drug"]', '"hematology", "drug", 3]', "visit[1].forms[4]", "a text in quotes, not 3"),
        ('panel = "hematology"', "", "form[2].panel", "names its panel"),
        ('page = "consent"', 'page = "ecg"', "form[1].gate", "has no gate"),
        ('"lab.PLAT"', '"lab.PLT"', "criterion[1].check[1].fact", "Did you mean “lab.PLAT”?"),
        ('"lab.PLAT"', '"plates"', "criterion[1].check[1].fact", "No page gives the fact “plates”"),
        ('75, unit = "10^9/L"', '75, unit = "g/L"', "criterion[1].check[1].unit", "is measured in 10^9/L"),
        ("target = 25", "target = 5", "dose_level[2]", "gives less than level 1"),
        ("target = 10", "range_from = 3\nrange_to = 2", "dose_level[1].range_to", "Swap them"),
        ("dose_level = 1", "dose_level = 7", "cohort[1].dose_level", "The ladder has 1, 2."),
        ("open_at_start = true", "", "cohort", "the first subject could not be enrolled"),
        ("number = 108", "number = 101", "visit[2].number", "have the same visit number 101"),
        ('code = "C1D8"', 'code = "C1D1"', "visit[2].code", "is already the code of visit[1]"),
        ('code = "BIOPSY"', 'code = "C3D1"', "visit[3]", "comes up twice"),
        ("{cycle}D{day}", "{cycel}D{day}", "cycle[1].code", "{cycle} and {day}"),
        ("Scan of week {week}", "Scan of {weeks}", "imaging[1].name", "cannot be filled in"),
        ("length_days = 21", "length_days = 0", "cycle[1].length_days", "0 is too small"),
        ("every_days = 84", "every_days = 0", "imaging[1].stretch[2].every_days", "0 is too small"),
        ("day = 8", "day = 99999999999999", "visit[2].day", "too large"),
        ('from = "first dose"\nproduct = "DRUG"', 'from = "first dose"', "anchor[1].product", "Missing: the product"),
        (
            'title = "first dose"',
            'title = "x"\nuntil_known = "first_dose"',
            "anchor[1].until_known",
            "waits for itself",
        ),
        ("fraction = 0.5", "fraction = 0.5, amount = 3", "regimen[1].step[1]", "and not both"),
        ('kind = "full"', 'kind = "intermediate"', "regimen[1]", "never reaches the full dose"),
        ("grade = 4 }", "grad = 4 }", "dlt.criterion[1].grad", "Did you mean `grade`?"),
        ('["RELATED"]', '["RELTED"]', "safety.related_terms[1]", "Did you mean “RELATED”?"),
        ("Europe/Berlin", "Europe/Berln", "study.sponsor_zone", "There is no time zone"),
        ('ae_collection = "all"', 'ae_collection = "none"', "gate", "At no gate are all adverse events recorded"),
        ('consent_form = "consent"', "", "gate[1].consent_form", "needs a consent form"),
        ('consent_form = "consent"', 'consent_form = "drug"', "gate[1].consent_form", "not consent"),
        ("opens_enrolment = true", "", "gate", "no subject could ever be enrolled"),
        ("grade = 4 }", 'grade = 4, terms = ["Anaemic"] }', "dlt.criterion[1]", "no term 'Anaemic'. Nearest: Anemia"),
        ("grade = 4 }", 'grade = 4, terms = ["Alopecia"] }', "dlt.criterion[1]", "no grade 4 for Alopecia: 1 or 2"),
        ("grade = 4 }", 'grade = 4, socs = ["Blood"] }', "dlt.criterion[1]", "CTCAE 5.0 has no class “Blood”."),
        ("days = 21 }", "days = 21, repriming_restarts = true }", "dlt.period.repriming_restarts", "Remove it"),
        (
            "days = 21 }",
            "days = 21, priming_counts = false }",
            "dlt.period.priming_counts",
            "restarts at the first full",
        ),
        ('"ORAL"', '"Oral"', "product[1].route", "codelist ROUTE. Did you mean “ORAL”?"),
        ('"TABLET"', '"TABLETT"', "product[1].form", "Did you mean “TABLET”?"),
        (
            "[screening]",
            '[[summary]]\nparameter = "RANDOM"\ntitle = "Random"\nvalue = "No"\n[screening]',
            "summary[1].value",
            "Use one of N, NA, U, Y.",
        ),
        (
            "[screening]",
            '[[summary]]\nparameter = "RANDOM"\ntitle = "Random"\nvalue = "N"\n[screening]',
            "summary[1].title",
            "RANDOM is called “Trial is Randomized”",
        ),
        (
            "[screening]",
            (
                '[[summary]]\nparameter = "TPHASE"\ntitle = "Trial Phase Classification"\nvalue = "PHASE I TRIAL"\n'
                'term_code = "C15693"\ncode_system = "CDISC CT"\n[screening]'
            ),
            "summary[1].term_code",
            "is C15600",
        ),
        ("[screening]", '[screening]\nsubject_number = "{site}"', "screening.subject_number", "the same number"),
    ],
)
def test_a_fault_is_named_with_its_place_and_what_to_do(old: str, new: str, place: str, says: str) -> None:
    loaded = changed(old, new)
    assert loaded.definition is None
    found = {problem.place: problem.sentence for problem in loaded.problems}
    assert place in found, loaded.sentences()
    assert says in found[place]


def test_all_faults_are_named_at_once_in_the_order_of_the_file() -> None:
    broken = (
        SMALL.replace("before = 1", 'before = "one"').replace("target = 25", "target = 5").replace("Berlin", "Bonn")
    )
    loaded = load(broken, "small.toml")
    assert [problem.place for problem in loaded.problems] == [
        "study.sponsor_zone",
        "dose_level[2]",
        "visit[2].window.before",
    ]
    assert [problem.line for problem in loaded.problems] == sorted(problem.line or 0 for problem in loaded.problems)


def test_a_fault_stands_on_the_line_of_its_value() -> None:
    loaded = changed("before = 1", 'before = "one"')
    line = 1 + SMALL[: SMALL.index("before = 1")].count("\n")
    assert str(loaded.problems[0]).startswith(f"line {line}, visit[2].window.before: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The file is empty"),
        ("# only a comment\n", "The file is empty"),
        ("[study", "This is not TOML"),
        ("study = ", "This is not TOML"),
        ("\x00\x01", "not a text file"),
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("a = " + "9" * 6000, "too long to be read"),
    ],
)
def test_what_is_no_protocol_file_is_one_sentence(text: str, says: str) -> None:
    loaded = load(text, "draft.toml")
    assert loaded.definition is None
    assert len(loaded.problems) == 1
    assert says in loaded.problems[0].sentence


@pytest.mark.parametrize("table", ["study", "product", "visit", "dlt", "safety", "gate", "form", "cycle"])
@pytest.mark.parametrize("value", ["3", '"x"', "[1]", "{}", "[[]]", "[{}]", "2026-03-10", "true"])
def test_a_table_of_the_wrong_kind_is_a_fault_and_never_a_crash(table: str, value: str) -> None:
    text = SMALL
    for header in (f"[[{table}]]", f"[{table}]"):
        while header in text:
            start = text.index(header)
            end = text.find("\n[", start + 1)
            text = text[:start] + (text[end + 1 :] if end > 0 else "")
    loaded = load(f"{table} = {value}\n{text}", "small.toml")
    assert loaded.definition is None
    assert any(problem.place.startswith(table) for problem in loaded.problems)


def test_reading_a_trial_is_quick_enough_for_a_web_request() -> None:
    text = max((path.read_text(encoding="utf-8") for path in FILES), key=len)
    began = time.process_time()
    load(text, "trial.toml")
    assert time.process_time() - began < 5


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for key, each in inner for place in _places(each, (*path, key)))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_value_of_a_file_is_found_on_a_line(path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = lines_of(text)
    written = text.splitlines()
    for place in _places(tomllib.loads(text)):
        assert place in lines, place
        if isinstance(place[-1], str):
            assert place[-1] in written[lines[place] - 1], place


KEYS = st.sampled_from(["a", "b-c", '"d.e"', "'f g'"])
VALUES = st.recursive(
    st.sampled_from(["1", '"x # y"', "'[z]'", '"""q\n"r"\n"""', "'''s\nt'''", "true", "2026-03-10", "-1.5e3", '"\\""']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: "[\n  " + ",  # why\n  ".join(each) + "\n]")
        | st.dictionaries(KEYS, inner, max_size=2).map(
            lambda each: "{ " + ", ".join(f"{key} = {value}" for key, value in each.items()) + " }"
        )
    ),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=3))
def test_whatever_is_written_is_found(tables: list[dict[str, str]]) -> None:
    text = "\n".join(
        "[[t]] # a table\n" + "\n".join(f"{key} = {value}" for key, value in table.items()) for table in tables
    )
    assert set(_places(tomllib.loads(text))) <= set(lines_of(text))


def test_the_small_trial_has_no_fault() -> None:
    assert defined(SMALL).study.code == "ONC-101"
