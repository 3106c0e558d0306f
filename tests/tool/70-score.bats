#!/usr/bin/env bats
# tt-score: which queries are asked, and figures that can be computed by hand.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	cd "$BATS_TEST_TMPDIR" || exit 1
	cat >q.jsonl <<'EOF'
{"id":"a","text":"list an archive","text_named":"tar: list","gold_flags":[["-t","--list"]],"flags_not_in_page":[]}
{"id":"b","text":"extract and keep","gold_flags":[["-x","--extract"],["-k"]],"flags_not_in_page":[]}
{"id":"c","text":"undocumented","gold_flags":[["-q"]],"flags_not_in_page":[["-Q"]]}
{"id":"d","text":"nobody judged this"}
EOF
	printf '%s\t%s\t%s\n' a tar.1 2 a cpio.1 1 b tar.1 2 c other.1 2 >qrels.tsv
	cat >hits.jsonl <<'EOF'
{"kind":"query","id":"a","text":"list an archive"}
{"kind":"hit","query":"a","doc":"/m/cpio.1.gz","sec":["OPTIONS","-l"],"text":"..."}
{"kind":"hit","query":"a","doc":"/m/cpio.1.gz","text":"again"}
{"kind":"hit","query":"a","doc":"/m/tar.1.gz","sec":["OPTIONS","-t, --list"],"text":"..."}
{"kind":"query","id":"b","text":"extract and keep"}
{"kind":"hit","query":"b","doc":"/m/tar.1.gz","text":"-x is extract; see -k"}
{"kind":"query","id":"c","text":"undocumented"}
EOF
	cat >answers.jsonl <<'EOF'
{"kind":"answer","query":"a","text":"Use --list [3].","refused":false,"cites":[{"n":3,"doc":"/m/tar.1.gz"}]}
{"kind":"answer","query":"b","text":"Use -x [1, 2].","refused":false,"cites":[{"n":1,"doc":"/m/tar.1.gz"}]}
{"kind":"answer","query":"c","text":"Not in your documents.","refused":true,"cites":[]}
EOF
}

asked() {
	tt-score queries "$@" q.jsonl | tt-json | sed -n 's/.*"id": *"\([a-z]*\)".*/\1/p' | tr -d '\n'
}

@test "queries: all, the judged, those that ask for documented options" {
	[ "$(asked)" = abcd ]
	[ "$(asked --qrels qrels.tsv)" = abc ]
	[ "$(asked --qrels qrels.tsv --flags)" = ab ]
}

@test "queries: only those whose best page is among the documents" {
	printf '/m/tar.1.gz\t10\t20\n' >docs
	[ "$(asked --qrels qrels.tsv --docs docs)" = ab ]
	printf '/m/cpio.1.gz\n' >docs
	[ "$(asked --qrels qrels.tsv --docs docs)" = "" ]
}

@test "queries: that none can be scored is told under the name it was installed by" {
	ln -s "$(command -v tt-score)" x-score
	run --separate-stderr ./x-score queries --qrels qrels.tsv --docs /dev/null q.jsonl
	[ "$status" -eq 1 ]
	[ "$stderr" = "x-score: no query can be scored" ]
}

@test "queries: a sample is spread evenly" {
	[ "$(asked --limit 2)" = ac ]
	[ "$(asked --limit 9)" = abcd ]
}

@test "queries: the field that is asked, 65 when a query lacks it" {
	run --separate-stderr tt-score queries --field text_named q.jsonl
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"'b'"*text_named* ]]
}

@test "a query whose name begins like one of the set, and goes on behind a NUL, is another: 65" {
	printf '{"kind":"answer","query":"a\\u0000%0500d","text":"x"}\n' 0 >odd
	run --separate-stderr tt-score answers q.jsonl <odd
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"stdin: record 0: query"*"is not in the set"* ]]
	run --separate-stderr tt-score answers --plain odd q.jsonl <odd
	[[ "$stderr" == *"odd: record 0: query"*"is not in the set"* ]]
}

