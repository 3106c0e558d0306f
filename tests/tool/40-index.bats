#!/usr/bin/env bats
# tt-index: documents come in whole or not at all, replace each other, and survive whatever happens to the writer.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	cd "$BATS_TEST_TMPDIR" || exit 1
}

# docs FROM TO [TEXT [EXTRA]]: JSON lines of documents d<i> with two chunks each; ids depend on the text.
docs() {
	for i in $(seq "$1" "$2"); do
		t=${3:-words of document} id=$(printf '%s %s' "$t" "$i" | md5sum | cut -c 1-31)
		printf '{"kind":"doc","doc":"/c/d%d","name":"d%d","title":"d%d - a test","type":"text","src":{"path":"/c/d%d","size":%d,"mtime_ns":5,"xxh3":"ab"}}\n' "$i" "$i" "$i" "$i" "$i"
		for s in 0 1; do
			printf '{"kind":"chunk","doc":"/c/d%d","seq":%d,"id":"%s%d","sec":["HEAD"],"unit":"para","span":{"b":[%d,%d],"l":[1,2]},"text":"%s %d part%d","n_tok":4,"meta":{"part":"%d"}%s}\n' \
				"$i" $s "$id" $s $s $((s + 9)) "$t" "$i" $s $s "$4"
		done
	done
}

vec() {	# vec A B C D: a vector of four components, as tt-json writes it
	printf ',"vec":{"$vec":{"t":"i8","b64":"%s"}},"vec_scale":0.0078' "$(printf '%b' "$(printf '\\x%02x' "$@")" | base64)"
}

stat_of() {	# stat_of DIR KEY
	tt-index stat "$1" | awk -F '\t' -v k="$2" '$1 == k { print $2 }'
}

@test "add, list, stat" {
	docs 1 3 | tt-index add i
	[ "$(stat_of i documents)" -eq 3 ]
	[ "$(stat_of i chunks)" -eq 6 ]
	[ "$(tt-index list i | head -1)" = "$(printf '/c/d1\t1\t5\tab')" ]
	tt-index list --json i | grep -q '"kind":"doc","doc":"/c/d2"'
	tt-index stat --json i | grep -q '"chunks":6'
}

@test "a run that changes an index once is one commit, and to merge what is one segment is none" {
	generation() { od -An -tu8 -j8 -N8 i/manifest | tr -d ' '; }
	docs 1 4 | tt-index add i
	[ "$(generation)" -eq 1 ]
	docs 5 6 | tt-index add i
	tt-index rm i /c/d1
	[ "$(generation)" -eq 3 ]
	tt-index merge i
	[ "$(generation)" -eq 4 ]
	tt-index merge i
	[ "$(generation)" -eq 4 ]
}

@test "an index is its owner's alone, whatever the umask" {
	(umask 0; docs 1 3 | tt-index add i)
	[ -z "$(find i -perm /077)" ]
}

@test "adding a document again replaces it" {
	docs 1 3 | tt-index add i
	docs 2 2 'other text' | tt-index add i
	[ "$(stat_of i documents)" -eq 3 ]
	run tt-retrieve --json i <<<'other'
	[[ "$output" = *'"doc":"/c/d2"'* ]]
	run tt-retrieve --json i <<<'words document 2'
	[[ "$output" != *'words of document 2 '* ]]
}

@test "rm and tomb records remove; what is not there: 1" {
	docs 1 4 | tt-index add i
	tt-index rm i /c/d1
	printf '{"kind":"tomb","doc":"/c/d2"}\n' | tt-index add i
	[ "$(tt-index list i | cut -f 1 | tr '\n' ' ')" = "/c/d3 /c/d4 " ]
	for gone in /c/none /c/d1
	do
		run --separate-stderr tt-index rm i $gone
		[ "$status" -eq 1 ]
	done
	run --separate-stderr tt-index rm i /c/none /c/d3
	[ "$status" -eq 3 ]
}

@test "forget leaves no byte of the document in any file" {
	docs 1 3 | tt-index add i
	docs 4 4 'zanzibar secret' | tt-index add i
	grep -rq zanzibar i
	tt-index forget i /c/d4
	run grep -rq zanzibar i
	[ "$status" -eq 1 ]
	[ "$(stat_of i documents)" -eq 3 ]
}

@test "forget tells what it could not remove, and what it removed is gone for good" {
	strace -o /dev/null true || skip "no strace here"
	export ASAN_OPTIONS=detect_leaks=0
	docs 1 3 | tt-index add i
	docs 4 4 'zanzibar secret' | tt-index add i
	run --separate-stderr strace -f -o trace -e trace=unlinkat -e inject=unlinkat:error=EPERM tt-index forget i /c/d4
	[ "$status" -eq 74 ]
	[[ "$stderr" = *"left the index, but not yet the directory: cannot remove 'i/0000000000000002.seg'"* ]]
	grep -rq zanzibar i
	strace -f -y -qq -o trace -e trace=unlinkat,fsync tt-index forget i
	run ! grep -rq zanzibar i
	[[ "$(tail -n 1 trace)" = *"fsync("*"<$PWD/i>)"* ]]
}

