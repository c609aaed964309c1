# A person and CI call the same targets. Each is a script; `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help demo test check verify faults up down seed dump serve loadtest smoke bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a million todos, served and loaded; needs only Rust and a C compiler
	@scripts/demo

test: ## every test, against a real Redis and MongoDB
	@scripts/test

check: ## formatting, lints, documentation, import rules
	@scripts/check

verify: ## break things under real processes, and check what their clients saw (ARGS="--seconds 60 --seed 7")
	@scripts/verify $(ARGS)

faults: ## break one thing after the other, and say what each costs and how long (ARGS="--faults flush,stop --phase 2s")
	@scripts/faults $(ARGS)

up: ## start a real Redis and MongoDB (Docker if there is one, else local servers)
	@scripts/up

down: ## stop what `make up` started
	@scripts/down

seed: ## fill the store with a million todos (ARGS="--count 1000" for others)
	@scripts/with-servers seeder generate $(ARGS)

dump: ## data/todos-200000.archive.gz, by the real mongodump (ARGS="1000" for another count)
	@scripts/dump $(ARGS)

serve: ## serve them on http://127.0.0.1:8000, until Ctrl-C
	@scripts/serve $(ARGS)

loadtest: ## 100 users for one minute; charts in data/report.html, each run also in data/runs/
	@scripts/with-servers loadgen --out data $(ARGS)

smoke: ## a small run end to end, with thresholds
	@scripts/smoke

bench: ## figures, some twenty minutes: each kind of request, seeding, restore; also in data/bench/
	@scripts/bench $(ARGS)
