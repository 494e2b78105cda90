#!/bin/sh
# Generates gen/ (the executions made from one source) when a source or the generator is newer.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
gen=$root/gen
stamp=$gen/.stamp

fresh() {
  [ -f "$stamp" ] && [ -z "$(find "$root/src" "$root/tools/rewrite" "$root/tools/steps" "$root/tools/steps.ts" -newer "$stamp" \( -name '*.ts' -o -type d \) -print | head -n 1)" ]
}

if fresh; then exit 0; fi
if ! mkdir -p "$gen" 2>/dev/null || [ ! -w "$gen" ]; then
  echo "pinfold: cannot write to $gen, and its sources are newer: let its owner run it once, or make a copy that you own." >&2
  exit 3
fi

# Two at once would write the same files: the second waits, and finds the work done.
waited=0
until mkdir "$gen/.lock" 2>/dev/null; do
  waited=$((waited + 1))
  if [ "$waited" -gt 60 ]; then
    echo "pinfold: $gen/.lock has been held for a minute; if nothing generates, remove that folder." >&2
    exit 3
  fi
  sleep 1
done
trap 'rmdir "$gen/.lock"' EXIT
trap 'exit 130' INT TERM
if fresh; then exit 0; fi
"$root/.tools/node" --disable-warning=ExperimentalWarning "$root/tools/rewrite/main.ts" >/dev/null
"$root/.tools/node" --disable-warning=ExperimentalWarning "$root/tools/steps.ts"
: >"$stamp"