@test "copies of a document: each a hit with its own place; without one of them the other is found as before" {
	for name in first second
	do
		printf '# Harbour\n\nThe pilot boat leaves from pier seven at dawn.\n' >$name.md
	done
	printf '# Harbour\n\nOnce more: the pilot boat leaves from pier eight at dawn.\n' >near.md
	printf '# Kitchen\n\nThe cook bakes bread before noon.\n' >other.md
	TT_EMBEDDER=none tt-chunk ./*.md 2>err | tt-index add i
	echo 'where does the pilot boat leave' >question
	set -- first.md second.md near.md
	while [ $# -gt 0 ]
	do
		tt-retrieve --json -n 3 i <question >hits
		python3 -c 'import json, sys
hits = [json.loads(l) for l in open("hits") if "\"kind\":\"hit\"" in l]
for h in hits:
	b = h["span"]["b"]
	assert open(h["src"]["path"]).read()[b[0]:b[1]] == h["text"], h
assert len({h["id"] for h in hits}) == len({h["doc"] for h in hits}) == len(hits), hits
assert set(sys.argv[1:]) == {h["name"] for h in hits if "pilot" in h["text"]}, hits
assert len({h["score"]["fused"] for h in hits if h["name"] in ("first.md", "second.md")}) <= 1, hits' "$@"
		tt-index forget i "$PWD/$1"
		run ! grep -rq "$1" i
		shift
	done
	[ "$(tt-retrieve --json i <question | grep -c pier)" -eq 0 ]
	tt-index verify i
}

@test "verify: 0 when whole, 1 when a byte changed" {
	docs 1 3 | tt-index add i
	tt-index verify i
	printf 'X' | dd of="$(echo i/*.seg)" bs=1 seek=700 conv=notrunc 2>/dev/null
	run --separate-stderr tt-index verify i
	[ "$status" -eq 1 ]
	[[ "$stderr" = *damaged* ]]
}

@test "a damaged block is not used: retrieval fails with 65" {
	docs 1 3 | tt-index add i
	printf 'X' | dd of="$(echo i/*.seg)" bs=1 seek=700 conv=notrunc 2>/dev/null
	run --separate-stderr tt-retrieve i <<<'words'
	[ "$status" -eq 65 ]
}

@test "only what is not there is made anew: a file that is missing or cannot be opened ends the run, and all others stay" {
	docs 1 3 | tt-index add i
	docs 4 6 | tt-index add i
	docs 7 7 >more
	cp -a i lacks
	rm "$(ls lacks/*.seg | head -1)"
	cp -a i loop
	mv loop/manifest loop/kept
	ln -s manifest loop/manifest	# fails to open, and not because it isn't there
	for dir in lacks loop; do
		ls -l $dir >before
		run --separate-stderr tt-index add $dir <more
		echo "$dir: $status $stderr"
		[ "$status" -eq "$([ $dir = lacks ] && echo 65 || echo 74)" ]
		ls -l $dir | diff before -
	done
	run --separate-stderr tt-index verify lacks
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"'lacks' is damaged: cannot open 'lacks/"* ]]
}

@test "a commit that fails before it wrote anything leaves the manifest where it is" {
	strace -o /dev/null true || skip "no strace here"
	docs 1 3 | tt-index add i
	before=$(md5sum <i/manifest)
	docs 4 4 >more
	run --separate-stderr env ASAN_OPTIONS=detect_leaks=0 \
		strace -f -o trace -P i/manifest -e trace=openat -e inject=openat:error=EIO:when=2..3 tt-index add i <more
	[ "$status" -eq 74 ]
	[ "$(md5sum <i/manifest)" = "$before" ]
}

@test "a stream cut off anywhere commits nothing and exits 65" {
	docs 1 5 | tt-json >s
	docs 9 9 | tt-index add i
	before=$(md5sum <i/manifest)
	size=$(stat -c %s s)
	for n in $(seq 40 97 $((size - 1))) $((size - 1)); do
		run --separate-stderr tt-index add i < <(head -c "$n" s)
		[ "$status" -eq 65 ]
		[ "$(md5sum <i/manifest)" = "$before" ]
	done
	tt-index add i <s
	[ "$(stat_of i documents)" -eq 6 ]
}

@test "the same input twice gives the same bytes" {
	docs 1 20 | tt-index add a
	docs 1 20 | tt-index add b
	diff -r a b
}

@test "killed at any moment, the index is whole: the old one or the new one" {
	docs 1 10 | tt-index add i
	docs 11 200 | tt-json >more
	for t in 0.001 0.002 0.003 0.004 0.006 0.008 0.010 0.012 0.015 0.020 0.030; do
		timeout -s KILL "$t" tt-index add i <more || :
		tt-index verify i
		n=$(stat_of i documents)
		[ "$n" -eq 10 ] || [ "$n" -eq 200 ]
	done
	tt-index add i <more
	[ "$(stat_of i documents)" -eq 200 ]
	[ -z "$(ls i | grep tmp)" ]
}

@test "what is committed is synced before it gets its name, and its folder after" {
	docs 1 3 >three
	docs 4 6 >more
	synced tt-index add "$PWD/i" <three
	synced tt-index add "$PWD/i" <more
	synced tt-index forget "$PWD/i" /c/d2
	synced tt-index merge "$PWD/i"
	[ "$(stat_of i documents)" -eq 5 ]
}

# After status 0 all is there, after an error nothing is that was not, and a writer that was killed may have done either.
@test "whatever call fails or is the last one: the index is whole, as the status says, and the next run does all" {
	strace -o trace true || skip "no strace here"
	docs 4 6 >more
	mkdir held
	docs 1 3 | tt-index add held/i
	mkdir new
	export ASAN_OPTIONS=detect_leaks=0
	for base in held new
	do
		[ $base = held ] && was=3 || was=0
		for how in write:error=ENOSPC fsync:error=EIO fsync:error=EIO+ rename:error=EACCES write:signal=KILL fsync:signal=KILL rename:signal=KILL
		do
			for n in $(seq 20)
			do
				rm -rf d
				cp -a $base d
				status=0
				strace -f -qq -o trace -e trace="${how%%:*}" -e inject="${how%+}:when=$n${how##*[!+]}" tt-index add d/i <more >out 2>err || status=$?
				grep -q 'INJECTED\|killed by' trace || break
				now=$(stat_of d/i documents 2>stat.err)
				now=${now:-0}
				echo "$base $how:when=$n: $status, $now documents: $(cat err)"
				[ ! -e d/i/manifest ] || tt-index verify d/i
				case $how in
				*KILL) [ "$now" = $was ] || [ "$now" -eq $((was + 3)) ] ;;
				*) [[ "$status $now" == 7[34]" $was" && -s err ]] ;;
				esac
				tt-index add d/i <more
				[ "$(stat_of d/i documents)" -eq $((was + 3)) ]
				[ -z "$(ls d/i | grep tmp)" ]
			done
			[[ "$n" -gt 1 && "$n" -lt 20 ]]
		done
	done
}

# Until the writer that reads from descriptor 9 has the lock of i: another exits 75.
until_locked() {
	local status=0
	for _ in $(seq 100); do
		tt-index rm i /c/none 2>/dev/null 9>&- && status=0 || status=$?
		[ "$status" -ne 75 ] || break
	done
	[ "$status" -eq 75 ]
}

@test "two writers: one goes on, the other exits 75, or waits" {
	docs 1 2 | tt-index add i
	mkfifo pipe
	tt-index add i <pipe &
	exec 9>pipe
	docs 3 3 >&9
	until_locked
	docs 4 4 | tt-index add --lock-wait 20 i 9>&- &
	exec 9>&-
	wait
	[ "$(stat_of i documents)" -eq 4 ]
}

@test "an index that is removed and made anew is left alone by who still writes the old one: 73" {
	docs 1 2 | tt-index add i
	mkfifo pipe
	tt-index add i <pipe 2>err &
	exec 9>pipe
	docs 3 3 >&9
	until_locked
	status=0
	rm -r i
	docs 4 5 | tt-index add i 9>&-
	exec 9>&-
	wait $! || status=$?
	[ "$status" -eq 73 ]
	[ "$(cat err)" = "tt-index: 'i' was removed while it was being written" ]
	tt-index verify i
	[ "$(tt-index list i | cut -f 1)" = /c/d4$'\n'/c/d5 ]
}

@test "commits come while the stream still flows, of whole documents only" {
	mkfifo pipe
	tt-index add --commit-every 1 i <pipe &
	exec 9>pipe
	docs 1 2 >&9
	docs 3 3 | head -2 >&9	# its second chunk is still to come
	for _ in $(seq 100); do
		[ ! -e i/manifest ] || break
		timeout 0.1 cat <&9 >/dev/null 2>&1 || :
		read -r -t 0.1 <> <(:) || :
	done
	[ "$(stat_of i documents)" -eq 2 ]
	docs 3 3 | tail -1 >&9
	exec 9>&-
	wait
	[ "$(stat_of i documents)" -eq 3 ]
	[ "$(stat_of i chunks)" -eq 6 ]
}

@test "a commit that cannot be opened ends the run, whichever record it came with: 65" {
	docs 1 3 | tt-index add i
	{ docs 4 5; printf '{"kind":"tomb","doc":"/c/d1"}\n'; docs 1 3; } | tt-json >stream
	at=$(grep -abo tomb stream | cut -d : -f 1)
	mkfifo pipe
	tt-index add --commit-every 1 i <pipe 2>err &
	exec 9>pipe
	head -c "$at" stream >&9
	sleep 1.2	# the commit is due
	mv stream i/0000000000000001.seg
	tail -c +$((at + 1)) i/0000000000000001.seg >&9
	exec 9>&-
	status=0
	wait $! || status=$?
	[ "$status" -eq 65 ]
	[ "$(cat err)" = "tt-index: what was added or removed is committed, but the index cannot be opened again: $(
		)'i/0000000000000001.seg' is not a file of an index (at byte 0)" ]
}

@test "vectors may come later, and only once" {
	docs 1 3 | tt-index add i
	[ "$(tt-index pending i | tt-json | grep -c '"kind":"chunk"')" -eq 6 ]
	{
		printf '{"kind":"head","format":1,"tool":"t","version":"0","model":"m:1"}\n'
		docs 1 2 '' "$(vec 1 2 3 4)" | grep chunk
		printf '{"kind":"end","n":5}\n'
	} | grep -v '"end"' | sed 1d | tt-index add --vectors i
	[ "$(stat_of i vectors)" -eq 4 ]
	[ "$(tt-index pending i | tt-json | grep -c '"kind":"chunk"')" -eq 2 ]
	tt-index merge i
	[ "$(stat_of i vectors)" -eq 4 ]
	tt-index verify i
}

@test "chunks of one id get their vector together, the first that comes" {
	docs 1 3 | sed 's/"id":"[^"]*"/"id":"00000000000000000000000000000001"/' >in
	docs 4 4 >>in
	tt-index add i <in
	{ docs 1 1 '' "$(vec 1 2 3 4)"; docs 2 2 '' "$(vec 9 9 9 9)"; } | sed -n 's/"id":"[^"]*"/"id":"00000000000000000000000000000001"/; /chunk/p' |
		tt-index add --vectors i
	[ "$(stat_of i vectors)" -eq 6 ]
	[ "$(tt-index pending i | tt-json | grep -c '"kind":"chunk"')" -eq 2 ]
	tt-index verify i
}

@test "chunks and pending give back every field that came" {
	docs 1 1 'a text' ',"trunc":true' >in
	tt-index add i <in
	for what in chunks pending
	do
		tt-index $what --json i >out
		python3 -c 'import json
came = [r for r in map(json.loads, open("in")) if r["kind"] == "chunk"]
back = [r for r in map(json.loads, open("out")) if r["kind"] == "chunk"]
assert len(came) == len(back)
for c, b in zip(came, back):
	assert all(b.get(k) == v for k, v in c.items()), (c, b)'
	done
}

@test "vectors of another dimension or embedder are refused: 78" {
	docs 1 1 '' "$(vec 1 2 3 4)" | tt-index add i
	run --separate-stderr tt-index add i < <(docs 2 2 '' "$(vec 1 2 3)")
	[ "$status" -eq 78 ]
	[[ "$stderr" == *'the index has vectors of 4 dimensions, the input of 3'* ]]
	of() { # EMBEDDER FROM
		printf '{"kind":"head","format":1,"model":"%s"}\n' "$1"
		docs "$2" "$2" '' "$(vec 1 2 3 4)"
		printf '{"kind":"end"}\n'
	}
	of first 1 | tt-index add named
	of first 2 | tt-index add named
	before=$(md5sum <named/manifest)
	run --separate-stderr tt-index add named < <(of second 3)
	[ "$status" -eq 78 ]
	[[ "$stderr" == *"the index has vectors of 'first', the input those of 'second'"* ]]
	[ "$(md5sum <named/manifest)" = "$before" ]
	run --separate-stderr tt-index add both < <(of first 1; of second 2)
	[ "$status" -eq 78 ]
	{ of first 1; of first 2; } | tt-index add both
}

@test "vectors of 16-bit floats are taken like those of 32, of chunks and of questions" {
	of() { # TYPE BYTES
		printf ',"vec":{"$vec":{"t":"%s","b64":"%s"}}' "$1" "$(printf '%b' "$2" | base64)"
	}
	f16=$(of f16 '\x00\x3c\x00\x38\x00\x00\x00\xbc') f32=$(of f32 '\x00\x00\x80\x3f\x00\x00\x00\x3f\x00\x00\x00\x00\x00\x00\x80\xbf')
	docs 1 3 '' "$f16" | tt-index add i
	docs 1 3 '' "$f32" | tt-index add j
	diff -r i j
	[ "$(stat_of i vectors)" -eq 6 ]
	for vec in "$f16" "$f32"; do
		tt-retrieve --dense --json i <<<'{"kind":"query","id":"a","text":"words"'"$vec}" | grep '"hit"' >"hits-${#vec}"
	done
	cmp hits-*
	run --separate-stderr tt-index add i < <(docs 4 4 '' "$(of f16 '\x00\x7c\x00\x38')")
	[ "$status" -eq 3 ]	# infinite
}

@test "an embedder binds an index only while there are vectors" {
	stream() { echo '{"kind":"head","format":1,"model":"'"$1"'"}'; shift; "$@"; echo '{"kind":"end"}'; }
	stream one:1 true | tt-index add i
	stream two:1 docs 1 1 '' "$(vec 1 2 3 4)" | tt-index add i
	[ "$(stat_of i embedder)" = two:1 ]
	run --separate-stderr tt-index add i < <(stream one:1 docs 2 2 '' "$(vec 1 2 3 4)")
	[ "$status" -eq 78 ]
	tt-index forget i /c/d1
	stream one:1 eval "echo '{\"kind\":\"query\",\"id\":\"a\",\"text\":\"words\"$(vec 1 2 3)}'" >query
	run --separate-stderr tt-retrieve i <query
	[ "$status" -eq 1 ]	# nothing found, and nothing to fit
	stream one:1 docs 1 1 '' "$(vec 1 2 3)" | tt-index add i
	[ "$(stat_of i embedder) $(stat_of i dimensions)" = "one:1 3" ]
	tt-retrieve --dense --json i <query | grep '"cos"'
	docs 1 1 | tt-index add i
	tt-index merge i
	run --separate-stderr tt-retrieve --dense i <query
	[ "$status" -eq 1 ]
}

@test "vectors of removed documents bind nobody, though the segment stays" {
	of() { echo '{"kind":"head","format":1,"model":"'"$1"'"}'; shift; "$@"; echo '{"kind":"end"}'; }
	{ docs 1 3; docs 4 4 '' "$(vec 1 2 3 4)"; } >in
	of one:1 cat in | tt-index add i
	docs 4 4 'without a vector' | tt-index add i
	[ "$(stat_of i documents) $(stat_of i vectors)" = "4 0" ]
	[ -e i/0000000000000001.seg ]
	of two:1 eval "echo '{\"kind\":\"query\",\"id\":\"a\",\"text\":\"words\"$(vec 1 2 3)}'" | tt-retrieve --json i | grep -q '"hit"'
	of two:1 docs 5 5 '' "$(vec 1 2 3)" | tt-index add i
	[ "$(stat_of i embedder) $(stat_of i dimensions) $(stat_of i vectors)" = "two:1 3 2" ]
	tt-index verify i
	of one:1 cat in | tt-index add j
	tt-index rm j /c/d1	# of those that stay one has vectors
	run --separate-stderr tt-index add j < <(of two:1 docs 5 5 '' "$(vec 1 2 3 4)")
	[ "$status" -eq 78 ]
}

@test "a bad record is told, and the rest goes on: 3" {
	{
		docs 1 1
		printf '{"kind":"chunk","doc":"/c/d1","text":"no id"}\n'
		printf '{"kind":"chunk","doc":"/c/other","id":"%032d","text":"no document"}\n' 0
		printf '{"kind":"surprise"}\n'
		docs 2 2
	} >in
	run --separate-stderr tt-index add i <in
	[ "$status" -eq 3 ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "$(tt-index list i | cut -f 1)" = /c/d2 ]
	[ "$(stat_of i chunks)" -eq 2 ]
}

@test "a document of which a chunk is bad is not taken for read: what was indexed before stays" {
	docs 1 2 | tt-index add i
	{
		docs 1 1 'half of the new text' | head -n 2
		docs 1 1 'half of the new text' "$(vec 1 2 3 4 | sed 's/scale":0/scale":-1/')" | tail -n 1
		docs 2 2 'all of the new text'
	} >in
	run --separate-stderr tt-index add i <in
	[ "$status" -eq 3 ]
	[[ "$stderr" = *"'/c/d1' is left out: record "*" has no usable 'vec_scale'"* ]]
	tt-index chunks --json i >out
	grep '"doc":"/c/d1".*words of document' out
	grep '"doc":"/c/d2".*all of the new' out
	run ! grep 'half of the new' out
	[ "$(stat_of i chunks)" -eq 4 ]
}

@test "a chunk that names no document is of the one before it, which is left out; a bad document is told once" {
	docs 1 2 | tt-index add i
	{
		docs 1 1 'half of the new text' | sed '3s/"doc":"[^"]*"/"doc":7/'
		docs 2 2 'nothing of the new text' | sed '1s/"src":{[^}]*}/"src":7/'
		docs 3 3
	} >in
	run --separate-stderr tt-index add i <in
	[ "$status" -eq 3 ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ "${stderr_lines[0]}" = *"'/c/d1' is left out: record "*"'doc'" ]]
	[[ "${stderr_lines[1]}" = *"'/c/d2' is left out: record "*"'src'" ]]
	[ "$(tt-index chunks --json i | grep -c 'words of document')" -eq 6 ]
}

@test "a document that would not fit a record again is left out: the others are given back" {
	docs 2 2 >in
	docs 1 1 | head -n 2 >large
	python3 -c 'import sys
for size in ((16 << 20) - 4096, (16 << 20) - 3000):
	doc, chunk = open("large").read().splitlines()
	print(doc.replace("/c/d1", "/c/%d" % size))
	chunk = chunk.replace("/c/d1", "/c/%d" % size)
	print(chunk.replace("words of", "x" * (size - len(chunk)) + " words of"))' >>in
	run --separate-stderr tt-index add i <in
	[ "$status" -eq 3 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" = *"/c/16774216' is left out: record "*" is too large to be given back"* ]]
	[ "$(tt-index pending i | tt-json | grep -c '"kind":"chunk"')" -eq 3 ]
}

@test "a document of many chunks is held in bounded memory" {
	{
		docs 1 1 | head -n 1
		seq -f '{"kind":"chunk","doc":"/c/d1","id":"%032.0f","text":"keel"}' 50000
	} >in
	(grep -q __asan_init "$(command -v tt-index)" || ulimit -v 100000; tt-index add i <in)
	[ "$(stat_of i chunks)" -eq 50000 ]
}

@test "an error record of an earlier stage is reported: 3" {
	run --separate-stderr tt-index add i <<<'{"kind":"error","stage":"tt-chunk","msg":"cannot read x"}'
	[ "$status" -eq 3 ]
	[[ "$stderr" = *'cannot read x'* ]]
}

@test "an error record for a document voids the chunks that it had: what was indexed before stays" {
	docs 1 2 | tt-index add i
	{
		docs 1 1 'half of the new text'
		echo '{"kind":"error","stage":"tt-chunk","msg":"compressed data ends early","doc":"/c/d1"}'
		docs 3 3
		echo '{"kind":"error","stage":"tt-chunk","msg":"binary","doc":"/c/other"}'
	} >in.jsonl
	run --separate-stderr tt-index add i <in.jsonl
	[ "$status" -eq 3 ]
	[ "$(stat_of i documents)" -eq 3 ]
	[[ "$stderr" == *"tt-chunk: '/c/other': binary"* ]]
	run ! grep -rq 'half of the new' i
	[ "$(tt-index chunks --json i | grep -c '"kind":"chunk"')" -eq "$(stat_of i chunks)" ]
	# What a later stage could not take is in the middle of a document: the rest of it is no news.
	{
		docs 1 1 'half of the new text' | head -n 2
		echo '{"kind":"error","stage":"tt-embed","msg":"too many tokens","doc":"/c/d1"}'
		docs 1 1 'half of the new text' | tail -n 1
	} >in.jsonl
	run --separate-stderr tt-index add i <in.jsonl
	[ "$status" -eq 3 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run ! grep -rq 'half of the new text' i
	# A file that changed while it was read, again and again, comes several times.
	{
		docs 1 1 'half of the new text'
		docs 1 1 'half of the newer text'
		docs 1 1 'the newest text' | head -n 2
		echo '{"kind":"error","stage":"tt-chunk","msg":"the file changes while it is read","doc":"/c/d1"}'
		docs 2 2 'half of the new text'
		docs 2 2 'the end of it'
	} >in.jsonl
	run --separate-stderr tt-index add i <in.jsonl
	[ "$status" -eq 3 ]
	[ "$(stat_of i documents)" -eq 3 ]
	run ! grep -rq 'half of the\|the newest' i
	tt-index chunks --json i | grep '"doc":"/c/d1".*words of document'
	tt-index chunks --json i | grep '"doc":"/c/d2".*the end of it'
	# A file that is cut far behind its beginning: chunks come, then the error.
	seq -f 'line %.0f of a text about the harbour, with more words and more' 60000 | gzip | head -c 120000 >cut.txt.gz
	TT_EMBEDDER=none tt-chunk cut.txt.gz 2>err >records || [ "$?" -eq 3 ]
	[ "$(tt-json records | grep -c '"kind":"chunk"')" -gt 100 ]
	run --separate-stderr tt-index add j <records
	[ "$status" -eq 3 ]
	[ "$(stat_of j documents)" -eq 0 ]
}

@test "the folders that a new index makes are synced, each in the one that holds it" {
	strace -o /dev/null true || skip "no strace here"
	docs 1 1 >in
	ASAN_OPTIONS=detect_leaks=0 strace -f -y -o trace -e trace=fsync tt-index add deep/er/i <in
	for dir in "$PWD" "$PWD/deep" "$PWD/deep/er" "$PWD/deep/er/i"
	do
		grep -qF "<$dir>)" trace
	done
}

@test "many small additions leave few files" {
	for i in $(seq 30); do
		docs "$i" "$i" | tt-index add i
	done
	[ "$(stat_of i documents)" -eq 30 ]
	[ "$(stat_of i segments)" -lt 8 ]
	tt-index merge i
	[ "$(stat_of i segments)" -eq 1 ]
	[ "$(ls i | wc -l)" -eq 3 ]
}

@test "input that is no stream makes no index" {
	for input in '' junk '{"kind":' '{"kind":"end"}'; do
		run -65 --separate-stderr tt-index add new/i < <(printf '%s' "$input")
		[ -n "$stderr" ]
		[ ! -e new ]
	done
	printf '{"kind":"head","format":1}\n{"kind":"end","n":1}\n' | tt-index add new/i
	[ "$(stat_of new/i documents)" -eq 0 ]
}

@test "what is not an index: 66; misuse: 2" {
	run --separate-stderr tt-index stat none
	[ "$status" -eq 66 ]
	run --separate-stderr tt-index rm none x
	[ "$status" -eq 66 ]
	mkdir plain
	for command in 'rm plain x' 'merge plain' 'forget plain' 'add --vectors plain'; do
		# shellcheck disable=SC2086
		run --separate-stderr tt-index $command </dev/null
		[ "$status" -eq 66 ]
		[[ "$stderr" = *"'plain' is not an index"* ]]
		[ -z "$(ls plain)" ]
	done
	for command in add merge stat; do	# as from "$UNSET": not the root folder
		run --separate-stderr tt-index $command '' </dev/null
		[ "$status" -eq 66 ]
		[[ "$stderr" = *"'' is not an index"* ]]
	done
	run --separate-stderr tt-index frob i
	[ "$status" -eq 2 ]
	run --separate-stderr tt-index add
	[ "$status" -eq 2 ]
}

@test "a limit on the size of files is a full disk: 74, and the index is whole" {
	docs 1 3 | tt-index add i
	docs 4 60 >more
	run --separate-stderr bash -c 'ulimit -f 1; tt-index add i <more'
	[ "$status" -eq 74 ]
	[[ "$stderr" = *'File too large'* ]]
	tt-index verify i
	[ "$(stat_of i documents)" -eq 3 ]
	run --separate-stderr bash -c 'ulimit -f 1; tt-json more >out'
	[ "$status" -eq 74 ]
}

@test "--ids tells what left, also when the disk is too full to rewrite the rest" {
	docs 1 60 | tt-index add i
	run --separate-stderr bash -c 'ulimit -f 1; tt-index forget --ids i /c/d1'
	[ "$status" -eq 74 ]
	[ "$(stat_of i documents)" -eq 59 ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "--ids tells what left, also when the index that was committed cannot be opened again" {
	strace -o /dev/null true || skip "no strace here"
	docs 1 3 | tt-index add i
	run --separate-stderr env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -P i/0000000000000001.seg -e trace=openat \
		-e inject=openat:error=EMFILE:when=2 tt-index forget --ids i /c/d1
	[ "$status" -eq 74 ]
	[ "$(stat_of i documents)" -eq 2 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ "$stderr" = *"is committed, but the index cannot be opened again: cannot open"* ]]
}

@test "--ids: where what leaves cannot be told it stays, and leaves with the next run: 74" {
	docs 1 3 | tt-index add i
	for command in 'forget --ids i /c/d1' 'rm --ids i /c/d1' 'add --ids i'; do
		run -74 --separate-stderr sh -c "echo '{\"kind\":\"tomb\",\"doc\":\"/c/d1\"}' | tt-index $command >/dev/full"
		[[ "$stderr" = *"cannot write to standard output: No space left on device" ]]
		[ "$(stat_of i documents)" -eq 3 ]
	done
	[ "$(tt-index forget --ids i /c/d1 | wc -l)" -eq 2 ]
	strace -o /dev/null true || skip "no strace here"
	run -137 --separate-stderr env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=rename -e inject=rename:signal=KILL:when=1 \
		tt-index rm --ids i /c/d2	# when it is committed
	[ "${#lines[@]}" -eq 2 ]
}

@test "--ids tells what left before anything else is done, and whether somebody listens or not all is done" {
	docs 1 3 | tt-index add i
	(sleep 0.2; tt-index forget --ids i /c/d1 2>err || echo "$?" >status) | true
	[ "$(cat status)" -eq 74 ]
	grep -q 'cannot write to standard output: Broken pipe' err
	run ! grep -rq 'document 1' i
	strace -o /dev/null true || skip "no strace here"
	run --separate-stderr env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=rename -e inject=rename:signal=KILL:when=2 \
		tt-index forget --ids i /c/d2	# when a segment is written anew
	[ "$status" -eq 137 ]
	[ "$(stat_of i documents)" -eq 1 ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "--ids tells of a chunk that came again and left again within one commit, and of none that stays" {
	left=$(docs 1 1 | sed -n '2s/.*"id":"\([0-9a-f]*\)0".*/\1/p')
	for last in "$(docs 1 1 'other text')" '{"kind":"tomb","doc":"/c/d1"}'; do
		rm -rf i
		docs 1 2 | tt-index add i
		{ docs 1 2; echo "$last"; } >in
		[ "$(tt-index add --ids i <in | xargs)" = "${left}0 ${left}1" ]
	done
	[ -z "$(docs 2 2 | tt-index add --ids i)" ]
}

