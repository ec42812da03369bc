# SPDX-License-Identifier: BSD-3-Clause
# A thin door to meson: everything real is in meson.build and below tests/.
PYTHON := /usr/bin/python3
NINJA_FLAGS ?=

.PHONY: all build demo test bench bench-ro lint clean packages packages-test
all: build

packages:
	@.ci/install-packages build

packages-test:
	@.ci/install-packages build test

build: packages
	@[ -f build/build.ninja ] || meson setup build
	@ninja -C build $(NINJA_FLAGS)

demo: packages-test build
	@tests/with-hugepages 512 $(PYTHON) tests/demo/demo.py

test: packages-test build
	@tests/with-hugepages 640 $(PYTHON) tests/run.py $(SUITES)

bench: build
	@.ci/install-packages build test bench
	@tests/with-hugepages 2048 $(PYTHON) tests/bench/run.py

bench-ro: packages-test build
	@$(PYTHON) tests/bench/ro.py

lint:
	@.ci/install-packages build lint
	@[ -f build/build.ninja ] || meson setup build
	@tests/lint

clean:
	rm -rf build build-clang build-san
