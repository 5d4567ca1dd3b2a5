# make run                    install, migrate and serve on SQLite, at http://127.0.0.1:5000/
# make gateway                install and serve the gateway in front of it, at http://127.0.0.1:5001/
# make test                   the tests on the installed Python, and the checks
# make quick                  the unit and API tests, on SQLite
# make test-all               as make test, with more random examples and the branch coverage
# make fuzz                   100,000 generated requests that follow the links of the OpenAPI document; FUZZ_CASES, FUZZ_SEED
# make bench                  the benchmarks
# make soak                   mixed load for SOAK_MINUTES=30 on SOAK_ENGINE=postgresql (or sqlite): latency, memory, connections
# make prove                  random requests under faults, recorded and checked: PROVE_MINUTES=5 on each PROVE_ENGINE=both
# make prove-mutants          the same with defects built into the service: the checker must find each
# make screenshots          take the screenshots of the page for the manual again; needs the package chromium
# make supply-chain           scan the repository for secrets, and look for advisories about the pinned libraries
# make docs                   the manual, in docs/build/html/
# make deb                    both Debian packages for the running release of Debian, in dist/
# make wheelhouse             download the requirements of the packages, so that make deb needs no network
# make lock                   pin newer versions of all requirements; use Python 3.11, the oldest supported version
# make clean                  delete the environments and everything that was built
# make dcompose-start         build the images if they are missing, and start the containers
# make dcompose-restart       restart the containers
# make db-revision msg=TEXT   create an empty migration with the next number
# make db-upgrade             run the missing migrations on the database of make run, or on INVSYS_DATABASE_URL
# make db-upgrade-sql         print the SQL of all migrations; from=0004 only that of the migrations after 0004

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
# The package is built with the setuptools and pip of the virtual environment, and only pinned dependencies are installed.
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check
COMPOSE ?= docker-compose
PROVE_MINUTES ?= 5
PROVE_ENGINE ?= both
INVENTORY = --extra service --extra inventory --extra postgresql
GATEWAY = --extra service --extra gateway
FUZZ_CASES ?= 100000
SOAK_MINUTES ?= 30
SOAK_ENGINE ?= postgresql
LOCK = .lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
       --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --upgrade

.PHONY: run gateway test quick test-all fuzz bench soak prove prove-mutants screenshots supply-chain docs wheelhouse deb
.PHONY: lock clean dcompose-start dcompose-restart db-revision db-upgrade db-upgrade-sql

run: $(VENV)/run
	$(BIN)/invsys-manage migrate
	$(BIN)/invsys-manage serve

gateway: .venv-gateway/gateway
	.venv-gateway/bin/invsys-gateway-manage serve

# Two environments run at a time: the tests often wait for servers, and leave a core to the checks.
test: $(VENV)/tox
	$(BIN)/tox run-parallel --parallel 2 --parallel-live

quick: $(VENV)/tox
	$(BIN)/tox run -e quick

# One environment at a time: these tests use both cores by themselves.
test-all: $(VENV)/tox
	$(BIN)/tox run -m all

fuzz: $(VENV)/tox
	FUZZ_CASES=$(FUZZ_CASES) FUZZ_SEED=$(FUZZ_SEED) $(BIN)/tox run -e fuzz

bench: $(VENV)/run $(VENV)/bench
	$(INSTALL) --requirement requirements/gateway.txt
	$(BIN)/python -m benchmarks.cost --engine sqlite
	$(BIN)/python -m benchmarks.cost --engine postgresql
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.peers

soak: $(VENV)/run
	$(BIN)/python -m benchmarks.soak --minutes $(SOAK_MINUTES) --engine $(SOAK_ENGINE)

# Without PROVE_SEED, the seed is random; it is printed.
prove: $(VENV)/run
	$(INSTALL) --requirement requirements/gateway.txt
	$(BIN)/python -m proof --minutes $(PROVE_MINUTES) --engine $(PROVE_ENGINE) $(PROVE_SEED:%=--seed %)

prove-mutants: $(VENV)/run
	$(INSTALL) --requirement requirements/gateway.txt
	$(BIN)/python -m proof.mutants --engine $(PROVE_ENGINE) $(PROVE_SEED:%=--seed %)

