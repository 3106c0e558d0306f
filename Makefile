# Tiny Titans. GNU make, one file, not recursive. `make help` lists the targets.
# The lists below are the map of the tree: a folder's line names its modules, TOOLS names the programs.
include config.mk

.DEFAULT_GOAL := all
VERSION := 0.1.0

# ---- modules, by folder (see CONTRIBUTING.md for the dependency law)

BASE := err arena buf grow cursor io fault hash utf8 shown unit near pool heap opt opt_text json rec_scan rec_json rec_get rec_read rec_write conf conf_value conf_file

KERN := quant w16 kern cap ref/mat ref/act ref/vec ref/attn ref/kv \
	x86/x86 x86/vec_avx512 x86/attn_avx512 x86/attn_vnni x86/mat_float_avx512 x86/mat_k_vnni x86/mat_f_vnni \
	x86/vec_avx2 x86/attn_avx2 x86/mat_float_avx2 x86/mat_k_avx2 x86/mat_f_avx2 x86/kv_avx2
KERN += bert ref/bert_ref x86/bert_avx2 x86/bert_vnni
KERN += scan ref/scan_ref x86/scan_avx2 x86/scan_vnni

MODEL := gguf safetensors find nn screen rope pack pack_write pack_get

TOKENIZE := vocab ucat pretok merge bpe spm wordpiece user make build build_bpe build_wordpiece tok
TOKENIZE += count split split_pack split_cut roff_text man man_say man_macro man_tree man_roff src child doctype html_entity
TOKENIZE += split_types split_plain split_outline split_markdown split_code split_html split_man docmsg docread docwork roots links docout known

EMBED := weights bert bert_build forward pooling seen batch

INDEX := stem terms section postings vectors build segment manifest lock store put merge gone writer intake

GENERATE := arch kv model decoder session template ask prompt sample accept stream cites run emit answer block walk evict prefix popular warm drafter cost propose reuse
RETRIEVE := metric gold qset tally plan lexical dense named fuse find source
SPECULATE := copy policy small
BENCH := probe peak speed throughput spec

# ---- programs: the file with main(), without .c; tokenize/chunk becomes $(BUILD)/bin/tt-chunk

TOOLS := lib/json lib/conf
TOOLS += generate/generate generate/cache generate/pack
TOOLS += embed/embed
TOOLS += tokenize/chunk tokenize/tokenize
TOOLS += index/index retrieve/retrieve retrieve/cite retrieve/score
TOOLS += speculate/speculate
TOOLS += bench/bench

# Shell scripts: bin/X becomes tt-X, with bin/common.sh put in; bin/tt is the dispatcher.
SCRIPTS := tt ask sync model eval

# ---- tests: tests/unit/test_NAME.c (cmocka), tests/kern/check_NAME.c, tests/tool/*.bats

# One line a folder, apart from each other, so that two additions do not meet.
UNIT := err arena buf grow cursor io hash utf8 shown pool heap opt rec_scan rec_json rec conf
UNIT += copy policy arch sample accept template ask prompt stream emit answer session stored block prefix drafter cost decoder
UNIT += terms segment forged writer rank
UNIT += attn nn gguf safetensors pack screen tok split readers roff child encoder seen metric gold plan named

KERN_CHECK := kern bert scan

# ---- tests/fuzz/fuzz_NAME.c (libFuzzer) and tests/conform/NAME.c (comparison with reference data)

FUZZ := records json conf gguf safetensors tok vocab index chunk pack template block drafter doc find store prompt cite score weights
CONFORM := tokens logits template perplexity embeddings

# Each folder and its list, from left to right of the dependency law.
PAIRS := lib/base=BASE lib/kern=KERN lib/model=MODEL tokenize=TOKENIZE embed=EMBED index=INDEX generate=GENERATE \
	retrieve=RETRIEVE speculate=SPECULATE bench=BENCH
FOLDERS := $(foreach p,$(PAIRS),$(firstword $(subst =, ,$(p))))
$(foreach p,$(PAIRS),$(eval mods_$(firstword $(subst =, ,$(p))) := $($(lastword $(subst =, ,$(p))))))

override CPPFLAGS += -I. -D_GNU_SOURCE -DTT_VERSION='"$(VERSION)"'
ALL_CFLAGS = -std=c11 -g $(OPT) $(WARN) $(if $(WERROR),-Werror) -ffp-contract=off $(HARDEN) $(SAN) $(ISA) $(CFLAGS)

