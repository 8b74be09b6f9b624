# `make demo` and `make test` do all the set-up they need; they want Python 3.11 or later with venv and pip.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: browser demo test test-all bench eval chaos soak lint fmt lock clean help

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)   ## the whole path on bundled samples: fetch, read, score, write the digest
	$(BIN)/tracker demo --dir demo-out

# Mails and pages are looked at in a real browser. On Debian, and as root, it is installed when it is missing; elsewhere
# the browser's tests skip and say why.
browser:         ## a Chromium for the tests that need one (Debian, as root)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || \
	echo "no Chromium here: the browser's tests will be skipped (apt-get install chromium)"

test: $(STAMP) browser   ## every test that ends in minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -m "not chaos" -n 2 --dist loadfile --ignore tests/daemon
	$(BIN)/pytest -q -m "not chaos" tests/daemon

test-all: $(STAMP) browser ## also the ones that kill processes
	$(BIN)/pytest -q

eval: $(STAMP)   ## extraction against labelled sentences, XBRL against identities
	$(BIN)/python -m tests.eval.run_eval
	$(BIN)/python -m tests.eval.xbrl_agreement

bench: $(STAMP)  ## speeds, and ratios measured in one run
	$(BIN)/python -m tests.bench

chaos: $(STAMP)  ## kill daemon and ingestion at random instants, count what arrives
	$(BIN)/python -m tests.chaos.chaos
	$(BIN)/python -m tests.chaos.ingest_kills

soak: $(STAMP)   ## twenty readers for a minute beside a daemon that writes
	$(BIN)/python -m tests.daemon.soak

lint: $(STAMP)   ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: $(STAMP)    ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:            ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --python-version 3.11 --universal --no-header -o requirements.lock

clean:           ## remove what was built or measured
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-out dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
