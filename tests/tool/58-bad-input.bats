#!/usr/bin/env bats
# What every program of a pipe does with input that is missing, empty, cut, of another kind, or when it is told to stop.
# The programs' own files have the rest: binary and ill-formed text, full disks, readers that leave.
bats_require_minimum_version 1.5.0
load common

setup_file() {
	tool_setup "$BATS_FILE_TMPDIR"
	cd "$BATS_FILE_TMPDIR" || exit 1
	"$build/tests/tool/mktiny" qwen2 m.gguf
	"$build/tests/tool/mktiny" llama other.gguf
	printf '%s\n' '{"kind":"doc","doc":"d","name":"d","title":"d","type":"text","src":{"path":"d","xxh3":"00"}}' \
		'{"kind":"chunk","doc":"d","seq":0,"id":"00000000000000000000000000000001","text":"word","unit":"para","n_tok":9}' >docs.json
	tt-index add i <docs.json
}

setup() {
	cd "$BATS_FILE_TMPDIR" || exit 1
}

# Runs each line of stdin, STATUS | COMMAND, with FD 0 redirected as HOW says, and compares the status. Status 0 and 1 go with a
# stream that has its end, any other with a message and no end.
each() { # HOW
	while IFS='|' read -r want command
	do
		run --separate-stderr timeout 60 bash -c "$command $1"
		echo "$command $1: status $status, $stderr"
		[ "$status" -eq "$want" ]
		if [ "$want" -ge 65 ]
		then
			[ -n "$stderr" ]
			[[ "$output" != *'"kind":"end"'* ]]
		fi
	done
}

@test "closed standard input is 74, and never taken for an empty one" {
	each '<&-' <<'EOT'
74|tt-json
74|tt-chunk
74|tt-chunk --jsonl
3|tt-chunk --stdin-as a.txt
74|tt-index add new
74|tt-retrieve i --json
74|tt-generate -m m -n 4 --json
74|tt-cite --json
74|tt-speculate
74|tt-tokenize -m m
EOT
}

@test "empty input: bad data where records must be, nothing where lines may be" {
	each '</dev/null' <<'EOT'
65|tt-json
0|tt-chunk
0|tt-chunk --jsonl
0|tt-chunk --stdin-as a.txt
65|tt-index add new
1|tt-retrieve i --json
65|tt-generate -m m -n 4 --json
65|tt-cite --json
0|tt-tokenize -m m
EOT
}

@test "no place for the cache: 78 without HOME, 73 where it cannot be made" {
	for command in 'tt-generate -m' tt-pack 'tt-speculate -m' 'tt-cache warm -m'
	do
		run -78 --separate-stderr env -u HOME $command ./m.gguf </dev/null
		[[ $stderr == *HOME* ]]
		HOME=/dev/null run -73 --separate-stderr $command ./m.gguf </dev/null
		[[ $stderr == */dev/null/.cache* ]]
	done
}

@test "a small stream cut at every byte is bad data to every reader" {
	tt-json <<<'{"kind":"query","id":"1","text":"word"}' >stream
	size=$(stat -c %s stream)
	[ "$size" -lt 400 ]
	for n in $(seq 1 $((size - 1)))
	do
		for command in 'tt-json' 'tt-retrieve i' 'tt-cite' 'tt-index add cut'
		do
			status=0
			head -c "$n" stream | $command >out 2>err || status=$?
			[ "$status" -eq 65 ] || { echo "$command, cut at $n: $status $(cat err)"; false; }
			[ -s err ]
		done
	done
	tt-retrieve i <stream >out
}

@test "JSON lines are taken wherever records are, lines of neither are refused" {
	echo '{"kind":"query","id":"1","text":"word"}' | tt-retrieve i --json | grep -q '"kind":"hit"'
	run --separate-stderr tt-cite <<<'{"kind":"answer","text":"x"}'
	[ "$status" -eq 0 ]
	each '<<<"no record"' <<'EOT'
65|tt-json
65|tt-cite
65|tt-index add new
EOT
}

@test "a model file that is cut, of another magic, or of an unknown type: 65, naming it" {
	size=$(stat -c %s m.gguf)
	for n in 0 3 4 100 3000 $((size / 2)) $((size - 64))
	do
		head -c "$n" m.gguf >bad.gguf
		run --separate-stderr tt-tokenize -m ./bad.gguf </dev/null
		[ "$status" -eq 65 ]
		[[ "$stderr" == *bad.gguf* ]]
		run --separate-stderr tt-generate -m ./bad.gguf <<<x
		[ "$status" -eq 65 ]
		[[ "$stderr" == *bad.gguf* ]]
	done
	{ printf 'FUGG'; tail -c +5 m.gguf; } >bad.gguf
	run --separate-stderr tt-generate -m ./bad.gguf <<<x
	[ "$status" -eq 65 ]
	# The type of the first tensor stands behind its name and two dimensions.
	at=$(grep -obUa token_embd.weight m.gguf | head -n 1 | cut -d : -f 1)
	cp m.gguf bad.gguf
	printf '\377' | dd of=bad.gguf bs=1 seek=$((at + 17 + 4 + 16)) conv=notrunc 2>/dev/null
	run --separate-stderr tt-generate -m ./bad.gguf <<<x
	[ "$status" -eq 65 ]
	[[ "$stderr" == *type* ]]
}

