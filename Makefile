# Two commands on a fresh machine: `make` and `make test`. Both set themselves up without root.
.POSIX:
.SUFFIXES:
.PHONY: all setup generate check test bench conformance mutate editors format clean help

all: check

# The main job: the library of tests at all kernel versions, as a matrix.
check: setup
	@./pinfold check

setup:
	@tools/setup.sh

generate: setup
	@tools/generate.sh

# Types, lint, format, architecture, dead code, package and tests; the last line is the total.
test: generate
	@.tools/node --disable-warning=ExperimentalWarning tools/test.ts

bench: generate
	@.tools/node --disable-warning=ExperimentalWarning bench/main.ts

# The tests on this machine's kernel and on the fetched ones (pinfold kernels fetch), then docs/conformance.md.
conformance: generate
	@.tools/node --disable-warning=ExperimentalWarning tools/conformance.ts

# Changes of the model that the library must notice, then docs/mutation.md. Goes on where it was interrupted; SAMPLE=400
# shows only so many of the changed checks (drawn with seed 1).
mutate: generate
	@nice -n 10 .tools/node --disable-warning=ExperimentalWarning tools/mutate/main.ts $${SAMPLE:+--sample $$SAMPLE} --write

# The grammar for CodeMirror, the colours and the extension for VS Code (editors/vscode/dist).
editors: setup
	@.tools/node --disable-warning=ExperimentalWarning tools/lezer.ts
	@.tools/node --disable-warning=ExperimentalWarning tools/textmate.ts
	@PATH="$$PWD/.tools/bin:$$PATH" node_modules/.bin/tsc -p editors/vscode/tsconfig.json
	@cd editors/vscode && PATH="$$PWD/../../.tools/bin:$$PATH" node_modules/.bin/rolldown -c rolldown.config.ts --log-level warn

format: setup
	@PATH="$$PWD/.tools/bin:$$PATH" node_modules/.bin/biome check --write .

clean:
	rm -rf gen dist coverage .cache editors/vscode/dist

help:
	@echo 'make         check the library of litmus tests at all kernel versions'
	@echo 'make test    run every check and test; ends with the totals'
	@echo 'make bench   run the benchmarks (ratios against peers measured in the same run)'
	@echo 'make conformance  run the tests on real kernels and write docs/conformance.md'
	@echo 'make mutate  change the model, count what the library notices, and write docs/mutation.md'
	@echo 'make editors build what editors need: grammars and the VS Code extension'
	@echo 'make format  format the sources'
	@echo 'make clean   remove what is generated'
