# Everything that one types in this repository. `make help` lists it.

export PATH := $(CURDIR)/build/go/bin:$(PATH)
export LANG ?= en_US.UTF-8
ifeq ($(filter-out C POSIX C.UTF-8,$(LANG)),)
override LANG := en_US.UTF-8
endif

TAGS     := -tags migrated_fynedo
GOTEST    = go test $(TAGS) -timeout 900s $(if $(RACE),-race)
PKG      ?= ./...
AREA     ?=

.DEFAULT_GOAL := help
.PHONY: help run build test lint bench e2e screenshots ci fuzz fmt clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up, build, and open the app on an embedded backend with the sample archive
	@scripts/display
	@scripts/setup go build run
	@$(MAKE) --no-print-directory build/dinamis-desktop
	@build/dinamis-desktop --demo

build: build/dinamis-desktop build/dinamis build/dinamis-server ## Build the three programs into build/

.PHONY: build/dinamis-desktop build/dinamis build/dinamis-server
build/dinamis-desktop:
	@scripts/setup go build
	@go build $(TAGS) -o $@ ./cmd/dinamis-desktop

build/dinamis:
	@scripts/setup go
	@CGO_ENABLED=0 go build -o $@ ./cmd/dinamis

build/dinamis-server:
	@scripts/setup go
	@CGO_ENABLED=0 go build -o $@ ./cmd/dinamis-server

test: ## Set up and run the tests (RACE=1 with the race detector, PKG=./catalog/... a part)
	@scripts/setup go build test
	@$(GOTEST) $(PKG)

lint: ## go vet, staticcheck, gofumpt, and the rules of the house (import graph, docs, sizes)
	@scripts/setup go build lint
	@test -z "$$(build/tools/gofumpt -l $$(git ls-files '*.go') | tee /dev/stderr)" || { echo 'run: make fmt' >&2; exit 1; }
	@go vet $(TAGS) ./...
	@build/tools/staticcheck $(TAGS) ./...
	@go test $(TAGS) ./internal/house

fmt: ## Format the code
	@scripts/setup go lint
	@build/tools/gofumpt -w $$(git ls-files '*.go')

bench: ## Print FIGURE lines (AREA=server|catalog|download|sign|ui; all if none)
	@scripts/setup go build bench
	@scripts/bench $(AREA)

e2e: build ## Drive the built programs through the whole journey in a real window (pictures in build/e2e)
	@scripts/setup e2e
	@rm -rf build/e2e
	@go test -tags "migrated_fynedo e2e" -count=1 -timeout 900s -v -run Journey ./internal/e2e

screenshots: build ## Take the README's pictures (docs/images)
	@scripts/setup e2e
	@go test -tags "migrated_fynedo e2e" -count=1 -timeout 900s -v -run Screenshots ./internal/e2e

fuzz: ## Fuzz every parser of foreign bytes for FUZZTIME (10s) each
	@scripts/setup go build
	@scripts/fuzz $(or $(FUZZTIME),10s)

ci: ## What CI runs: lint, tests with the race detector, the journey
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test RACE=1
	@$(MAKE) --no-print-directory e2e

clean: ## Remove what was built
	@rm -rf build
