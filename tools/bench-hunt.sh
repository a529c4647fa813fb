#!/usr/bin/env bash
# Hunting beside SQL written by hand, for docs/benchmarks.md: against DuckDB on
# the lake's own file, in turn, and against ClickHouse's engine (chdb, fetched
# from npm, no part of the product) on the same rows in MergeTree tables.
#
#   ROWS     in each of the two tables, default 5,000,000 (6 GB of disk)
#   ROUNDS   of each question, default 5
#   DIR      where rows and engine are kept for the next run
#   CHDB=0   leaves ClickHouse out
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${ROWS:-5000000}
rounds=${ROUNDS:-5}
dir=${DIR:-${TMPDIR:-/tmp}/tocsin-bench}
threads=${THREADS:-$(nproc)}
mkdir -p "$dir"
TOCSIN_BENCH_DIR=$dir TOCSIN_BENCH_ROWS=$rows TOCSIN_BENCH_ROUNDS=$rounds TOCSIN_BENCH_THREADS=$threads \
	go test -run '^$' -bench '^BenchmarkHunt$' -benchtime 1x -timeout 120m ./lake
go test -run '^$' -bench '^BenchmarkBindCorpus$' -benchtime 20x ./lake

[ "${CHDB:-1}" = 1 ] || exit 0
lib=$dir/chdb-26.5.3/package/libchdb.so
if [ ! -f "$lib" ]; then
	mkdir -p "$dir/chdb-26.5.3"
	(cd "$dir/chdb-26.5.3" && npm pack --silent @chdb/lib-linux-x64-gnu@26.5.3 >/dev/null && tar xzf ./*.tgz && rm ./*.tgz)
fi
gcc -D_GNU_SOURCE -O2 -o "$dir/bench-chdb" tools/bench-chdb.c -ldl
"$dir/bench-chdb" "$lib" "$dir/$rows" lake/testdata/hunt_bench.txtar "$rounds" "$threads" > "$dir/$rows/chdb.tsv"
# ours.tsv: question, rows, ours in ms, SQL in ms. chdb.tsv: question, rows, ms of each round.
awk -F '\t' '
	function middle(  i, j, t, n) {
		n = 0
		for (i = 3; i <= NF; i++) { t = $i; for (j = n++; j > 0 && v[j-1] > t; j--) v[j] = v[j-1]; v[j] = t }
		return v[int(n / 2)]
	}
	FNR == NR { rows[$1] = $2; ours[$1] = $3; next }
	FNR == 1 { printf "%-28s %9s %9s %9s %6s\n", "question", "rows", "ours ms", "chdb ms", "ratio" }
	$1 in ours {
		m = middle()
		printf "%-28s %9d %9.1f %9.1f %6.2f%s\n", $1, rows[$1], ours[$1], m, ours[$1] / m, rows[$1] == $2 ? "" : "  " $2 " rows there"
		sum += log(ours[$1] / m); count++
	}
	END { printf "geometric mean %.3f of ClickHouse\n", exp(sum / count) }
' "$dir/$rows/ours.tsv" "$dir/$rows/chdb.tsv"
