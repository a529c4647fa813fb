#!/usr/bin/env bash
# Starts the demo on a free port and drives the portal through it in Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -d web/node_modules ] || (cd web && npm ci --no-audit --no-fund)
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
./bin/tocsin demo --addr 127.0.0.1:0 --data "$work/data" --ready-file "$work/ready" >"$work/log" 2>&1 &
pid=$!
for _ in $(seq 600); do
  [ -s "$work/ready" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$work/log"; echo "the demo ended before it was ready"; exit 1; }
  sleep 0.2
done
[ -s "$work/ready" ] || { cat "$work/log"; echo "the demo was not ready within two minutes"; exit 1; }
# The ready file holds TOCSIN_URL, TOCSIN_USER and TOCSIN_PASSWORD as shell assignments.
set -a
. "$work/ready"
set +a
cd web && npm run e2e