# Kernel files are compiled for the level in their name, and for nothing more; lib/kern/x86/x86.c picks at run time. They parse
# nothing, so fuzzing leaves them as they are: clang takes minutes to instrument one.
$(BUILD)/lib/kern/x86/%.o: override SAN := $(if $(findstring fuzzer,$(SAN)),,$(SAN))
$(BUILD)/lib/kern/ref/%.o:          ISA := -O3
$(BUILD)/lib/kern/x86/%_avx2.o:     ISA := -O3 -mavx2 -mfma -mf16c
$(BUILD)/lib/kern/x86/%_avx512.o:   ISA := -O3 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
$(BUILD)/lib/kern/x86/%_vnni.o:     ISA := -O3 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c

QUIET := $(if $(V),,@)
say = $(if $(V),,@echo "$(1)")
objs    = $(foreach m,$(mods_$(1)),$(BUILD)/$(1)/$(m).o)
archive = $(BUILD)/lib$(notdir $(1)).a
# The linker wants users before what they use, so the archives run from right to left of the dependency law.
ARCHIVES := $(foreach f,bench speculate retrieve generate index embed tokenize lib/model lib/kern lib/base,$(call archive,$(f)))

.DELETE_ON_ERROR:
.PHONY: all help check check-unit check-kern check-tool check-pipe asan ubsan tsan fuzz fuzz-bin lint conform bench ask \
	install uninstall dist clean FORCE
DISPATCHER := $(or $(PROGPREFIX:%-=%),tt)
script_name = $(if $(filter tt,$(1)),$(DISPATCHER),$(PROGPREFIX)$(1))
BIN := $(foreach t,$(TOOLS),$(BUILD)/bin/$(PROGPREFIX)$(notdir $(t))) $(foreach s,$(SCRIPTS),$(BUILD)/bin/$(call script_name,$(s)))
all: $(BIN) ## build every program (no network)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/lib/base/opt.o $(BUILD)/lib/base/rec_write.o: Makefile	# which has the version

