# The two commands a newcomer needs are `make demo` and `make test`; the others serve those who change the code.

PYTHON ?= python3
VENV := .venv/bin
PYTEST_ARGS ?=
# Each brings a PostgreSQL of its own; the hash seed keeps the order of parameters the same in all of them.
WORKERS ?= 2
LOCK = $(VENV)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate
TEMPLATES = $$(find templates -name '*.html')

.PHONY: help demo test check format environment dev-environment browser lock vendor

help:
	@echo "make demo     start everything with the demo trial at http://127.0.0.1:8000 (PORT=… for another port)"
	@echo "make test     check and test everything; brings its own browser"
	@echo "make check    the quick part: format, lint, templates, types, floors, migrations"
	@echo "make format   bring code and templates into shape"
	@echo "make lock     lock the requirements anew after changing requirements*.in"
	@echo "make vendor   fetch the front-end files anew after changing their versions in scripts/vendor.py"

environment:
	@$(PYTHON) scripts/bootstrap.py

dev-environment:
	@$(PYTHON) scripts/bootstrap.py --dev

demo: environment
	@exec $(VENV)/python -m trialsite.supervise

test: check browser
	PYTHONHASHSEED=0 $(VENV)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: dev-environment
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/djade --check --target-version 5.2 $(TEMPLATES)
	$(VENV)/mypy apps clinical trialsite scripts manage.py
	$(VENV)/lint-imports
	$(VENV)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

browser: dev-environment
	@$(VENV)/python scripts/browser.py

format: dev-environment
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .
	$(VENV)/djade --target-version 5.2 $(TEMPLATES)

lock: dev-environment
	$(VENV)/python -m pip install --quiet uv
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt

vendor:
	$(PYTHON) scripts/vendor.py
