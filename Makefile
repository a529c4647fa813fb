# Two commands do everything on a fresh Debian 12 with Go, Node and npm:
#   make demo   builds the portal and the binary and starts the example attack
#   make test   installs what the tests use and runs all of them
SHELL := /bin/bash
export GOTOOLCHAIN := local
export CGO_ENABLED := 1

PORT ?= 8870
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json 2>/dev/null)

.PHONY: demo build portal test test-go test-web e2e check bench bench-hunt fuzz score-kql score-correlation clean packages-build packages-test

demo: build
	./bin/tocsin demo --addr 127.0.0.1:$(PORT)

build: packages-build portal
	go build -o bin/tocsin ./cmd/tocsin

portal: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build

api/graphclient/node_modules/.package-lock.json: api/graphclient/package-lock.json
	cd api/graphclient && npm ci --no-audit --no-fund

api/kustoclient/node_modules/.package-lock.json: api/kustoclient/package-lock.json
	cd api/kustoclient && npm ci --no-audit --no-fund

# A C++ compiler links DuckDB; Chromium drives the portal in the tests.
packages-build:
	@tools/packages.sh gcc:gcc g++:g++
packages-test: packages-build
	@tools/packages.sh chromium:chromium curl:curl zip:zip

test: packages-test build check test-web test-go e2e

test-go: api/graphclient/node_modules/.package-lock.json api/kustoclient/node_modules/.package-lock.json
	TOCSIN_TRAP=20000 go test -race -timeout 20m ./...

test-web: web/node_modules/.package-lock.json
	cd web && npm run check && npm test

# The portal in Debian's Chromium against the real server with the example
# attack: light, dark and phone width, and axe.
e2e: build
	tools/e2e.sh

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files"; exit 1; }
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...

# Side by side with the raw engine; figures go into docs/benchmarks.md.
bench: build
	tools/bench.sh
	tools/bench-hunt.sh

# Hunting alone, beside DuckDB and ClickHouse: make bench-hunt [ROWS=5000000] [CHDB=0]
bench-hunt:
	ROWS=$(ROWS) CHDB=$(CHDB) tools/bench-hunt.sh

# Runs a file of hunting queries with expected results and prints how many are
# right: make score-kql CASES=FILE [VERBOSE=1]
score-kql:
	@test -n "$(CASES)" || { echo "say which: make score-kql CASES=FILE"; exit 2; }
	@KQL_CASES="$(abspath $(CASES))" KQL_VERBOSE="$(VERBOSE)" go test ./lake -run '^TestScoreFile$$' -count=1 -timeout 60m -v | grep -v '^\(=== RUN\|--- PASS\|PASS$$\|ok  \)'

# Takes labelled alerts one by one into a store and prints how well they are
# grouped, in order and up to an hour late: make score-correlation ALERTS=FILE [VERBOSE=1]
score-correlation:
	@test -n "$(ALERTS)" || { echo "say which: make score-correlation ALERTS=FILE"; exit 2; }
	@CORRELATION_ALERTS="$(abspath $(ALERTS))" CORRELATION_VERBOSE="$(VERBOSE)" go test ./cases -run '^TestScoreFile$$' -count=1 -timeout 60m -v | grep -v '^\(=== RUN\|--- PASS\|PASS$$\|ok  \)'

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 60s
fuzz:
	tools/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin web/dist/assets web/dist/index.html web/node_modules api/graphclient/node_modules api/kustoclient/node_modules
