# Every target installs the packages that it needs (.ci/packages.txt), builds, and does its job. All
# but the sanitizers and the fuzzer share one build tree, build/release, in which each switches on
# what it needs: that takes a second, and what is compiled stays compiled.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help serve test test-platforms test-peers test-peers-but-dendrite test-asan test-tsan test-long bench fuzz conformance \
  scoreboard release site build packages wheels setup format lint clean

LISTEN ?= 127.0.0.1:8008
JOBS ?= $(shell nproc)
# Tests at a time: most wait more than they compute, and the others say so (PROCESSORS, RUN_SERIAL).
TEST_JOBS ?= 8
# A folder of `rooms` below, or a test of one: then nothing more is installed and built. Or else
# ctest's -R, e.g. make test ONLY=uia. Under the sanitizers, where all is slow: units, the contract,
# the stores, one run of the conformance suite, what strangers send; make test-asan ONLY=. for all
ONLY ?= .
SANITIZED := ^(unit|abi|hosts|fuzz|common|store|server)\.|^conformance$$|^reliability\.
# ON where warnings are errors, as in .ci/run; other compilers than Debian's have other warnings
WERROR ?= OFF
# Of make fuzz, and of the fuzzers of make test-long, in seconds
FOR ?= 60
# Of make test-platforms: those that tests/platforms/run knows
PLATFORMS ?= debian-13
# Of make conformance: the homeserver, NAME:PASSWORD separated by spaces, rows to leave out, where the
# report goes, further options (docs/conformance.md)
URL ?=
ACCOUNTS ?=
WITHOUT ?=
REPORT ?= build/conformance
OPTIONS ?=

# ccache, where there is one, also finds what another clone has compiled.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
launcher := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
sources = $(shell git ls-files '*.c' '*.cc' '*.h' '*.hpp')

# Groups of packages, and switches, for all that is tested
all_packages := module store postgres server python gtest suite test databases browser
everything := -DMXD_SQLITE=ON -DMXD_POSTGRES=ON -DMXD_SERVER=ON -DMXD_PYTHON=ON -DMXD_TESTS=ON
only_server := -DMXD_SQLITE=ON -DMXD_POSTGRES=ON -DMXD_SERVER=ON -DMXD_PYTHON=OFF -DMXD_TESTS=OFF

# Folders of tests/ that need less: PACKAGES_folder, WITHOUT_folder (what is switched off),
# BUILD_folder (what is built; else what the folder has)
rooms := unit common hosts store server e2e conformance postgres
PACKAGES_unit := module gtest
PACKAGES_common := module gtest
PACKAGES_hosts := module
PACKAGES_store := module store postgres gtest databases
PACKAGES_server := module store postgres server gtest databases
PACKAGES_e2e := module store postgres server suite databases
PACKAGES_conformance := module store postgres server suite databases
PACKAGES_postgres := module store postgres server suite databases
WITHOUT_unit := SQLITE POSTGRES
WITHOUT_common := SQLITE POSTGRES
WITHOUT_hosts := SQLITE POSTGRES
WITHOUT_store := SERVER
BUILD_e2e := matrix-devices-server
BUILD_conformance := matrix-devices-server
BUILD_postgres := matrix-devices-server

# The folder that ONLY names, if it is one of these: unit, or unit.Headers
room = $(filter $(rooms),$(firstword $(subst ., ,$(ONLY))))
test_packages = $(if $(room),$(PACKAGES_$(room)),$(all_packages))
test_pattern = $(if $(room),^$(ONLY),$(ONLY))
test_targets = $(if $(room),--target $(or $(BUILD_$(room)),tests/$(room)/all))
test_switches = $(if $(room),$(foreach part,SQLITE POSTGRES SERVER,\
  -DMXD_$(part)=$(if $(filter $(part),$(WITHOUT_$(room))),OFF,ON)) -DMXD_PYTHON=OFF -DMXD_TESTS=$(room),\
  $(everything))

# $(call configure,PRESET,SWITCHES)
define configure
	@echo "==> Configuring build/$(1)"
	@cmake --preset $(1) --log-level=WARNING $(launcher) $(2) >/dev/null
endef
release = $(call configure,release,-DMXD_WERROR=$(WERROR) $(1))

# $(call run_tests,PRESET,PREFIX)
define run_tests
	@echo "==> Building build/$(1)"
	@cmake --build --preset $(1) --parallel $(JOBS) $(test_targets)
	@echo "==> Testing build/$(1)"
	@$(2) ctest --preset $(1) --output-on-failure --parallel $(TEST_JOBS) -R '$(test_pattern)'
