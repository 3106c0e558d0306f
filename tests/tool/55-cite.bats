#!/usr/bin/env bats
# tt-cite: a citation is true if its source says so now.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	cd "$BATS_TEST_TMPDIR" || exit 1
	printf '.TP\n\\-x, \\-\\-extract\nExtract \\fBfiles\\fP from an archive.\n' >page.1
	gzip -kn page.1
}

answer() {	# answer PATH FROM TO [FIELDS]
	printf '{"kind":"answer","query":"q1","text":"so it is [1]","cites":[{"n":1,"name":"page(1)","src":{"path":"%s"},"span":{"b":[%d,%d],"l":[1,3]}%s}]}\n' \
		"$1" "$2" "$3" "$4"
}

@test "a quotation that stands in its span is true, compressed or not" {
	for f in page.1 page.1.gz; do
		answer $f 0 50 ',"quote":"-x, --extract Extract files"' | tt-cite --json >out
		grep -q '"ok":true' out
	done
}

@test "what pod2man writes between words, and within them, does not matter; nor do bullets" {
	{
		printf '.IP "\\fB\\-x\\fR" 4\n.IX Item "-x one two three"\n.PD 0\n.IP "\\fB\\-y\\fR" 4\n.IX Item "-y"\n.PD\n'
		printf 'Don\\*(Aqt write \\s-1HTML\\s0s.\n.IP "\\(bu" 2\nThe \\m[blue]last\\m[] \\s10word\\s0s.\n'
	} >pod.1
	end=$(wc -c <pod.1)
	for quote in "-x, -y Don't write HTMLs" 'write HTMLs. • The last words' 'Don’t write'; do
		answer pod.1 0 "$end" ',"quote":"'"$quote"'"' | tt-cite -q
	done
	for quote in 'x write' 'write HTML' 'last word'; do
		run ! tt-cite -q < <(answer pod.1 0 "$end" ',"quote":"'"$quote"'"')
	done
}

@test "an answer goes out while the next is still to come" {
	mkfifo answers
	tt-cite --json <answers >out 9>&- &
	exec 9>answers
	answer page.1 0 50 ',"quote":"Extract files"' >&9
	comes '"ok":true' out
	exec 9>&-
	wait
}

@test "a quotation that does not is false: 1" {
	run --separate-stderr tt-cite --json < <(answer page.1 0 50 ',"quote":"delete files"')
	[ "$status" -eq 1 ]
	[[ "$output" = *'"ok":false,"why":"the quotation is not there"'* ]]
}

@test "a source that is a folder, a FIFO or cut gzip cannot be read: said, and nothing waits" {
	mkdir folder
	mkfifo fifo
	head -c 40 page.1.gz >cut.1.gz
	for f in folder fifo cut.1.gz
	do
		run --separate-stderr timeout 10 tt-cite --json < <(answer $f 0 5 ',"quote":"TP"')
		[ "$status" -eq 1 ]
		[[ "$output" = *'"ok":false,"why":"'*"'$f'"* ]]
	done
}

@test "a source that grows too large when it is unpacked cannot be read" {
	head -c 1M /dev/zero | gzip >mb.gz
	for _ in $(seq 257); do cat mb.gz; done >bomb.gz
	run -1 --separate-stderr tt-cite --json < <(answer bomb.gz 0 5 ',"quote":"x"')
	[[ "$output" = *"'bomb.gz' is longer than 268435456 bytes"* ]]
}

@test "nor one that is too large as it is: nothing of it is read" {
	truncate -s 1T holes
	run -1 --separate-stderr timeout 10 tt-cite --json < <(answer holes 0 5 ',"quote":"x"')
	[[ "$output" = *"'holes' is longer than 268435456 bytes"* ]]
}

@test "a source that is written to while it is read costs an answer, never a crash" {
	python3 -c 'import os
text = b"word " * 400000
with open("page.txt", "wb", 0) as f:
	while not os.path.exists("stop"):
		f.truncate(0); f.seek(0); f.write(text)' 3>&- &
	writer=$!
	until [ -s page.txt ]
	do
		sleep 0.01
	done
	for _ in $(seq 100)
	do
		answer page.txt 0 5 ',"quote":"word"'
		answer page.1 0 5 ',"quote":"TP"'
	done | { tt-cite --json >out || echo "$?" >status; }
	: >stop
	wait "$writer"
	[ "$(cat status 2>/dev/null || echo 0)" -le 1 ]
	[ "$(grep -c '"kind":"answer"' out)" -eq 200 ]
}

