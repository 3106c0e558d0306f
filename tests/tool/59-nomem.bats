#!/usr/bin/env bats
# Whichever allocation fails, a program says so, or its output is what it would have been.
bats_require_minimum_version 1.5.0
load common

setup_file() {
	cc -shared -fPIC -o "$BATS_FILE_TMPDIR/nomem.so" "$BATS_TEST_DIRNAME/nomem.c" || skip "no compiler here"
}

setup() {
	find_build
	! grep -q __asan_init "$build/bin/tt-json" || skip "a sanitizer allocates by itself"
	cd "$BATS_TEST_TMPDIR" || exit 1
	export HOME="$PWD" TT_MODELS="$PWD" LIB="$BATS_FILE_TMPDIR/nomem.so"
	unset XDG_CONFIG_HOME TT_CONFIG
	printf '%s\n' \
		'{"id":"a","text":"list","gold_flags":[["-t"]],"flags_not_in_page":[]}' \
		'{"id":"g","text":"who","answers":["Jim Blandy","the man"]}' >q.jsonl
	printf '%s\ttar.1\t2\n' a g >qrels
	printf '%s\n' \
		'{"kind":"query","id":"a","text":"list"}' \
		'{"kind":"hit","query":"a","doc":"/m/tar.1.gz","sec":["OPTIONS","-t"],"text":"..."}' \
		'{"kind":"query","id":"g","text":"who"}' \
		'{"kind":"hit","query":"g","doc":"/m/tar.1.gz","text":"by Jim Blandy"}' | tt-json >hits
	printf '%s\n' \
		'{"kind":"answer","query":"a","text":"-t [1]","refused":false,"cites":[{"n":1,"doc":"/m/tar.1.gz"}]}' \
		'{"kind":"answer","query":"g","text":"Jim Blandy [1].","refused":false,"cites":[]}' | tt-json >answers
}

# Runs COMMAND once for each of its allocations, which then fails. Where the status is what it is without, so is the output; else it is
# 74, the 2 of those before the options are read, or one of those in $OTHER.
each_fails() { # COMMAND ...
	local status=0 right=0 at n
	NOMEM=0 LD_PRELOAD="$LIB" "$@" <in >right 9>n 2>/dev/null || right=$?
	n=$(cat n) || skip "not with this C library"
	for at in $(seq "$n")
	do
		status=0
		NOMEM=$at LD_PRELOAD="$LIB" "$@" <in >out 2>err || status=$?
		echo "$at of $n: $status $(cat err)"
		if [ "$status" -eq "$right" ]
		then
			cmp out right
		else
			[ -s err ]
			case " 2 74 $OTHER " in *" $status "*) ;; *) false ;; esac
		fi
	done
}

@test "tt-json: no text is called bad, and none comes out otherwise" {
	echo '{"kind":"x","a key of some length":"and text","v":{"$vec":{"t":"i8","b64":"AQID"}},"b":{"$bin":"AQID"}}' >in
	each_fails tt-json
}

@test "tt-score: figures are of all queries" {
	cp hits in
	each_fails tt-score retrieval q.jsonl --qrels qrels
	each_fails tt-score retrieval q.jsonl --qrels qrels --json
}

@test "tt-score: figures are of all answers" {
	cp answers in
	each_fails tt-score answers q.jsonl --hits hits --plain answers --json
}

@test "tt-cite: nothing is called false, and no line is missing" {
	gzip -c >page.1.gz <<<'Extract files from an archive.'
	echo '{"kind":"answer","cites":[{"name":"p","src":{"path":"page.1.gz"},"span":{"b":[0,20]},"quote":"extract files"}]}' | tt-json >in
	each_fails tt-cite
	each_fails tt-cite -q
	command -v script >/dev/null || skip "needs script"
	for at in $(seq 40)
	do
		status=0
		script -qec "NOMEM=$at LD_PRELOAD='$LIB' tt-cite <in 2>err" /dev/null </dev/null >out || status=$?
		[ "$status" -ne 0 ] || grep -q '^true' out
	done
}

@test "tt-conf: the configuration of the user is not passed over" {
	mkdir -p .config/tiny-titans
	echo 'corpora: [{name: notes, paths: [~/notes]}]' >.config/tiny-titans/tiny-titans.yaml
	: >in
	each_fails tt-conf file
	each_fails tt-conf corpora
}