endef

# The sanitizers of gcc 12 cannot place their shadow memory where the kernel randomises addresses
# with more than 28 bits.
fixed_addresses = $(if $(shell setarch -R true 2>/dev/null && echo yes),setarch -R)

help: ## what there is to make
	@echo "matrix-devices. Each of these sets up what it needs, also on a fresh Debian 12 or 13:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo "  make serve LISTEN=127.0.0.1:9009   on another port"
	@echo "  make test ONLY=unit                only these, installing and building no more:"
	@echo "                                     $(rooms)"
	@echo "  make test ONLY=uia                 only tests whose name matches"
	@echo "  make test WERROR=ON                warnings are errors"
	@echo "  make conformance URL=http://127.0.0.1:8008 ACCOUNTS='alice:PASSWORD bob:PASSWORD'"

serve: ## build, then run a server with a demo account on 127.0.0.1:8008
	@.ci/setup module store server
	$(call release,-DMXD_SQLITE=ON -DMXD_POSTGRES=OFF -DMXD_SERVER=ON)
	@echo "==> Building the server (the first time takes some minutes)"
	@cmake --build --preset release --parallel $(JOBS) --target matrix-devices-server
	@exec bindings/server/serve_demo.sh build/release/out $(LISTEN)

test: ## build and run all tests
	@.ci/setup $(test_packages)
	$(call release,$(test_switches))
	$(call run_tests,release,)

# Where there are no namespaces they say so, and end with 77.
elsewhere = JOBS=$(JOBS) TEST_JOBS=$(TEST_JOBS) tests/platforms/$(1) || [ $$? -eq 77 ] || exit 1

test-platforms: ## the parts and the contract on a bare Debian 13; or PLATFORMS=… (tests/platforms/run)
	@for platform in $(PLATFORMS); do $(call elsewhere,run $$platform); done

# With MXD_IN_FULL, as in test-long, also what other tests find too: the rows in each Synapse and in
# Dendrite, all of the package with the newest pytest
test-peers: ## real clients, real Synapse, the newest Python packages (from their registries)
	@.ci/setup $(all_packages) peers
	$(call release,$(everything))
	@echo "==> Building what the peers meet"
	@cmake --build --preset release --parallel $(JOBS) \
	  --target matrix-devices-server matrix_devices_check get_devices_in_cpp
	@tests/peers/beside build/synapse/setup.log tests/synapse/setup --only-synapse -- tests/peers/setup
	@tests/peers/beside build/peers/dendrite.log tests/dendrite/run build/peers/go -- $(MAKE) \
	  --no-print-directory test-peers-but-dendrite
	@/usr/bin/python3 -B tests/synapse/bench.py \
	  $(if $(MXD_IN_FULL),--turns 1500 --requests 100000,--turns 300 --requests 1000)

# What mostly waits, beside which Dendrite is built and tested
test-peers-but-dendrite:
	@tests/peers/run
	@tests/synapse/setup --wheel "$$(tests/peers/setup --wheel)"
	@tests/synapse/run

test-asan test-tsan: ONLY = $(SANITIZED)
# Of these none needs the Python package.
test-asan test-tsan: everything += $(if $(filter $(SANITIZED),$(ONLY)),-DMXD_PYTHON=OFF)

test-asan: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@.ci/setup $(test_packages)
	$(call configure,asan,$(test_switches))
	$(call run_tests,asan,$(fixed_addresses))

test-tsan: ## the tests under ThreadSanitizer
	@.ci/setup $(test_packages)
	$(call configure,tsan,$(test_switches))
	$(call run_tests,tsan,$(fixed_addresses))

# $(call trial,NAME,PRESET): of tests/reliability, in full
trial = @echo "==> $(1)"; python3 -B tests/reliability/$(1).py --server build/$(2)/out/matrix-devices-server