@test "a span outside the source, a source that is gone, and one that changed are false" {
	for bad in 'page.1 0 999|outside' 'gone.1 0 5|cannot open' 'page.1 9 3|outside'; do
		# shellcheck disable=SC2086
		run --separate-stderr tt-cite --json < <(answer ${bad%|*} ',"quote":"files"')
		[ "$status" -eq 1 ]
		[[ "$output" = *'"why":"'*"${bad#*|}"* ]]
	done
	run --separate-stderr tt-cite < <(answer page.1 0 5 | sed 's/"path":"page.1"/&,"xxh3":"00000000000000000000000000000000"/')
	[ "$status" -eq 1 ]
}

@test "an unquoted source that has not changed is true, also if its span is of the longer text that a converter made" {
	sum=$(echo "$PWD/page.1" | tt-chunk --filter 'page.1=seq 999' | tt-json | sed -n 's/.*"xxh3":"\([0-9a-f]*\)".*/\1/p' | head -1)
	run --separate-stderr tt-cite < <(answer page.1 5000 5100 | sed 's/"path":"page.1"/&,"xxh3":"'"$sum"'"/')
	[ "$status" -eq 0 ]
	echo x >>page.1
	run --separate-stderr tt-cite < <(answer page.1 5000 5100 | sed 's/"path":"page.1"/&,"xxh3":"'"$sum"'"/')
	[ "$status" -eq 1 ]
}

@test "a message about a long name is cut, and not within a character" {
	for pad in a ab
	do
		run --separate-stderr tt-cite --json < <(answer "$pad$(printf 'é%.0s' $(seq 300))" 0 5)
		[ "$status" -eq 1 ]
		[[ "$output" = *'"ok":false,"why":"cannot open'* ]]
	done
}

@test "an earlier ok is not believed, other fields survive" {
	run --separate-stderr tt-cite --json < <(answer page.1 0 50 ',"quote":"no","ok":true,"id":"7"')
	[[ "$output" = *'"id":"7"'* ]]
	[[ "$output" = *'"ok":false'* ]]
	[[ "$output" != *'"ok":true'* ]]
}

@test "a source that memory does not hold is not called false: 74" {
	head -c 100000000 /dev/zero | gzip -1 >big.gz
	run -74 --separate-stderr bash -c 'grep -q __asan_init "$(command -v tt-cite)" && exit 74
		ulimit -v 60000; echo "{\"kind\":\"answer\",\"cites\":[{\"doc\":\"big.gz\",\"span\":{\"b\":[0,9]}}]}" | tt-cite'
	[[ -z "$stderr" || "$stderr" = "tt-cite: cannot read 'big.gz': out of memory" ]]
}

@test "on a terminal a citation is a line, whatever name and path hold" {
	command -v script >/dev/null || skip "needs script"
	printf '%s\n' '{"kind":"answer","cites":[{"name":"a\u001b[1m\nb","src":{"path":"/none\u001b[1m\ntrue\tb"},"span":{"b":[0,9]}}]}' >odd
	script -qec "tt-cite <odd" /dev/null >said </dev/null || [ $? -eq 1 ]
	run ! grep $'\e' said
	[ "$(grep -c '^FALSE' said)" -eq 1 ]
	run ! grep '^true' said
	echo '{"kind":"answer","cites":[{"name":"b.md","src":{"path":"/none/b.md"},"span":{"b":[0,9]}}]}' >odd
	script -qec "tt-cite <odd" /dev/null >said </dev/null || [ $? -eq 1 ]
	grep -q $'^FALSE\t/none/b.md\t' said
}

