#!/usr/bin/env bash
# Makes sure that programs are there: each argument is PROGRAM:PACKAGE. Installs
# the missing packages with apt as root, and otherwise names them.
set -euo pipefail
missing=()
for want in "$@"; do
  command -v "${want%%:*}" >/dev/null 2>&1 || missing+=("${want##*:}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}. Install with: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
