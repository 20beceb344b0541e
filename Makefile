# The verbs of this project; each does the set-up that it needs, and only what is not done yet.
#   make run      the demo: several banks reconcile over contracts       make test       all but the slow tests
#   make setup    the set-up alone; the commands are then in .venv/bin   make test-slow  the slow ones
#   make test-fast  the pure tests, in less than a minute
#   make lint     formats, linters, types, Slither                       make bench      what is measured
#   make reset    forget the demo's state                                make halmos   symbolic proofs of the contracts
#   make contracts-report  the contracts' sizes, gas, coverage, mutants  make mutants  do the contracts' tests bite?
#   make lock     renew requirements.lock from pyproject.toml        make snapshots  what is made and committed
#   make screenshots  pictures of each page for docs/screenshots

.DEFAULT_GOAL := setup
.DELETE_ON_ERROR:
.PHONY: run setup test python-test checks test-fast lint slither test-slow bench contracts contracts-report mutants snapshots screenshots halmos forge-test \
	test-tools reset lock slither-anew halmos-anew

# Bytecode is kept, whatever the shell says: hundreds of processes in the tests would each compile the application.
export PYTHONDONTWRITEBYTECODE :=

# The first Python that is 3.11 or newer (a version manager's `python3.11` can be there and not run).
PYTHON := $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
# Forge itself: the npm package's starter forgets how forge ended.
FORGE := $(BIN)/python -m deploy.forge
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# The stamp of each part of the set-up lies in what it made: who deletes the one has deleted the other.
NPM_READY := $(patsubst %,%/node_modules/.ready,contracts ganache app/web)
PURE_PROPERTIES := tests/property/test_money_properties.py tests/property/test_feed_properties.py

run: setup
	@$(BIN)/tally demo

setup: contracts

# The compiler's driver itself sees whether a source, a setting or a package has changed.
contracts: .venv/.ready $(NPM_READY)
	@$(BIN)/python -m deploy.compile

.venv/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none is on the PATH" >&2; exit 1; }
	@echo "setting up the Python packages in .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

%/node_modules/.ready: %/package.json %/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 with npm is needed and is not on the PATH" >&2; exit 1; }
	@echo "setting up the npm packages in $*"
	@cd $* && $(NPM_CI)
	@touch $@

# What waits and what computes run together: Python's tests wait a third of the time, for blocks, processes and pages,
# and the rest gives way to them (nice). Its output comes when it ends.
test: setup test-tools
	@$(MAKE) --no-print-directory -j2 python-test checks

# A test file stays with one worker; in the order of their names those that take long come first.
python-test: setup test-tools
	$(BIN)/pytest -m "not slow" -n 4 --dist loadfile --no-loadscope-reorder

# All that `make test` does but for Python's tests.
checks: setup
	@nice -n 5 $(MAKE) --no-print-directory --output-sync=recurse lint forge-test halmos

# What needs no chain, no database server and no browser: a change is judged in less than a minute.
test-fast: setup
	$(BIN)/pytest -q -n 2 tests/unit $(PURE_PROPERTIES)

test-slow: setup test-tools
	FOUNDRY_PROFILE=slow $(FORGE) test --match-test "invariant|testFuzz"
	$(BIN)/pytest -m slow

forge-test: setup
	@$(FORGE) test --summary

# A browser, a database server, an OpenID provider and axe-core for tests; where they cannot be installed, those tests skip.
test-tools: tests/oidc_provider/node_modules/.ready tests/axe/node_modules/.ready
	@deploy/setup/test-tools.sh

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(FORGE) fmt --check
	@$(MAKE) --no-print-directory slither

# Slither and halmos say the same of the same sources: they run where those are others than the ones on record.
slither halmos: setup
	@$(BIN)/python -m deploy.analysis $@

# Every finding fails, of any severity. Single ones are explained where they are; left out as kinds
# (contracts/slither.config.json) are: equality with 0 (dangerous where others can move a balance; ours are
# flags, numbers and dates), locals that start at Solidity's 0, parts of a tuple that are not needed, block
# time (it is the rule here), calls in loops and events after calls (only our own contracts are called),
# parameters named as a view is, assembly and low-level calls, sets that are written member by member,
# decisions of many branches, and OpenZeppelin's pragmas. Our Solidity tests are not looked at.
slither-anew: .venv-slither/.ready $(NPM_READY)
	cd contracts && FOUNDRY_PROFILE=sources FOUNDRY_TEST=none PATH="node_modules/.bin:$$PATH" ../.venv-slither/bin/slither . --fail-pedantic

# Symbolic proofs of what is packed and matched; its tests and the libraries are compiled apart from the contracts.
halmos-anew: .venv-halmos/.ready $(NPM_READY)
	cd contracts && FOUNDRY_PROFILE=halmos ../.venv-halmos/bin/python ../deploy/setup/halmos.py

# Slither wants an older web3 than the application: it gets an environment of its own.
.venv-slither/.ready: deploy/setup/slither.lock | .venv/.ready
	@echo "setting up Slither in .venv-slither"
	@$(BIN)/python -m venv .venv-slither
	@.venv-slither/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/setup/slither.lock
	@touch $@

# Halmos pins versions that others need newer: an environment of its own.
.venv-halmos/.ready: deploy/setup/halmos.lock | .venv/.ready
	@echo "setting up halmos in .venv-halmos"
	@$(BIN)/python -m venv .venv-halmos
	@.venv-halmos/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/setup/halmos.lock
	@touch $@

bench: setup
	$(BIN)/python -m tests.bench

# Sizes, gas on anvil, coverage and mutants; takes a quarter of an hour of two cores.
contracts-report: setup
	@$(BIN)/python -m tests.contracts.report

mutants: setup
	@$(BIN)/python -m tests.contracts.mutants.run

# What is made from the contracts and committed; tests fail when it is stale. Look at the difference.
snapshots: setup
	@$(BIN)/python -m deploy.error_page
	@$(BIN)/python -m tests.contracts.layout
	@$(BIN)/python -m tests.contracts.gas

# Pictures of each page, of a demonstration's nodes; look at them before they are committed.
screenshots: setup test-tools
	@$(BIN)/python -m tests.e2e.screenshots

reset:
	@rm -rf .tally
	@echo "the demo's state is forgotten"

# Exact versions with the hashes of every file of theirs, no address; the two lower ones hold fewer.
LOCK := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-annotate \
	--python-version 3.11 --custom-compile-command "make lock"

lock: .venv/.ready
	@$(LOCK) pyproject.toml --extra dev -o requirements.lock
	@echo "setuptools" | $(LOCK) pyproject.toml - --constraint requirements.lock -o deploy/compose/runtime.lock
	@echo "slither-analyzer" | $(LOCK) - -o deploy/setup/slither.lock
	@printf 'halmos\nyices-solver\nz3-solver\n' | $(LOCK) - -o deploy/setup/halmos.lock
