#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tt-json: both directions, losslessly; broken streams; the examples of its manual page.
bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	printf '%s\n' '{"kind":"query","id":"q1","text":"wie geht das?","k":3,"score":{"cos":1.0,"fused":0.1}}' \
		'{"kind":"query","id":"q2","vec":{"$vec":{"t":"i8","b64":"gQABf38="}},"$odd":[1,-2,null,true,"\u0000"]}' \
		>hand.json
}

@test "lines written by hand become a framed stream" {
	tt-json hand.json >a.rec
	run -0 --separate-stderr tt-json a.rec
	[ "${#lines[@]}" -eq 4 ]
	[[ ${lines[0]} == '{"kind":"head","format":1,"tool":"tt-json",'* ]]
	[[ ${lines[3]} == '{"kind":"end","n":3,"xxh3":"'* ]]
}

@test "msgpack to JSON and back gives the same bytes" {
	tt-json hand.json >a.rec
	tt-json a.rec | tt-json >b.rec
	cmp a.rec b.rec
	tt-json a.rec >a.json
	tt-json a.json | tt-json >b.json
	cmp a.json b.json
}

@test "what JSON has no word for survives" {
	# uint64 max, f64 infinity, f32 1.5, bin, timestamp ext, vec with flags
	printf '\x87\xa4kind\xa1x\xa1a\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1b\xcb\x7f\xf0\0\0\0\0\0\0\xa1c\xca\x3f\xc0\0\0' >x
	printf '\xa1d\xc4\x02\xff\0\xa1e\xd6\xff\0\0\0\x01\xa1f\xd7\x01\0\x01\0\0\0\0\x80\x3f' >>x
	{ printf '\x82\xa4kind\xa4head\xa6format\x01'; cat x; } >body
	# The end record, made by the program itself, is cut off the JSON and left to be made again.
	{ printf '{"kind":"head","format":1}\n'
	  printf '%s\n' '{"kind":"x","a":{"$u64":"18446744073709551615"},"b":{"$f64":"7ff0000000000000"},"c":{"$f32":"3fc00000"},"d":{"$bin":"/wA="},"e":{"$ext":{"type":-1,"b64":"AAAAAQ=="}},"f":{"$vec":{"t":"f32","flags":1,"b64":"AACAPw=="}}}'
	  printf '{"kind":"end"}\n'; } >want.json
	tt-json want.json >got.rec
	cmp -n "$(stat -c %s body)" got.rec body
	tt-json got.rec | sed '/"end"/d' >got.json
	sed '/"end"/d' want.json | cmp - got.json
}

@test "in a conversation a record is passed on before the next one comes" {
	mkfifo in
	tt-json --to=json <in >out &
	exec 7>in
	echo '{"kind":"note","n":1}' >&7
	comes note out
	exec 7>&-
	wait $!
}

@test "concatenated streams stay apart" {
	tt-json hand.json >a.rec
	cat a.rec a.rec | tt-json >two.json
	[ "$(grep -c '"kind":"head"' two.json)" -eq 2 ]
	[ "$(grep -c '"kind":"end"' two.json)" -eq 2 ]
	tt-json two.json | cmp - <(cat a.rec a.rec)
}

@test "a cut stream is an error that names stage, record and byte" {
	tt-json hand.json | head -c 150 >cut.rec
	run -65 --separate-stderr tt-json cut.rec
	[[ $stderr == *"cut.rec: record 2 from tt-json"*"(at byte 150)"* ]]
	[[ $output != *'"end"'* ]]
}

@test "empty or closed input and closed output are errors" {
	run -65 tt-json </dev/null
	run -74 bash -c 'tt-json <&-'
	run -74 bash -c 'tt-json hand.json >&-'
}

@test "a reader that leaves ends a program quietly where SIGPIPE was ignored, too" {
	seq -f '{"kind":"note","n":%.0f}' 50000 >many
	run --separate-stderr bash -c "trap '' PIPE; tt-json many | head -c 1 >/dev/null; echo \${PIPESTATUS[0]}"
	[ "$output" -eq 141 ]
	[ -z "$stderr" ]
}

@test "a file that may not be read: 77" {
	as_user=
	test "$(id -u)" != 0 || as_user='setpriv --bounding-set=-dac_override,-dac_read_search'
	$as_user true || skip "needs setpriv"
	echo '{"id":"q","text":"x"}' >closed
	chmod 0 closed
	for c in "tt-json closed" "tt-chunk closed" "tt-chunk --jsonl closed" "tt-score queries closed"
	do
		run -77 --separate-stderr $as_user $c
		[[ "$stderr" == *"cannot open '"*"closed': Permission denied" ]] || [[ "$c" = "tt-chunk closed" ]]
	done
}

@test "a missing file is exit 66, a full disk 74" {
	run -66 tt-json nowhere.rec
	tt-json hand.json >a.rec
	run -74 bash -c 'tt-json a.rec >/dev/full'
}

@test "a long line in little memory is read whole, or not at all: 74" {
	! grep -q __asan_init "$(command -v tt-json)" || skip "a sanitizer takes all addresses"
	{ printf '{"kind":"note","text":"'; head -c 12000000 /dev/zero | tr '\0' a; echo '"}'; } >long.json
	tt-json long.json >long.rec
	for kib in 20000 26000 29000 35000 38000 41000 44000 47000 200000
	do
		status=0
		(ulimit -v $kib && tt-json long.json >out 2>err) || status=$?
		echo "$kib: $status"
		[ "$status" -eq 0 ] || [ "$status" -eq 74 ]
		[ "$status" -ne 0 ] || cmp out long.rec
	done
	[ "$status" -eq 0 ]
}

@test "pretty output is several lines a record" {
	run -0 tt-json -p hand.json
	[ "${lines[0]}" = "{" ]
	[ "${lines[1]}" = '  "kind": "query",' ]
}

@test "plain text is refused, not guessed at" {
	run -65 --separate-stderr tt-json <<<"how do I?"
	[[ $stderr == *"not a record"* ]]
}

@test "JSON that is not a record is refused" {
	run -65 tt-json <<<'{"kind":"x","kind":"y"}'
	run -65 tt-json <<<'{"no":"kind"}'
	run -65 --separate-stderr tt-json <<<'{"kind":"x","v":1}
{"kind":"x","v":{"$vec":{"t":"i9","b64":""}}}'
	[[ $stderr == *'record 1: malformed "$vec" (at byte 19)' ]]
	run -65 tt-json <<<'{"kind":"x","v":{"$bin":"%%%"}}'
	run -65 bash -c 'printf "{\"kind\":\"x\",\"v\":%s1%s}" "$(printf "[%.0s" {1..40})" "$(printf "]%.0s" {1..40})" | tt-json'
}

@test "wrong use is exit 2" {
	run -2 tt-json --to=yaml hand.json
	run -2 tt-json --nope
}

@test "a closed pipe ends it quietly" {
	for i in {1..3000}; do cat hand.json; done >many.json
	run -0 --separate-stderr bash -c 'tt-json --to=json many.json | head -1'
	[ -z "$stderr" ]
}

@test "streams of every format that was ever released stay readable" {
	data=$BATS_TEST_DIRNAME/../data/records
	for rec in "$data"/v*.rec
	do
		tt-json "$rec" | cmp - "${rec%.rec}.json"
		tt-json "${rec%.rec}.json" | cmp - "$rec"
	done
}

@test "a format or feature of tomorrow is exit 76" {
	run -76 tt-json <<<'{"kind":"head","format":2}'
	run -76 tt-json <<<'{"kind":"head","format":1,"features":["zip"]}'
}
