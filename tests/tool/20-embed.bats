#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tt-embed: vectors for chunks and queries. Tests of arithmetic need the embedder `minilm` (tests/models.sh).
bats_require_minimum_version 1.5.0

setup() {
	models=${TT_TEST_MODELS:-$("$BATS_TEST_DIRNAME/../models.sh")}
	cd "$BATS_TEST_TMPDIR" || return 1
	export TT_MODELS=$models XDG_CACHE_HOME=$BATS_FILE_TMPDIR/cache
	printf '%s\n' '{"kind":"chunk","doc":"a","name":"a","title":"A","sec":["x","y"],"text":"list an archive"}' \
		'{"kind":"odd","keep":[1,2]}' '{"kind":"chunk","doc":"a","name":"a","title":"A","sec":[],"text":"remove a directory"}' >in.json
}

need_model() {
	test -d "$TT_MODELS/minilm" || skip "no embedder minilm in $TT_MODELS"
}

@test "an embedder that is not there is 66" {
	run -66 --separate-stderr env TT_MODELS= XDG_DATA_HOME="$PWD" tt-embed -q -m nosuch <in.json
	[[ $stderr == *nosuch* ]]
}

@test "an unknown processor level is wrong use" {
	TT_CPU=fast run -2 --separate-stderr tt-embed -q <in.json
	[[ $stderr == *fast* ]]
}

@test "chunks get vectors, other records pass in order" {
	need_model
	run -0 --separate-stderr tt-embed --json <in.json
	[ "${#lines[@]}" -eq 5 ]
	[[ ${lines[0]} == *'"model":"minilm:'* ]]
	[[ ${lines[1]} == *'"vec":{"$vec":{"t":"i8"'*'"vec_scale":'* ]]
	[[ ${lines[2]} == *'"odd"'*'[1,2]'* ]]
	[[ ${lines[3]} == *'"vec"'* ]]
}

@test "every thread count and level gives the same bytes" {
	need_model
	tt-embed <in.json >a
	tt-embed -j 1 <in.json >b
	cmp a b
	for level in ref avx2
	do
		TT_CPU=$level tt-embed <in.json >b
		cmp a b
	done
}