@test "a full disk: 74" {
	docs 1 3 | tt-index add i
	run --separate-stderr sh -c 'tt-index list i >/dev/full'
	[ "$status" -eq 74 ]
	run --separate-stderr sh -c 'tt-index pending i >/dev/full'
	[ "$status" -eq 74 ]
}

@test "a vector of more dimensions than are kept, or of bits, is refused: 3" {
	docs 1 1 >in
	for vec in i8:4097 f16:8194 f32:16388 b1:8; do
		part=",\"vec\":{\"\$vec\":{\"t\":\"${vec%:*}\",\"b64\":\"$(head -c "${vec#*:}" /dev/zero | base64 -w 0)\"}},\"vec_scale\":0.5"
		run --separate-stderr tt-index add i < <(cat in; docs 2 2 '' "$part")
		[ "$status" -eq 3 ]
		[[ "$stderr" = *"'/c/d2' is left out: record "*" has no usable 'vec'"* ]]
		run --separate-stderr tt-index add --vectors i < <(docs 1 1 '' "$part")
		[ "$status" -eq 3 ]
	done
	[ "$(stat_of i documents) $(stat_of i vectors)" = "1 0" ]
	docs 1 1 '' "$(vec 1 2 3 4 | sed "s|b64\":\"[^\"]*|b64\":\"$(head -c 4096 /dev/zero | base64 -w 0)|")" | tt-index add i
	[ "$(stat_of i dimensions) $(stat_of i vectors)" = "4096 2" ]
}

