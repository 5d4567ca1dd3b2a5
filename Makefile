# make run      install, migrate and serve on SQLite, at http://127.0.0.1:5000/
# make gateway  install and serve the gateway in front of it, at http://127.0.0.1:5001/
# make test     every test and every check
# make bench    the measurements
# make deb      both Debian packages for the Debian that it runs on, in dist/; make wheelhouse fetches their parts, so
#               that it needs no network
# make lock     pin newer releases of everything (with Debian 12's Python, the oldest that is supported)

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
# setuptools and pip of the virtual environment make the package; its dependencies are the pinned ones and no others.
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check
INVENTORY = --extra service --extra inventory --extra postgresql
GATEWAY = --extra service --extra gateway
LOCK = .lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
       --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --upgrade

.PHONY: run gateway test bench docs wheelhouse deb lock clean

run: $(VENV)/run
	$(BIN)/invsys-manage migrate
	$(BIN)/invsys-manage serve

gateway: .venv-gateway/gateway
	.venv-gateway/bin/invsys-gateway-manage serve

# The checks run beside the tests, which leave a core idle where they wait for servers.
test: $(VENV)/tox
	$(BIN)/tox run-parallel --parallel 2 --parallel-live

bench: $(VENV)/run $(VENV)/bench
	$(INSTALL) --requirement requirements/gateway.txt
	$(BIN)/python -m benchmarks.cost --engine sqlite
	$(BIN)/python -m benchmarks.cost --engine postgresql
	$(BIN)/python -m benchmarks

docs: $(VENV)/tox
	$(BIN)/tox run -e docs

wheelhouse: | $(BIN)/python
	for set in requirements.txt requirements/gateway.txt requirements/build.txt requirements/test.txt; do \
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

# One stamp for each set that the virtual environment holds.
$(VENV)/run: requirements.txt setup.cfg | $(BIN)/python
	$(INSTALL) --requirement requirements.txt
	$(INSTALL) --no-deps --editable .
	touch $@

# As on a host of its own: nothing of a database is in it.
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
	    $(LOCK) $(INVENTORY) $(GATEWAY) --extra client --constraint requirements.txt \
	        --constraint requirements/gateway.txt --output-file requirements/$$set.txt \
	        setup.cfg requirements/$$set.in || exit 1; \
	done
	$(LOCK) $(INVENTORY) $(patsubst %,--constraint requirements/%.txt,test typing style layers) \
	    --output-file requirements/template.txt setup.cfg requirements/template.in
	for set in style layers docs bench tox build; do \
	    $(LOCK) --output-file requirements/$$set.txt requirements/$$set.in || exit 1; \
	done

clean:
	rm -rf $(VENV) .venv-gateway .lock .tox build dist docs/build wheelhouse