@test "tt-tokenize: no token is without its text" {
	mkdir toy
	printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' the cat '##s' sat >toy/vocab.txt
	echo 'the cats sat' >in
	each_fails tt-tokenize -m toy -v
	each_fails tt-tokenize -m toy --json
}

@test "tt-generate: a prompt is not called long, nor a hit malformed" {
	"$build/tests/tool/mktiny" qwen2 qwen2.gguf
	tt-pack qwen2
	printf 'one\ntwo\n' >in
	each_fails tt-generate -m qwen2 -n 2 -j 1 --text --draft none --prefix-cache 0
	tt-json hits | sed -n 2,3p | tt-json >in
	OTHER=3 each_fails tt-generate -m qwen2 -n 2 -j 1 --text --draft none --prefix-cache 0 >log
	grep -q 'out of memory' log
	run ! grep 'unpacked' log
}

@test "tt-cache: a sound block is not called damaged" {
	"$build/tests/tool/mktiny" qwen2 qwen2.gguf
	tt-pack qwen2
	seq 40 >in
	tt-generate -m qwen2 -n 2 --text --draft none --prefix-dir store <in
	each_fails tt-cache list --prefix-dir store
	each_fails tt-cache verify --prefix-dir store
	cp -a store all
	NOMEM=0 LD_PRELOAD="$LIB" tt-cache prune --max 0 --prefix-dir store 9>n
	for at in $(seq 2 "$(cat n)")
	do
		rm -r store
		cp -a all store
		NOMEM=$at LD_PRELOAD="$LIB" tt-cache prune --max 0 --prefix-dir store || { diff -r all store && continue; }
		[ -z "$(find store -type f)" ]
	done
}

@test "tt-cache warm: no chunk of an index is passed over in silence" {
	"$build/tests/tool/mktiny" qwen2 qwen2.gguf
	tt-pack qwen2
	for i in 1 2 3
	do
		printf '{"kind":"doc","doc":"/n/%d","name":"n","title":"N","src":{"path":"/n","size":20,"mtime_ns":5,"xxh3":"ab"}}\n' "$i"
		printf '{"kind":"chunk","doc":"/n/%d","seq":0,"id":"%032x","text":"water the plants in room %d","unit":"para"}\n' "$i" "$i" "$i"
	done | tt-index add i.tt
	warm() { LD_PRELOAD="$LIB" tt-cache warm -m qwen2 -j 1 --prefix-dir store i.tt >out; }
	NOMEM=0 warm 9>n
	grep '^3 warmed' out
	n=$(cat n)
	for at in $(seq $((n - 60)) 2 "$n")	# of those of the last chunk, and of the look whether all are still there
	do
		rm -rf store
		status=0
		NOMEM=$at warm || status=$?
		echo "$at $status"
		[ "$status" -eq 74 ] || grep '^3 warmed' out
	done
}

@test "tt-pack: no section is without its name" {
	"$build/tests/tool/mktiny" qwen2 qwen2.gguf
	tt-pack qwen2
	: >in
	each_fails tt-pack -j 1 -l qwen2
	each_fails tt-pack -j 1 --verify qwen2
}

@test "tt-bench: no figure is left out" {
	"$build/tests/tool/mktiny" qwen2 qwen2.gguf
	tt-pack qwen2
	echo '{"category":"a","turns":["list it"]}' >p.jsonl
	NOMEM=0 LD_PRELOAD="$LIB" tt-bench spec -m qwen2 -n 2 -j 1 --prompts p.jsonl --draft 'sleep 9' --json >right 9>n
	n=$(cat n) || skip "not with this C library"
	for at in $(seq $((n - 36)) 6 "$n")	# those behind the measuring
	do
		status=0
		NOMEM=$at LD_PRELOAD="$LIB" tt-bench spec -m qwen2 -n 2 -j 1 --prompts p.jsonl --draft 'sleep 9' --json >out 2>err || status=$?
		echo "$at of $n: $status $(cat err)"
		[ "$status" -eq 74 ] || { [ "$status" -eq 0 ] && diff <(sed 's/: .*//' right) <(sed 's/: .*//' out); }
	done
}