@test "of very many headings and pairs of meta the first are kept, and numbers too large are the largest" {
	docs 1 1 | head -n 2 >in
	python3 -c 'import json
doc, chunk = map(json.loads, open("in"))
chunk.update(sec=["h%d" % i for i in range(200)], meta={"k%d" % i: "v" for i in range(200)}, seq=1 << 32, n_tok=1 << 40)
print(json.dumps(doc)); print(json.dumps(chunk))' >more
	tt-index add i <more
	tt-index chunks --json i >out
	python3 -c 'import json
chunk, = [r for r in map(json.loads, open("out")) if r["kind"] == "chunk"]
assert chunk["sec"] == ["h%d" % i for i in range(32)], chunk["sec"]
assert chunk["meta"] == {"k%d" % i: "v" for i in range(64)}, chunk["meta"]
assert chunk["seq"] == chunk["n_tok"] == (1 << 32) - 1, chunk'
	tt-index verify i
}

@test "list is a line a document, whatever its name; vectors of removed documents do not count" {
	docs 1 2 '' "$(vec 1 2 3 4)" >in
	docs 3 3 | head -n 1 | sed 's|"doc":"/c/d3"|"doc":"/c/a\\tb\\nc\\\\d"|' >>in
	tt-index add i <in
	[ "$(tt-index list i | cut -f 1 | tail -n 1)" = '/c/a\tb\nc\\d' ]
	tt-index rm i /c/d1
	[ "$(stat_of i documents) $(stat_of i chunks) $(stat_of i vectors)" = "2 2 2" ]
	for command in list stat merge add; do
		run --separate-stderr tt-index $command i /c/d2 </dev/null
		[ "$status" -eq 2 ]
		[[ "$stderr" = *"'$command' takes no documents"* ]]
	done
}

