"""Maintenance: run the CDISC CORE rules for SDTMIG 3.4 over a folder of transport files and print what they report.

    PYTHON_OF_ITS_OWN scripts/core_check.py RULES_CACHE DATA_FOLDER

Needs Python 3.12 with `cdisc-rules-engine==0.17.1` in a virtual environment of its own (the engine brings pandas 3),
and the folder of pickled rules that the engine reads. Unpickling runs code: use only a cache from a trusted source, and
never in the web application. Exits 1 when a rule reports an issue. Rules that cannot run on the data at hand (those for
Define-XML, those for variables that are not there) are counted as execution errors, not reported.
"""

import contextlib
import io
import pickle
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

STANDARD, VERSION, MODEL = "sdtmig", "3-4", "2-0"
TERMINOLOGY = "sdtmct-2025-03-28"


def loaded(cache: Path, name: str) -> Any:
    return pickle.loads((cache / f"{name}.pkl").read_bytes())


def engine_and_rules(cache: Path, data: list[Path]) -> tuple[Any, list[dict[str, Any]]]:
    from cdisc_rules_engine.config import config  # type: ignore[import-not-found]  # of another environment
    from cdisc_rules_engine.models.external_dictionaries_container import ExternalDictionariesContainer  # type: ignore[import-not-found]  # of another environment
    from cdisc_rules_engine.models.library_metadata_container import LibraryMetadataContainer  # type: ignore[import-not-found]  # of another environment
    from cdisc_rules_engine.rules_engine import RulesEngine  # type: ignore[import-not-found]  # of another environment
    from cdisc_rules_engine.services.cache import InMemoryCacheService  # type: ignore[import-not-found]  # of another environment
    from cdisc_rules_engine.services.data_services import DataServiceFactory  # type: ignore[import-not-found]  # of another environment

    library = LibraryMetadataContainer(
        standard_metadata=loaded(cache, "standards_details").get(f"standards/{STANDARD}/{VERSION}", {}),
        model_metadata=loaded(cache, "standards_models").get(f"models/sdtm/{MODEL}", {}),
        variables_metadata=loaded(cache, "variables_metadata").get(
            f"library_variables_metadata/{STANDARD}/{VERSION}", {}
        ),
        variable_codelist_map=loaded(cache, "variable_codelist_maps").get(f"{STANDARD}-{VERSION}-codelists", {}),
        ct_package_metadata={TERMINOLOGY: loaded(cache, TERMINOLOGY)},
        published_ct_packages={path.stem for path in cache.glob("*ct-*.pkl")},
        cache_path=str(cache),
    )
    paths, largest = [str(path) for path in data], max(path.stat().st_size for path in data)
    memory = InMemoryCacheService()
    service = DataServiceFactory(
        config, memory, standard=STANDARD, standard_version=VERSION, library_metadata=library,
        max_dataset_size=largest, encoding="utf-8",
    ).get_data_service(paths)  # fmt: skip
    engine = RulesEngine(
        cache=memory, data_service=service, standard=STANDARD, standard_version=VERSION, library_metadata=library,
        ct_packages=[TERMINOLOGY], dataset_paths=paths, max_dataset_size=largest, define_xml_path=None,
        validate_xml=False, external_dictionaries=ExternalDictionariesContainer({}),
    )  # fmt: skip
    rules = loaded(cache, "rules")
    wanted = loaded(cache, "rules_dictionary")[f"{STANDARD}/{VERSION}"]
    return engine, [rules[name] if name in rules else rules[f"rules/{name}"] for name in wanted]


def main(cache: Path, folder: Path) -> int:
    from cdisc_rules_engine.models.rule_conditions import ConditionCompositeFactory  # type: ignore[import-not-found]  # of another environment

    engine, rules = engine_and_rules(cache, sorted(folder.glob("*.xpt")))
    issues: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], Any] = {}
    statuses: Counter[str] = Counter()
    for number, rule in enumerate(rules, start=1):
        if sys.stderr.isatty():
            print(f"\rrule {number} of {len(rules)}", end="", file=sys.stderr)
        prepared = deepcopy(rule)
        prepared["conditions"] = ConditionCompositeFactory.get_condition_composite(prepared["conditions"])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            validated = engine.validate_single_rule(prepared)  # it prints a trace for every rule that does not apply
        for results in validated.values():
            for result in results:
                statuses[result["executionStatus"]] += 1
                if result["executionStatus"] == "issue reported":
                    key = (rule["core_id"], str(result.get("dataset")), str(result.get("message")))
                    issues[key] += len(result.get("errors", []))
                    examples.setdefault(key, next(iter(result.get("errors", [])), None))
    for (core_id, dataset, message), count in sorted(issues.items()):
        print(f"{core_id} {dataset} x{count}: {message}")
        print(f"    for example {examples[core_id, dataset, message]}")
    print(", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())))
    return 1 if issues else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
