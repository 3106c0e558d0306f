#!/usr/bin/env bats
# tt-retrieve: queries in, each with its hits out.
bats_require_minimum_version 1.5.0
load common

setup_file() {
	find_build
	cd "$BATS_FILE_TMPDIR" || exit 1
	{
		doc tar.1 'tar(1)' 'tar - an archiving utility' man
		chunk tar.1 0 NAME name 'tar - an archiving utility'
		chunk tar.1 1 '-x, --extract' option '-x, --extract: extract files from an archive'
		chunk tar.1 2 '-t, --list' option '-t, --list: list the contents of an archive'
		doc ls.1 'ls(1)' 'ls - list directory contents' man
		chunk ls.1 0 NAME name 'ls - list directory contents'
		chunk ls.1 1 '-l' option '-l use a long listing format'
		doc gtar.1 gtar.1 gtar.1 alias ',"meta":{"alias_of":"tar.1"}'
		doc notes.md notes.md 'Notes' markdown
		chunk notes.md 0 Notes para 'the archive of the year is in the cellar' ',"meta":{"year":"2020"}'
	} | tt-index add i
}

doc() {
	printf '{"kind":"doc","doc":"%s","name":"%s","title":"%s","type":"%s","src":{"path":"%s","xxh3":"00"}%s}\n' "$1" "$2" "$3" "$4" "$1" "$5"
}

chunk() {
	printf '{"kind":"chunk","doc":"%s","seq":%d,"id":"%s","sec":["%s"],"unit":"%s","span":{"b":[0,9],"l":[%d,9]},"text":"%s","n_tok":9%s}\n' \
		"$1" "$2" "$(printf '%s %s' "$1" "$2" | md5sum | cut -c 1-32)" "$3" "$4" "$2" "$5" "$6"
}

setup() {
	cd "$BATS_FILE_TMPDIR" || exit 1
}

hits() {	# "doc seq" of every hit on stdin
	tt-json | sed -n 's/.*"kind":"hit".*"doc":"\([^"]*\)".*"seq":\([0-9]*\).*/\1 \2/p'
}

@test "the best entry of the right page comes first" {
	[ "$(tt-retrieve i <<<'extract an archive' | hits | head -1)" = "tar.1 1" ]
	[ "$(tt-retrieve i <<<'how do I list the contents of an archive?' | hits | head -1)" = "tar.1 2" ]
}

@test "an unknown processor level is wrong use, and every level finds the same" {
	TT_CPU=fast run -2 --separate-stderr tt-retrieve i <<<'extract an archive'
	[[ $stderr == *"'fast'"* ]]
	printf '%s\n' '{"kind":"doc","doc":"d","name":"d","title":"d","type":"text","src":{"path":"d","xxh3":"00"}}' \
		'{"kind":"chunk","doc":"d","seq":0,"id":"00000000000000000000000000000001","text":"a","unit":"para","n_tok":9,"vec":{"$vec":{"t":"i8","b64":"YAB/AA=="}},"vec_scale":0.01}' \
		'{"kind":"chunk","doc":"d","seq":1,"id":"00000000000000000000000000000002","text":"b","unit":"para","n_tok":9,"vec":{"$vec":{"t":"i8","b64":"fwAAAA=="}},"vec_scale":0.01}' >v.json
	tt-index add v <v.json
	for level in ref avx2 avx512 vnni
	do
		TT_CPU=$level tt-retrieve --dense --json v <<<'{"kind":"query","id":"q","text":"x","vec":{"$vec":{"t":"i8","b64":"fwoAAA=="}},"vec_scale":0.01}' >"$level"
		grep -q '"kind":"hit"' "$level"
		cmp ref "$level"
	done
}

@test "a page that is named is found by its name" {
	[[ "$(tt-retrieve i <<<'ls: contents' | hits | head -1)" = ls.1* ]]
	[ "$(tt-retrieve i <<<'notes.md archive' | hits | head -1)" = "notes.md 0" ]
}

