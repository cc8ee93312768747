# `make book` builds the book, `make test` runs everything. `make help` lists the rest.
# Choices: PYTHON=python3.12 (the interpreter of .venv), PIP_EXTRA="..." (added to every pip install), N="..." (notebooks).

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check -c requirements.txt -c constraints.txt
PINS := requirements.txt constraints.txt pyproject.toml
WORKERS ?= 2
ALL := tests book solutions
PYTEST := $(PY) -m pytest
NBVAL := --nbval --nbval-cell-timeout=120
PARALLEL := -n $(WORKERS) --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help book test test-portable lint format exercises execute lab bench bench-grading nbgrader instructors pdf slides browser sandbox lock clean clean-all

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## */\1|/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "  make %-15s %s\n", $$1, $$2}'

book: $(VENV)/.has-book  ## build the book (no torch needed) and print the address of its first page
	@$(VENV)/bin/jupyter-book build -W -n --keep-going .
	@$(PY) -m tools.first_page

test: $(VENV)/.has-all  ## install everything and run everything: the tests, and every cell of book/ and solutions/
	@$(PYTEST) $(PARALLEL) $(NBVAL) $(ALL)

test-portable: $(VENV)/.has-all  ## the notebooks on other processors, thread counts and Python versions
	@PIP_EXTRA="$(PIP_EXTRA)" $(PY) -m tools.portable

lint: $(VENV)/.has-all  ## check the code's style
	@$(PY) -m ruff check .

format: $(VENV)/.has-all  ## mend what the style check can mend by itself
	@$(PY) -m ruff check --fix .

exercises: $(VENV)/.has-all  ## generate exercises/ from solutions/
	@$(PY) -m course_pkg.exercises generate

execute: $(VENV)/.has-all  ## execute notebooks in place, e.g. make execute N="book/01_*.ipynb" (all when N is empty)
	@$(PY) -m tools.execute $(N)

lab: $(VENV)/.has-lab  ## open JupyterLab on the exercises
	@cd exercises && "$(abspath $(PY))" -m jupyter lab

bench: $(VENV)/.has-all  ## time our fast networks against torch, then grading against nbgrader; writes the book's tables
	@unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE; \
		OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PY) -m tools.bench
	@$(MAKE) --no-print-directory bench-grading

bench-grading: $(VENV)/.has-all .venv-nbgrader/.has  ## grade the same answers with ours and with nbgrader, and record it
	@$(PY) -m tools.bench_grading
	@$(PY) -m tools.instructors_page

instructors: $(VENV)/.has-all  ## play the term and the attacks of the guide for instructors again, and write what they print into it
	@$(PY) -m tools.instructors_page --play

pdf: book $(VENV)/.has-pdf  ## the whole book as one PDF (needs Chromium)
	@$(PY) -m tools.pdf

slides: book  ## a reveal.js deck from each chapter, with speaker's notes (needs Node, to install reveal.js)
	@command -v npm >/dev/null || { echo "reveal.js comes through npm: install Node 20 or newer, see nodejs.org"; exit 1; }
	@npm install --no-audit --no-fund --loglevel=error
	@$(PY) -m tools.slides

browser: $(VENV)/.has-all  ## the tests in a browser; installs what they need (Node must be there)
	@command -v npm >/dev/null || { echo "The browser tests need Node 20 or newer with npm: see nodejs.org"; exit 1; }
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y -q chromium >/dev/null; } || \
		{ echo "No Chromium found. On Debian and Ubuntu: sudo apt-get install chromium"; exit 1; }
	@npm install --no-audit --no-fund --loglevel=error
	@$(PYTEST) -m browser tests

nbgrader: .venv-nbgrader/.has  ## install nbgrader beside us: for the comparison, and to test the export of gradebooks

sandbox: $(VENV)/.has-book  ## install what grading needs to shut students' code in, and say which level it reaches here
	@command -v bwrap >/dev/null && ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y -q bubblewrap libseccomp2 >/dev/null; } || \
		echo "On Debian and Ubuntu: sudo apt-get install bubblewrap libseccomp2; on Fedora: sudo dnf install bubblewrap libseccomp"
	@command -v bwrap >/dev/null || for docker in docker podman; do \
		"$$docker" info >/dev/null 2>&1 || continue; \
		numpy="$$($(PY) -c 'import numpy; print(numpy.__version__)')"; \
		"$$docker" build -q --build-arg NUMPY="$$numpy" -t "rnn-course-box:$$numpy" course_pkg/grading/inside; break; \
	done
	@$(PY) -m course_pkg.grading.levels

lock: $(VENV)/.has-book  ## resolve requirements.txt again and rewrite constraints.txt
	@$(PY) -m tools.lock

clean:  ## remove what was built, keep the environment
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv*' -not -path './node_modules/*' -prune -exec rm -rf {} +

clean-all: clean  ## remove the environments as well
	@rm -rf .venv .venv-3.* .venv-nbgrader node_modules *.egg-info

# --- the environment: each level holds the ones before it, and marks them as installed -------------------------------

$(VENV)/.made:
	@python="$(PYTHON)"; \
	for name in python3 python3.13 python3.12 python3.11 python; do \
		[ -n "$$python" ] && break; \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python="$$name"; \
	done; \
	[ -n "$$python" ] || { echo "No Python 3.11 or newer found. Install one, or name it: make book PYTHON=/path/to/python3.11"; exit 1; }; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed, but $$python is $$("$$python" --version 2>&1). Choose another: PYTHON=python3.11"; exit 1; }; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)
	@touch $@

$(VENV)/.has-book: $(PINS) | $(VENV)/.made
	@echo "Installing what the book needs into $(VENV) (about a minute, once)"
	@$(PIP) $(PIP_EXTRA) -e ".[book]"
	@touch $@

$(VENV)/.has-lab: $(PINS) | $(VENV)/.made
	@echo "Installing JupyterLab and what the notebooks need into $(VENV) (about a minute, once)"
	@$(PIP) $(PIP_EXTRA) -e ".[book,notebooks]"
	@touch $(VENV)/.has-book $@

$(VENV)/.has-pdf: $(PINS) | $(VENV)/.made
	@$(PIP) $(PIP_EXTRA) -e ".[book,pdf]"
	@touch $@

.venv-nbgrader/.has: requirements.txt | $(VENV)/.made
	@echo "Installing nbgrader into an environment of its own, .venv-nbgrader"
	@$(PY) -m venv .venv-nbgrader
	@.venv-nbgrader/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_EXTRA) \
		nbgrader==0.9.6 ipykernel $$(grep -E '^(numpy|pytest|hypothesis)==' requirements.txt)
	@touch $@

$(VENV)/.has-all: $(PINS) | $(VENV)/.made
	@echo "Installing everything, torch included, into $(VENV) (about two minutes, once)"
	@$(PIP) $(PIP_EXTRA) -r requirements.txt -e ".[book,notebooks,torch,cluster,test]"
	@touch $(VENV)/.has-book $(VENV)/.has-lab $@
