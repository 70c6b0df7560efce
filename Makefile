# make build       bin/parvis and bin/parvis-hub
# make demo        a small town on this machine; the portal on http://127.0.0.1:8088, the hub on http://127.0.0.1:8440
# make demo-check  a resident gets online by itself, and the hub hears the place, step by step
# make day         a public day, scene by scene
# make test        formatting, vet, staticcheck, import rules, every test with the race detector
# make hwlab       a small router in a box: its kernel, radios, devices, 200 power cuts; the record goes into docs/hwlab.md
# make bench       figures into bench/latest.json and docs/performance.md
# make release     what is given out, into dist/: programs and packages of all architectures, SBOM, SHA256SUMS (VERSION=1.2.3)
# make packages-check   the packages, installed and removed in a clean Debian; programs of other routers under emulation (20 minutes)
# make fuzz        each fuzz test for FUZZTIME (10s)

GO        ?= go
TAGS      := nomsgpack
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS   := -X main.version=$(VERSION)
TOOLS     := $(CURDIR)/.tools
ARTEFACTS ?= $(CURDIR)/artefacts
FUZZTIME  ?= 10s
BENCHTIME ?= 1s
CUTS      ?= 200

GOFUMPT     := $(TOOLS)/gofumpt
STATICCHECK := $(TOOLS)/staticcheck

# A file that is always made anew: Go knows best what has changed.
.PHONY: bin/parvis-router
.PHONY: build demo demo-check day hwlab test lint unit bench release packages-check fuzz deps clean

build: deps
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/parvis ./cmd/parvis
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/parvis-hub ./cmd/parvis-hub

deps:
	@.ci/deps

demo: build
	bin/parvis lab demo

demo-check: build
	bin/parvis lab check --artefacts $(ARTEFACTS)

day: build
	bin/parvis lab day --artefacts $(ARTEFACTS)

hwlab: build
	bin/parvis lab hardware --cuts $(CUTS) --markdown docs/hwlab.md

test: deps lint unit

lint: $(GOFUMPT) $(STATICCHECK)
	@out=$$($(GOFUMPT) -l cmd portal firewall sessions kiosk hw internal packaging); [ -z "$$out" ] || { echo "not formatted by gofumpt:"; echo "$$out"; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(STATICCHECK) -tags $(TAGS) ./...
	$(GO) test -tags '$(TAGS) nolab' -run TestARoutersClockIsNotSet ./cmd/parvis

unit:
	$(GO) test -tags $(TAGS) -race -shuffle=on -timeout 75m -p 2 ./...

# The binary of a router, as it is released: without the lab, static, stripped.
bin/parvis-router: deps
	GO=$(GO) VERSION=$(VERSION) packaging/build parvis $(shell $(GO) env GOARCH) $@

release: deps
	GO=$(GO) packaging/release dist

packages-check: deps
	$(GO) test -tags '$(TAGS) packages' -v -count=1 -timeout 60m ./packaging/...

bench: build bin/parvis-router
	bin/parvis lab bench --binary bin/parvis-router --out bench/latest.json --markdown docs/performance.md
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchtime $(BENCHTIME) ./portal ./firewall/ipset ./sessions/sqlite | tee bench/go.txt
	$(GO) test -tags $(TAGS) -run '^$$' -bench './^(0|1000)$$' -benchtime 500x ./firewall | tee -a bench/go.txt

fuzz:
	@for p in $$($(GO) list -tags $(TAGS) ./...); do \
	  for f in $$($(GO) test -tags $(TAGS) -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -tags $(TAGS) -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; done

$(GOFUMPT):
	GOBIN=$(TOOLS) $(GO) install mvdan.cc/gofumpt@v0.12.0

$(STATICCHECK):
	GOBIN=$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2

clean:
	rm -rf bin dist artefacts
