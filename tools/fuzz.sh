#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time (default 60s).
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-60s}
fail=0
while IFS=: read -r file _ line; do
  name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' <<<"$line")
  pkg=./$(dirname "$file")
  echo "== $pkg $name ($time)"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$pkg" || fail=1
done < <(git ls-files '*_test.go' | xargs grep -n '^func Fuzz' /dev/null)
exit $fail
