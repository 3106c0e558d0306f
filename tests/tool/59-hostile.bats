#!/usr/bin/env bats
# Documents, names and records that were made to do harm: nothing of them steers a terminal, fills the memory, or is believed.
bats_require_minimum_version 1.5.0
load common

setup_file() {
	tool_setup "$BATS_FILE_TMPDIR"
	"$build/tests/tool/mktiny" qwen2 "$BATS_FILE_TMPDIR/m.gguf"
	tt-pack m >/dev/null
}

setup() {
	cd "$BATS_TEST_TMPDIR" || exit 1
}

# Runs COMMAND with a terminal as its standard output; what the terminal got is in ./tty.
on_terminal() { # COMMAND
	command -v script >/dev/null || skip "no 'script' here to make a terminal"
	script -qec "$1" /dev/null >tty 2>&1 </dev/null
}

# No ESC or BEL is in ./tty, where carriage returns end lines only.
is_plain() {
	sed 's/\r$//' tty >text
	! LC_ALL=C grep -q "$(printf '[\033\007\r]')" text
}
# Nor any C1 control, mark of direction, or character that nobody sees.
is_harmless() {
	is_plain &&
		! LC_ALL=C grep -q "$(printf '\302[\200-\237]')" text &&
		python3 -c 'import re, sys
sys.exit(bool(re.search("[\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\u061c\u180e\ufeff\ufff9-\ufffb\u115f\u1160\u3164\uffa0\U000e0000-\U000e007f]",
	open("text", encoding="utf-8", errors="replace").read())))'
}

@test "control sequences in text and names reach no terminal" {
	name=$(printf 'n\033[31m\302\233m\302\205\342\200\256x.txt')
	printf 'pier \033]0;owned\007 \033[2J lamp \r over \302\2331m \342\200\256 end\n' >"$name"
	tt-chunk "$name" 2>err | tt-index add i
	echo '{"kind":"query","id":"1","text":"pier lamp"}' >q
	tt-retrieve i <q >hits
	echo '{"kind":"answer","text":"x","cites":[{"n":1,"doc":"d","name":"\u001b[31m","span":{"b":[0,1],"l":[1,1]},"src":{"path":"/nowhere","xxh3":"00"}}]}' >answer
	tt-tokenize -m m n*.txt >ids
	tt-tokenize -m m -d ids | cmp - n*.txt
	for command in 'tt-retrieve i <q' 'tt-index list i' 'tt-generate -m m -n 4 --prefix-cache=0 <hits' 'tt-cite <answer || :' \
		'tt-tokenize -m m -v n*.txt' 'tt-tokenize -m m -d ids' 'tt-chunk n*.txt' 'tt-index chunks i' 'tt-index list --json i' \
		'tt-retrieve --json i <q' 'tt-generate -m m -n 4 --prefix-cache=0 --json <hits' 'tt-cite --json <answer || :' 'tt-json hits' \
		'tt-json -p hits' 'tt-chunk --json n*.txt | cat'
	do
		on_terminal "$command"
		[ -s tty ]
		is_harmless || { echo "$command:"; cat -v tty; false; }
	done
	tt-json hits >lines
	tt-json lines | cmp - hits
}