@test "a damaged pack is made again, even in the middle of a run, and said so" {
	need_model
	export XDG_CACHE_HOME=$PWD/cache
	tt-embed <in.json >a
	pack=$(echo cache/tiny-titans/packs/*.pack)
	cp "$pack" good
	# Of 512 bytes of header, then 30,522 words of 1,536 bytes: the layout, "directory", which only the second chunk has, a layer.
	for at in 9 $((512 + 14176 * 1536 + 700)) 50000000
	do
		printf '\xa5\x5a' | dd of="$pack" bs=1 seek="$at" conv=notrunc 2>/dev/null
		run ! cmp -s "$pack" good
		tt-embed <in.json >b 2>err
		cmp a b
		cmp "$pack" good
		[ "$(wc -l <err)" -eq 1 ]
		grep -q damaged err
	done
}

@test "what is left of a pack of an older layout goes" {
	need_model
	export XDG_CACHE_HOME=$PWD/cache
	tt-embed <in.json >a
	pack=$(echo cache/tiny-titans/packs/*.pack)
	mv "$pack" "${pack%-e*}-e1.pack"
	tt-embed <in.json >b
	cmp a b
	[ "$(echo cache/tiny-titans/packs/*)" = "$pack" ]
}

@test "a chunk with a vector of this embedder keeps it" {
	need_model
	tt-embed <in.json >a
	tt-embed <a >b
	cmp a b
}

@test "lines of text become queries, a long one is cut and said so" {
	need_model
	{ echo "first question"; seq 400 | tr '\n' ' '; echo; } >lines
	run -0 --separate-stderr tt-embed -q --json <lines
	[[ ${lines[1]} == '{"kind":"query","id":"q1","text":"first question","vec":'* ]]
	[[ ${lines[2]} == *'"id":"q2"'*'"trunc":true'* ]]
	[[ $stderr == *warning* ]]
	run -3 --separate-stderr tt-embed -q --strict --json <lines
	[[ ${lines[2]} == *'"kind":"error"'* ]]
}

@test "a question whose id is no string is an error of its own: no hit could name it" {
	need_model
	printf '%s\n' '{"id":5,"text":"five"}' '{"id":"six","text":"six"}' '{"kind":"query","id":null,"text":"none"}' >q.jsonl
	run -3 --separate-stderr tt-embed -q --json <q.jsonl
	[ "$(grep -o '"kind":"[a-z]*"' <<<"$output" | tr '\n' ' ')" = '"kind":"head" "kind":"error" "kind":"query" "kind":"error" "kind":"end" ' ]
	[[ "${lines[2]}" == *'"id":"six"'* ]]
	[[ "$stderr" == *"record 0 has an 'id' that is no string"* ]]
}

@test "a title that is cut is said so too" {
	need_model
	printf '{"kind":"chunk","doc":"a","title":"%s","sec":[],"text":"short"}\n' "$(seq 400 | tr '\n' ' ')" >long.json
	run -0 --separate-stderr tt-embed --json <long.json
	[[ ${lines[1]} == *'"trunc":true'* ]]
	[[ $stderr == *"record "*": "*" tokens, of which the embedder reads 254"* ]]
	run -3 tt-embed --strict --json <long.json
}

@test "a record that its vector makes too large is an error of its own: those that wait with it go on" {
	need_model
	python3 -c 'import sys
print("{\"kind\":\"chunk\",\"doc\":\"d\",\"text\":\"keel\",\"pad\":\"%s\"}" % ("x" * ((16 << 20) - 60)))' >large
	{ head -n 1 in.json; cat large; tail -n 1 in.json; } >three.json
	status=0
	tt-embed --json <three.json >out 2>err || status=$?
	[ "$status" -eq 3 ]
	[ "$(cut -c 1-16 out | sort | uniq -c | tr -s ' \n' ' ')" = ' 2 {"kind":"chunk", 1 {"kind":"end","n 1 {"kind":"error", 1 {"kind":"head"," ' ]
	grep '"kind":"error".*too large.*"doc":"d"' out
	grep 'too large' err
}

@test "a stream that ends early is 65" {
	need_model
	tt-embed <in.json | head -c 300 >cut
	run -65 --separate-stderr tt-embed <cut
}

@test "a question as a bare JSON line becomes a query with an id" {
	need_model
	run -0 --separate-stderr tt-embed -q --json <<<'{"text":"hello"}'
	[[ ${lines[1]} == '{"kind":"query","id":"q1","text":"hello","vec":'* ]]
}

@test "a vector of another embedder is not kept" {
	need_model
	tt-embed --json <in.json >a.json
	sed -e 's/"model":"[^"]*"/"model":"other:00"/' -e 's/"b64":"[^"]*"/"b64":"AQID"/' -e '/"kind":"end"/d' a.json >other.json
	echo '{"kind":"end"}' >>other.json
	tt-embed --json <other.json | cmp - a.json
}

@test "a chunk without text is an error of its own, a cut one that was cut before stays so" {
	need_model
	{ echo '{"kind":"chunk","doc":"d","title":"t"}'
	  printf '{"kind":"chunk","doc":"a","sec":[],"text":"%s","trunc":true}\n' "$(printf 'a %.0s' {1..255})"
	  printf '{"kind":"chunk","doc":"a","sec":[],"text":"%s"}\n' "$(printf 'a %.0s' {1..254})"; } >odd.json
	run -3 --separate-stderr tt-embed --json <odd.json
	[ "$(cut -c 1-16 <<<"$output" | sort | uniq -c | tr -s ' \n' ' ')" = ' 2 {"kind":"chunk", 1 {"kind":"end","n 1 {"kind":"error", 1 {"kind":"head"," ' ]
	[ "$(grep -c '"trunc":true' <<<"$output")" -eq 1 ]
	[[ "$stderr" == *"no text"* ]]
}

@test "a question keeps its id, and its line's CR is no part of it" {
	need_model
	tt-embed -q --json <<<'{"kind":"query","id":"mine","text":"hello"}' >one
	grep -q '"kind":"query","id":"mine","text":"hello","vec"' one
	printf 'hello\r\n' | tt-embed -q --json | grep -o '"text".*' | cmp - <(grep '"query"' one | grep -o '"text".*')
}

@test "halves are the floats, rounded" {
	need_model
	for t in f16 f32
	do
		tt-embed --dtype $t --json <in.json | sed -n 's/.*"t":"'$t'","b64":"\([^"]*\)".*/\1/p' >$t
	done
	python3 -c 'import base64, struct
for h, f in zip(open("f16"), open("f32")):
	a, b = struct.unpack("<384e", base64.b64decode(h)), struct.unpack("<384f", base64.b64decode(f))
	assert all(abs(x - y) < 1e-3 for x, y in zip(a, b))'
	[ "$(wc -l <f16)" -eq 2 ]
}

# Models such as e5 want "query: " before a question and "passage: " before a text.
@test "a model's prompts stand before questions, texts and titles" {
	need_model
	mkdir e5
	ln -s "$TT_MODELS"/minilm/* e5
	rm -f e5/config_sentence_transformers.json
	echo '{"prompts":{"query":"ask: ","passage":"told: "}}' >e5/config_sentence_transformers.json
	printf '%s\n' '{"kind":"query","id":"1","text":"how?"}' '{"kind":"chunk","doc":"a","title":"T","sec":["s"],"text":"so"}' >plain.json
	printf '%s\n' '{"kind":"query","id":"1","text":"ask: how?"}' '{"kind":"chunk","doc":"a","title":"told: T","sec":["told: s"],"text":"so"}' \
		>prompted.json
	vectors() { tt-embed "$@" | grep -o '"vec".*'; }
	vectors -m ./e5 --json <plain.json >a
	vectors --json <prompted.json >b
	[ "$(wc -l <a)" -eq 2 ]
	cmp a b
	vectors -m ./e5 -q --json <<<'how?' | cmp - <(head -n 1 b)
}

@test "a last heading that the text begins with is embedded once" {
	need_model
	printf '%s\n' '{"kind":"chunk","doc":"a","name":"a","title":"A","sec":["OPTIONS","-x, --get"],"text":"-x, --get\nTake files out."}' \
		'{"kind":"chunk","doc":"a","name":"a","title":"A","sec":["OPTIONS"],"text":"-x, --get\nTake files out."}' >heads.json
	run -0 --separate-stderr bash -c 'tt-embed --json <heads.json | grep -o "\"vec\".*" | sort -u | wc -l'
	((output == 1))
}

# What the title adds is (title / 2 + text), made a unit vector again: the texts' own vectors say what it should be.
@test "a chunk's vector is that of its text with half its title's added" {
	need_model
	command -v jq >/dev/null || skip "no jq"
	printf '%s\n' '{"kind":"chunk","doc":"a","name":"a","title":"tar - an archiver","sec":[],"text":"list an archive"}' \
		'{"kind":"chunk","doc":"a","name":"a","title":"","sec":[],"text":"list an archive"}' \
		'{"kind":"chunk","doc":"a","name":"a","sec":[],"text":"tar - an archiver"}' >three.json
	tt-embed --dtype f32 --json <three.json >out.json
	for i in 2 3 4
	do
		sed -n "${i}p" out.json | jq -r '.vec["$vec"].b64' | base64 -d | od -An -v -tf4 -w4 >v$i
		[ "$(wc -l <v$i)" -eq 384 ]
	done
	run -0 sh -c 'paste v2 v3 v4 | awk "{ x = \$2 + \$3 / 2; xx += x * x; dot += \$1 * x } END { print (dot / sqrt(xx) > 0.99999) }"'
	((output == 1))
}

@test "a text is computed once, and its vector does not depend on what came before" {
	need_model
	for i in $(seq 300)
	do
		printf '{"kind":"chunk","doc":"a","title":"page %d","sec":[],"text":"item %d of a long list of items"}\n' $((i % 3)) $((i % 60))
	done >many.json
	tt-embed --json <many.json | grep '"chunk"' | grep -o '"text".*' >all
	[ "$(sort -u all | wc -l)" -eq 60 ]
	for i in 1 150 300
	do
		sed -n "${i}p" many.json | tt-embed --json | grep '"chunk"' | grep -o '"text".*' >one
		sed -n "${i}p" all | cmp - one
	done
	run -0 --separate-stderr sh -c 'tt-embed -v <many.json >/dev/null'
	[[ $stderr == *"300 chunks, 63 texts read"* ]]
}
