#!/bin/sh
# Generates gen/ (the executions made from one source) when a source or the generator is newer.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
stamp=$root/gen/.stamp
if [ -f "$stamp" ] && [ -z "$(find "$root/src" "$root/tools/rewrite" "$root/tools/steps" "$root/tools/steps.ts" -newer "$stamp" \( -name '*.ts' -o -type d \) -print | head -n 1)" ]; then exit 0; fi
"$root/.tools/node" --disable-warning=ExperimentalWarning "$root/tools/rewrite/main.ts" >/dev/null
"$root/.tools/node" --disable-warning=ExperimentalWarning "$root/tools/steps.ts"
mkdir -p "$root/gen"
: >"$stamp"