@test "vectors come in any order, for chunks that are there, and few files of them stay" {
	along() { v=(0 0 0 0 0 0 0); v[$1]=100; vec "${v[@]}"; }	# a vector for each document
	docs 1 5 | tt-index add i
	docs 6 6 | tt-index add i
	tt-index rm i /c/d2
	for n in 6 4 1 2; do docs $n $n '' "$(along $n)"; done >in
	run --separate-stderr tt-index add --vectors i <in
	[ "$status" -eq 0 ]
	[ "$stderr" = "tt-index: warning: 2 vectors were of chunks that are not there, or have one" ]
	[ "$(stat_of i vectors)" -eq 6 ]
	for n in 3 5; do docs $n $n '' "$(along $n)" | grep chunk; done >in
	while read -r chunk; do
		tt-index add --vectors i <<<"$chunk"
	done <in
	[ "$(stat_of i vectors) $(stat_of i chunks)" = "10 10" ]
	[ "$(ls i/*.vec | wc -l)" -le 4 ]
	tt-index verify i
	for n in 1 3 4 5 6; do
		[[ "$(tt-retrieve --dense --json -n 2 i <<<'{"kind":"query","id":"q","text":"x"'"$(along $n)"'}')" = *'"rank":1,"doc":"/c/d'$n'"'*'"rank":2,"doc":"/c/d'$n'"'* ]]
	done
}

