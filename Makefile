# weir: see `make help`. Everything built goes to build/ (or $(B)).
B ?= build
V ?= 0
PREFIX ?= /usr/local
CC = gcc
CLANG = clang
STRIP = llvm-strip
OBJCOPY = llvm-objcopy
PKGS = libbpf libxdp libnl-3.0 libnl-route-3.0 libnl-genl-3.0 libpcap jansson
PKG_CONFIG = pkg-config
DEPS = clang llvm clang-format libbpf-dev libxdp-dev libnl-3-dev libnl-route-3-dev \
	libnl-genl-3-dev libpcap-dev libelf-dev libjansson-dev libcmocka-dev pkg-config gcc make \
	iproute2 bpftool ethtool tcpdump curl iputils-ping iperf3 bind9-dnsutils dnsmasq-base strace \
	jq python3 libcap2-bin procps gnuplot-nox nftables iptables xdp-tools \
	git shellcheck

ANALYSE_DEPS = cppcheck clang-tidy valgrind
VM_DEPS = qemu-system-x86 busybox-static kmod xz-utils zstd

ifeq ($(V),0)
Q = @
say = @printf '  %-8s%s\n' $(1) $(2);
else
say =
endif

SAN ?=
OPT = -O2 -g $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CFLAGS = -std=gnu11 $(OPT) $(WARN) -D_GNU_SOURCE -MMD -MP $(PKG_CFLAGS) -Imaps
LDFLAGS = $(if $(SAN),-fsanitize=$(SAN))
BPF_CFLAGS = -target bpf -O2 -g -Wall -Wextra -Werror -D__BPF__ -MMD -MP -Imaps \
	-I/usr/include/$(shell uname -m)-linux-gnu