# Writes NEW, the model m.gguf with TEXT (a multiple of 32 bytes, so that nothing else moves) put behind the string OLD.
grow() { # OLD NEW TEXT TIMES
	python3 -c 'import sys
old, new, text, times = sys.argv[1:]
model, s, more = open("m.gguf", "rb").read(), old.encode(), text.encode() * int(times)
at = model.index(len(s).to_bytes(8, "little") + s)
open(new, "wb").write(model[:at] + (len(s) + len(more)).to_bytes(8, "little") + s + more + model[at + 8 + len(s):])' "$@"
}

@test "a chat template of 10 MB is refused, one of 4 MB is looked at and never run" {
	template="{{ '<|im_start|>' + role + content + '<|im_end|>' }}"
	# 64 bytes.
	code="{{ ''.__class__.__mro__[1].__subclasses__() }}{% for a in b %}  "
	[ "${#code}" -eq 64 ]
	grow "$template" bad.gguf "$code" 163840
	for command in tt-tokenize tt-generate
	do
		run --separate-stderr $command -m ./bad.gguf <<<x
		[ "$status" -eq 65 ]
		[[ "$stderr" == *bad.gguf*chat_template* ]]
	done
	grow "$template" strange.gguf "$code" 65000
	timeout 20 tt-generate -m ./strange.gguf -n 4 --prefix-cache=0 --text <<<x >said
	tt-generate -m m -n 4 --prefix-cache=0 --text <<<x | cmp - said
}

@test "metadata of over 256 MiB is refused, with file and place, in bounded memory" {
	python3 -c 'import struct
key = lambda s: struct.pack("<Q", len(s)) + s
with open("bad.gguf", "wb") as f:
	f.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 100))
	for i in range(70):
		f.write(key(b"k%d" % i) + struct.pack("<IQ", 8, 4 << 20))
		f.seek(4 << 20, 1)
	f.truncate(4 << 30)'
	for command in tt-tokenize tt-generate tt-pack
	do
		start=$(date +%s%N)
		run --separate-stderr bash -c "grep -q __asan_init \$(command -v $command) || ulimit -v 5000000
			exec $command $(test $command = tt-pack || echo -m) ./bad.gguf <<<x"
		echo "$command: $status $stderr"
		[ "$status" -eq 65 ]
		[[ "$stderr" == *"cannot read './bad.gguf': key 'k63': metadata of more than 268435456 bytes"*26843[0-9][0-9][0-9][0-9]* ]]
		[ $(($(date +%s%N) - start)) -lt 5000000000 ]
	done
}

@test "a token longer than 64 KiB is refused, a shorter one is a token" {
	x=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
	grow bn bad.gguf $x 2048
	for command in tt-tokenize tt-generate
	do
		run --separate-stderr $command -m ./bad.gguf <<<x
		[ "$status" -eq 65 ]
		[[ "$stderr" == *bad.gguf*token* ]]
	done
	grow bn long.gguf $x 2047
	run --separate-stderr tt-tokenize -m ./long.gguf <<<bnx
	[ "$status" -eq 0 ]
}

@test "a drafter of another vocabulary refuses: 78; the generator goes on without it" {
	head='{"kind":"head","format":1,"model":"ffffffffffffffffffffffffffffffff"}'
	run --separate-stderr tt-speculate -m other <<<"$head"
	[ "$status" -eq 78 ]
	[[ "$stderr" == *vocabulary* ]]
	said() { printf ab | tt-generate -m m -n 48 --json --prefix-cache=0 --draft "$1" 2>err | sed -n 's/.*"kind":"answer".*"text":"\(.*\)","refused".*/\1/p'; }
	plain=$(said none)
	[ -n "$plain" ]
	[ "$(said "echo '$head' | tt-speculate -m other")" = "$plain" ]
	grep 'another vocabulary' err
	[ "$(grep -c "tt-generate: warning" err)" -eq 1 ]
}

@test "SIGTERM ends a program that waits, at once and without an end to its stream" {
	mkfifo pipe
	for command in tt-json 'tt-index add term' 'tt-retrieve i --json' 'tt-generate -m m --json' tt-cite tt-speculate
	do
		$command <pipe >out 2>err &
		pid=$!
		exec 7>pipe
		echo '{"kind":"query","id":"1","text":"word"}' >&7
		kill -TERM $pid
		status=0
		wait $pid || status=$?
		exec 7>&-
		[ "$status" -eq 143 ]
		run ! grep -q '"kind":"end"' out
	done
	tt-index verify i
}

# With the embedder, which is no part of the tree.
embedder() {
	model=${TT_TEST_MODELS:-$("$BATS_TEST_DIRNAME/../models.sh")}/minilm
	test -d "$model" || skip "no embedder '$model'"
	embed="tt-embed --model=$model"
}

@test "tt-embed: closed and empty input, and lines where records must be" {
	embedder
	each '<&-' <<EOT
74|$embed
74|$embed -q
74|$embed -q --json
EOT
	each '</dev/null' <<EOT
65|$embed
0|$embed -q
EOT
	each '<<<"no record"' <<EOT
65|$embed
0|$embed -q
EOT
}

@test "tt-embed: SIGTERM ends it at once, and what it wrote is no complete stream" {
	embedder
	mkfifo questions
	for form in '' --json
	do
		$embed -q $form <questions >out 2>err &
		pid=$!
		exec 7>questions
		echo 'a word' >&7
		comes vec out
		kill -TERM $pid
		status=0
		wait $pid || status=$?
		exec 7>&-
		[ "$status" -eq 143 ]
		run --separate-stderr tt-json out
		[ "$status" -eq 65 ]
		[[ "$stderr" == *"without its end"* ]]
	done
}
