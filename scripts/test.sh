#!/bin/sh
# `npm test`: everything, or what the arguments select (`npm test -- test/scenarios/reload.test.ts`).
# Gets what needs a Debian package itself when it may, names what is skipped, and under CI=true allows no skip.
# Ends with one line "N passed, N failed", with ", N skipped" behind it when something was.
cd -- "$(dirname -- "$0")/.." || exit 1
node=scripts/node
if ! "$node" -e 0; then
  echo "0 passed, 1 failed"
  exit 1
fi

scenarios=yes
for argument in "$@"; do
  case $argument in src/* | bench/*) scenarios=no ;; esac
done
[ "$scenarios" = no ] || sh scripts/install-test-tools.sh

EVENKEEL_TEST_SUMMARY=$(mktemp) || exit 1
EVENKEEL_TEST_SKIPS=$(mktemp) || exit 1
export EVENKEEL_TEST_SUMMARY EVENKEEL_TEST_SKIPS
# The program starts some hundred times: what Node has compiled once need not be compiled again.
export NODE_COMPILE_CACHE="$PWD/node_modules/.cache/node-compile"
trap 'rm -f "$EVENKEEL_TEST_SUMMARY" "$EVENKEEL_TEST_SKIPS"' EXIT
"$node" node_modules/vitest/vitest.mjs run --reporter=default --reporter=./test/support/summary-reporter.ts "$@"
status=$?

sort -u "$EVENKEEL_TEST_SKIPS" | while read -r line; do echo "skipped: $line"; done
"$node" test/support/print-summary.ts "$EVENKEEL_TEST_SUMMARY" "$status"
