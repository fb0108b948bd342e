# Everything here is a short command of its own too; `make help` prints the list.

COMMIT   ?= $(shell git rev-parse --verify --short HEAD 2>/dev/null)
# With a registry in its name, the image has the same full name for buildah, docker and Kubernetes.
IMAGE    ?= localhost/flowring:dev
FUZZTIME ?= 30s

GOLANGCI  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BUILDINFO := flowring/internal/buildinfo
LDFLAGS   := -s -w -X $(BUILDINFO).commit=$(COMMIT)

.DEFAULT_GOAL := build
.PHONY: help build test race simulate lint fuzz cover bench traffic growth bench-check pictures image clean FORCE

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/flowring ## build the static binary bin/flowring

# Without cgo and with paths trimmed: the same source gives the same bytes, and they run on any Linux and in an empty image.
bin/flowring: FORCE
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/flowring

test: ## run all tests
	go test ./...

race: ## run the tests under the race detector (those in virtual time skip themselves)
	go test -race ./...

HISTORIES ?= 10000
SEED ?= 1
SLICES ?= 0
simulate: ## run HISTORIES random histories of whole clusters, from seed SEED on; SLICES=16: all with so many slices of an hour
	go test -count=1 -timeout 24h -run TestRandomHistories ./internal/clustertest -histories $(HISTORIES) -seed $(SEED) -slices $(SLICES)

lint: ## gofmt, go vet and golangci-lint
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w $$unformatted" >&2; exit 1; fi
	go vet ./...
	go run $(GOLANGCI) run ./...

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

cover: ## run all tests and print what they cover, by function
	go test -coverprofile=cover.out -coverpkg=./... ./...
	go tool cover -func=cover.out

BENCHFLAGS ?=
bench: build bin/bench ## measure what it costs beside plain Go, for some minutes; BENCHFLAGS=-short for less than one
	bin/bench $(BENCHFLAGS)
	bin/bench -traffic $(BENCHFLAGS)

traffic: build bin/bench ## measure posts of many forms beside plain Go, for some minutes
	bin/bench -traffic $(BENCHFLAGS)

growth: build bin/bench ## measure how cost grows with flows, hours, nodes and copies, for ten minutes
	bin/bench -growth

bench-check: build bin/bench ## measure less, for less than a minute, and fail for a cost of over twice its bar
	bin/bench -short -check 2
	bin/bench -traffic -short -check 3

bin/bench: FORCE
	go build -o $@ ./internal/bench

pictures: ## make the pictures of README.md anew, in chromium, from what its commands show
	go test -count=1 -run TestReadmeFromTopToBottom ./internal/proctest -pictures

image: build ## build the container image IMAGE (localhost/flowring:dev) with buildah or docker
	@mkdir -p bin/data
	@if command -v buildah >/dev/null; then buildah bud -t $(IMAGE) .; \
	elif command -v docker >/dev/null; then docker build -t $(IMAGE) .; \
	else echo 'image: neither buildah nor docker is installed' >&2; exit 1; fi

clean: ## remove what was built
	rm -rf bin cover.out
