#!/usr/bin/env bash
# The benchmarks whose figures stand in docs/benchmarks.md. ROWS sizes the
# import benchmark (default 1,000,000: about 1.5 GB of NDJSON in a temporary
# folder). Each compares with the raw engine in the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
export TOCSIN_BENCH_ROWS=${ROWS:-1000000}
go test -run '^$' -bench '^BenchmarkImport$' -benchtime 1x -timeout 60m ./app
go test -run '^$' -bench . ./detect
TOCSIN_BENCH_ROWS=200000 go test -run '^$' -bench . -benchtime 1x ./lake
go test -run '^$' -bench . ./store ./cases