@test "vectors of two embedders in one stream: 78, also when they are all that comes" {
	docs 1 2 | tt-index add i
	of() { echo '{"kind":"head","format":1,"model":"'"$1"'"}'; docs "$2" "$2" '' "$(vec 1 2 3 4)" | grep chunk; echo '{"kind":"end"}'; }
	run --separate-stderr tt-index add --vectors i < <(of first 1; of second 2)
	[ "$status" -eq 78 ]
	[[ "$stderr" = *"the index has vectors of 'first', the input those of 'second'"* ]]
	[ "$(stat_of i vectors)" -eq 0 ]
	{ of first 1; of first 2; } | tt-index add --vectors i
	[ "$(stat_of i vectors)" -eq 4 ]
}

@test "a segment is written anew when more than half of it left, or when it is merged; so is one with several files of vectors" {
	docs 1 6 '' "$(vec 1 2 3 4)" | tt-index add i
	tt-index rm i /c/d1 /c/d2 /c/d3
	grep -rq 'document 1' i
	tt-index rm i /c/d4
	run ! grep -rq 'document [1-4]' i
	tt-index rm i /c/d5
	grep -rq 'document 5' i
	tt-index merge i
	run ! grep -rq 'document 5' i
	[ "$(stat_of i documents) $(stat_of i vectors)" = "1 2" ]
	docs 1 1 | tt-index add j
	docs 1 1 '' "$(vec 1 2 3 4)" | grep chunk >in
	while read -r chunk; do
		tt-index add --vectors j <<<"$chunk"
	done <in
	[ "$(ls j/*.vec | wc -l)" -eq 2 ]
	tt-index merge j
	[ "$(ls j/*.vec | wc -l) $(stat_of j vectors)" = "1 2" ]
}
