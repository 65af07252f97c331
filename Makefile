# Everything that is done with signgate. `make` lists the targets.

GO    ?= go
CACHE := $(CURDIR)/.cache
BIN   := $(CACHE)/bin

NODE_PEER     := api/e2e/peers/peer/node_modules/.package-lock.json
NODE_JUDGE    := api/e2e/judges/node_modules/.package-lock.json
NODE_DYNAMO   := pkg/dynamotable/dynamotest/emulator/node_modules/.package-lock.json
PYTHON_JUDGE  := $(CACHE)/awscli/installed
MOTO_JUDGE    := $(CACHE)/moto/installed
MINISTACK     := $(CACHE)/ministack/installed
CFN_LINT      := $(CACHE)/cfn-lint/installed
CHECKOV       := $(CACHE)/checkov/installed
UPLOADERS     := api/e2e/uploaders/node_modules/.package-lock.json
NODE_INFRA    := infra/node_modules/.package-lock.json
BROWSER_STAMP := $(CACHE)/chromium

# What runs CDK takes minutes to compile with the race detector, and isn't
# concurrent.
RACED = ./api/... ./pkg/... ./infra/config ./infra/complaints ./infra/policytest

# The environment that is synthesized, compared or deployed, and what its
# gateway runs on in place of what its file says: lambda or fargate.
ENV ?= dev
COMPUTE ?=
context = --context env=$(ENV) $(if $(COMPUTE),--context compute=$(COMPUTE))

# How long `make fuzz` feeds each parser, and how often `make bench` repeats.
FUZZTIME ?= 30s
COUNT    ?= 5

.PHONY: help dev demo synth diff deploy test check bench bench-peers bench-cold lambda $(BIN)/peers fuzz judges format vet lint race vuln direction lint-stacks golden clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: ## Run the product on this machine until Ctrl-C (options: ARGS="--data=DIR --verbose")
	@$(GO) build -o $(BIN)/devstack ./api/cmd/devstack
	@exec $(BIN)/devstack $(ARGS)

demo: ## Tell what the product does, step by step; fails at the first difference
	@$(GO) build -o $(BIN)/devstack ./api/cmd/devstack
	@exec $(BIN)/devstack demo

synth: $(NODE_INFRA) ## Synthesize an environment's stacks into cdk.out (ENV=dev; COMPUTE=fargate)
	.ci/with-node cdk synth --quiet $(context)

diff: $(NODE_INFRA) ## Compare an environment with what is deployed (ENV=dev; takes AWS credentials)
	.ci/with-node cdk diff $(context)

deploy: $(NODE_INFRA) ## Deploy an environment (ENV=dev; takes AWS credentials)
	.ci/with-node cdk deploy --all $(context) $(ARGS)

test: judges ## Run all tests
	.ci/with-node $(GO) test -count=1 -timeout 30m ./...

check: format vet lint direction lambda lint-stacks vuln race ## Format, vet, lint, direction, the size of the function for Lambda, the stacks' templates, known vulnerabilities, tests with the race detector

bench: ## Measure, and print what is compared as ratios
	@mkdir -p $(CACHE)
	$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) ./pkg/... ./api/server > $(CACHE)/bench.txt || { cat $(CACHE)/bench.txt; exit 1; }
	@awk -f .ci/ratios.awk $(CACHE)/bench.txt

bench-peers: $(BIN)/peers $(NODE_PEER) ## Measure the gateway beside Node.js services on AWS's own signers and Uppy's Companion, as ratios
	$(GO) build -o $(BIN)/signgate ./api
	$(BIN)/peers --gateway $(BIN)/signgate --peer api/e2e/peers/peer

bench-cold: ## Measure a cold start on Lambda, from the start of the process to its first answer (target: a median under 150 ms)
	$(GO) test -run '^$$' -bench ColdStart -benchtime 20x ./api/e2e

lambda: ## Build the function for Lambda (arm64) into .cache/lambda/bootstrap, and hold its size
	GO=$(GO) .ci/size $(CACHE)/lambda/bootstrap

fuzz: ## Feed every parser of outside input (FUZZTIME=30s each)
	@GO=$(GO) FUZZTIME=$(FUZZTIME) .ci/fuzz

judges: $(NODE_JUDGE) $(NODE_DYNAMO) $(PYTHON_JUDGE) $(MOTO_JUDGE) $(MINISTACK) $(UPLOADERS) $(NODE_INFRA) $(BROWSER_STAMP) ## Install what the tests ask: AWS's own signers, emulators, upload clients, a browser

%/node_modules/.package-lock.json: %/package-lock.json %/.npmrc
	cd $* && npm ci --ignore-scripts
	@touch $@

$(PYTHON_JUDGE): api/e2e/judges/requirements.txt
	python3 -m venv --clear $(CACHE)/awscli
	$(CACHE)/awscli/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

$(MOTO_JUDGE): api/e2e/judges/requirements-moto.txt
	python3 -m venv --clear $(CACHE)/moto
	$(CACHE)/moto/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

$(MINISTACK): infra/stacks/requirements-ministack.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

$(CFN_LINT) $(CHECKOV): $(CACHE)/%/installed: infra/compliance/requirements-%.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

# Without a browser the tests that need it fail and say so; the others needn't wait.
$(BROWSER_STAMP): .ci/chromium
	@mkdir -p $(@D)
	@.ci/chromium && touch $@ || true

format: $(BIN)/golangci-lint
	$(BIN)/golangci-lint fmt --diff

vet:
	$(GO) vet ./...

lint: $(BIN)/golangci-lint $(BIN)/actionlint
	$(BIN)/golangci-lint run
	$(BIN)/actionlint

race: judges
	$(GO) test -count=1 -race -timeout 60m $(RACED)

vuln: $(BIN)/govulncheck
	.ci/vuln $(BIN)/govulncheck

direction:
	GO=$(GO) .ci/direction

lint-stacks: $(NODE_INFRA) $(CFN_LINT) $(CHECKOV) ## Hold the templates of every environment against cfn-lint and checkov
	$(GO) build -o $(BIN)/infra ./infra
	.ci/lint-stacks $(BIN)/infra $(CACHE)/cfn-lint/bin/cfn-lint $(CACHE)/checkov/bin/checkov $(CACHE)/stacks

golden: $(NODE_INFRA) ## Write the templates of the shipped environments down for review
	.ci/with-node $(GO) test -count=1 -run Reviewed ./infra/stacks -update

$(BIN)/peers:
	$(GO) build -o $@ ./api/e2e/peers

$(BIN)/golangci-lint: .ci/tools/lint/go.mod .ci/tools/lint/go.sum
	cd $(<D) && $(GO) build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/actionlint: .ci/tools/workflows/go.mod .ci/tools/workflows/go.sum
	cd $(<D) && $(GO) build -o $@ github.com/rhysd/actionlint/cmd/actionlint

$(BIN)/govulncheck: .ci/tools/vuln/go.mod .ci/tools/vuln/go.sum
	cd $(<D) && $(GO) build -o $@ golang.org/x/vuln/cmd/govulncheck

clean: ## Remove everything that was installed or built
	rm -rf $(CACHE) $(dir $(NODE_INFRA) $(NODE_JUDGE) $(NODE_DYNAMO) $(NODE_PEER) $(UPLOADERS)) api/e2e/uploaders/uppy5/node_modules cdk.out