loader_src := $(wildcard loader/*.c loader/filter/*.c loader/cmd/*.c maps/*.c)
bench_src := $(wildcard bench/*.c)
unit_src := $(wildcard pcap-tests/unit/*.c)
tool_src := $(wildcard pcap-tests/tools/*.c)
fixture_src := $(wildcard pcap-tests/stages/*.bpf.c pcap-tests/stages/refused/*.bpf.c \
	pcap-tests/progs/*.bpf.c pcap-tests/everyday/*.bpf.c docs/examples/*.bpf.c)
bpf_src := $(wildcard xdp-progs/*.bpf.c tc-progs/*.bpf.c)
body_src := $(wildcard loader/filter/bodies/*.bpf.c)

obj = $(patsubst %.c,$(B)/%.o,$(1))
loader_obj := $(call obj,$(loader_src)) $(B)/embedded.o $(B)/loader/filter/bodies/embedded.o
lib_obj := $(filter-out $(B)/loader/main.o $(B)/loader/cmd/%,$(loader_obj)) $(B)/loader/cmd/cmd.o
bench_bpf_obj := $(patsubst %.bpf.c,$(B)/%.bpf.o,$(wildcard bench/progs/*.bpf.c))
bpf_obj := $(patsubst %.bpf.c,$(B)/%.bpf.o,$(bpf_src))
units := $(patsubst pcap-tests/unit/%.c,$(B)/unit/%,$(unit_src))
fixtures := $(patsubst %.bpf.c,$(B)/%.bpf.o,$(fixture_src))
tools := $(patsubst pcap-tests/tools/%.c,$(B)/tools/%,$(tool_src))

.DEFAULT_GOAL := all

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

#: all           build weir and weir-bench
all: $(B)/weir $(if $(bench_src),$(B)/weir-bench)

$(B)/weir: $(loader_obj)
	$(call say,LINK,$@) $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lelf

$(B)/weir-bench: $(call obj,$(bench_src)) $(B)/bench/progs/embedded.o $(lib_obj)
	$(call say,LINK,$@) $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lelf -lm -lpthread

$(B)/unit/%: $(B)/pcap-tests/unit/%.o $(lib_obj)
	$(call say,LINK,$@) mkdir -p $(@D); $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lelf -lcmocka

$(B)/tools/%: $(B)/pcap-tests/tools/%.o $(lib_obj)
	$(call say,LINK,$@) mkdir -p $(@D); $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lelf -lm

$(B)/%.o: %.c | $(B)/.deps-there
	$(call say,CC,$<) mkdir -p $(@D); $(CC) $(CFLAGS) -c -o $@ $<

# Without its DWARF an object is a third of its size; BTF stays.
$(B)/%.bpf.o: %.bpf.c | $(B)/.deps-there
	$(call say,BPF,$<) mkdir -p $(@D); $(CLANG) $(BPF_CFLAGS) -c -o $@ $<; $(STRIP) -g $@

# The BPF objects inside the binary: SYMBOL[] of { name, start, end } (loader/stage.c).
# $(call embed,SYMBOL,SED-SCRIPT that makes an object's name of its path)
embed = $(Q){ printf '.section .rodata\n'; \
	i=0; for o in $^; do i=$$((i+1)); \
	printf '.balign 8\n.Lo%d: .incbin "%s"\n.Le%d:\n' $$i $$o $$i; done; \
	i=0; for n in $(patsubst $(B)/%.bpf.o,%,$^); do i=$$((i+1)); \
	printf '.Ln%d: .asciz "%s"\n' $$i $$(echo $$n | sed '$(2)'); done; \
	printf '.section .data.rel.ro,"aw"\n.balign 8\n.globl $(1)\n$(1):\n'; \
	i=0; for o in $^; do i=$$((i+1)); printf '.quad .Ln%d,.Lo%d,.Le%d\n' $$i $$i $$i; done; \
	printf '.quad 0,0,0\n.section .note.GNU-stack,"",@progbits\n'; } > $@

$(B)/embedded.S: $(bpf_obj)
	$(call embed,weir_embedded,s/-progs//)

# Of a body only the instructions.
$(B)/loader/filter/bodies/%.insns: $(B)/loader/filter/bodies/%.bpf.o
	$(Q)$(OBJCOPY) -O binary -j .text $< $@

$(B)/loader/filter/bodies/embedded.S: $(patsubst %.bpf.c,$(B)/%.insns,$(body_src))
	$(call embed,filter_bodies,s/.*\/// ; s/[.]insns$$//)

$(B)/bench/progs/embedded.S: $(bench_bpf_obj)
	$(call embed,bench_embedded,s/.*\///)

$(B)/%.o: $(B)/%.S
	$(Q)$(CC) -c -o $@ $<

# A stamp: the build needs headers and tools; say which command brings them.
$(B)/.deps-there:
	$(Q)mkdir -p $(B); $(PKG_CONFIG) --exists $(PKGS) 2>/dev/null && command -v $(CLANG) >/dev/null || \
	{ echo 'make: libraries or clang are missing; run: sudo make deps' >&2; exit 1; }; touch $@

#: deps          install what building, tests and demo need (Debian packages; root);
#:               T=vm: QEMU and guests' kernels too, 200 MB, unpacked in build/vm
deps:
	$(Q).ci/deps $(DEPS) $(if $(filter vm%,$(T)),$(VM_DEPS))
	$(Q)$(if $(filter vm%,$(T)),pcap-tests/vm/unpack)

#: demo          a lab of two namespaces, a policy, real traffic, live counters (root)
demo: deps
	$(Q)$(MAKE) --no-print-directory all && docs/demo/run

#: check         every test this machine can run; T=live/flip for one (root);
#:               T=vm: all on the guests' kernels (docs/KERNELS.md)
check: deps
	$(Q)$(MAKE) --no-print-directory all tests && B=$(B) pcap-tests/run $(T)

#: check-full    the same with the cross products whole instead of sampled
check-full: deps
	$(Q)$(MAKE) --no-print-directory all tests && B=$(B) FULL=1 pcap-tests/run $(T)

#: check-update  write the golden files of T=… anew
check-update:
	$(Q)$(MAKE) --no-print-directory all tests && B=$(B) UPDATE=1 pcap-tests/run $(T)

# What reads other people's data under libFuzzer, where clang has its runtime: objects of their own,
# with sanitizers, of which each target takes what it needs.
libfuzzer := $(wildcard $(shell $(CLANG) -print-runtime-dir 2>/dev/null)/libclang_rt.fuzzer-*.a)
fuzzers := $(patsubst pcap-tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard pcap-tests/fuzz/*.c))
fuzz_src := $(wildcard loader/filter/*.c loader/policy*.c loader/stage*.c loader/nic*.c \
	loader/attach_*.c) $(addprefix loader/,fail.c own.c wrap.c textfile.c bpflog.c capture.c compat.c netlink.c)
fuzz_obj := $(patsubst %.c,$(B)/fuzz/obj/%.o,$(fuzz_src))
FUZZ_CFLAGS = -std=gnu11 -O1 -g -D_GNU_SOURCE -MMD -MP -Imaps \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all $(PKG_CFLAGS) \
	-fno-sanitize=pointer-overflow # clang 14 counts NULL + 0, the end of an empty array
$(B)/fuzz/netlink: WRAP = -Wl,--wrap=nl_connect,--wrap=nl_send_auto,--wrap=nl_cb_alloc,--wrap=genl_ctrl_resolve

tests: $(units) $(tools) $(fixtures) $(if $(libfuzzer),$(fuzzers))

$(B)/fuzz/obj/%.o: %.c | $(B)/.deps-there
	$(call say,FUZZ,$<) mkdir -p $(@D); $(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<

$(B)/fuzz/obj.a: $(fuzz_obj) $(B)/embedded.o $(B)/loader/filter/bodies/embedded.o
	$(Q)rm -f $@; ar qcs $@ $^ # q: two have the same name

$(B)/fuzz/%: $(B)/fuzz/obj/pcap-tests/fuzz/%.o $(B)/fuzz/obj.a
	$(call say,LINK,$@) $(CLANG) -fsanitize=fuzzer,address,undefined $(WRAP) -o $@ $^ $(PKG_LIBS) -lelf

#: style         formatting, walls between modules, spelling of the tree
style:
	$(Q).ci/style

#: analyse       cppcheck, clang-tidy, gcc -fanalyzer, and valgrind over the unit tests; T=TOOL for one
analyse: deps
	$(Q).ci/deps $(ANALYSE_DEPS) && $(MAKE) --no-print-directory tests
	$(Q)CFLAGS='-std=gnu11 -D_GNU_SOURCE $(PKG_CFLAGS) -Imaps' B=$(B) .ci/analyse $(T)

#: fuzz          random rules, packets and programs through the kernel, libpcap as the oracle, for
#:               T=SECONDS (600); what differs shrinks to one command that repeats it (root)
fuzz: deps
	$(Q)$(MAKE) --no-print-directory all tests && B=$(B) pcap-tests/fuzz/long $(T)

#: soak          flips, failures, rollbacks, interfaces that come and go, under floods, for T=SECONDS
#:               (600), and nothing left over (root)
soak: deps
	$(Q)$(MAKE) --no-print-directory all tests && \
	B=$(B) SOAK=$(or $(T),600) TIMEOUT=$$(($(or $(T),600) * 2 + 300)) pcap-tests/run live/soak

#: bench         measure the tables of docs/BENCHMARKS.md and print them; runs stay in build/figures (root)
bench: all
	$(Q)rm -rf $(B)/figures
	$(Q)WEIR_BENCH=$(B)/weir-bench bench/tables $(B)/figures

#: install       to $(PREFIX) (DESTDIR is honoured)
install: all
	install -Dm755 $(B)/weir $(DESTDIR)$(PREFIX)/sbin/weir
	install -Dm755 $(B)/weir-bench $(DESTDIR)$(PREFIX)/sbin/weir-bench
	install -Dm644 -t $(DESTDIR)$(PREFIX)/include/weir maps/abi.h maps/chain.bpf.h maps/stage.bpf.h
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/weir/scenarios bench/scenarios/*.scenario
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man8 man/weir.8 man/weir-bench.8
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man5 man/weir.policy.5

#: clean         remove what was built
clean:
	$(Q)rm -rf $(B)

.PHONY: help all deps demo check check-full check-update tests style analyse fuzz soak bench install clean
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell test -d $(B) && find $(B) -name '*.d')