test-long: ## hours: growth, failing memory and disks, kills, the sanitizers, fuzzers: FOR=3600
	@.ci/setup $(all_packages) fuzz
	$(call release,$(everything))
	@echo "==> Building what is tried"
	@cmake --build --preset release --parallel $(JOBS) --target matrix-devices-server \
	  mxd_failing_memory mxd_failing_disk mxd_failing_memory_test mxd_sweep mxd_cheap_passwords
	@echo "==> each_alone"
	@JOBS=$(JOBS) tests/abi/growth/each_alone.sh
	@echo "==> sweep"
	@build/release/out/mxd_sweep build/release/out/libmatrix_devices.so
	@echo "==> failing_memory_test"
	@build/release/out/mxd_failing_memory_test build/release/out/libmatrix_devices.so \
	  build/release/out/libmatrix_devices_sqlite.so build/release/failing_memory.db 1
	@build/release/out/mxd_failing_memory_test build/release/out/libmatrix_devices.so \
	  build/release/out/libmatrix_devices_sqlite.so build/release/failing_memory.db 5 30
	$(call trial,failing_memory,release) --shim build/release/out/mxd_failing_memory.so
	$(call trial,failing_memory,release) --shim build/release/out/mxd_failing_memory.so --burst 30
	$(call trial,failing_memory,release) --shim build/release/out/mxd_failing_memory.so --cold --stride 7
	$(call trial,killed_servers,release) --rounds 300
	$(call trial,killed_servers,release) --rounds 200 --postgres
	$(call trial,killed_servers,release) --rounds 150 --shim build/release/out/mxd_failing_disk.so
	$(call trial,failing_disk,release) --shim build/release/out/mxd_failing_disk.so
	@echo "==> servers on a PostgreSQL that fails"
	@MXD_ROUNDS=100 MXD_SERVER=$(CURDIR)/build/release/out/matrix-devices-server \
	  /usr/bin/python3 -B -m pytest -p no:cacheprovider -q -rs tests/postgres
	@echo "==> the rows on one server on PostgreSQL"
	@export PYTHONPATH=tests/conformance MXD_POSTGRES_CLUSTER=$(CURDIR)/build/release/cluster; \
	  /usr/bin/python3 -B tests/postgres/start.py share $$MXD_POSTGRES_CLUSTER && \
	  MXD_FLEET_SERVER=$(CURDIR)/build/release/out/matrix-devices-server MXD_FLEET_SIZE=1 \
	  MXD_FLEET_ON=postgres /usr/bin/python3 -B -m matrix_device_conformance --fail-on-ours \
	  --server=tests/conformance/fleet/fleet.py
	@echo "==> the hand-over between threads of the Rust crate, in every order (loom)"
	@command -v cargo >/dev/null || .ci/setup rust
	@cd bindings/rust && cargo test --quiet --release -p hand-over-model
	@echo "==> the conformance suite with every planted bug"
	@MXD_SERVER=$(CURDIR)/build/release/out/matrix-devices-server \
	  MXD_CHEAP_PASSWORDS=$(CURDIR)/build/release/out/mxd_cheap_passwords.so \
	  /usr/bin/python3 -B tests/conformance/planted/sweep.py
	@$(MAKE) --no-print-directory bench ONLY='postgres|ten_million' JUDGE=--judge
	@MXD_JUDGE=1 MXD_IN_FULL=1 $(MAKE) --no-print-directory test-peers
	@$(MAKE) --no-print-directory site
	@$(MAKE) --no-print-directory test-asan test-tsan ONLY=.
	$(call trial,strangers,asan) --seconds $(FOR)
	@$(MAKE) --no-print-directory test-platforms \
	  PLATFORMS="debian-13-whole debian-12-clang-19 debian-13-arm64"
	@for suite in bookworm trixie; do \
	  $(call elsewhere,first_steps serve $$suite); \
	  $(call elsewhere,first_steps pip $$suite); done
	@tests/containers/try_images || [ $$? -eq 77 ]
	@tests/setup/rehearse_release
	@for suite in bookworm trixie; do \
	  $(call elsewhere,../packages/debs $$suite --try); \
	  $(call elsewhere,../packages/wheels $$suite --try); done
	@$(MAKE) --no-print-directory fuzz

# Of its parts (tests/bench/bench.py), those that ONLY matches; ten_million takes the longest. With
# JUDGE=--judge a ratio over its bound fails.
bench: ONLY = budgets|in_process|stores|server|memory|in_synapse|growth|postgres
bench: chosen = $(shell printf '%s\n' budgets in_process stores server memory in_synapse growth \
  postgres ten_million | grep -E '$(ONLY)')