@test "letters that look like others, turned and unseen ones: carried as they are, told, and not shown raw" {
	# Cyrillic a and o, full width, a ligature, marks, right to left, zero width, fillers, annotation, tags.
	odd=$(python3 -c 'print("p\u0430ssw\u043erd \uff41\uff42 \ufb01le e\u0301\u0323 \u202egnp.exe\u202c \u2066x\u2069 a\u200bb\u2060c\ufeffd \u3164 \ufff9k\ufffa \U000e0041\U000e0042 \u200d end")')
	{ printf '\n\nplain words before\n\n'; printf 'The %s stands here.\n' "$odd"; } >x.txt
	cp x.txt "n$(printf '\342\200\213\342\200\256')m.txt"
	tt-chunk --json ./*.txt >chunks 2>err
	grep '"hidden_text":"bidi zero_width tag"' chunks
	tt-index add i <chunks
	printf 'where is the %s?\n' "$odd" >question
	tt-retrieve --json i <question >hits
	python3 -c 'import json
odd, data = open("question").read().strip(), open("x.txt", "rb").read()
rows = [json.loads(r) for f in ("chunks", "hits") for r in open(f)]
seen = 0
for r in rows:
	if r["kind"] == "query":
		assert r["text"] == odd, r
	if r["kind"] in ("chunk", "hit"):
		b = r["span"]["b"]
		assert r["text"].encode() == data[b[0]:b[1]], r
		assert r["text"].endswith("end stands here."), r
		seen += 1
assert seen == 4 and len([r for r in rows if r["kind"] == "query"]) == 1, seen'
	# The letters are not taken for those that they look like.
	[ "$(tt-retrieve --json i <<<password | grep -c '"kind":"hit"')" -eq 0 ]
	tt-generate -m m -n 4 --json --prefix-cache=0 <hits >answer || [ "$?" -eq 1 ]
	for command in 'tt-retrieve i <question' 'tt-chunk n*.txt' 'tt-index list i' 'tt-index chunks i' 'tt-json hits' 'tt-cite answer' \
		'tt-tokenize -m m -v x.txt' 'tt-generate -m m -n 4 --prefix-cache=0 <hits' 'tt-generate -m m -n 4 --text --prefix-cache=0 <question' \
		'tt-retrieve "$(head -n 1 question)"' 'tt-chunk "none$(head -n 1 question)"' 'tt-chunk --"$(head -n 1 question)"'
	do
		on_terminal "$command || :"
		[ -s tty ]
		is_harmless || { echo "$command:"; cat -v tty; false; }
	done
}

@test "a name with line ends makes no line of its own" {
	printf '%s\n' '{"kind":"doc","doc":"d","name":"x\n[1] passwd(5):1\tgood","title":"d","type":"text","src":{"path":"d","xxh3":"00"}}' \
		'{"kind":"chunk","doc":"d","seq":0,"id":"00000000000000000000000000000001","sec":["A\n[2] shadow(5):1"],"unit":"para","text":"word","n_tok":9,"span":{"b":[0,4],"l":[1,1]}}' |
		tt-index add i
	echo word >question
	on_terminal 'tt-retrieve i <question'
	[ "$(wc -l <tty)" -eq 1 ]
	echo '{"kind":"answer","text":"x","cites":[{"n":1,"doc":"d","name":"x\ntrue\ty","span":{"b":[0,1],"l":[1,1]},"src":{"path":"/nowhere","xxh3":"00"}}]}' >answer
	on_terminal 'tt-cite <answer || :'
	[ "$(grep -c '^FALSE' tty)" -eq 1 ]
	run ! grep '^true' tty
}

@test "the name of an embedder comes with a stream: no terminal is steered by it, and JSON stays JSON" {
	printf '%s\n' '{"kind":"head","format":1,"model":"\u001b[31m\u009b\",\"dim\":7,\"x\":\"y"}' \
		'{"kind":"doc","doc":"d","name":"d","title":"d","type":"text","src":{"path":"d","xxh3":"00"}}' \
		'{"kind":"chunk","doc":"d","seq":0,"id":"00000000000000000000000000000001","text":"word","unit":"para","n_tok":9,"vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":1.0}' \
		'{"kind":"end"}' | tt-index add i
	for command in 'tt-index stat i' 'tt-index stat --json i'
	do
		on_terminal "$command"
		is_harmless || { echo "$command:"; cat -v tty; false; }
	done
	tt-index stat --json i | python3 -c 'import json, sys
stat = json.load(sys.stdin); assert stat["dim"] == 2 and stat["model"].endswith("\"x\":\"y"), stat'
}

@test "control sequences in what messages quote reach no terminal" {
	bad=$(printf '\033[31m\302\233x')
	for command in 'tt-tokenize -m "$bad"' 'tt-chunk "$bad"' 'tt-retrieve "$bad"' 'tt-index stat "$bad"' 'tt-generate -m "./$bad"' \
		'tt-json "$bad"' 'tt-index add j' 'tt-conf check "$bad"'
	do
		printf '%s\n' '{"kind":"error","stage":"tt-chunk","text":"\u001b[31m\u009bx","code":"EIO"}' |
			bash -c "bad=\$1; $command" - "$bad" >out 2>tty || true
		[ -s tty ]
		is_harmless || { echo "$command:"; cat -v tty; false; }
	done
}

@test "a hundred million empty lines, in bounded memory" {
	(grep -q __asan_init "$(command -v tt-chunk)" || ulimit -v 300000
	{ echo first; head -c 100000000 /dev/zero | tr '\0' '\n'; echo last; } | tt-chunk -j 1 --json --stdin-as x.txt >out 2>err)
	grep '"text":"[^"]*last' out | grep -q '"l":\[[0-9]*,10000000[0-9]\]'
}

@test "a hundred thousand marks on one letter: cut, and no byte lost" {
	{ printf e; printf '\314\201%.0s' $(seq 100000); } >x.txt
	tt-chunk --json x.txt >out 2>err
	grep -o '"b":\[[0-9]*,[0-9]*\]' out | tr -dc '0-9,\n' |
		awk -F, 'NR > 1 && $1 > last { gap = 1 } { last = $2 } END { exit gap || last != 200001 }'
}

@test "a million small records pass in bounded memory" {
	{
		echo '{"kind":"head","format":1}'
		yes '{"kind":"x"}' | head -n 1000000
		echo '{"kind":"end","n":1000001}'
	} >in
	(grep -q __asan_init "$(command -v tt-json)" || ulimit -v 60000; tt-json in >out)
	(grep -q __asan_init "$(command -v tt-json)" || ulimit -v 60000; tt-json out | tail -n 1) | grep '"n":1000001'
}

@test "text of another program between the records is bad data, not skipped" {
	tt-json <<<'{"kind":"query","id":"1","text":"word"}' >one
	for noise in 'warning: something' '' $'\377'
	do
		{ cat one; printf '%s\n' "$noise"; cat one; } >in
		run --separate-stderr tt-json in
		[ "$status" -eq 65 ]
		[ -n "$stderr" ]
	done
	for noise in 'warning: something' '7' '[]' '"x"'
	do
		printf '%s\n' '{"kind":"query","id":"1","text":"word"}' "$noise" '{"kind":"query","id":"2","text":"word"}' >in
		run --separate-stderr tt-json in
		[ "$status" -eq 65 ]
	done
}

@test "a stage that gets the records of another passes them on, and makes nothing up" {
	echo 'a lamp' >x.txt
	tt-chunk --json x.txt >chunks 2>err
	for command in 'tt-generate -m m --json' 'tt-retrieve --json i' 'tt-cite --json'
	do
		[ -d i ] || tt-index add i <chunks
		$command <chunks >out || [ "$?" -eq 1 ]
		[ "$(grep -c '"kind":"chunk"' out)" -eq 1 ]
		run ! grep '"kind":"\(answer\|hit\)"' out
	done
}

@test "scores, spans and numbers that make no sense are refused or done without, never believed" {
	query='{"kind":"query","id":"q","text":"which?"}'
	for odd in '"score":{"bm25":{"$f64":"7ff8000000000000"}}' '"score":{"bm25":{"$f64":"7ff0000000000000"}}' '"score":"high"' \
		'"score":{"bm25":-1e308}' '"score":[]' '"span":{"b":[-5,2],"l":[1,2]}' '"span":{"b":[9,2],"l":[2,1]}' '"span":[1,2]' \
		'"span":{"b":[9007199254740993,18446744073709551615],"l":[0,0]}' '"sec":"A"' '"sec":[1,2]' '"rank":1.5' '"rank":-1' '"src":7' \
		'"text":["a"]' '"text":7' '"name":{}' '"doc":1' '"query":7' '"id":[]'
	do
		key=${odd%%:*}
		hit='{"kind":"hit","query":"q","doc":"/m/a","name":"a(1)","id":"aa","sec":["A"],"rank":1,"span":{"b":[1,2],"l":[1,2]},"text":"a: b","src":{"path":"/m/a"},"score":{"bm25":7.5,"fused":1.2}}'
		python3 -c 'import json, sys
hit = json.loads(sys.argv[1]); hit.update(json.loads("{" + sys.argv[2] + "}")); print(sys.argv[3]); print(json.dumps(hit))' \
			"$hit" "$odd" "$query" >in
		status=0
		tt-generate -m m -n 4 --json --prefix-cache=0 <in >out 2>err || status=$?
		[[ " 0 1 3 65 " == *" $status "* ]] || { echo "$key $odd: $status $(cat err)"; false; }
		run ! grep -q '"kind":"answer".*"n":[^0-9]' out
	done
}

@test "a reader that leaves ends every program quietly" {
	for i in $(seq 3000)
	do
		printf '{"kind":"doc","doc":"/a/long/way/to/the/document/%d","name":"d","title":"d","type":"text","src":{"path":"d","xxh3":"00"}}\n' "$i"
		printf '{"kind":"chunk","doc":"/a/long/way/to/the/document/%d","seq":0,"id":"%032d","sec":["A"],"unit":"para","span":{"b":[0,9],"l":[1,9]},"text":"word%d","n_tok":9}\n' "$i" "$i" "$i"
	done >docs
	tt-index add i <docs
	for i in $(seq 3000)
	do
		echo "{\"kind\":\"query\",\"id\":\"$i\",\"text\":\"word$i\"}"
	done >queries
	sed 's/query/answer/' queries >answers
	seq -f '%.0f word and more words in a line of a text' 50000 >text.txt
	for command in 'tt-index list i' 'tt-index chunks i' 'tt-index pending i' 'tt-retrieve i <queries' 'tt-cite <answers' 'tt-json docs' \
		'tt-chunk text.txt 2>err' 'tt-chunk --json text.txt 2>err'
	do
		run --separate-stderr bash -c "$command | head -c 1 >out; echo \${PIPESTATUS[0]}"
		[ "$output" -eq 141 ] || { echo "$command: $output"; false; }
		[ -z "$stderr" ]
	done
	run ! grep -v 'chunk sizes are estimated' err
}

@test "a full disk is 74 for every program that writes to standard output" {
	echo '{"kind":"query","id":"1","text":"word"}' >q
	for command in tt-index tt-cache tt-pack tt-conf tt-score tt-chunk tt-embed tt-generate tt-retrieve tt-cite tt-tokenize tt-speculate tt-json tt-bench
	do
		run --separate-stderr bash -c "$command --help >/dev/full"
		[ "$status" -eq 74 ] && [ -n "$stderr" ] || { echo "$command --help: $status"; false; }
	done
	printf '{"kind":"head","format":1,"vocab":"none"}\n{"kind":"ctx","tok":[1,2,1,2],"max":2}\n' >ctx
	printf '{"category":"one","turns":["ab"]}\n' >prompts
	for command in 'tt-speculate <ctx' 'tt-pack m' 'tt-cache list' 'tt-cite <q' 'tt-tokenize -m m q' 'tt-json q' \
		'tt-chunk q' 'tt-bench spec -m m -n 2 --prompts prompts --draft tt-speculate'
	do
		status=0
		bash -c "$command >/dev/full" 2>err || status=$?
		[ "$status" -eq 74 ] || { echo "$command: $status $(cat err)"; false; }
	done
}