@test "retrieval: a page counts once, MRR waits for the best grade, nothing found counts as nothing" {
	run --separate-stderr tt-score retrieval --json --qrels qrels.tsv q.jsonl <hits.jsonl
	[ "$status" -eq 0 ]
	# a: (1 + 2/log2(3)) / (2 + 1/log2(3)) = 0.85970; b: 1; c: 0
	[[ "$output" == *'"nDCG@10":0.61990'* ]]
	[[ "$output" == *'"recall@10":0.6666'* ]]
	# a: 1/2; b: 1; c: 0
	[[ "$output" == *'"MRR@10":0.5'[,}]* ]]
	[[ "$output" == *'"nDCG@10":3'[,}]* ]]
}

@test "retrieval: a page that is judged twice is one page, with the higher grade" {
	tt-score retrieval --qrels qrels.tsv q.jsonl <hits.jsonl >once
	printf 'a\ttar.1\t1\nb\ttar.1\t2\n' | cat - qrels.tsv >twice.tsv
	tt-score retrieval --qrels twice.tsv q.jsonl <hits.jsonl | diff once -
}

@test "answers: options, citations, pages, and what the sources hold" {
	run --separate-stderr tt-score answers --qrels qrels.tsv --hits hits.jsonl q.jsonl <answers.jsonl
	[ "$status" -eq 0 ]
	value() { awk -v k="$1" '$1 == k { print $2, $4 }' <<<"$output"; }
	[ "$(value option_right)" = "0.5000 2" ]	# b does not name -k
	[ "$(value cites)" = "0.3333 3" ]		# b cites 2, and had one source
	[ "$(value bad_number)" = "0.3333 3" ]
	[ "$(value page_right)" = "0.6667 3" ]
	[ "$(value refused)" = "0.3333 3" ]
	[ "$(value first_entry)" = "0.5000 2" ]
	[ "$(value sources_hold)" = "1.0000 2" ]
	run --separate-stderr tt-score answers --qrels qrels.tsv --hits hits.jsonl --plain answers.jsonl q.jsonl <answers.jsonl
	[ "$(value no_sources)" = "0.5000 2" ]		# of those that can be judged
}

@test "answers beside gold answers: exact, shared words, held; a refusal is none" {
	printf '%s\n' '{"id":"g","text":"who?","answers":["Norman kings","kings"]}' \
		'{"id":"h","text":"when?","answers":["1066"]}' '{"id":"i","text":"where?","answers":["Dover"]}' >g.jsonl
	printf '%s\n' '{"kind":"query","id":"g","text":"who?"}' '{"kind":"hit","query":"g","doc":"d","text":"The Norman kings."}' \
		'{"kind":"query","id":"h","text":"when?"}' '{"kind":"query","id":"i","text":"where?"}' >gh.jsonl
	printf '%s\n' '{"kind":"answer","query":"g","text":"The Norman kings [1].","cites":[{"n":1,"doc":"d"}]}' \
		'{"kind":"answer","query":"h","text":"In 1066, then.","cites":[]}' \
		'{"kind":"answer","query":"i","text":"Dover","refused":true,"cites":[]}' >ga.jsonl
	run --separate-stderr tt-score answers --hits gh.jsonl g.jsonl <ga.jsonl
	[ "$status" -eq 0 ]
	value() { awk -v k="$1" '$1 == k { print $2, $4 }' <<<"$output"; }
	[ "$(value exact_match)" = "0.3333 3" ]
	[ "$(value f1)" = "0.5000 3" ]		# 1; 2 * 1 / (3 + 1); 0
	[ "$(value answer_held)" = "0.6667 3" ]
	[ "$(value sources_hold)" = "0.3333 3" ]
	[ "$(tt-score queries --flags g.jsonl | tt-json | grep -c '"kind":"query"')" -eq 3 ]
}