@test "pages of commands come before those of calls and files, unless such a page is named" {
	{
		for n in mark.7 note.1 mark.3 mark.5
		do
			doc $n "${n%.*}(${n#*.})" "$n" man
			chunk $n 0 DESCRIPTION para 'it keeps a remark about a file'
		done
		doc remark.md remark.md 'Remarks' markdown
		chunk remark.md 0 Remarks para 'it keeps a remark about a file'
	} | tt-index add aside
	tt-retrieve -n 5 aside <<<'keep a remark about a file' | hits >found
	[ "$(head -2 found | sort | tr '\n' ' ')" = "note.1 0 remark.md 0 " ]
	[ "$(wc -l <found)" -eq 5 ]
	[ "$(tt-retrieve aside <<<'keep a remark about a file with mark' | hits | head -1)" != "note.1 0" ]
}

@test "a page of which several chunks are near comes before one with a single such chunk" {
	near='"vec":{"$vec":{"t":"i8","b64":"fwAAAA=="}},"vec_scale":0.01' far='"vec":{"$vec":{"t":"i8","b64":"AAB/AA=="}},"vec_scale":0.01'
	{
		doc once once once text
		for i in 0 1 2 3; do chunk once $i A para "a $i" ",$( [ $i = 0 ] && echo "$near" || echo "$far")"; done
		doc often often often text
		for i in 0 1 2 3; do chunk often $i A para "b $i" ",$( [ $i -lt 3 ] && echo "$near" || echo "$far")"; done
	} | tt-index add near
	[ "$(tt-retrieve --dense near <<<"{\"kind\":\"query\",\"id\":\"q\",\"text\":\"x\",$near}" | hits | head -1)" = "often 0" ]
}

@test "before a colon the longest name of a page leads, and a shorter one follows" {
	{
		doc git.1 'git(1)' 'git - the stupid content tracker' man
		chunk git.1 0 NAME name 'git - the stupid content tracker'
		doc git-am.1 'git-am(1)' 'git-am - apply a series of patches from a mailbox' man
		chunk git-am.1 0 NAME name 'git-am - apply a series of patches from a mailbox'
		doc git-apply.1 'git-apply(1)' 'git-apply - apply a patch to files' man
		chunk git-apply.1 0 NAME name 'git-apply - apply a patch to files'
	} | tt-index add names
	pages() { tt-retrieve --per-doc 1 names <<<"$1" | hits | cut -d ' ' -f 1 | xargs; }
	[ "$(pages 'git am: apply a patch to files')" = "git-am.1 git.1 git-apply.1" ]
	[ "$(pages 'git undo: apply a patch to files')" = "git.1 git-apply.1 git-am.1" ]
	[ "$(pages 'git am apply a patch to files')" = "git-apply.1 git-am.1 git.1" ]
	[[ "$(pages 'git am: content tracker')" = "git-am.1 git.1"* ]]
	[ "$(pages 'apply a patch to files with git am')" = "git-am.1 git-apply.1 git.1" ]
}

@test "a page with a common word for its name weighs what the word weighs, in whatever form" {
	{
		doc users.1 'users(1)' 'users - print who is logged in' man
		chunk users.1 0 NAME name 'users - print who is logged in'
		doc lpadmin.8 'lpadmin(8)' 'lpadmin - configure printers' man
		chunk lpadmin.8 0 NAME name 'lpadmin - configure printers'
		chunk lpadmin.8 1 -u option '-u: which users may print, and may not'
		for n in 1 2 3 4 5 6; do
			doc x$n.1 "x$n(1)" "x$n - of a user" man
			chunk x$n.1 0 NAME name "of a user, number $n"
		done
	} | tt-index add common
	[[ "$(tt-retrieve common <<<'which users may print' | hits | head -1)" = lpadmin.8* ]]
}

@test "a page is found by the name of a link to it" {
	[[ "$(tt-retrieve i <<<'gtar: contents' | hits | head -1)" = tar.1* ]]
	# no text has it, and yet it is known, and its page has it
	[[ "$(tt-retrieve --json -n 1 i <<<'What does gtar do?')" =~ '"doc":"tar.1"'.*'"cover":1.0,"known":1.0' ]]
}

@test "within a page a word of its name says nothing about the entry" {
	{
		doc keel.1 'keel(1)' 'keel - of a boat' man
		chunk keel.1 0 A para 'keel, keel, keel, the keel of keels'
		chunk keel.1 1 B para 'scrape it'
		doc mast.1 'mast(1)' 'mast - of a boat' man
		chunk mast.1 0 A para 'a mast'
	} | tt-index add within
	[ "$(tt-retrieve within <<<'scrape the keel' | hits | head -1)" = "keel.1 1" ]
}

@test "an option is found as it is written" {
	[ "$(tt-retrieve i <<<'--extract' | hits | head -1)" = "tar.1 1" ]
}

@test "every field of a hit is there" {
	run tt-retrieve --json -n 1 i <<<'long listing'
	hit=${lines[2]}
	for field in '"query":"q1"' '"rank":1' '"doc":"ls.1"' '"name":"ls(1)"' '"title":"ls - list directory contents"' '"seq":1' \
		'"sec":["-l"]' '"unit":"option"' '"span":{"b":[0,9],"l":[1,9]}' '"src":{"path":"ls.1","xxh3":"00"}' \
		'"score":{"bm25":' '"fused":' '"cover":' '"known":' '"gen":1'; do
		[[ "$hit" = *"$field"* ]]
	done
}

@test "queries are passed on, each before its hits, unknown records and keys too" {
	printf '%s\n' '{"kind":"query","id":"a","text":"archive","mine":7}' '{"kind":"odd","x":1}' '{"kind":"query","id":"b","text":"long"}' |
		tt-retrieve --json i >out
	grep -q '"id":"a".*"mine":7' out
	grep -q '"kind":"odd","x":1' out
	[ "$(grep -c '"query":"b"' out)" -ge 1 ]
	[ "$(sed -n 's/.*"kind":"\([a-z]*\)".*/\1/p' out | head -2 | tail -1)" = query ]
}

@test "hits name their question, by its number where it has no id; one whose id is no string is an error" {
	printf '%s\n' '{"kind":"query","text":"archive"}' '{"kind":"query","id":5,"text":"archive"}' '{"kind":"query","id":"c","text":"long"}' >asked
	tt-retrieve -n 1 i <asked >out || [ $? -eq 3 ]
	tt-json <out | sed -e 's/,"[rtsfn][a-z]*":.*//' -e 's/kind\|[{}":]//g' | xargs >said
	[ "$(cat said)" = "head query,idq1 hit,queryq1 done,queryq1 error query,idc hit,queryc done,queryc end" ]
	tt-json <out | grep -q "record 1 has an 'id' that is no string"
}

@test "a done says that a question's hits have all come, through two indexes too; one that cannot be looked up goes on with its hits alone" {
	printf '%s\n' '{"kind":"query","id":"a","text":"archive"}' '{"kind":"query","id":"b"}' '{"kind":"query","id":"c","text":"zyzzyva","done":7}' >asked
	tt-retrieve i <asked >one || [ $? -eq 3 ]
	tt-retrieve -n 1 i <one >two || [ $? -eq 3 ]
	for f in one two
	do
		tt-json <$f | sed -n 's/.*"kind":"\([dq][a-z]*\)".*"\(id\|query\)":"\([a-z]*\)".*/\1 \3/p' | xargs >said
		[ "$(cat said)" = 'query a done a query c done c' ]
		[ "$(tt-json <$f | grep -c '"done":true')" -eq 2 ]
	done
	tt-retrieve --dense i <one >three || [ $? -eq 3 ]
	diff <(tt-json <one | grep -v '"head"\|"end"') <(tt-json <three | grep -v '"head"\|"end"\|without a vector\|no vector')
	tt-retrieve --dense i <<<'a line' >four || [ $? -eq 3 ]
	[ "$(tt-json <four | grep -o '"kind":"[a-z]*"' | xargs)" = 'kind:head kind:error kind:end' ]
	[ "$(tt-json <one | hits | wc -l)" -lt "$(hits <two | wc -l)" ]
	tt-retrieve i <<<'archive' | tt-json | tail -n 2 | grep -q '"kind":"done","query":"q1"'
}

@test "on a terminal the hits of each question stand apart, of lines and of records" {
	printf '%s\n' 'extract an archive' 'zyzzyva' 'long listing' >asked
	sed 's/.*/{"kind":"query","id":"q","text":"&"}/' asked >asked.jsonl
	for questions in asked asked.jsonl
	do
		script -qec "tt-retrieve -n 1 i <$questions" /dev/null </dev/null | tr -d '\r' | sed 's/:.*//' >"said.$questions"
		[ "$(cat "said.$questions")" = $'tar(1)\n\n\nls(1)' ]
	done
	{ doc /a/b/c.md c.md 'Deep' markdown; chunk /a/b/c.md 0 Deep para 'an archive'; } | tt-index add far
	[[ $(script -qec 'tt-retrieve far <asked' /dev/null </dev/null) == /a/b/c.md:* ]]
}

@test "a byte order mark in front of the questions is none of their text" {
	printf '\xef\xbb\xbf%s\n' 'extract an archive' >marked
	tt-retrieve i <marked | tt-json | grep -q '"text":"extract an archive"'
	printf '\xef\xbb\xbf{"kind":"query","id":"q7","text":"extract an archive"}\n' | tt-retrieve i | tt-json | grep -q '"query":"q7"'
}

@test "hits come while the next question is still to be asked" {
	mkfifo ask
	for question in 'archive' '{"kind":"query","id":"a","text":"archive"}'; do
		tt-retrieve --json i <ask >come &
		exec 9>ask
		echo "$question" >&9
		comes '"hit"' come
		exec 9>&-
		wait
		: >come
	done
}

@test "-n, --per-doc, and a query's own k limit the hits" {
	[ "$(tt-retrieve -n 2 i <<<'archive list' | hits | wc -l)" -eq 2 ]
	[ "$(tt-retrieve --per-doc 1 i <<<'archive list' | hits | wc -l)" -eq 3 ]
	[ "$(tt-retrieve --per-doc 2 i <<<'archive list' | hits | cut -d ' ' -f 1 | sort | uniq -c | xargs)" = '2 ls.1 1 notes.md 2 tar.1' ]
	[ "$(tt-retrieve i <<<'{"kind":"query","id":"a","text":"archive list","k":1}' | hits | wc -l)" -eq 1 ]
	for k in 0 10001 -1 '"2"'; do
		run --separate-stderr tt-retrieve --json i <<<'{"kind":"query","id":"a","text":"archive list","k":'"$k"'}'
		[ "$status" -eq 3 ]
		[[ "$output" == *"has no usable 'k'"* ]]
		[[ "$output" != *'"kind":"hit"'* ]]
	done
}

@test "filters: by path, by type, by meta" {
	[ "$(tt-retrieve --doc '*.md' i <<<'archive' | hits)" = "notes.md 0" ]
	{ doc /a/b/c.md c.md 'Deep' markdown; chunk /a/b/c.md 0 Deep para 'an archive'; } | tt-index add deep
	[ "$(tt-retrieve --doc '/a/*.md' deep <<<'archive' | hits)" = "/a/b/c.md 0" ]	# * stops at no slash
	[ "$(tt-retrieve --type markdown i <<<'archive' | hits)" = "notes.md 0" ]
	[ "$(tt-retrieve --meta year=2020 i <<<'archive' | hits)" = "notes.md 0" ]
	[ "$(tt-retrieve -n 1 i <<<'archive list' | hits)" != "notes.md 0" ]
	for only in "--doc=*.md" --type=markdown --meta=year=2020	# better ones that are left out take no place
	do
		[ "$(tt-retrieve -n 1 "$only" i <<<'archive list' | hits)" = "notes.md 0" ]
	done
	run tt-retrieve --meta year i <<<'archive'
	[ "$status" -eq 2 ]
	for not in '--meta year=2021' '--meta year=2021 --meta year=2020' '--meta year=2020 --type man'; do
		# shellcheck disable=SC2086
		run tt-retrieve $not i <<<'archive'
		[ "$status" -eq 1 ]
	done
}

@test "cover is the share of informative words that the page has" {
	cover() { tt-retrieve --json -n 1 i <<<"$1" | sed -n 's/.*"cover":\([0-9.]*\).*/\1/p'; }
	[ "$(cover 'extract the archive')" = 1.0 ]
	[ "$(cover 'extract archive contents list')" = 1.0 ]	# whichever way the sums round
	[[ "$(cover 'the year in notes.md')" =~ ^(1\.0|0\.999) ]]	# by its name and its text
	[ "$(cover 'tar extract')" = 1.0 ]
	run cover 'extract zebra'
	[ "${output#0.}" != "$output" ]
}

@test "known is the share of them that the index has, wherever" {
	known() { tt-retrieve --json -n 1 i <<<"$1" | sed -n 's/.*"known":\([0-9.]*\).*/\1/p'; }
	[ "$(known 'archive in the cellar: list with long format')" = 1.0 ]
	[ "$(known "I'd list an archive, but I can’t. Please?")" = 1.0 ]
	[[ "$(known 'what is of the')" =~ ^(1\.0|0\.[89]) ]]	# function words alone: each of them counts
	[ "$(known 'what does -x do')" != 0.0 ]
	low=$(known 'extract zebra') less=$(known 'extract zebra quagga')
	[ "${less#0.}" != "$less" ]
	[ "$(printf '%s\n' "$low" "$less" | sort -n | head -1)" = "$less" ]
}

@test "what was removed or replaced counts for nothing: hits, scores and known are those of an index that never had it" {
	common() {
		for n in 1 2 3 4; do
			doc d$n d$n "page $n" text
			chunk d$n 0 Head para "boats lie in harbour $n"
			chunk d$n 1 Head para "more boats"
		done
		doc name.2 'name(2)' 'name - of a boat' text
		chunk name.2 0 Head para 'what it is called'
	}
	{
		doc old old 'old zebra' text
		chunk old 0 Zebra para 'a zebra in the harbour'
		doc name.1 name.1 name.1 alias ',"meta":{"alias_of":"d3"}'
		common
	} | tt-index add had
	{ doc d2 d2 'page 2 of zebras' text; chunk d2 0 Zebra para 'zebra, zebra, no harbour'; } | tt-index add had
	common | sed -n '/"doc":"d2"/p' | tt-index add had
	tt-index rm had old name.1
	[ "$(tt-index stat had | sed -n 's/^segments.//p')" -gt 1 ]
	common | tt-index add never
	[ "$(tt-retrieve --per-doc 1 never <<<'lie' | hits | xargs)" = "d1 0 d2 0 d3 0 d4 0" ]	# equals stand in their order
	for question in zebra 'a zebra in the harbour' 'old: boats' 'name: boats' 'boats of a page'; do
		for i in had never; do
			tt-retrieve -n 20 --json $i <<<"$question" | grep '"hit"' | sed 's/"rank":[0-9]*//; s/"gen":.*//' | sort >hits.$i || true
		done
		diff hits.had hits.never
	done
}

@test "a page is found by a link that is one to another link, and links that go round end" {
	{
		doc tar.1 'tar(1)' 'tar - an archiving utility' man
		chunk tar.1 0 NAME name 'tar - an archiving utility'
		doc gtar.1 gtar.1 gtar.1 alias ',"meta":{"alias_of":"tar.1"}'
		doc bsdtar.1 bsdtar.1 bsdtar.1 alias ',"meta":{"alias_of":"gtar.1"}'
		doc hen.1 hen.1 hen.1 alias ',"meta":{"alias_of":"egg.1"}'
		doc egg.1 egg.1 egg.1 alias ',"meta":{"alias_of":"hen.1"}'
	} | tt-index add chain
	[ "$(tt-retrieve chain <<<'bsdtar' | hits)" = "tar.1 0" ]
	run tt-retrieve chain <<<'hen'
	[ "$status" -eq 1 ]
}

@test "nothing found: 1, also in an empty index" {
	run tt-retrieve i <<<'zebra'
	[ "$status" -eq 1 ]
	tt-index add empty <<<'{"kind":"tomb","doc":"x"}'
	run tt-retrieve empty <<<'archive'
	[ "$status" -eq 1 ]
}

@test "no index: 66; a vector that does not fit: 78; a bad query: 3; a full disk: 74" {
	run --separate-stderr tt-retrieve none <<<'x'
	[ "$status" -eq 66 ]
	vec=',"vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":0.0078'
	head() { printf '{"kind":"head","format":1,"model":"%s"}\n' "$1"; }
	{ head first; doc v v v text; chunk v 0 H para boats "$vec"; echo '{"kind":"end"}'; } | tt-index add named
	for want in '0 first gX8=' '78 second gX8=' '78 first gX8B'
	do
		read -r code model code64 <<<"$want"
		{ head "$model"; echo '{"kind":"query","id":"a","text":"boats"'"${vec/gX8=/$code64}"'}'; echo '{"kind":"end"}'; } >query
		run --separate-stderr tt-retrieve --json named <query
		echo "$want: $status $stderr"
		[ "$status" -eq "$code" ]
		[ "$code" -eq 0 ] || [[ "$stderr" == *"the index has vectors of 'first', the question one of 'second'"* || "$stderr" == *"3 dimensions, the index of 2"* ]]
	done
	run --separate-stderr tt-retrieve i <<<'{"kind":"query","id":"a"}'
	[ "$status" -eq 3 ]
	run --separate-stderr sh -c 'echo archive | tt-retrieve i >/dev/full'
	[ "$status" -eq 74 ]
}

@test "on a terminal an error of a stage before is told, and is no success" {
	printf '%s\n' '{"kind":"error","stage":"tt-x","msg":"no luck"}' '{"kind":"query","id":"a","text":"archive"}' >failed
	script -qec 'tt-retrieve -n 1 i <failed || echo $?' /dev/null </dev/null | tr -d '\r' >said
	[ "$(head -n 1 said)" = 'tt-retrieve: warning: tt-x: no luck' ]
	[ "$(tail -n 1 said)" = 3 ]
}

@test "a query without a vector is ranked by words, --dense refuses it" {
	run tt-retrieve --lexical i <<<'archive'
	[ "$status" -eq 0 ]
	run --separate-stderr tt-retrieve --dense i <<<'{"kind":"query","id":"a","text":"archive"}'
	[ "$status" -eq 3 ]
	run --separate-stderr tt-retrieve --dense --json i <<<'archive'
	[ "$status" -eq 3 ]
	[[ "$output" = *'"kind":"error"'*'without a vector'* ]]
}

@test "a question's vector of another embedder: 78, unless words alone rank" {
	v=',"vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":0.0078'
	head() { echo '{"kind":"head","format":1,"model":"'"$1"'"}'; }
	{ head one:1; doc d d d text; chunk d 0 H para 'boats' "$v"; echo '{"kind":"end"}'; } | tt-index add model
	{ head two:1; echo '{"kind":"query","id":"a","text":"boats"'"$v}"; echo '{"kind":"end"}'; } >query
	run --separate-stderr tt-retrieve --json model <query
	[ "$status" -eq 78 ]
	[ "$(tt-retrieve --lexical model <query | hits)" = "d 0" ]
	# What the vectors are of is known behind a stage that only passes them on, too.
	run -78 --separate-stderr sh -c 'tt-retrieve i <query | tt-retrieve model'
	run -78 --separate-stderr sh -c 'tt-cite --json <query | tt-retrieve model'
}

@test "a vector whose scale is no number, or too large for one, is refused: 3" {
	for scale in '{"$f64":"7ff8000000000000"}' '{"$f64":"7ff0000000000000"}' 1e300 1e38 -1 '"1"'
	do
		echo '{"kind":"query","id":"a","text":"archive","vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":'"$scale"'}' >query
		run --separate-stderr tt-retrieve --json i <query
		[ "$status" -eq 3 ]
		[[ "$output" == *"has no usable 'vec_scale'"* ]]
		[[ "$output" != *'"kind":"hit"'* ]]
		sed 's/"kind":"query","id":"a"/"kind":"chunk","doc":"d","id":"00000000000000000000000000000001","seq":0/' query >chunk
		{ echo '{"kind":"doc","doc":"d","name":"d","title":"d","type":"text","src":{"path":"d","xxh3":"00"}}'; cat chunk; } >in
		run --separate-stderr tt-index add bad <in
		[ "$status" -eq 3 ]
		[[ "$stderr" == *"vec_scale"* ]]
	done
}

@test "a vector of floats of which one is no number, or too large for a cosine, is refused: 3" {
	for vec in AADAfwAAgD8= AACAfwAAgD8= //9/fwAAgD8=	# NaN, infinite, the largest float; and 1
	do
		echo '{"kind":"query","id":"a","text":"archive","vec":{"$vec":{"t":"f32","b64":"'$vec'"}}}' >query
		run --separate-stderr tt-retrieve --json i <query
		[ "$status" -eq 3 ]
		[[ "$output" == *"has no usable 'vec'"* ]]
		[[ "$output" != *'"kind":"hit"'* ]]
	done
}

@test "a question goes by meaning too when every living chunk has a vector, whatever the removed ones lack" {
	pages() { # FROM TO
		for n in $(seq "$1" "$2"); do
			doc v$n v$n v$n text
			[ $n -lt 4 ] && v='' || v=',"vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":0.0078'
			chunk v$n 0 H para "boats $n" "$v"
		done
	}
	pages 1 7 | tt-index add half
	echo '{"kind":"query","id":"a","text":"boats","vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":0.0078}' >query
	run ! grep -q '"cos"' <(tt-retrieve --json half <query)
	tt-index rm half v1 v2 v3
	[ "$(tt-retrieve --json half <query | grep -c '"cos"')" -eq 4 ]
	pages 1 12 | tt-index add over
	tt-index rm over v8 v9 v10 v11 v12	# of which all had one
	run ! grep -q '"cos"' <(tt-retrieve --json over <query)
}

@test "vectors of removed pages count for nothing beside those that stay" {
	vec() { echo ',"vec":{"$vec":{"t":"i8","b64":"'"$1"'"}},"vec_scale":0.0078'; }
	stay() {
		doc v1 v1 v1 text; chunk v1 0 H para 'one boat' "$(vec gX8=)"
		doc v2 v2 v2 text; chunk v2 0 H para 'two boats'
		doc v3 v3 v3 text; chunk v3 0 H para 'three boats' "$(vec AX8=)"
	}
	{ doc v0 v0 v0 text; chunk v0 0 H para 'no boat' "$(vec f38=)"; stay; } | tt-index add some
	tt-index rm some v0
	stay | tt-index add same
	for i in some same; do
		tt-retrieve --dense --json $i <<<'{"kind":"query","id":"a","text":"boats"'"$(vec gX8=)"'}' >$i.hits
		[ "$(grep -c '"kind":"hit"' $i.hits)" -eq 3 ]
		grep '"kind":"hit"' $i.hits | sed 's/"gen":.*//' >$i.hit
	done
	diff some.hit same.hit
}

@test "vectors of removed pages alone: --dense finds nothing, not every chunk alike" {
	for n in 1 2 3; do
		[ $n -gt 1 ] && v='' || v=',"vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":0.0078'
		doc v$n v$n v$n text
		chunk v$n 0 H para "boats $n" "$v"
	done | tt-index add gone
	echo '{"kind":"query","id":"a","text":"boats","vec":{"$vec":{"t":"i8","b64":"gX8="}},"vec_scale":0.0078}' >query
	[ "$(tt-retrieve --dense -n 1 gone <query | hits)" = "v1 0" ]
	tt-index rm gone v1
	run tt-retrieve --dense gone <query
	[ "$status" -eq 1 ]
}

@test "two runs give the same bytes" {
	tt-retrieve i <<<'archive list' >a
	tt-retrieve i <<<'archive list' >b
	cmp a b
}
