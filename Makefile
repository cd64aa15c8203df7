# What a person runs: each target works on a fresh machine with Python 3.11 and pip.
PYTHON ?= python3.11
PORT ?= 8000
BIN := .venv/bin
# More than there are processors, for a third of its time a test waits for its servers and the disk; at most four.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 2 ? 2 : 4)))

.PHONY: setup run test bench lint format translations

# The environment in .venv; nothing happens while requirements.txt is the one it was made from.
# uv installs in seconds; where it cannot be had, pip does the same. A Python without ensurepip gets its environment from uv.
setup:
	@want=$$(cksum requirements.txt); \
	if [ "$$(cat .venv/.installed 2>/dev/null)" = "$$want" ] && $(BIN)/python -c '' 2>/dev/null; then exit 0; fi; \
	set -e; \
	echo "Preparing .venv"; \
	uv=$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.txt); \
	if ! $(BIN)/python -c '' 2>/dev/null; then \
		rm -rf .venv; \
		$(PYTHON) -m venv .venv >/dev/null 2>&1 || { \
			rm -rf .venv; \
			$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .venv.uv "$$uv"; \
			.venv.uv/bin/uv venv --quiet --seed --python "$$(command -v $(PYTHON))" .venv; \
			rm -rf .venv.uv; }; \
	fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$uv" 2>/dev/null || true; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt; \
	echo "$$want" > .venv/.installed

run: setup
	@PORT=$(PORT) exec $(BIN)/python manage.py run --port $(PORT)

test: setup
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

bench: setup
	@$(BIN)/python -m benchmarks

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The catalogues of the customers' pages after a sentence was changed; needs GNU gettext. What was not yet said in a
# language stays empty in its .po, and a test asks for it.
translations: setup
	$(BIN)/python manage.py makemessages -l de -l tr -l fr -l es --no-location --no-wrap --no-obsolete \
		-i tests -i .venv -i var -i benchmarks -i templates/admin -i templates/unfold -i support -i config
	$(BIN)/python manage.py compilemessages -i .venv
