#!/bin/sh
# Sets the project up without root: a Node 24 if this machine has an older one, pnpm, the packages of
# the lockfile. All of it goes into .tools/ and node_modules/. Quiet when there is nothing to do.
# Needs a POSIX shell and some Node (18 or later) with npm.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
tools=$root/.tools
node_version=24.21.0
pnpm_version=12.21.0
stamp=$tools/stamp

fail() {
  echo "pinfold set-up: $1" >&2
  exit 3
}

# What is installed depends on these and on nothing else.
want=$(cat "$root/tools/setup.sh" "$root/package.json" "$root/pnpm-lock.yaml" "$root/pnpm-workspace.yaml" | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && [ -d "$root/node_modules" ]; then exit 0; fi

command -v node >/dev/null 2>&1 || fail 'no node here. Install Node 18 or later with npm (https://nodejs.org), then run this again.'
command -v npm >/dev/null 2>&1 || fail 'node is here but npm is not. Install npm, then run this again.'
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 18 ] || fail "Node $major is too old to begin with: 18 or later is needed."

mkdir -p "$tools" 2>/dev/null || fail "cannot write to $root: make a copy that you own."

# Two set-ups at once would tread on each other: the second waits, and finds the work done.
waited=0
until mkdir "$tools/lock" 2>/dev/null; do
  holder=$(cat "$tools/lock/pid" 2>/dev/null || echo)
  if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$tools/lock"; continue; fi
  waited=$((waited + 1))
  [ "$waited" -le 300 ] || fail "another set-up has held $tools/lock for five minutes. If none is running, remove that folder."
  sleep 1
done
echo $$ >"$tools/lock/pid"
trap 'rm -rf "$tools/lock"' EXIT
trap 'exit 130' INT TERM
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && [ -d "$root/node_modules" ]; then exit 0; fi

echo 'pinfold: setting up (about half a minute, once)' >&2

# A user without a home folder (nobody) still needs somewhere for npm's cache.
if [ ! -w "${HOME:-/nonexistent}" ]; then
  HOME=$tools/home
  mkdir -p "$HOME"
  export HOME
fi

packages=pnpm@$pnpm_version
if [ "$major" -lt 24 ]; then
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    Darwin-arm64) platform=darwin-arm64 ;;
    Darwin-x86_64) platform=darwin-x64 ;;
    *) fail "Node $major is too old and there is no packaged Node 24 for $(uname -sm): install Node 24 yourself." ;;
  esac
  # Holds the binary itself and runs no script.
  packages="$packages node-$platform@$node_version"
fi

run() {
  if ! "$@" >"$tools/setup.log" 2>&1; then
    tail -n 20 "$tools/setup.log" >&2
    fail "'$1 $2' failed (above: the end of $tools/setup.log). Is the npm registry reachable?"
  fi
}

# shellcheck disable=SC2086 # two words on purpose
run npm install --prefix "$tools" --no-save --ignore-scripts --no-audit --no-fund --no-package-lock $packages

rm -f "$tools/node"
if [ "$major" -lt 24 ]; then
  ln -s "node_modules/node-$platform/bin/node" "$tools/node"
else
  ln -s "$(command -v node)" "$tools/node"
fi
# pnpm starts further programs as `node`: let them find this one.
mkdir -p "$tools/bin"
ln -sf ../node "$tools/bin/node"
PATH=$tools/bin:$PATH
export PATH
cd "$root"
run "$tools/node" "$tools/node_modules/pnpm/bin/pnpm.mjs" install --frozen-lockfile --ignore-scripts --store-dir "$tools/pnpm-store" --config.confirmModulesPurge=false
echo "$want" >"$stamp"