screenshots: $(VENV)/tox
	SCREENSHOTS=docs/source/images $(BIN)/tox run -e page -- src/tests/page/test_screenshots.py

supply-chain: $(VENV)/tox
	$(BIN)/tox run -e supply_chain

docs: $(VENV)/tox
	$(BIN)/tox run -e docs

wheelhouse: | $(BIN)/python
	for set in requirements.txt requirements/gateway.txt requirements/build.txt requirements/test.txt requirements/sbom.txt; do \
	    $(BIN)/pip download --quiet --disable-pip-version-check --no-deps --dest wheelhouse --requirement $$set || exit 1; \
	done

deb:
	mkdir -p dist
	version=$$(MAKEFLAGS=--no-print-directory debian/rules version) && \
	    name=$$(dpkg-parsechangelog --show-field=Source)_$${version}_$$(dpkg --print-architecture) && \
	    dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary \
	        --buildinfo-file=../$$name.buildinfo --changes-file=../$$name.changes && \
	    mv ../$$name.changes dist/
	cut -d' ' -f1 debian/files | (cd .. && xargs mv --target-directory=$(CURDIR)/dist)

dcompose-start:
	$(COMPOSE) up -d

dcompose-restart:
	$(COMPOSE) restart

db-revision: $(VENV)/run
	test -n "$(msg)" || { echo 'Name the change: make db-revision msg="Add colours"' >&2; exit 2; }
	newest=$$($(BIN)/invsys-manage db heads | sed -n 's/^0*\([1-9][0-9]*\) .*/\1/p') && \
	    $(BIN)/invsys-manage db revision --message "$(msg)" --rev-id $$(printf %04d $$((newest + 1)))

db-upgrade: $(VENV)/run
	$(BIN)/invsys-manage db upgrade

db-upgrade-sql: $(VENV)/run
	$(BIN)/invsys-manage db upgrade --sql $(if $(from),$(from):)head

# Each file requirements/NAME.txt has a stamp file .venv/NAME, which is newer if those requirements are installed.
$(VENV)/run: requirements.txt setup.cfg | $(BIN)/python
	$(INSTALL) --requirement requirements.txt
	$(INSTALL) --no-deps --editable .
	touch $@

# A separate environment without database libraries, as on a host that runs only the gateway.
.venv-gateway/gateway: requirements/gateway.txt setup.cfg
	$(PYTHON) -m venv .venv-gateway
	.venv-gateway/bin/pip install --quiet --disable-pip-version-check --requirement requirements/gateway.txt
	.venv-gateway/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/%: requirements/%.txt | $(BIN)/python
	$(INSTALL) --requirement $<
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

lock:
	$(PYTHON) -m venv .lock
	.lock/bin/pip install --quiet pip-tools
	$(LOCK) $(INVENTORY) --output-file requirements.txt setup.cfg
	$(LOCK) $(GATEWAY) --constraint requirements.txt --output-file requirements/gateway.txt setup.cfg
	for set in test typing; do \
	    $(LOCK) $(INVENTORY) $(GATEWAY) --constraint requirements.txt \
	        --constraint requirements/gateway.txt --output-file requirements/$$set.txt \
	        setup.cfg client/pyproject.toml requirements/$$set.in || exit 1; \
	done
	for set in page style scripts clients layers docs bench tox build sbom supply_chain; do \
	    $(LOCK) --output-file requirements/$$set.txt requirements/$$set.in || exit 1; \
	done
	$(LOCK) $(INVENTORY) $(patsubst %,--constraint requirements/%.txt,test typing style layers docs) \
	    --output-file requirements/template.txt setup.cfg requirements/template.in
	.lock/bin/pip install --quiet --requirement requirements/scripts.txt
	for set in scripts clients; do \
	    (cd requirements/$$set && $(CURDIR)/.lock/bin/npm update --package-lock-only --ignore-scripts --no-audit --no-fund \
	        --omit-lockfile-registry-resolved) || exit 1; \
	done

clean:
	rm -rf $(VENV) .venv-gateway .lock .tox build dist docs/build wheelhouse src/*.egg-info
	rm -rf debian/.debhelper debian/debhelper-build-stamp debian/files debian/invsys debian/invsys-gateway
	rm -f debian/*.debhelper* debian/*.substvars debian/*.service debian/*.1