@test "one bad citation of several makes 1; what names no source, or says nothing of it, is bad" {
	for cite in '"path":"none.1"},"quote":"files"' '"path":"page.1"}' '"path":"page.1\\u0000"},"quote":"files"' '"path":""},"quote":"files"'; do
		answer page.1 0 50 ',"quote":"files"' | sed 's|"cites":\[|&{"n":2,"src":{'"$cite"',"span":{"b":[0,50]}},|' >in
		run --separate-stderr tt-cite --json <in
		[ "$status" -eq 1 ]
		[ "$stderr" = "tt-cite: 1 of 2 citations could not be verified" ]
		[[ "$output" = *'"ok":false,"why":'*'"ok":true'* ]]
	done
	run --separate-stderr tt-cite --json <<<'{"kind":"answer","query":"q","text":"t","cites":[7]}'
	[ "$status" -eq 1 ]
	[ "$stderr" = "tt-cite: 1 of 1 citations could not be verified" ]
}

@test "without src the document is the source; what was wrong before is not repeated, and other keys that begin alike stay" {
	echo '{"kind":"answer","cites":[{"doc":"page.1","span":{"b":[0,50]},"quote":"files","why":"it was not there","w":1,"okay":2}]}' >in
	run --separate-stderr tt-cite --json <in
	[ "$status" -eq 0 ]
	[[ "$output" = *'"quote":"files","w":1,"okay":2,"ok":true}'* ]]
}

@test "each citation is looked up in its own source, though one name begins like another" {
	echo 'nothing of that' >page.12
	{ answer page.12 0 15 ',"quote":"nothing"'; answer page.1 0 50 ',"quote":"files"'; } | tt-cite -q
	run -1 --separate-stderr tt-cite -q < <(answer page.1 0 50 ',"quote":"files"'; answer page.12 0 15 ',"quote":"files"')
}

@test "the checksum is that of the file, or of what is packed in it, and whole" {
	sum=$(echo "$PWD/page.1" | tt-chunk | tt-json | sed -n 's/.*"xxh3":"\([0-9a-f]*\)".*/\1/p' | head -1)
	unquoted() { answer "$1" 0 50 | sed 's/"path":"[^"]*"/&,"xxh3":"'"$2"'"/'; }
	unquoted page.1 "$sum" | tt-cite -q
	unquoted page.1.gz "$sum" | tt-cite -q
	run -1 --separate-stderr tt-cite -q < <(unquoted page.1 "${sum}0")
	run -1 --separate-stderr tt-cite -q < <(unquoted page.1 "${sum%?}")
}

@test "few words of the source may stand between those of a quotation, again and again; many may not, nor a word that goes on; macros are none" {
	printf 'one a b c two d e f three g h i j four fourteen\nfive\n.a\n.b\n.c\n.d\nsix ..a ..b ..c ..d seven\n.abc\n.def\n.ghi\n.jkl\neight 港口。领航船\n' >gaps
	for quote in 'one two three' 'one a two' 'four FOURTEEN' 'five six' 'eight 港口 领航船'; do
		answer gaps 0 "$(wc -c <gaps)" ',"quote":"'"$quote"'"' | tt-cite -q
	done
	for quote in 'one two three four' 'one c three' 'four four' 'fourt' 'six seven' 'seven eight'; do
		run -1 --separate-stderr tt-cite -q < <(answer gaps 0 "$(wc -c <gaps)" ',"quote":"'"$quote"'"')
	done
}

@test "an answer without citations passes: 0; --quiet prints nothing" {
	run tt-cite --json <<<'{"kind":"answer","query":"q","text":"t","cites":[]}'
	[ "$status" -eq 0 ]
	run tt-cite -q < <(answer page.1 0 50 ',"quote":"files"')
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run tt-cite -q < <(answer page.1 0 50 ',"quote":"folders"')	# run takes standard error, too
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "an error record is told where it is not passed on, and is no success" {
	printf '%s\n' '{"kind":"error","stage":"tt-x","msg":"no luck"}' '{"kind":"answer","query":"q","text":"t","cites":[]}' >failed
	[[ "$(script -qec 'tt-cite <failed || echo $?' /dev/null </dev/null | tr -d '\r')" == "tt-cite: warning: tt-x: no luck"$'\n'3 ]]
	run tt-cite -q <failed
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	run tt-cite --json <failed
	[ "$status" -eq 0 ]
	[[ "$output" == *'"kind":"error"'* ]]
}

@test "a full disk: 74" {
	run --separate-stderr sh -c 'echo "{\"kind\":\"answer\"}" | tt-cite >/dev/full'
	[ "$status" -eq 74 ]
}
