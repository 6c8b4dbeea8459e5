"""Maintenance: write the tables in `clinical/sdtm/tables/` from the published SDTM tables.

    python scripts/sdtm_metadata.py FOLDER

FOLDER holds `sdtmig-3.4-variables.csv`, `sdtm-2.0-class-variables.csv` and `sdtm-ct-2025-03-28.csv.gz` (CDISC
Library metadata; NCI EVS controlled terminology). Run it when the implementation guide or the terminology is exchanged
for a newer one, then read the difference: a label that changed changes the datasets of a running trial.

What is kept: the datasets that we export; for each, the guide's variables and after them, in the places the SDTM model
gives them, the further variables that the model allows in that class of dataset (AEDTC and AEDY are such: the guide's
AE table does not list them, a submission may hold them). Codelists are kept whole where one of these variables uses
them, because a check against a shortened list would call a valid term unknown.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterable
from pathlib import Path

TABLES = Path(__file__).resolve().parent.parent / "clinical" / "sdtm" / "tables"
DATASETS = (
    *("CO", "DM", "SE", "SV"),
    *("CM", "EC", "EX", "PR", "AE", "DS", "DV", "MH"),
    *("DD", "EG", "GF", "IE", "LB", "MI", "QS", "RS", "SC", "SS", "TR", "TU", "VS", "FA"),
    *("TA", "TE", "TI", "TS", "TV", "RELREC", "SUPPQUAL"),
)
# Response lists of the questionnaire-like instruments that our forms hold; no variable of the guide names them.
ADDITIONAL_CODELISTS = ("ECOG1TC", "ECOG1TN", "ECOG101STR")
GENERAL_CLASSES = {"Interventions", "Events", "Findings", "Findings About"}
FIRST_TIMING_VARIABLE = "VISITNUM"
# A finding has the moment of collection and, where it lasted, its end; a start is for interventions and events.
NOT_FOR_FINDINGS = {"--STDTC", "--STDY"}
# Identifiers of other kinds of study (pools, devices, animals, associated persons), never written by us.
NOT_OURS = {"POOLID", "SPDEVID", "NHOID", "FETUSID", "FOCID", "APID", "RSUBJID", "RDEVID", "SREL"}

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def write(name: str, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with (TABLES / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def model_order(model: list[Row], observation_class: str) -> list[Row]:
    """The model's variables for a class: identifiers, the class's own, timing."""
    of = {name: [row for row in model if row["class"] == name] for name in {row["class"] for row in model}}
    general = of["General Observations"]
    split = next(i for i, row in enumerate(general) if row["variable"] == FIRST_TIMING_VARIABLE)
    own = list(of["Findings" if observation_class == "Findings About" else observation_class])
    if observation_class == "Findings About":
        after_test = next(i for i, row in enumerate(own) if row["variable"] == "--TEST") + 1
        own[after_test:after_test] = of["Findings About"]
    return general[:split] + own + general[split:]


def variables(guide: list[Row], model: list[Row], dataset: str) -> list[tuple[object, ...]]:
    """The guide's variables of a dataset, with the model's further ones in the model's places."""
    listed = sorted((row for row in guide if row["dataset"] == dataset), key=lambda row: int(row["order"]))
    known = {row["variable"]: row for row in listed}
    if listed[0]["class"] not in GENERAL_CLASSES:
        order, extra = [row["variable"] for row in listed], {}
    else:
        allowed = model_order(model, listed[0]["class"])
        if listed[0]["class"].startswith("Findings"):
            allowed = [row for row in allowed if row["variable"] not in NOT_FOR_FINDINGS]
        extra = {row["variable"].replace("--", dataset): row for row in allowed}
        order = [name for name in extra if name in known or name not in NOT_OURS]
        place = {name: i for i, name in enumerate(order)}
        by_guide = [row["variable"] for row in listed if row["variable"] in place]
        if by_guide != sorted(by_guide, key=place.__getitem__):
            raise SystemExit(f"{dataset}: the guide's order and the model's order disagree; decide by hand")
        for previous, row in zip([None, *listed], listed, strict=False):
            if row["variable"] not in place:  # a variable the guide has beyond the model keeps its neighbour
                order.insert(order.index(previous["variable"]) + 1 if previous else 0, row["variable"])
    written: list[tuple[object, ...]] = []
    for name in order:
        if name in NOT_OURS:
            continue
        source = known.get(name) or extra[name]
        guided = name in known
        written.append(
            (
                dataset,
                name,
                source["label"],
                source["type"],
                source["role"],
                source["core"] if guided else "Model",
                source["codelist_submission_value"] if guided else "",
                source["described_value_domain"],
            )
        )
    return written


def main(folder: Path) -> None:
    guide = read(folder / "sdtmig-3.4-variables.csv")
    model = read(folder / "sdtm-2.0-class-variables.csv")
    terminology = read(folder / "sdtm-ct-2025-03-28.csv.gz")
    first = {row["dataset"]: row for row in reversed(guide)}
    write(
        "datasets.csv",
        ("dataset", "class", "label", "structure"),
        ((name, first[name]["class"], first[name]["dataset_label"], first[name]["structure"]) for name in DATASETS),
    )
    rows = [row for name in DATASETS for row in variables(guide, model, name)]
    write("variables.csv", ("dataset", "name", "label", "type", "role", "core", "codelists", "described"), rows)
    used = {name for row in rows for name in str(row[6]).split(";") if name} | set(ADDITIONAL_CODELISTS)
    terms = [row for row in terminology if row["codelist"] in used]
    lists = {
        row["codelist"]: (row["codelist"], row["codelist_code"], row["codelist_name"], row["extensible"])
        for row in terms
    }
    write("codelists.csv", ("codelist", "code", "name", "extensible"), (lists[name] for name in sorted(lists)))
    write(
        "terms.csv",
        ("codelist", "code", "term"),
        sorted((row["codelist"], row["term_code"], row["term"]) for row in terms),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