@test "answers: what is a number of a source, and which are too small or too large" {
	echo '{"id":"a","text":"list","gold_flags":[["-t"]]}' >one.jsonl
	printf '%s\n' '{"kind":"query","id":"a","text":"list"}' '{"kind":"hit","query":"a","doc":"d","text":"..."}' >hit.jsonl
	bad() { # TEXT [CITES]: how many of one answer have a bad number
		echo '{"kind":"answer","query":"a","text":"'"$1"'","cites":['"$2"']}' |
			tt-score answers --hits hit.jsonl one.jsonl | awk '$1 == "bad_number" { print int($2) }'
	}
	for text in '[2]' '[0]' '[1, 2]' '[1-2]' 'x[1] [99999999999999999999]' '[4294967297]'; do
		[ "$(bad "$text")" -eq 1 ]
	done
	for text in '[1]' '[1; 1]' '[2' '[2 of' '[]' '[see 2]' '2' 'a[x]'; do
		[ "$(bad "$text")" -eq 0 ]
	done
	[ "$(bad x '{"n":1}')$(bad x '{"n":0}')$(bad x '{"n":2}')$(bad x '{}')$(bad x 1)" = 01111 ]
}

@test "answers: one that is refused names no option, and cites nothing where a number is bad" {
	printf '%s\n' '{"kind":"answer","query":"a","text":"Use --list [9].","refused":true,"cites":[{"n":1,"doc":"/m/tar.1.gz"}]}' >answer.jsonl
	run --separate-stderr tt-score answers --hits hits.jsonl q.jsonl <answer.jsonl
	for line in 'option_right *0.0000  of 1' 'cites *0.0000  of 1' 'bad_number *1.0000  of 1'; do
		grep "^$line" <<<"$output"
	done
}

@test "retrieval: ten pages count, a query without judgements as nothing, and a hit belongs to the query before it" {
	{
		echo '{"kind":"query","id":"a","text":"?"}'
		seq -f '{"kind":"hit","query":"a","doc":"/m/x.%g","text":"..."}' 9
		echo '{"kind":"hit","query":"a","doc":"/m/tar.1","text":"..."}'
		echo '{"kind":"hit","query":"a","doc":"/m/cpio.1","text":"..."}'
		echo '{"kind":"query","id":"d","text":"?"}'
		echo '{"kind":"hit","query":"d","doc":"/m/tar.1","text":"..."}'
	} >ten
	run --separate-stderr tt-score retrieval --qrels qrels.tsv q.jsonl <ten
	grep 'recall@10 *0.2500  of 2' <<<"$output"	# a: 1/2
	grep 'MRR@10 *0.0500  of 2' <<<"$output"	# a: 1/10
	run -65 --separate-stderr tt-score retrieval --qrels qrels.tsv q.jsonl < <(sed '1s/"a"/"b"/' ten)
	[[ "$stderr" = *"a hit that does not follow its query"* ]]
}

@test "a NUL byte in judgements or in a list of documents hides nothing: 65" {
	printf 'a\ttar.1\t2\n\0b\ttar.1\t2\n' >nul.tsv
	run -65 --separate-stderr tt-score queries --qrels nul.tsv q.jsonl
	[[ "$stderr" = *"'nul.tsv' holds a NUL byte (at byte 10)" ]]
	printf '/m/tar.1.gz\0/m/cpio.1.gz\0' >nul
	run -65 --separate-stderr tt-score queries --qrels qrels.tsv --docs nul q.jsonl
	[[ "$stderr" = *"'nul' holds a NUL byte (at byte 11)" ]]
}

@test "judgements: a byte order mark, and lines that end as on DOS; empty lines between queries; what is no grade, or no query: 65, with its line" {
	tt-score retrieval --qrels qrels.tsv q.jsonl <hits.jsonl >want
	sed -e '1s/^/\xef\xbb\xbf/' -e 's/$/\r/' qrels.tsv >dos.tsv
	sed -e '1s/^/\xef\xbb\xbf/' -e G q.jsonl >empty.jsonl
	tt-score retrieval --qrels dos.tsv empty.jsonl <hits.jsonl | diff want -
	for bad in 'a\tx\t-1' 'a\tx\t1001' 'a\tx\tone' 'a\tx\t1x' 'a\tx'; do
		printf "b\ttar.1\t1\n$bad\n" >bad.tsv
		run -65 --separate-stderr tt-score retrieval --qrels bad.tsv q.jsonl <hits.jsonl
		[[ "$stderr" = *"'bad.tsv' line 2: expected query, document and grade" ]]
	done
	for bad in '{"id":7}' '{"id":"e","id":"f"}' '["id"]' '{'; do
		{ cat q.jsonl; echo "$bad"; } >bad.jsonl
		run -65 --separate-stderr tt-score queries bad.jsonl
		[[ "$stderr" = *"'bad.jsonl' line 5: expected a JSON object with an 'id'" ]]
	done
}

