# Everything a person runs by hand. `make help` lists it.
SHELL := /bin/bash
CACHE := $(or $(KCP_MCP_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kcp-mcp-operator)
# Machines ship older Nodes: everything runs on the one in devDependencies.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
STAMP := node_modules/.installed
# All of these would write to the home folder.
export KUBECACHEDIR := $(abspath $(CACHE))/kubectl
export npm_config_cache := $(CACHE)/npm
export SWC_NATIVE_BINDING_CACHE := $(abspath $(CACHE))/swc

.DEFAULT_GOAL := help

.PHONY: help
help: ## This list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: install
install: $(STAMP) ## npm dependencies (npm's cache stays in the project's cache folder)

$(STAMP): package-lock.json package.json operator/package.json mcp-runtime/package.json e2e/package.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer"; exit 1; }
	@echo "==> npm install (first time: about a minute)"
	@npm install --no-save --loglevel=error
	@touch $@

.PHONY: build
build: $(STAMP) ## operator/dist/main.js and mcp-runtime/dist/main.js
	@npm run --silent build

.PHONY: generate
generate: $(STAMP) ## The CRD from its zod schema
	@npm run --silent generate

.PHONY: verify
verify: $(STAMP) ## Generated files, lint, types, formatting
	@npm run --silent verify

.PHONY: test
test: $(STAMP) ## Everything: verify, unit tests, conformance, tests on a real API server, end-to-end on a real node
	@node e2e/test.ts

.PHONY: test-unit
test-unit: $(STAMP) ## Only what needs nothing but Node
	@node e2e/test.ts unit

.PHONY: conformance
conformance: $(STAMP) ## Only the MCP conformance suite and others' clients, against the runtime with no kcp
	@node e2e/test.ts conformance

.PHONY: test-api
test-api: $(STAMP) ## Only what needs a real API server (no root)
	@node e2e/test.ts api

.PHONY: test-e2e
test-e2e: $(STAMP) ## Only the end-to-end scenarios (root on Linux)
	@node e2e/test.ts e2e

.PHONY: e2e-keycloak
e2e-keycloak: build ## Sign-in and token exchange on a real Keycloak (Java 17, Maven; not part of test)
	@node e2e/test.ts keycloak

.PHONY: test-long
test-long: $(STAMP) ## Faults that last for minutes, on a real API server (no root, 10 minutes; not part of test)
	@node e2e/test.ts long

.PHONY: faults
faults: test-api test-long ## The table of faults in docs/operator.md, measured anew
	@npm run --silent faults:report

# Results with a real kcp are kept beside those without: docs/benchmarks.md takes each part from the newest that has it.
BENCH_RESULTS := docs/benchmarks/$(if $(KCP_BIN)$(KCP_KUBECONFIG),real,synthetic).json

.PHONY: bench
bench: build ## Speed beside the upstream server: docs/benchmarks.md, measured anew (half an hour; KCP_BIN adds a real kcp)
	@mkdir -p docs/benchmarks
	@npm run --silent bench -- --minutes 10 --json $(BENCH_RESULTS)
	@npm run --silent bench:report -- docs/benchmarks/*.json

.PHONY: bench-operator
bench-operator: build ## Speed of the operator on a real API server: docs/benchmarks.md, measured anew (about 40 min)
	@mkdir -p docs/benchmarks
	@npm run --silent bench:operator -- --json docs/benchmarks/operator.json
	@npm run --silent bench:report -- docs/benchmarks/*.json

.PHONY: demo
demo: $(STAMP) ## The whole product on a real node of its own; DETACH=1 leaves it running, DEMO_CONTEXT=name uses your cluster
	@node e2e/demo.ts up $(if $(DETACH),--detach)

.PHONY: demo-down
demo-down: $(STAMP) ## Remove everything that make demo started
	@node e2e/demo.ts down

.PHONY: clean
clean: ## Remove what was built in the checkout (the cache folder stays)
	rm -rf operator/dist mcp-runtime/dist node_modules
