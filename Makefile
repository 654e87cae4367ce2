# `make run` and `make test` set everything up by themselves: they need Python 3.10 or newer, a C compiler and make.
PYTHON ?= python3
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
PYTEST_JOBS ?= $(JOBS)
T ?=
export X86_JOBS = $(JOBS)

VENV := .venv
PY := $(CURDIR)/$(VENV)/bin/python
READY := $(VENV)/.ready-test
SOURCES := setup.py $(shell find x86 -name '*.pxd' -o -name '*.pxi' -o -name '*.h' -o -path 'x86/_*.pyx' -o -path 'x86/isa/*.py') \
           x86/instantiate.py
PYTEST := -m pytest -n $(PYTEST_JOBS) -p no:cacheprovider

.PHONY: help run test test-deep test-plain check bench side-by-side annotate plain debug asan payloads build clean

help:           ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 14

run: build      ## boot the example: from the reset vector to a 64-bit kernel, and what happened on the way
	@$(PY) -m x86.cli run

test: build     ## the test suite (T='tests/test_cli.py -k json' for a part of it)
	$(PY) $(PYTEST) -m 'not deep' $(T)

test-deep: build    ## everything, with many more generated examples
	X86_TEST_PROFILE=deep $(PY) $(PYTEST) $(T)

# What the core does not care about: media, loaders, and a firmware of Python; UEFI programs run as any other code.
PURE_PYTHON := --ignore=tests/boot --ignore=tests/uefi --ignore=tests/test_efi_payloads.py

test-plain: plain   ## the test suite on the plain-loop build, which checks bounds
	cd build/plain && X86_NATIVE_CASES=60 $(PY) $(PYTEST) -m 'not deep' $(PURE_PYTHON) $(T)

check: $(READY) ## ruff
	$(PY) -m ruff check .

bench: build    ## pytest-benchmark: start-up and instruction rate
	$(PY) -m pytest -p no:xdist -p no:cacheprovider benchmarks

side-by-side: build ## the same guests on this, Bochs, QEMU and Unicorn, where installed
	$(PY) benchmarks/side_by_side.py

annotate: $(READY)  ## Cython's view of every source: yellow lines call Python
	rm -rf build/annotate && mkdir -p build/annotate
	$(call copy_tree,build/annotate)
	cd build/annotate && X86_ANNOTATE=1 $(PY) setup.py --quiet build_ext --inplace
	@echo "open build/annotate/x86/*.html and build/annotate/x86/execute/*.html"

# ---- set-up -----------------------------------------------------------------------------------------------------

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "this needs Python 3.10 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(READY): pyproject.toml .ci/requirements.py | $(VENV)/bin/python
	$(PY) .ci/requirements.py test oracles check >$(VENV)/requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r $(VENV)/requirements.txt
	@printf '#!%s\nimport sys\nsys.path.insert(0, "%s")\nfrom x86.cli import main\nsys.exit(main())\n' \
		'$(PY)' '$(CURDIR)' >$(VENV)/bin/x86 && chmod +x $(VENV)/bin/x86
	@touch $@

build: build/.built ## compile the core in place

build/.built: $(SOURCES) $(READY)
	@echo "building the core (a few minutes the first time)"
	$(PY) setup.py --quiet build_ext --inplace
	@mkdir -p build && touch $@

# ---- other builds, each with its own copy of the tree, so that all of them exist side by side ----------------------

TREE := x86 boot tests benchmarks .ci setup.py pyproject.toml Makefile MANIFEST.in README.md ARCHITECTURE.md CONTRIBUTING.md \
        CHANGELOG.md LICENSE
define copy_tree
tar cf - --exclude=__pycache__ --exclude='*.so' --exclude='x86/_*.c' --exclude='x86/execute/_*.pyx' --exclude='x86/execute/_*.c' \
	$(TREE) | tar xf - -C $(1)
endef
define variant
	@mkdir -p build/$(1)
	@rm -rf build/$(1)/tests build/$(1)/boot
	$(call copy_tree,build/$(1))
	@test ! -d build/payloads || { mkdir -p build/$(1)/build && ln -sfn ../../payloads build/$(1)/build/payloads; }
	cd build/$(1) && $(2) $(PY) setup.py --quiet build_ext --inplace
endef

plain: $(READY) ## the plain-loop build, with bounds checks, in build/plain
	$(call variant,plain,X86_PLAIN_LOOP=1)

debug: $(READY) ## the same, unoptimized and with line numbers, in build/debug
	$(call variant,debug,X86_DEBUG=1)

asan: $(READY)  ## the same under the sanitizers, in build/asan, and a boot with it
	$(call variant,asan,X86_ASAN=1)
	cd build/asan && LD_PRELOAD=$$($${CC:-gcc} -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 $(PY) -m x86.cli run

payloads: $(READY)  ## compose the boot images that the tests take from Debian's packages, in build/payloads
	$(PY) tests/payloads.py

clean:          ## everything that was built, but not the virtual environment
	rm -rf build dist *.egg-info .hypothesis .pytest_cache .benchmarks
	find x86 boot tests benchmarks \( -name '*.so' -o -name '__pycache__' \) -prune -exec rm -rf {} +
	rm -f x86/_*.c x86/execute/_*.c x86/execute/_*.pyx x86/*.html x86/execute/*.html
