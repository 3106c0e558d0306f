#!/usr/bin/env bats
# A mapped file that is cut short while a program works with it: one message with its name and exit 65, no crash.
bats_require_minimum_version 1.5.0
load common

setup() {
	tool_setup "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || exit 1
	mkfifo in
}

# Starts COMMAND..., gives it the file `before`, and waits until SIGN stands in its output.
start() { # SIGN COMMAND...
	sign=$1
	shift
	"$@" <in >out 2>err &
	pid=$!
	exec 7>in
	cat before >&7
	comes "$sign" out
}

# Starts COMMAND... likewise, cuts VICTIM short, gives it `after`.
cut_while() { # SIGN VICTIM COMMAND...
	sign=$1 victim=$2
	shift 2
	start "$sign" "$@"
	truncate -s 0 "$victim"
	cat after >&7
	exec 7>&-
	status=0
	wait $pid || status=$?
}

make_question() { # `before` and `after`: a query is answered when the next one has been read
	query='{"kind":"query","id":"q","text":"which?"}'
	hit='{"kind":"hit","query":"q","doc":"/m/a","name":"a(1)","id":"aa","sec":["A"],"span":{"b":[1,2],"l":[1,2]},"text":"a: b","score":{"bm25":7.5,"fused":1.2}}'
	printf '%s\n' "$query" "$hit" "$query" >before
	printf '%s\n' "$hit" >after
}

told() { # TOOL FILE
	[ "$status" -eq 65 ]
	[ "$(cat err)" = "$1: '$2' became shorter, or could not be read, while it was mapped" ]
}

@test "tt-generate: the pack of a model" {
	"$build/tests/tool/mktiny" qwen2 m.gguf
	pack=$(tt-pack m.gguf)
	make_question
	cut_while '"kind":"answer"' "$pack" tt-generate -m m -n 8 --json --prefix-cache=0 --draft=none
	told tt-generate "$pack"
}

@test "the name that is told steers no terminal" {
	"$build/tests/tool/mktiny" qwen2 m.gguf
	export XDG_CACHE_HOME=$PWD/$(printf 'c\033[31m\302\233')
	pack=$(tt-pack m.gguf)
	make_question
	cut_while '"kind":"answer"' "$pack" tt-generate -m m -n 8 --json --prefix-cache=0 --draft=none
	told tt-generate "$PWD/c?[31m?/${pack#"$XDG_CACHE_HOME"/}"
}

@test "tt-retrieve: a segment of an index" {
	for i in $(seq 40)
	do
		printf '{"kind":"doc","doc":"d%d","name":"d%d","title":"d","type":"text","src":{"path":"d%d","xxh3":"00"}}\n' "$i" "$i" "$i"
		printf '{"kind":"chunk","doc":"d%d","seq":0,"id":"%032d","sec":["A"],"unit":"para","span":{"b":[0,9],"l":[1,9]},"text":"word%d","n_tok":9}\n' "$i" "$i" "$i"
	done | tt-index add i
	echo '{"kind":"query","id":"1","text":"word7"}' >before
	echo '{"kind":"query","id":"2","text":"word8"}' >after
	segment=$(find "$PWD/i" -name '*.seg')
	cut_while '"kind":"hit"' "$segment" tt-retrieve --json i
	told tt-retrieve "$segment"
}

@test "a SIGBUS that was sent by somebody ends a program as it always does" {
	"$build/tests/tool/mktiny" qwen2 m.gguf
	tt-pack m.gguf
	make_question
	# After an answer our handler is surely there.
	start '"kind":"answer"' tt-generate -m m -n 8 --json --prefix-cache=0 --draft=none
	kill -BUS $pid
	exec 7>&-
	status=0
	wait $pid || status=$?
	[ "$status" -eq $((128 + 7)) ]
	[ ! -s err ]
}