define archive_rule
$(call archive,$(1)): $(call objs,$(1))
	$(QUIET)mkdir -p $$(@D); rm -f $$@; $(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

define tool_rule
$(BUILD)/bin/$(PROGPREFIX)$(notdir $(1)): $(BUILD)/$(1).o $(ARCHIVES)
	@mkdir -p $$(@D)
	$$(call say,LD   $$@)
	$(QUIET)$(CC) $(ALL_CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $$@ $$< $(ARCHIVES) $(LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

# FORCE if the script was made with other values.
remade = $(if $(shell grep -Fcxs -e "prefix='$(PROGPREFIX)'" -e "sysconfdir='$(SYSCONFDIR)'" $(1) | grep -x 2),,FORCE)
define script_rule
$(BUILD)/bin/$(call script_name,$(1)): bin/$(1) bin/common.sh Makefile config.mk $(call remade,$(BUILD)/bin/$(call script_name,$(1)))
	$$(QUIET)mkdir -p $$(@D); sed -e '/^# @common@$$$$/{r bin/common.sh' -e 'd;}' $$< | sed -e 's|@PROGPREFIX@|$(PROGPREFIX)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|' >$$@.new && chmod 755 $$@.new && mv $$@.new $$@
endef
$(foreach s,$(SCRIPTS),$(eval $(call script_rule,$(s))))

UNIT_BIN := $(UNIT:%=$(BUILD)/tests/unit/test_%)
KERN_BIN := $(KERN_CHECK:%=$(BUILD)/tests/kern/check_%) $(KERN_CHECK:%=$(BUILD)/tests/kern/check_%_simde)
FUZZ_BIN := $(FUZZ:%=$(BUILD)/tests/fuzz/fuzz_%)
REPLAY_BIN := $(FUZZ:%=$(BUILD)/tests/fuzz/replay_%)
CONFORM_BIN := $(CONFORM:%=$(BUILD)/tests/conform/%)
MKTINY := $(BUILD)/tests/tool/mktiny
$(UNIT_BIN) $(KERN_BIN): TEST_LIBS = -lcmocka $(if $(filter %_segment %_split,$@),-Xlinker --wrap=realloc) $(if $(filter %_encoder,$@),-Xlinker --wrap=bert_build)
$(FUZZ_BIN): TEST_LIBS := -fsanitize=fuzzer
$(UNIT_BIN) $(KERN_BIN) $(FUZZ_BIN) $(CONFORM_BIN) $(MKTINY) $(BUILD)/tests/fuzz/seeds: %: %.o $(ARCHIVES)
	$(call say,LD   $@)
	$(QUIET)$(CC) $(ALL_CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $(filter %.o,$^) $(ARCHIVES) $(TEST_LIBS) $(LIBS)
$(REPLAY_BIN): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(ARCHIVES)
	$(QUIET)$(CC) $(ALL_CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS)

# The levels above AVX2 once more, by SIMDe: kernel files and their chooser compiled against tests/kern/simde/immintrin.h (-g0: the
# debug records of so much inlined code take five times as long as the code; no sanitizer: with one, minutes and gigabytes a file).
SIMDE_OBJ := $(patsubst %,$(BUILD)/tests/kern/simde/%.o,$(filter x86 %_avx512 %_vnni,$(KERN:x86/%=%)))
$(filter %_simde,$(KERN_BIN)): $(SIMDE_OBJ)
$(BUILD)/tests/kern/simde/%.o: override SAN :=
$(SIMDE_OBJ): ISA := -O1 -g0 -w -Wno-psabi -DKERN_EMULATED -Itests/kern/simde -mavx2 -mfma -mf16c
$(SIMDE_OBJ): $(BUILD)/tests/kern/simde/%.o: lib/kern/x86/%.c
	@mkdir -p $(@D)
	$(call say,CC   $< (SIMDe))
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/tests/kern/check_%_simde.o: tests/kern/check_%.c
	$(QUIET)mkdir -p $(@D); $(CC) $(CPPFLAGS) -DKERN_EMULATED $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Tests of programs find them, and nothing else of ours, through PATH.
TEST := BUILD="$(BUILD)" PATH="$(abspath $(BUILD))/bin:$$PATH" tests/run.sh
BATS := $(wildcard tests/tool/*.bats)
# With real models where they are there; too slow under the sanitizers.
PIPE := $(wildcard tests/pipe/*.bats)

check-unit: $(UNIT_BIN) ## run the unit tests
	@$(TEST) $(UNIT_BIN)

check-kern: $(KERN_BIN) ## compare every kernel level with the reference, those that this processor lacks by SIMDe
	@$(TEST) $(KERN_BIN)

check-tool: all $(MKTINY) ## run the programs' tests
	@$(TEST) $(BATS)

check-pipe: all ## run the whole pipeline with real models, where they are there
	@$(TEST) $(PIPE)

check: ## install what tests need, build, fetch two small models, run every test; ends with "N passed, N failed"
	@tests/deps.sh check
	@$(MAKE) --no-print-directory all $(UNIT_BIN) $(KERN_BIN) $(MKTINY) $(REPLAY_BIN) $(BUILD)/tests/fuzz/seeds
	@BUILD="$(BUILD)" tests/models.sh fetch >/dev/null
	@$(TEST) $(UNIT_BIN) $(KERN_BIN) tests/fuzz/replay.sh $(BATS) $(if $(SAN),,$(PIPE))

# ---- builds that look harder, each in a directory of its own

SAN_OPT := OPT="-O1 -fno-omit-frame-pointer" HARDEN= LDHARDEN=
asan: ## run the tests under AddressSanitizer, leaks included
	@ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 $(MAKE) --no-print-directory BUILD=$(BUILD)-asan $(SAN_OPT) SAN=-fsanitize=address check
ubsan: ## run the tests under UndefinedBehaviorSanitizer
	@UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) --no-print-directory BUILD=$(BUILD)-ubsan $(SAN_OPT) \
		SAN="-fsanitize=undefined -fno-sanitize-recover=undefined" check
tsan: ## run the unit tests under ThreadSanitizer
	@TSAN_OPTIONS=allocator_may_return_null=1 $(MAKE) --no-print-directory BUILD=$(BUILD)-tsan $(SAN_OPT) SAN=-fsanitize=thread check-unit

FUZZ_SECONDS ?= 60
fuzz-bin: $(FUZZ_BIN) $(BUILD)/tests/fuzz/seeds
fuzz: ## run each fuzz target for FUZZ_SECONDS (60), with clang
	@tests/deps.sh fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz CC=clang $(SAN_OPT) SAN=-fsanitize=fuzzer-no-link,address,undefined fuzz-bin
	@tests/fuzz/run.sh $(BUILD)-fuzz $(FUZZ_SECONDS) $(FUZZ)

lint: all ## dependency law, sizes, manual pages, shell scripts
	@tests/deps.sh lint
	@tests/lint/lint.sh $(BUILD)/bin $(patsubst %,$(PROGPREFIX)%,$(notdir $(TOOLS)))

conform: $(CONFORM_BIN) ## compare with reference data: make conform REF=DIR
	@sh tests/conform/run $(BUILD) "$(REF)" $(CHECKS)

NAME ?= $(shell date +%F)-$(shell uname -n)
bench: all ## measure beside the peers that are installed: make bench NAME=... MODELS="..." (see bench/peers.sh)
	@PATH="$(abspath $(BUILD))/bin:$$PATH" bench/peers.sh $(NAME) $(MODELS)

ask: export TT_QUESTION = $(value Q)
ask: ## answer Q="..." from this machine's manual pages; the first run installs, builds, fetches and indexes
	@TT_BIN="$(BUILD)/bin" sh bin/first-run

# ---- installing: what is named here is also what `uninstall` removes

BINDIR = $(DESTDIR)$(PREFIX)/bin
SHAREDIR = $(DESTDIR)$(PREFIX)/share
PAGES = $(wildcard man/*.[1-8])
page_name = $(if $(filter tt.1,$(1)),$(DISPATCHER).1,$(patsubst tt-%,$(PROGPREFIX)%,$(1)))
page_dest = $(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(1)))/$(call page_name,$(notdir $(1)))
TOOL_NAMES = $(patsubst %,$(PROGPREFIX)%,$(notdir $(TOOLS)))
COMMANDS = $(filter-out tt,$(SCRIPTS)) $(notdir $(TOOLS))
SCRIPT_NAMES = $(foreach s,$(SCRIPTS),$(call script_name,$(s)))

install: all ## install under DESTDIR and PREFIX
	@set -e; umask 022; mkdir -p "$(BINDIR)" "$(SHAREDIR)/tiny-titans" "$(SHAREDIR)/bash-completion/completions" \
		"$(SHAREDIR)/zsh/site-functions" "$(SHAREDIR)/fish/vendor_completions.d"
	install -m 755 $(BIN) "$(BINDIR)"
	install -m 644 share/* "$(SHAREDIR)/tiny-titans"
	@set -e; umask 022; $(foreach p,$(PAGES),mkdir -p "$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(p)))"; sed -e 's/\<tt-/$(PROGPREFIX)/g' \
		-e 's/^\.\(Nm\|Xr\|Dl\) tt\( \|$$\)/.\1 $(DISPATCHER)\2/' -e 's/\([$$|] \)tt /\1$(DISPATCHER) /g' $(p) \
		>"$(call page_dest,$(p))"; chmod 644 "$(call page_dest,$(p))";)
	@set -e; umask 022; complete() { case " $(SCRIPT_NAMES) " in \
		*" $$t "*) $(BUILD)/bin/$$t -h | sh bin/completion $$1 $$t "$(PROGPREFIX)" $$(test $$t != $(DISPATCHER) || echo $(COMMANDS)) ;; \
		*) $(BUILD)/bin/$$t --completion=$$1 | sed 's/\<tt-/$(PROGPREFIX)/g' ;; esac >"$$2"; }; \
	for t in $(TOOL_NAMES) $(SCRIPT_NAMES); do \
		complete bash "$(SHAREDIR)/bash-completion/completions/$$t"; \
		complete zsh "$(SHAREDIR)/zsh/site-functions/_$$t"; \
		complete fish "$(SHAREDIR)/fish/vendor_completions.d/$$t.fish"; done

uninstall: ## remove what install put there
	rm -f $(foreach b,$(notdir $(BIN)),"$(BINDIR)/$(b)") $(foreach p,$(PAGES),"$(call page_dest,$(p))")
	rm -f $(foreach t,$(TOOL_NAMES) $(SCRIPT_NAMES),"$(SHAREDIR)/bash-completion/completions/$(t)" \
		"$(SHAREDIR)/zsh/site-functions/_$(t)" "$(SHAREDIR)/fish/vendor_completions.d/$(t).fish")
	rm -f $(foreach f,$(wildcard share/*),"$(SHAREDIR)/tiny-titans/$(notdir $(f))")
	@rmdir "$(SHAREDIR)/tiny-titans" 2>/dev/null || :	# with a PREFIX of ~/.local it holds the user's models and indexes too

dist: ## pack the committed tree as build/tiny-titans-VERSION.tar.gz
	@mkdir -p $(BUILD)
	git archive --format=tar --prefix=tiny-titans-$(VERSION)/ HEAD | gzip -n >$(BUILD)/tiny-titans-$(VERSION).tar.gz

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-ubsan $(BUILD)-tsan $(BUILD)-fuzz

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