bench: ## count and measure beside something bare: ONLY=server (docs/performance.md)
	@.ci/setup module store server gtest bench \
	  $(if $(filter in_synapse,$(chosen)),python suite databases peers) \
	  $(if $(filter postgres ten_million,$(chosen)),postgres databases)
	$(call release,-DMXD_SQLITE=ON -DMXD_SERVER=ON -DMXD_TESTS=bench -DMXD_BENCH=ON \
	  -DMXD_PYTHON=$(if $(filter in_synapse,$(chosen)),ON,OFF) \
	  -DMXD_POSTGRES=$(if $(filter postgres ten_million,$(chosen)),ON,OFF))
	@echo "==> Building what is measured"
	@cmake --build --preset release --parallel $(JOBS) --target mxd_bench
	@/usr/bin/python3 -B tests/bench/bench.py --out build/release/out --report build/bench \
	  --only '$(ONLY)' $(JUDGE)

fuzz: ## look for inputs that break a promise, for so many seconds: FOR=600 (needs clang-19)
	@.ci/setup module fuzz
	$(call configure,fuzz,)
	@echo "==> Building build/fuzz"
	@cmake --build --preset fuzz --parallel $(JOBS) --target mxd_fuzz_requests
	@echo "==> Fuzzing for $(FOR) s; what is found: build/fuzz/found/"
	@mkdir -p build/fuzz/corpus build/fuzz/found
	@build/fuzz/out/mxd_fuzz_requests -max_total_time=$(FOR) -fork=$(JOBS) -max_len=4096 -timeout=10 \
	  -dict=tests/fuzz/requests.dict -artifact_prefix=build/fuzz/found/ \
	  build/fuzz/corpus tests/fuzz/corpus

site: ## one site of all documents, with references, in build/site/html (from PyPI)
	@.ci/setup module store server browser site
	@command -v cargo >/dev/null || .ci/setup rust
	$(call release,-DMXD_SQLITE=ON -DMXD_SERVER=ON)
	@echo "==> Building the server"
	@cmake --build --preset release --parallel $(JOBS) --target matrix-devices-server
	@docs/site/build

conformance: export MXD_ACCOUNTS := $(ACCOUNTS)
conformance: ## test any homeserver: URL=… (docs/conformance.md)
	@[ -n "$(URL)" ] || { echo "Which homeserver? make conformance URL=https://…" >&2; exit 2; }
	@.ci/setup suite
	@python=/usr/bin/python3; [ -x $$python ] || python=python3; \
	  PYTHONPATH=tests/conformance exec $$python -B -m matrix_device_conformance '$(URL)' \
	    --without='$(WITHOUT)' --report='$(REPORT)' $(OPTIONS)

scoreboard: ## ask every homeserver of docs/scoreboard.md, for an hour, and write it; or ONLY=server
	@.ci/setup $(all_packages) peers
	$(call release,$(everything))
	@echo "==> Building what is asked"
	@cmake --build --preset release --parallel $(JOBS) --target matrix-devices-server
	@tests/scoreboard/setup '$(ONLY)'
	@/usr/bin/python3 -B tests/scoreboard/run.py --only '$(ONLY)'

release: ## build all that a release has into build/dist, from what is committed
	@.ci/release/run

build: ## build the libraries and the server into build/release/out
	@.ci/setup module store postgres server
	$(call release,$(only_server))
	@echo "==> Building build/release"
	@cmake --build --preset release --parallel $(JOBS)
	@echo "==> Built: build/release/out"

packages: ## Debian packages for the Debian that this runs on, into build/packages
	@.ci/setup module store postgres server python
	@echo "==> Configuring build/packages"
	@cmake -S . -B build/packages -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	  -DMXD_PACKAGES=ON -DMXD_PYTHON=ON -DMXD_POSTGRES=ON -DMXD_WERROR=$(WERROR) $(launcher) >/dev/null
	@echo "==> Building build/packages"
	@cmake --build build/packages --parallel $(JOBS)
	@cd build/packages && rm -f *.deb && cpack >cpack.log 2>&1 || { cat cpack.log; exit 1; }
	@ls build/packages/*.deb

wheels: ## the source distribution, and a wheel for each Python that is here, into build/wheels
	@.ci/setup module store python packaging
	@JOBS=$(JOBS) bindings/python/packaging/make_wheels build/wheels

setup: ## install the packages that these need, but for peers and fuzzing
	@.ci/setup $(all_packages) lint

format: ## format the C and C++ sources in place
	@.ci/setup lint
	@echo "==> clang-format"
	@clang-format -i $(sources)

lint: ## formatting, static analysis, types, and the coroutine rule of docs/threading.md
	@.ci/setup $(all_packages) lint
	$(call release,$(everything))
	@.ci/lint build/release

clean: ## remove the builds; .local/, with the demo's database, stays
	rm -rf build