@test "what long sources hold is told in time that grows with them, not with its square" {
	echo '{"id":"g","text":"who?","answers":["no such","9999 10000"]}' >g.jsonl
	{
		echo '{"kind":"query","id":"g","text":"who?"}'
		for n in 20000 10000; do
			echo "{\"kind\":\"hit\",\"query\":\"g\",\"doc\":\"d$n\",\"text\":\"$(seq -s ' ' $n)\"}"
		done
	} >gh.jsonl
	echo '{"kind":"answer","query":"g","text":"x","cites":[]}' | timeout 10 tt-score answers --hits gh.jsonl g.jsonl >out
	grep -q 'first_entry  *1.0000  of 1' out
	grep -q 'sources_hold  *1.0000  of 1' out
}

@test "answers without the hits: only refusals are counted" {
	run --separate-stderr tt-score answers q.jsonl <answers.jsonl
	[ "$status" -eq 0 ]
	[ "$(wc -l <<<"$output")" -eq 1 ]
	[[ "$output" == refused*0.3333* ]]
}

@test "without judgements no figure of pages is given: retrieval is wrong use, answers leave theirs out" {
	run --separate-stderr tt-score retrieval q.jsonl <hits.jsonl
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ "$stderr" == *'needs --qrels'* ]]
	tt-score answers --hits hits.jsonl q.jsonl <answers.jsonl >out
	grep -q ^cites out
	run grep ^page_ out
	[ "$status" -eq 1 ]
}

@test "a stream that is cut: 65" {
	tt-score queries q.jsonl | head -c 100 >cut
	run --separate-stderr tt-score retrieval --qrels qrels.tsv q.jsonl <cut
	[ "$status" -eq 65 ]
}

@test "a query that the set does not know: 65; a file that is not there: 66; a full disk: 74" {
	echo '{"kind":"query","id":"z","text":"?"}' >z
	run --separate-stderr tt-score retrieval --qrels qrels.tsv q.jsonl <z
	[ "$status" -eq 65 ]
	run --separate-stderr tt-score retrieval --qrels qrels.tsv nothing <z
	[ "$status" -eq 66 ]
	run --separate-stderr sh -c 'tt-score queries q.jsonl >/dev/full'
	[ "$status" -eq 74 ]
}

@test "no records at all: 65; none that can be scored: 1" {
	run --separate-stderr tt-score retrieval --qrels qrels.tsv q.jsonl </dev/null
	[ "$status" -eq 65 ]
	[ -n "$stderr" ]
	[ -z "$output" ]
	printf '{"kind":"head","format":1}\n{"kind":"end","n":1}\n' >empty
	run --separate-stderr tt-score retrieval --qrels qrels.tsv q.jsonl <empty
	[ "$status" -eq 1 ]
	run --separate-stderr tt-score queries --flags q.jsonl
	[ "$status" -eq 0 ]
	run --separate-stderr tt-score queries --docs /dev/null --qrels qrels.tsv q.jsonl
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'no query can be scored'* ]]
}

@test "judgements of which none is of a query: 65, not figures of 0" {
	: >empty.tsv
	printf 'a\ttar.1\t0\nz\ttar.1\t1\n' >other.tsv
	for file in empty.tsv other.tsv
	do
		run -65 --separate-stderr tt-score retrieval --qrels $file q.jsonl <hits.jsonl
		[[ "$stderr" == *"'$file' judges no document for any query of 'q.jsonl'" ]]
		[ -z "$output" ]
		run -65 --separate-stderr tt-score answers --qrels $file --hits hits.jsonl q.jsonl <answers.jsonl
		run -65 --separate-stderr tt-score queries --qrels $file q.jsonl
	done
}
