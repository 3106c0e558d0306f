#!/usr/bin/env bats
# tt-chunk: documents become chunks with exact places, and nothing that is found on a disk stops it.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	data=$top/tests/data/chunk
	cd "$BATS_TEST_TMPDIR" || exit 1
	export TT_EMBEDDER=none-such	# sizes are estimated: the tests need no model
}

chunk() {	# tt-chunk as JSON lines, without the warning about the model
	tt-chunk --json "$@" 2>err
}

field() {	# field KEY: the string values of KEY, one a line
	sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

units() {	# "unit | last heading" of each chunk
	sed -n 's/.*"sec":\[\(.*\)\],"unit":"\([a-z]*\)".*/\2 | \1/p' | sed 's/| .*,"\([^"]*\)"$/| \1/; s/"//g'
}

@test "a manual page: name, sections, and every option a unit of its own" {
	command -v mandoc || skip "mandoc is not installed"
	chunk "$data/lamp.1" >out
	units <out >got
	cat >want <<-EOF
	name | NAME
	section | SYNOPSIS
	section | DESCRIPTION
	option | OPTIONS,-c, --config=FILE
	EOF
	head -3 got | diff - <(head -3 want)
	for o in '-c, --config=FILE' '-q' '-v, --verbose' '--colour' '--dim' '--docbook=N' '--old'; do
		grep -q "\"$o\"\],\"unit\":\"option\"" out
	done
	grep -q '"on"\],"unit":"entry"' out
	grep -q '"name":"lamp(1)","title":"lamp, lampd - switch the signal lamps of a light house","type":"man"' out
	grep -q 'Choose a colour:\\nred  for danger\\ngreen  for a free way' out
	grep -q 'keeper.s bell rings' out
}

@test "a manual page: spans are lines of the source" {
	chunk "$data/lamp.1" >out
	grep '"-c, --config=FILE"' out | grep -q '"span":{"b":\[472,594\],"l":\[17,22\]}'
	sed -n 17p "$data/lamp.1" | grep -q config
	head -c 594 "$data/lamp.1" | tail -c +473 | head -1 | grep -q '^.BR'
}

@test "an mdoc page" {
	command -v mandoc || skip "mandoc is not installed"
	chunk "$data/beacon.8" >out
	grep -q '"name":"beacon(8)","title":"beacon - keep the fire of a light house","type":"mdoc"' out
	grep -q '"text":"beacon \[-hv\] \[-w watts\] tower ..."' out
	grep -q '"-w, --watts=watts"\],"unit":"option"' out
	grep -q 'oil | the oil\\nwick | the wick' out
}

@test "an equation neither repeats nor hides what follows; a list is as wide as any text" {
	command -v mandoc || skip "mandoc is not installed"
	printf '%s\n' '.TH SUM 1' '.SH NAME' 'sum \- add' '.SH DESCRIPTION' .EQ 'delim $$' .EN 'It gives $x sup 2$ at once.' 'Then $y$ too.' .EQ 'a over b' .EN \
		'    Last words.' >sum.1
	chunk sum.1 >out
	grep 'It gives *x 2 *at once. Then *y *too. a over b\\n *Last words."' out
	printf '%s\n' '.Dd May 1, 2026' '.Dt SUM 1' .Os '.Sh OPTIONS' '.Bl -tag -width "(head) "' '.It Fl a' 'Add.' '.It Fl b' 'Begin.' .El >sum.1
	chunk sum.1 >out
	[ "$(units <out)" = "$(printf 'option | -%s\n' a b)" ]
}

@test "an mdoc list has its type wherever that stands among the arguments" {
	printf '%s\n' '.Dd May 1, 2026' '.Dt OIL 1' .Os '.Sh NAME' '.Nm oil' '.Nd burns' '.Sh KINDS' '.Bl -compact -bullet' .It colza .It whale .El \
		'.Bl -width indent -offset indent -enum' .It fill .El '.Bl -offset indent -compact -tag -width -enum' '.It Fl d' drain .El >oil.1
	for reader in '' --no-mandoc; do
		[ -n "$reader" ] || command -v mandoc || continue
		chunk $reader oil.1 >out
		grep -q '"text":"• colza\\n• whale\\n1. fill"' out
		grep -q '"-d"\],"unit":"option",.*"text":"-d\\ndrain"' out
	done
}

@test "a manual page's line that begins with white space begins a line of the chunk" {
	printf '%s\n' '.TH OIL 5' '.SH NAME' 'oil \- burns' '  for long' '.SH EXAMPLE' 'In oil.conf:' '    lamp = 2' '	# colza' 'and so on.' >oil.5
	for reader in '' --no-mandoc; do
		chunk $reader oil.5 >out
		grep -q '"title":"oil - burns for long"' out
		grep -q '"text":"In oil.conf:\\n    lamp = 2\\n\\t# colza and so on."' out
	done
}

@test "a page that go-md2man wrote: an option is a line, its description the indented one below" {
	printf '%s\n' '.TH OIL 1' '.SH NAME' 'oil \- burns' '.SH OPTIONS' '.PP' '\fB-d\fP, \fB--drain\fP[=false]' '	empty it' '' '.PP' '\fB-f\fP=""' \
		'    fill it' 'quite' '' '.PP' '-->' '  no option' '.PP' '\fB-x\fP' '.br' '  \fB--xx\fP' '.SH SEE ALSO' 'lamp' >oil.1
	for reader in '' --no-mandoc; do
		chunk $reader oil.1 >out
		grep -q '"-d, --drain\[=false\]"\],"unit":"option",.*"text":"-d, --drain\[=false\]\\nempty it"' out
		grep -q '"-f=\\"\\""\],"unit":"option",.*"text":"-f=\\"\\"\\nfill it quite"' out
		grep -q '"sec":\["OPTIONS"\],"unit":"para",.*"text":"-->\\n  no option\\n\\n-x\\n  --xx"' out
	done
}

@test "a CR by itself ends a line of a manual page too" {
	printf '.TH OAR 1\r.SH NAME\roar \\- pull\rit\r.SH OPTIONS\r.TP\r-a\rall of\rthem\r' >oar.1
	printf '.TH RIB 1\r\n.SH NAME\r\nrib \\- bend\rit\r\n' >rib.1
	for reader in '' --no-mandoc; do
		[ -n "$reader" ] || command -v mandoc || continue
		# shellcheck disable=SC2086
		chunk $reader oar.1 rib.1 | sed -n 's/.*"b":\(.*\),"l":\([^}]*\)},"text":\("[^"]*"\).*/\1 \2 \3/p' |
			diff - <(printf '%s\n' '[19,33] [3,4] "oar - pull it"' '[50,64] [7,9] "-a\nall of them"' '[21,36] [3,4] "rib - bend it"')
	done
}

@test "a page of macros nested without end gives all its text" {
	{
		printf '.TH OAR 1\n.SH NAME\noar \\- pull\n.SH DESCRIPTION\n'
		for i in $(seq 600); do printf '.RS\nlevel%d\n' "$i"; done
		for i in $(seq 600); do echo .RE; done
		printf 'behind\n.SH FILES\n.TP\n.I oar.conf\nsettings\n'
	} >oar.1
	for reader in '' --no-mandoc; do
		[ -n "$reader" ] || command -v mandoc || continue
		# shellcheck disable=SC2086
		chunk $reader oar.1 >out
		[ "$(grep -o 'level[0-9]*' out | sort -u | wc -l)" -eq 600 ]
		grep -q 'behind' out
		grep -q '"sec":\["FILES","oar.conf"\]' out
		run ! grep -q 'kind":"error\|   level' out
	done
}

@test "without mandoc the entries are the same" {
	chunk --no-mandoc "$data/lamp.1" | units | grep -v '^section' >own
	chunk "$data/lamp.1" | units | grep -v '^section' >with
	diff own with
}

@test "without mandoc too: comments, quotes, TP's head on the line after a bare .B, docutils, what stands before the first section" {
	cat >buoy.1 <<-'EOF'
	.TH BUOY 1
	.ds AU the keeper of the \
	light house
	.mso www.tmac
	.de dT
	..
	.dT Time-stamp: today
	.LINKSTYLE blue R < >
	.SH NAME \" of the page
	buoy \- mark the fairway
	.SH OPTIONS
	.TP \" width
	.B
	\fB\-b\fR
	Ring the bell. \" at night
	.IP """\-c"", ""\-\-colour""" 4
	Show ""it"".
	.INDENT 0.0
	.TP
	.B \-d
	Drift.
	.UNINDENT
	.el \{\
	shown too
	.\}
	EOF
	chunk --no-mandoc buoy.1 >out
	grep -q '"OPTIONS","-b"\],"unit":"option".*"text":"-b\\nRing the bell\."' out
	grep -q '"OPTIONS","\\"-c\\", \\"--colour\\""\],"unit":"option"' out
	grep -q '"-d"\],"unit":"option".*"text":"-d\\nDrift\."' out
	grep -q 'Show \\"\\"it' out
	[ "$(grep -c '"title":"buoy - mark the fairway"' out)" -ge 5 ]
	grep -q 'shown too' out
	run ! grep -E 'light house|www|today|blue|of the page|width|at night|0\.0' out
}

@test "without mandoc too a string has the value that the page gives it for terminals" {
	cat >oar.1 <<-'EOF'
	.TH OAR 1
	.tr \(*W-
	.ds C+ C\v'-.1v'\h'-1p'\s-2+\h'-1p'+\s0\v'.1v'\h'-1p'
	.ie n \{\
	.    ds -- \(*W-
	.    ds L" ""
	.    ds R" ""
	'br\}
	.el\{\
	.    ds -- \|\(em\|
	.    ds L" ``
	.    ds R" ''
	'br\}
	.ds We "\fBoar\fP\" how it calls itself
	.ds : \\k:\h'-(\\n(.wu*8/10-\*(#H+.1m+\*(#F)'\z.\h'.2m+\*(#F'.\h'|\\n:u'
	.ds : e
	.SH NAME
	oar \- row
	.SH DESCRIPTION
	\*(We is \*(L"C\*(R", not \*(C+\*(--faster\*(??.
	Not \\*(We, but a\*:ro.
	.TP
	.B \-\-to "\*(We\*[We]"
	Row.
	EOF
	chunk --no-mandoc oar.1 >out
	grep -qF 'oar is \"C\", not C++--faster. Not \\*(We, but aero.' out
	grep -q '"unit":"option",.*"text":"--to oaroar\\nRow."' out
}

@test "without mandoc mdoc's names are no words, Fl before Fl is a dash, and punctuation stands where it belongs" {
	cat >winch.8 <<-'EOF'
	.Dd May 1, 2026
	.Dt WINCH 8
	.Os
	.Sh NAME
	.Nm winch
	.Nd lift
	.Sh OPTIONS
	.Bl -tag -width x
	.It Fl l , Fl Fl load Ar tons
	Lift
	.Ar tons ,
	see
	.Xr crane 8 .
	.Bk -words
	.Fl Fl dry
	.Ek
	.It Fl Fl halt
	Stop
	.Pq at once ;
	.In winch.h
	has it on
	.Ux Ns -like
	systems, and
	.Rs
	.%T Lifting
	.Re
	.El
	EOF
	chunk --no-mandoc winch.8 >out
	grep -q '"unit":"option",.*"text":"-l, --load tons\\nLift tons, see crane(8). --dry"' out
	grep -q '"unit":"option",.*"text":"--halt\\nStop at once; winch.h has it on UNIX-like systems, and Lifting"' out
}

@test "a page that mandoc fails on is read without it; one in Latin-1 is read" {
	chunk --no-mandoc "$data/lamp.1" | grep -v '"kind":"head"' >own
	mkdir bin
	printf '#!/bin/sh\nmandoc=x\nprintf "title = \\"LAMP\\"\\n\\n"\nexit 9\n' >bin/mandoc
	chmod +x bin/mandoc
	PATH="$PWD/bin:$PATH" chunk "$data/lamp.1" | grep -v '"kind":"head"' >with
	diff own with
	{ printf '.TH X 1\n.SH NAME\nx \\- y\n.SH A\n'; yes "$(printf 'na\357f')" | head -n 100; } >x.1
	chunk x.1 | grep -q '"sec":\["A"\]'
}

@test "a page for which no process can be had is an error, not one that is read in a simpler way" {
	command -v mandoc || skip "mandoc is not installed"
	for n in 5 7
	do
		run -3 --separate-stderr sh -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n $1; tt-chunk --json -j 1 "$0"' "$data/lamp.1" $n
		[[ "$output" == *'"kind":"error"'*'Too many open files'* && "$output" != *'"kind":"chunk"'* ]]
	done
}

@test "a page that AsciiDoctor wrote: an entry for each indented block, though nothing but empty lines parts them" {
	cat >torch.1 <<-'EOF'
	.TH TORCH 1
	.SH NAME
	torch \- give light
	.SH OPTIONS
	.sp
	\fB\-d\fP, \fB\-\-dim\fP
	.RS 4
	Give less of it.
	.RE
	.sp
	\fB\-\-colour\fP \fIname\fP
	.RS 4
	Of another colour.
	.sp
	red
	.RS 4
	as at night
	.RE
	.sp
	The default is white.
	.RE
	.sp
	This is no head, but a sentence.
	.RS 4
	Indented for no reason.
	.RE
	EOF
	for reader in '' --no-mandoc
	do
		test -n "$reader" || command -v mandoc || continue
		chunk $reader torch.1 >out
		[ "$(units <out)" = "$(printf '%s\n' 'name | NAME' 'option | -d, --dim' 'option | --colour name' 'para | OPTIONS')" ]
		grep -- '--colour name.*red.*as at night.*The default is white' out
		grep 'This is no head.*Indented' out
	done
}

@test "a compressed page: places count after decompression, size and hash before" {
	gzip -nc <"$data/lamp.1" >lamp.1.gz
	chunk lamp.1.gz >gz
	chunk "$data/lamp.1" >plain
	grep -q '"name":"lamp(1)"' gz
	grep -o '"span":{[^}]*}' gz >a
	grep -o '"span":{[^}]*}' plain >b
	diff a b
	grep -q "\"size\":$(wc -c <lamp.1.gz | tr -d ' ')," gz
}

@test "a compressed file may have several members: all are read" {
	{ echo one | gzip; echo two | gzip; } >x.txt.gz
	chunk x.txt.gz | grep '"text":"one\\ntwo"'
}

@test "links, .so pages and copies are one document with aliases" {
	mkdir -p man/man1
	cp "$data/lamp.1" man/man1/lamp.1
	ln man/man1/lamp.1 man/man1/lamp-hard.1
	ln -s lamp.1 man/man1/a-soft.1
	echo '.so man1/lamp.1' >man/man1/lampd.1
	cp "$data/lamp.1" man/man1/zcopy.1
	printf '%s\n' man/man1/*.1 | chunk >out
	[ "$(grep -c '"unit":"name"' out)" -eq 1 ]
	[ "$(grep -c '"alias_of":"[^"]*/man1/lamp' out)" -eq 4 ]
	grep '"unit":"name"' out | grep -q 'lampd(1)'
}

@test "a link is an alias though its document came tens of thousands of paths before" {
	echo 'oil the lamp' >lamp.txt
	ln -s lamp.txt link.txt
	{ yes "$PWD/lamp.txt" | head -n 65536; echo "$PWD/link.txt"; } | chunk >out
	grep -q 'link.txt.*"alias_of":"[^"]*/lamp.txt"' out
	[ "$(grep -c '"kind":"chunk"' out)" -eq 1 ]
}

@test "a .so page alone brings the page it stands for" {
	mkdir -p man/man1
	cp "$data/lamp.1" man/man1/lamp.1
	echo '.so man1/lamp.1' >man/man1/lampd.1
	chunk man/man1/lampd.1 >out
	grep '"kind":"doc"' out | head -1 | grep -q '"doc":"[^"]*/man1/lamp.1"'
	grep '"kind":"doc"' out | tail -1 | grep -q 'lampd.1.*alias_of'
	# Many of them bring it once, and it has their names.
	cp man/man1/lampd.1 man/man1/lampe.1
	ln -s lampd.1 man/man1/lampf.1
	chunk man/man1/lampd.1 man/man1/lampe.1 man/man1/lampf.1 >out
	[ "$(grep -c '"unit":"name"' out)" -eq 1 ]
	grep '"unit":"name"' out | grep -q '"aliases":"lampd(1) lampe(1) lampf(1)"'
	[ "$(grep -c '"alias_of":"[^"]*/man1/lamp.1"' out)" -eq 3 ]
}

@test "a .so page brings what it stands for in the end, through pages that are not read" {
	mkdir -p man/man1
	cp "$data/lamp.1" man/man1/lamp.1
	echo '.so man1/lamp.1' >man/man1/second.1
	echo '.so man1/second.1' >man/man1/first.1
	chunk man/man1/first.1 >out
	[ "$(grep -c '"kind":"doc"' out)" -eq 2 ]
	grep -q '"doc":"[^"]*/first.1".*"alias_of":"[^"]*/man1/lamp.1"' out
	grep '"unit":"name"' out | grep -q '"aliases":"first(1)"'
	chunk man/man1/first.1 man/man1/lamp.1 | grep -q '"doc":"[^"]*/first.1".*"alias_of":"[^"]*/man1/lamp.1"'
	# Round and round.
	echo '.so man1/first.1' >man/man1/second.1
	[ "$(chunk man/man1/first.1 | grep -c '"kind":"doc"')" -eq 1 ]
	echo '.so man1/second.1' >man/man1/second.1
	[ "$(chunk man/man1/first.1 | grep -c '"kind":"doc"')" -eq 1 ]
}

@test "a .so page may have comments, and stand for a packed page or one beside it; with another line it is a page" {
	mkdir -p man/man1
	gzip -c "$data/lamp.1" >man/man1/lamp.1.gz
	printf '.\\" made\n\047\\" by\n\n.so  man1/lamp.1 \r\n' >man/man1/a.1
	echo '.so lamp.1' >man/man1/b.1
	printf '.so man1/lamp.1\nmore words\n' >man/man1/c.1
	printf '.so man1/lamp.1\n.so man1/b.1\n' >man/man1/d.1
	chunk man/man1/[abcd].1 >out
	grep '"alias_of":"[^"]*/man1/lamp.1.gz"' out | grep -o '"doc":"[^"]*/[ab].1"' | sort | diff - <(printf '"doc":"%s"\n' "$PWD"/man/man1/[ab].1)
	grep -q '"text":"more words"' out
	run ! grep '"doc":"[^"]*/[cd].1".*"alias_of"' out
}

@test "a page cannot make other files be read" {
	printf 'the secret text\n' >secret.1
	for so in '.so secret.1' "'so secret.1" '. so secret.1' '.if n .so secret.1' '.nop .so secret.1' '.als other so\n.other secret.1'
	do
		printf '.TH X 1\n.SH NAME\nx \\- y\n%b\nlast words\n' "$so" >x.1
		chunk x.1 >out
		grep -q 'last words' out
		run ! grep -q 'the secret text' out
	done
	mkdir -p pages/man1
	for so in ../secret.1 "../../$(basename "$PWD")/secret.1" "$PWD/secret.1"
	do
		echo ".so $so" >pages/man1/x.1
		chunk pages/man1/x.1 >out
		run ! grep -q 'the secret text' out
	done
}

@test "a .so page may name any file, however long its name: where none is, it is read as it is" {
	printf '.so man1/%0300d.1\n' 0 >long.1
	printf '.so man1/%0240d.1\n' 0 >short.1
	printf '.so \n' >none.1
	chunk long.1 short.1 none.1 >out
	[ "$(grep -c '"kind":"doc"' out)" -eq 3 ]
	[ "$(grep -c '"alias_of"' out)" -eq 0 ]
}

@test "a .so page brings no file from above the folder of pages" {
	mkdir -p man/man1
	echo 'the secret text' | tee secret.1 >man/secret.1
	for so in ../secret.1 man1/../../secret.1 ../../secret.1 "$PWD/secret.1"; do
		echo ".so $so" >man/man1/x.1
		chunk man/man1/x.1 >out
		[ "$(grep -c '"kind":"doc"' out)" -eq 1 ]
		run ! grep -q 'secret text' out
	done
}

@test "an underlined heading over nothing is text, and where it stands" {
	printf 'Words.\n\nAlone\n=====\n\nNext\n====\n\nText.\n' | tee a.md >a.txt
	for file in a.md a.txt; do
		chunk $file >out
		grep -q '"span":{"b":\[8,19\],"l":\[3,4\]},"text":"Alone"' out
	done
}

@test "a chunk's id is of its document, its place and its text" {
	printf '# One\n\nThe same words.\n\n# Two\n\nThe same words.\n' | tee a.md >b.md
	printf '# One\n\nOther words....\n\n# Two\n\nThe same words.\n' >c.md
	ids() { chunk --stdin-as "$1" <"$2" | field id; }
	[ "$(ids a.md a.md | wc -l)" -eq 2 ]
	[ "$({ ids a.md a.md; ids b.md b.md; ids a.md c.md; ids a.md a.md; } | sort | uniq | wc -l)" -eq 5 ]
}

@test "--roots: what lies elsewhere is not read, whatever way leads there" {
	mkdir -p in/man1 out/man1 other inner
	echo 'the secret text' | tee out/x.md inner/x.md >other/z.md
	cp "$data/lamp.1" out/man1/
	printf '%s\n' "$PWD/in" "$PWD/other/z.md" "$PWD/none" '' >roots
	echo 'text' >in/a.md
	ln -s a.md in/b.md
	ln -s ../out/x.md in/file.md
	ln -s ../inner/x.md in/near.md
	ln -s ../out in/folder
	ln -s ../in in/again
	ln -s ../../out/man1/lamp.1 in/man1/lamp.1
	echo '.so man1/lamp.1' >in/man1/lampd.1
	chunk --roots roots in/a.md in/b.md in/again/a.md in/man1/lampd.1 >out.json
	grep '"text":"text"' out.json
	run ! grep 'keeper' out.json
	[ "$(grep -c '"kind":"error"' out.json)" -eq 0 ]
	run -3 chunk --roots roots in/file.md in/near.md in/folder/x.md out/x.md in/man1/lamp.1
	[ "$(grep -c 'leads out of the folder' <<<"$output")" -eq 5 ]
	[[ "$output" != *'"kind":"doc"'* ]]
	chunk --roots roots other/z.md | grep -q 'the secret text'
	run -66 tt-chunk --roots nowhere in/a.md
}

@test "--roots: a folder that becomes a link to another place, again and again" {
	mkdir -p in/sub out
	for i in $(seq 100)
	do
		echo 'harmless' >in/sub/$i.md
		echo 'the secret text' >out/$i.md
	done
	echo "$PWD/in" >roots
	python3 -c 'import os, sys
os.symlink("../out", "in/link")
while not os.path.exists("stop"):
	os.rename("in/sub", "in/dir"); os.rename("in/link", "in/sub")
	os.rename("in/sub", "in/link"); os.rename("in/dir", "in/sub")' 3>&- &
	swapper=$!
	for i in $(seq 400)	# on a busy machine it takes a while to meet both
	do
		seq -f 'in/sub/%.0f.md' 100 | tt-chunk --roots roots --json 2>err >>with || true
		test "$i" -lt 20 || ! grep -q harmless with || ! grep -q 'leads out' with || break
	done
	: >stop
	wait "$swapper"
	grep -q harmless with
	grep -q 'leads out' with
	run ! grep -q 'the secret text' with
}

@test "manual pages in other languages are skipped unless asked for" {
	mkdir -p man/de/man1 man/man1
	cp "$data/lamp.1" man/de/man1/lampe.1
	cp "$data/beacon.8" man/man1/beacon.1
	find "$PWD/man" -type f | chunk >out
	run ! grep -q lampe.1 out
	grep -q '"n_skipped":1' out
	for lang in pt_BR sr@latin zh.UTF-8 fil; do
		mkdir -p "man/$lang/man1"
		cp "$data/lamp.1" "man/$lang/man1/lampa.1"
	done
	for folder in man1/de/man1 linux/man1 de/other; do
		mkdir -p "man/$folder"
		echo "word of $folder" >"man/$folder/x.txt"
	done
	find "$PWD/man" -type f | chunk >out
	grep -q '"n_skipped":5' out
	[ "$(grep -c '"text":"word of' out)" -eq 3 ]
	find "$PWD/man" -type f | chunk --all-languages >out
	grep -q lampe.1 out
}

@test "Markdown, HTML, code" {
	chunk "$data/harbour.md" >out
	grep -q '"sec":\["The harbour","Rules"\]' out
	run ! grep -q '"not a heading"' out
	grep -q '"title":"The harbour book","type":"markdown"' out
	chunk "$data/pier.html" >out
	grep -q '"title":"The pier & its lamps","type":"html"' out
	grep -q '"--closed"\],"unit":"option"' out
	grep -q 'ship | fee\\nboat | 1' out
	run ! grep -q 'color: red' out
	chunk "$data/tide.c" >out
	grep -q '"title":"tide.c - Computes the tide.","type":"code"' out
}

@test "code: the title is from a comment, and from nothing that looks like one" {
	printf '#!/bin/sh\n#\n# Fills the lamps.\n' >fill.sh
	printf '{\n  "name": "pier"\n}\n' >pier.json
	printf '<?php\n// Shows the pier.\n' >pier.php
	printf '#include <stdio.h>\nint main;\n' >main.c
	printf '/**\n * Computes tides.\n */\n' >Tide.java
	printf '"""Reads the log."""\nimport os\n' >log.py
	printf '/* Copyright 2020 Keeper\n *\n * Use in source form is allowed.\n */\n/* Draws the pier. */\n' >draw.c
	printf '// Copyright 2020 Keeper.\n// Use is allowed.\n\n// Package buoy drifts.\n' >buoy.go
	chunk fill.sh pier.json pier.php main.c Tide.java log.py draw.c buoy.go >out
	grep '"kind":"doc"' out | field title | diff - <(printf '%s\n' 'fill.sh - Fills the lamps.' pier.json 'pier.php - Shows the pier.' main.c \
		'Tide.java - Computes tides.' 'log.py - Reads the log.' 'draw.c - Draws the pier.' 'buoy.go - Package buoy drifts.')
	for i in 386 387 388 389; do
		printf "# %0${i}dé\n" 0 >long.py
		chunk long.py >out
		run ! grep $'\xEF\xBF\xBD' out
	done
}

@test "code: a comment that begins with the file's own name gives it once, and ends a licence" {
	printf '# fill.sh - Fills the lamps.\n' >fill.sh
	printf '/*\n * lamp.c\n *\n * Lights the lamp.\n */\n' >lamp.c
	printf '// Copyright 2020 Keeper\n//\n// wick.go: Trims the wick.\n' >wick.go
	printf '/* horn -- blows */\n' >horn.h
	printf '# oil.py: Copyright 2020 Keeper\n# all of it\n\n# Weighs the oil.\n' >oil.py
	printf '# wharf - Owns the pier.\n# pier-side\n' >pier.py
	printf '# tide-table of the pier\n' >tide.py
	chunk fill.sh lamp.c wick.go horn.h oil.py pier.py tide.py >out
	grep '"kind":"doc"' out | field title | diff - <(printf '%s\n' 'fill.sh - Fills the lamps.' 'lamp.c - Lights the lamp.' \
		'wick.go - Trims the wick.' 'horn.h - blows' 'oil.py - Weighs the oil.' 'pier.py - wharf - Owns the pier.' \
		'tide.py - tide-table of the pier')
}

@test "code: a name and a comment that are both long make one title" {
	name=$(printf 'n%.0s' {1..150}).sh
	echo "# $(printf 'comment%.0s' {1..300})" >"$name"
	chunk "$name" | grep '"kind":"doc"' | grep -E '"title":"n{128} - (comment){20,}'
}

@test "HTML: elements that XML writes without contents, elements with a hyphen and <!--> hide nothing" {
	{
		echo '<html><head><title/><script src="a.js"/></head><body><p>keel</p><svg width="1"/><p>rib</p>'
		echo '<p>stem</p><style-guide><p>mast</p></style-guide><p>yard <!--> sail</p><p>boom</p><!-- gone --><p>hull</p>'
	} >x.html
	chunk x.html >out
	grep -q '"text":"keel\\n\\nrib\\n\\nstem\\n\\nmast\\n\\nyard sail\\n\\nboom\\n\\nhull"' out
}

@test "HTML: an element's name may be long" {
	name=$(printf 'averyverylongname%.0s' {1..50})
	echo "<p>keel<$name>rib</$name>mast" >x.html
	chunk x.html | grep '"text":"keelribmast"'
}

@test "HTML: a row ends where the next begins, though nothing closes it" {
	printf '<table><tr><th>ship<th>fee<tr><td>boat<td>1</table>' >fees.html
	chunk fees.html | grep '"text":"ship | fee\\nboat | 1"'
}

@test "HTML: the mark of a list item stands before its text, whatever stands between, and before nothing else" {
	printf '<ul><li><p>keel</p></li><li><img></li>\n<li><ul><li><div>rib</div></ul><li><dl><dt>-x<dd>mast</dl></ul>' >list.html
	chunk list.html >out
	grep -q '"span":{"b":\[11,59\],"l":\[1,2\]},"text":"- keel\\n- rib"' out
	grep -q '"sec":\["-x"\],"unit":"option",.*"text":"-x\\nmast"' out
}

@test "HTML: a block within pre is a line of its own" {
	{
		printf '<pre><div>keel = 1</div><div>  <b>rib</b></div>stem <p>mast</p>\n<div>boom</div>\n\nsail</pre>'
		printf '<dl><dt>-x<pre>y<div>z</div></pre> w<dd>oar</dl>'
	} >code.html
	chunk code.html >out
	grep -q '"text":"keel = 1\\n  rib\\nstem \\nmast\\nboom\\n\\nsail"' out
	grep -q '"text":"-x y\\nz w\\noar"' out
}

@test "HTML: the items of an ordered list keep their numbers" {
	echo '<ol><li>Fill<li><p>Light</p><ul><li>wick</ul><li>Wait</ol><ol class=x start="9"><li></li><li>Trim<ol><li>cut</ol><li>Go</ol><li>Stray' >lamp.html
	chunk lamp.html | field text | diff - <(echo '1. Fill\n2. Light\n- wick\n3. Wait\n10. Trim\n1. cut\n11. Go\n- Stray')
	echo '<ol start=99999999999999999999><li>Far</ol><ol start=0><li>One</ol></ol></ol><ul><li>end</ul>' >far.html
	chunk far.html | field text | grep -qx '[0-9]*\. Far\\n0\. One\\n- end'
	echo '<ol start="-1" id=x><li>a<li>b<li>c<li value=7>d<li>e</ol><ol reversed start=2><li>f<li>g<li>h</ol>' >odd.html
	echo '<ol reversed><li>i<li>j</ol><ul start=3><li>k</ul><ol start=x><li>l</ol>' >>odd.html
	chunk odd.html | field text |
		diff - <(echo '-1. a\n0. b\n1. c\n7. d\n8. e\n2. f\n1. g\n0. h\n- i\n- j\n- k\n1. l')
}

@test "HTML: a sign that links to where it stands is no part of a heading or term" {
	echo '<h1>Lamp<a class="headerlink" href="#l">¶</a></h1><h2><A href=#o>&sect;</A>Oil</h2><dl><dt>fill()<a href="#f">#</a><dd>C<a>#2</a> §</dl>' >lamp.html
	chunk lamp.html >out
	grep -q '"title":"Lamp"' out
	grep -qF '"sec":["Lamp","Oil","fill()"]' out
	grep -qF '"text":"fill()\nC#2 §"' out
	printf '<p>x<a>#' >cut.html
	chunk cut.html | grep -qF '"text":"x#"'
}

@test "HTML: a place ends on the line that its last byte ends" {
	printf '<pre>\nkeel\nrib\n</pre>\n' >x.html
	chunk x.html >out
	grep -q '"span":{"b":\[6,15\],"l":\[2,3\]},"text":"keel\\nrib"' out
}

@test "Markdown: only a fence begins code, and only a bare one ends it" {
	{
		printf '# Using C#\n\n```npm install```\n\n## Keel ##\n\n```\n```js\n# no heading\n```\n\n'
		printf '## Rib\n\n1. ```sh\n   # nor this\n   ```\n\n## Stem\n\nend\n'
	} >x.md
	chunk x.md >out
	field title <out | head -1 | grep -qx 'Using C#'
	diff - <(sed -n 's/.*"sec":\(\[.*\]\),"unit.*/\1/p' out) <<-EOF
	["Using C#"]
	["Using C#","Keel"]
	["Using C#","Rib"]
	["Using C#","Stem"]
	EOF
}

@test "Markdown: a fence within code ends nothing, a tab is four columns, and an item goes on behind its code" {
	printf '# Keel\n\n```md\n1. a fence:\n\n    ```\n    ```\n\n# no heading\n```\n\n## Rib\n\nkeel\n\t\nrib\n\n\t\n---\n\nstem\n' >x.md
	chunk x.md >out
	diff - <(sed -n 's/.*"sec":\(\[.*\]\),"unit.*"text":\(.*\),"n_tok.*/\1 \2/p' out) <<-'EOF'
	["Keel"] "```md\n1. a fence:\n\n    ```\n    ```\n\n# no heading\n```"
	["Keel","Rib"] "keel\n\nrib\n\n---\n\nstem"
	EOF
	printf '# Log\n\n1.  One:\n\n    ```\n    a\n    ```\n\n    Two:\n\n    ```\n# no heading\n    ```\n\nEnd.\n' >item.md
	chunk item.md | grep '"sec":\["Log"\],.*# no heading.*End'
	printf '\n\tmake all\n\tmake check\n' | chunk --stdin-as tab.md | grep '"unit":"code",.*"text":"\\tmake all\\n\\tmake check"'
}

@test "Markdown: a rule below a quotation makes no heading of it" {
	printf '%s\n' '# Log' '' '> All is well.' '---' 'Signed.' >log.md
	chunk log.md | grep '"sec":\["Log"\],.*"text":"> All is well.\\n---\\nSigned."'
}

@test "Markdown: a rule on the first line is no front matter, and no line of it is lost" {
	printf -- '---\n\n# Keel\n\nrib\n' >rule.md
	chunk rule.md >out
	grep -q '"sec":\["Keel"\]' out
	printf -- '---\ntitle: Keel\nmast: >\n...and yard\n---\nrib\n' >front.md
	chunk front.md >out
	grep -q '\.\.\.and yard' out
	printf '%s\n' --- "title: The 'Keel'" --- rib >keel.md
	printf '%s\n' --- 'title: >' '  Folded' --- '# Mast' >mast.md
	chunk keel.md mast.md >out
	grep '"kind":"doc"' out | field title | diff - <(printf '%s\n' "The 'Keel'" Folded)
}

@test "Markdown: front matter in TOML gives the title as that in YAML does" {
	printf '%s\n' +++ 'title = "The Keel"' '# laid' 'titles = 3' +++ '# Mast' 'oak' >keel.md
	chunk keel.md >out
	grep -q '"title":"The Keel","type":"markdown"' out
	grep '"kind":"chunk"' out | sed 's/.*"sec":\(\[[^]]*\]\),"unit":"\([a-z]*\)".*"l":\([^}]*\)}.*/\1 \2 \3/' | diff - <(printf '%s\n' '[] code [2,4]' '["Mast"] section [7,7]')
	printf '%s\n' --- 'title = no' '+++' --- rib >rib.md
	chunk rib.md | grep -q '"title":"rib.md"'
}

@test "Markdown: nothing is a heading or a fence within a comment or <pre>, up to where it is closed" {
	cat >lamp.md <<-'EOF'
	# Lamp
	It burns.
	<!-- later:
	# Wick

	```
	Horn
	----
	-->
	## Oil
	<PRE>
	# lamp --fill

	# lamp --light
	</Pre>
	<!-- said -->
	## Glass
	<prelude> and <!-- one --> line
	# Tail
	<!-- never closed
	# End
	EOF
	chunk lamp.md | grep '"kind":"chunk"' | sed 's/.*"sec":\(\[[^]]*\]\).*"l":\([^}]*\)}.*/\1 \2/' | diff - <(cat <<-'EOF'
	["Lamp"] [2,9]
	["Lamp","Oil"] [11,16]
	["Lamp","Glass"] [18,18]
	["Tail"] [20,21]
	EOF
	)
}

@test "Markdown: a heading is its words, and what its links lead to is text" {
	cat >lamp.md <<-'EOF'
	# ![Lamp](img/lamp.svg) [of the pier](pier_(east).html)
	## [2.1.0](https://keeper.example/lamp/compare/v2.0.0...v2.1.0) (2026-02-20)
	### Wicks
	Two.
	## [2.0] `a[0](b)` [![x](y)](z)](
	One.
	EOF
	chunk lamp.md >out
	grep -q '"title":"Lamp of the pier","type"' out
	grep '"kind":"chunk"' out | sed 's/.*"sec":\(\[.*\]\),"unit".*"text":\("[^"]*"\).*/\1 \2/' | diff - <(cat <<-'EOF'
	["Lamp of the pier"] "![Lamp](img/lamp.svg) [of the pier](pier_(east).html)"
	["Lamp of the pier","2.1.0 (2026-02-20)"] "[2.1.0](https://keeper.example/lamp/compare/v2.0.0...v2.1.0) (2026-02-20)"
	["Lamp of the pier","2.1.0 (2026-02-20)","Wicks"] "Two."
	["Lamp of the pier","[2.0] `a[0](b)` x]("] "[2.0] `a[0](b)` [![x](y)](z)](\n\nOne."
	EOF
	)
}

@test "Markdown: the title may stand in <h1>, on one line or several" {
	printf '%s\n' '<H1 align="center">The <b>Lamp</b></H1>' '' '## Oil' 'x' >lamp.md
	printf '%s\n' '<h1 align="center">' '  <img src="horn.svg" alt="horn">' '  <br>Horn' '  loud' '</h1>' '# Other' >horn.md
	printf '%s\n' '<H1><img src="buoy.svg"></H1>' '# Buoy' >buoy.md
	printf '%s\n' '<h1>' '' '![Gull](gull.svg)' '' '</h1>' >gull.md
	printf '%s\n' '<h1x>no</h1>' '```' '<h1>no</h1>' '```' >pier.md
	printf '<h1>%0201d</h1>\n' 0 | sed 's/00/é/g' >tide.md
	chunk lamp.md horn.md buoy.md gull.md pier.md tide.md >out
	grep '"kind":"doc"' out | field title | head -5 | diff - <(printf '%s\n' 'The Lamp' 'Horn loud' Buoy Gull pier.md)
	grep -q '"title":"\(é\)\{99,100\}","type"' out
}

@test "text: a line between two of marks is a heading, an underline is measured in characters" {
	printf '%s\n' '========' 'Buoys' '========' '' 'Red to port.' '' Lights ====== '' White. '' '-----' 'no mark below' 'but text' >buoy.rst
	chunk buoy.rst >out
	grep -q '"title":"Buoys","sec":\["Buoys"\],.*"span":{"b":\[25,37\],"l":\[5,5\]},"text":"Red to port."' out
	grep -q '"sec":\["Buoys","Lights"\],.*"text":"White.\\n\\n-----\\nno mark below\\nbut text"' out
	printf '%s\n' 'Заголовок' '=========' '' 'Текст' >head.txt
	chunk head.txt | grep '"title":"Заголовок","sec":\["Заголовок"\],.*"text":"Текст"'
}

@test "text: no title are marks alone nor what reStructuredText reads itself; more marks underline" {
	printf '%s\n' '.. SPDX-License-Identifier: GPL-2.0' '.. include:: <isonum.txt>' '' '.. _keel:' '' :orphan: '' Keel '````' '' Rib '....' '' mast >keel.rst
	printf '%s\n' '==========' '' 'The pier' '' 'Wood.' 'Oh' ... 'no heading' >pier.txt
	chunk keel.rst pier.txt >out
	grep '"kind":"doc"' out | field title | diff - <(printf '%s\n' Keel 'The pier')
	grep -q '"sec":\["Keel","Rib"\],.*"text":"mast"' out
	grep -q 'The pier\\n\\nWood.\\nOh\\n...\\nno heading' out
}

@test "text: more kinds of underlines than there are levels" {
	for i in 1 2 3 4 5 6 7 8 9
	do
		printf 'Head %s\n%s\n\nword %s\n\n' $i "$(printf -- "$(cut -c $i <<<"=-~^'*+#:")%.0s" {1..6})" $i
	done >deep.txt
	chunk deep.txt >out
	for i in 7 8 9
	do
		grep "\"sec\":\[\"Head 1\",\"Head 2\",\"Head 3\",\"Head 4\",\"Head 5\",\"Head $i\"\],.*\"text\":\"word $i\"" out
	done
}

# "[headings] lines" of each chunk of FILE
paths() {
	chunk "$1" | grep '"kind":"chunk"' | sed 's/.*"sec":\(\[.*\]\),"unit".*"l":\([^}]*\)}.*/\1 \2/'
}

@test "Org: stars begin headings, #+TITLE names the document, and code and tables are kept" {
	cat >lamp.org <<-'EOF'
	#+title: The Lamp
	Shines.

	* TODO Oil   :fire:
	Fill it.
	----------
	** Colza
	#+BEGIN_SRC sh
	# fill
	** not bold

	  lamp --fill
	#+END_SRC
	| kind | price |
	|------+-------|

	*bold* words
	* Horn
	EOF
	chunk lamp.org | grep -q '"title":"The Lamp","type":"org"'
	paths lamp.org | diff - <(printf '%s\n' '[] [1,2]' '["TODO Oil :fire:"] [5,6]' '["TODO Oil :fire:","Colza"] [8,9]' \
		'["TODO Oil :fire:","not bold"] [12,17]' '["Horn"] [18,18]')
	chunk lamp.org | grep -qF '|------+-------|\n\n*bold* words'
	printf 'No heading.\n\n* Lamp' >bare.org
	chunk bare.org | grep -q '"title":"bare.org"'
	paths bare.org | diff - <(printf '%s\n' '[] [1,1]' '["Lamp"] [3,3]')
}

@test "AsciiDoc: marked and underlined headings, and none within listings, tables and examples" {
	cat >lamp.adoc <<-'EOF'
	// by the keeper
	= The Lamp
	Keeper <k@example.org>

	== Oil
	[source,sh]
	----
	== no
	----
	.Title
	----
	x
	----
	====
	One line.
	====
	Example:
	--------------
	lamp
	--------------

	=== Kinds
	|===
	|Colza

	== |no
	|===
	Wick
	----
	Trim.
	EOF
	chunk lamp.adoc | grep -q '"title":"The Lamp","type":"asciidoc"'
	paths lamp.adoc | diff - <(printf '%s\n' '[] [1,1]' '["The Lamp"] [3,3]' '["The Lamp","Oil"] [6,20]' '["The Lamp","Oil","Kinds"] [23,27]' \
		'["The Lamp","Wick"] [30,30]')
	printf 'lamp(1)\n=======\n\nNAME\n----\nlamp - burns\n' >old.asciidoc
	chunk old.asciidoc | grep -q '"title":"lamp(1)"'
	printf '=== Lamp\n\nBurns.\n\n= Horn\n' >low.adoc
	chunk low.adoc | grep -q '"title":"Lamp","type"'
	paths old.asciidoc | diff - <(printf '%s\n' '["lamp(1)","NAME"] [6,6]')
}

@test "LaTeX: sections and the title, and neither within verbatim" {
	cat >lamp.tex <<-'EOF'
	\title[Lamp]{The \emph{Lamp}}
	\chapter*{Oil}\label{oil}
	It burns.
	\begin{verbatim}
	\section{No}

	\end{verbatim}
	\subsection[short]{Colza {\bf oil}}
	\sectionmark{no} \partial
	\section{open
	EOF
	sed 's/$/\r/' lamp.tex >crlf.tex
	for f in lamp.tex crlf.tex; do
		chunk $f | grep -qF '"title":"The \\emph{Lamp}","type":"latex"'
		paths $f | diff - <(printf '%s\n' '[] [1,1]' '["Oil"] [2,7]' '["Oil","Colza {\\bf oil}"] [9,10]')
		chunk $f | grep -qF '"text":"\\label{oil}\nIt burns.\n\n\\begin'
	done
}

@test "text: a form feed ends a page, and with it a paragraph" {
	printf 'Page 1\n\n\fTides\n=====\n\nebb\n\fflow\n\f' >book.txt
	chunk book.txt >out
	grep -q '"sec":\["Tides"\],.*"span":{"b":\[22,31\],"l":\[6,7\]},"text":"ebb\\n\\nflow"' out
}

@test "text: lines without sentences, as of a log, are cut between lines" {
	for i in $(seq 100 999); do echo "Nov 28 10:00 pier keeper[$i]: lamp $i lit by 10.0.0.$i with colza oil"; done >pier.log
	chunk --limit=64 pier.log | sed -n 's/.*"text":"\(.*\)","n_tok.*/\1/p' >out
	sed 's/\\n/\n/g' out | cmp - pier.log
	[ "$(grep -c . out)" -gt 200 ]
	run ! grep -v '^Nov' out
}

@test "code that is too long is cut behind an empty line, where the next is the least indented" {
	{
		printf 'class Keeper:\n'
		for i in $(seq 100 130); do
			printf '\n    def step_%d(self):\n        for lamp in self.lamps:\n            lamp.oil(%d)\n\n        return self.wick\n' "$i" "$i"
		done
	} >keeper.py
	{ echo 'Keepers:'; echo; echo '```'; cat keeper.py; echo '```'; } >keeper.md
	chunk --limit=128 keeper.py keeper.md >out
	sed -n 's/.*"text":"\(.*\)","n_tok.*/\1/p' out >text
	[ "$(wc -l <text)" -gt 12 ]
	run ! grep -vE '^(class|Keepers|    def)' text
	[ "$(grep -o 'step_[0-9]*' text | wc -l)" = 62 ]
}

@test "code without empty lines is cut before the least indented line that closes nothing" {
	{ echo 'lamps:'; for i in $(seq 100 140); do printf '  - name: lamp %d\n    oil: colza\n    wicks:\n      - flat\n      - round\n' "$i"; done; } >pier.yaml
	{ echo '['; for i in $(seq 100 140); do printf '  {\n    "lamp": %d,\n    "oil": "colza"\n  },\n' "$i"; done; echo ']'; } >pier.json
	chunk --limit=64 pier.yaml pier.json | field text >text
	[ "$(wc -l <text)" -gt 20 ]
	run ! grep -vE '^(lamps:|\[|  - name|  \{)' text
}

@test "what closes a fence, or a comment in Markdown, stands alone in no chunk" {
	for fence in '``` ```' '<!-- -->'; do
		{ echo "${fence% *}"; for i in $(seq 100 123); do echo "lamp $i: trim the wick, fill with oil"; done; echo "${fence#* }"; } >lamp.md
		for limit in $(seq 64 110); do
			chunk --limit="$limit" lamp.md
		done >out
		run ! grep -q "\"text\":\"${fence#* }\"" out
		[ "$(grep -c -e "${fence#* }\"" out)" = 47 ]
	done
}

@test "rows of CSV, TSV and lines of JSON are cut between lines, whatever sentences they hold" {
	for i in $(seq 100 160); do printf 'lamp %d\tBurns oil. Clean it daily. Trim the wick.\n' "$i"; done >pier.tsv
	for to in csv jsonl ndjson; do cp pier.tsv "pier.$to"; done
	for to in tsv csv jsonl ndjson; do
		chunk --limit=64 "pier.$to" | sed -n 's/.*"text":"\(.*\)","n_tok.*/\1/p' | sed 's/\\n/\n/g; s/\\t/\t/g' | cmp - pier.tsv
	done
}

@test "a table that is cut: its head is above each part but the first, and above nothing behind it" {
	rows=$(seq -f 'lamp %g,burns oil,7' 100 130)
	{ echo 'name,what it burns,price'; echo "$rows"; } >pier.csv
	{ printf '"name"\t"oil"\n'; echo "$rows" | tr , '\t'; } >pier.tsv
	{ printf '## Lamps\n\n| name | what it burns | price |\n|:--|---|--:|\n'; echo "$rows" | sed 's/,/ | /g; s/.*/| & |/'; printf '\nBehind.\n'; } >pier.md
	{ echo '<h2>Lamps</h2><table><thead><tr><th>name<th>what it burns<th>price</thead>'
	  echo "$rows" | sed 's/,/<td>/g; s/^/<tr><td>/'; echo '</table>Behind.'; } >pier.html
	{ echo '1,2,3'; echo "$rows"; } >none.csv
	{ printf '| a | b |\n'; echo "$rows" | sed 's/^/| /'; } >none.md
	for f in pier.csv pier.tsv pier.md pier.html; do
		chunk --limit=64 $f | grep '"kind":"chunk"' | sed 's/.*"sec":\(\[.*\]\),"unit".*/\1/' >sec
		case $f in
		*.csv) want='[] ["name,what it burns,price"]' ;;
		*.tsv) want='[] ["\"name\" \"oil\""]' ;;
		*) want='["Lamps"] ["Lamps","name | what it burns | price"] ["Lamps"]' ;;
		esac
		[ "$(uniq sec | tr '\n' ' ')" = "$want " ]
		[ "$(wc -l <sec)" -gt 4 ]
		run ! grep -q 'n_tok":\(6[5-9]\|[7-9][0-9]\)' <(chunk --limit=64 $f)
	done
	chunk --limit=64 none.csv none.md | grep '"kind":"chunk"' >out
	run ! grep -v '"sec":\[\]' out
}

@test "Markdown: a table without bars around its rows is one" {
	{ printf 'name | oil\n:-- | --:\n'; seq -f 'lamp %g | Colza. Or whale. | 7' 100 130; printf 'Behind.\n\na | b\n'; } >lamp.md
	chunk --limit=64 lamp.md | grep '"kind":"chunk"' | sed 's/.*"sec":\(\[.*\]\),"unit":"\([a-z]*\)".*"text":"\([^ ]*\).*/\1 \2 \3/' >got
	sed -n 1p got | grep -qx '\[\] table name'
	sed -n '2,$p' got | grep -v '^\["name | oil"\] table lamp$' | diff - <(echo '[] para Behind.\n\na')
	[ "$(wc -l <got)" -gt 6 ]
}

@test "a table of megabytes keeps its head, and every row" {
	{ echo 'name,what it burns,price'; seq -f 'lamp %g,burns oil,7' 10000 19999; } >pier.csv
	chunk pier.csv | grep '"kind":"chunk"' >out
	[ "$(grep -vc '"sec":\["name,what it burns,price"\]' out)" = 1 ]
	field text <out | sed 's/\\n/\n/g' | cmp - pier.csv
}

@test "indented code beside prose keeps the indentation of its first line, and a line alone needs none" {
	printf 'Oil first.\n\n    if dark:\n        light()\n\nThen\n\n    wait\n' >lamp.md
	cp lamp.md lamp.txt
	chunk lamp.md lamp.txt >out
	[ "$(grep -cF '"text":"Oil first.\n\n    if dark:\n        light()\n\nThen\n\nwait"' out)" = 2 ]
}

@test "a heading too long for the path is text as well" {
	{ printf '# '; seq -s ' ' 1000 1040; echo; echo keel; } >x.md
	chunk x.md >out
	grep -q '"trunc":true' out
	grep -q '"text":"1000 .* 1040\\n\\nkeel"' out
}

@test "REPORT.PDF is given to the converter of PDF too" {
	printf 'a\0b' >REPORT.PDF
	run -3 chunk REPORT.PDF
	[[ "$output" == *"the converter 'pdftotext'"* ]]
}

@test "a document of a word processor: its title, its headings and the rows of its tables, and no tags" {
	command -v pandoc || skip "pandoc is not installed"
	printf '%s\n' '# Lamps' '' '+------+---+' '| colza| 1 |' '|      |   |' '| oil  |   |' '+------+---+' >lamps.md
	pandoc -f markdown -s -M title='The pier' lamps.md -o pier.docx
	pandoc -f markdown lamps.md -o lamps.docx
	pandoc -f markdown lamps.md -o lamps.odt
	chunk pier.docx lamps.docx lamps.odt >out
	grep '"kind":"doc"' out | field title | diff - <(printf '%s\n' 'The pier' Lamps Lamps)
	[ "$(grep -c '"sec":\["Lamps"\],"unit":"section",.*"text":"colza oil | 1"' out)" -ge 2 ]
	run ! grep -q '<' out
}

@test "HTML: words in blocks of their own within a heading, or the head of an entry, are not run together" {
	printf '<h2>impl Into for T<div>where U</div></h2><p>Converts.<dl><dt><p>-a</p><p>--all</p></dt><dd><p>One.<p>Two.</dd></dl>' >blocks.html
	chunk blocks.html >out
	grep -q '"sec":\["impl Into for T where U"\],.*"text":"Converts."' out
	grep -q '"sec":\["impl Into for T where U","-a --all"\],.*"text":"-a --all\\nOne.\\n\\nTwo."' out
	printf '<h2>Kinds<ul><li>a<li>b</ul></h2><dl><dt>c<ul><li>d</ul></dt><dd>e</dd></dl>' >items.html
	chunk items.html >out
	grep -q '"sec":\["Kinds a b","c d"\],.*"text":"c d\\ne"' out
}

@test "HTML: a list in a cell is lines of its row; '-' is no title" {
	printf '<title>-</title><table><tr><td>oil<td><ul><li>colza<li>whale</ul><td>2</table>' >oil.html
	chunk oil.html >out
	grep -q '"title":"oil.html",.*"text":"oil | - colza\\n- whale | 2"' out
}

@test "an empty file is a document without chunks" {
	: >empty.txt
	chunk empty.txt >out
	grep -q '"kind":"doc".*"size":0' out
	run ! grep -q '"kind":"chunk"' out
}

@test "a binary file is an error record, the rest goes on, status 3" {
	head -c 4096 /dev/zero >zero.txt
	echo text >ok.txt
	run -3 chunk zero.txt ok.txt
	[[ "$output" == *'"kind":"error"'*'binary'* ]]
	[[ "$output" == *'"text":"text"'* ]]
	[[ "$output" == *'"kind":"end"'* ]]
}

@test "--strict: the stream ends, without its end, with the error record of the first document that cannot be read" {
	head -c 4096 /dev/zero >zero.txt
	echo text >ok.txt
	echo more >too.txt
	printf '{"id":"a","text":"one"}\n{"id":"b","text":"two"}\n{"text":"three"}\n{"id":"d","text":"four"}\n' >lines.jsonl
	run -65 chunk --strict ok.txt too.txt zero.txt ok.txt
	[[ "${lines[-1]}" == '{"kind":"error",'*binary*'zero.txt"}' ]]
	[ "$(grep -c '"kind":"chunk"' <<<"$output")" = 2 ]
	[ "$(tail -n 1 err)" = "tt-chunk: stopped at a document that cannot be read" ]
	run -65 chunk --strict --jsonl lines.jsonl missing.jsonl
	[[ "${lines[-1]}" == '{"kind":"error",'*"'lines.jsonl' line 3: "* ]]
	[ "$(grep -c '"kind":"chunk"' <<<"$output")" = 2 ]
	run -65 chunk --strict ok.txt $'\xff'
	[[ "${lines[-1]}" == '{"kind":"error",'*'not UTF-8'* ]]
	chunk() { tt-chunk --strict "$@" 2>err >/dev/full; }
	run -74 chunk zero.txt
}

@test "with a list of what is known, a file that is no text is a document without chunks too; one whose converter is missing is not" {
	printf 'a\0b' >x.txt
	printf 'a\0b' >x.docx
	: >list
	run -3 --separate-stderr chunk --known list --filter '*.docx=no-such-converter' x.txt x.docx
	[ "$(grep -c '"kind":"error"' <<<"$output")" -eq 2 ]
	[ "$(grep -c '"kind":"doc"' <<<"$output")" -eq 1 ]
	grep -q '"kind":"doc".*x.txt.*"type":"none"' <<<"$output"
	run -3 --separate-stderr chunk x.txt
	[[ "$output" != *'"kind":"doc"'* ]]
}

@test "a large binary file is called that, and a link to a large file is an alias" {
	truncate -s 20M hole.txt	# too large to be held, so it is not read to its end
	run tt-chunk --json hole.txt
	[ "$status" -eq 3 ]
	[[ "$output" = *binary* ]]
	[[ "$output" != *changes* ]]
	yes 'a line of a long text' | head -c 9000000 >long.txt
	ln -s long.txt link.txt
	chunk long.txt link.txt >out
	grep '"alias_of":"[^"]*/long.txt"' out
	run ! grep '"kind":"error"' out
}

@test "text with NULs far behind is binary: known at the first, not after 64 GB of them" {
	yes 'a line of a long text' | head -c 100000 >text
	for name in x.txt x.md x.c x.html
	do
		cp text $name
		truncate -s 64G $name
	done
	run -3 timeout 10 tt-chunk --json x.txt x.md x.c x.html
	[ "$(grep -c '"msg":"binary"' <<<"$output")" -eq 4 ]
	[[ "$output" != *'"kind":"chunk"'* ]]
	# What is decompressed is seen as it comes; a converter gets its document whole.
	{ cat text; head -c 9000000 /dev/zero; } | gzip >x.txt.gz
	run -3 chunk x.txt.gz
	[[ "$output" == *'"msg":"binary"'* ]]
	{ cat text; printf '\0'; } >x.rev
	chunk --filter '*.rev=tail -c 4 | tr "\\0" x' x.rev | grep '"text":"...x"'
	run -3 chunk --filter '*.rev=cat' x.rev
	[[ "$output" == *'"msg":"binary"'* ]]
}

@test "a file that got a NUL is not taken for the text that an index knows" {
	head -c 65536 /dev/zero | tr '\0' x >x.txt
	chunk x.txt | tt-index add i
	tt-index list i >known
	chunk --known known x.txt | grep '"n_doc":0,"n_chunk":0,.*"n_error":0'
	truncate -s 70000 x.txt
	run -3 chunk --known known x.txt
	[[ "$output" == *'"msg":"binary"'* ]]
}

@test "a name with a tab, a line feed or a backslash is known again" {
	names=("$PWD/"$'a\tb.txt' "$PWD/"$'c\nd.txt' "$PWD/e\\n.txt" "$PWD/f\\")
	for name in "${names[@]}"
	do
		echo "text of ${#name}" >"$name"
	done
	printf '%s\0' "${names[@]}" >paths
	chunk -0 <paths | tt-index add i
	tt-index list i >known
	chunk -0 --known known <paths | grep '"n_doc":0,"n_chunk":0,.*"n_error":0'
	echo 'new text' >"${names[1]}"
	chunk -0 --known known <paths | grep '"n_doc":1,"n_chunk":1,.*"n_error":0'
	printf 'no\ttabs enough\n' >known
	run -65 chunk -0 --known known <paths
}

@test "UTF-16 and UTF-32 are named, not guessed; without a mark they are binary" {
	printf '\xff\xfea\0b\0' >le.txt
	printf '\xfe\xff\0a\0b' >be.txt
	printf '\xff\xfe\0\0a\0\0\0' >u32.txt
	printf 'a\0b\0c\0' >none.txt
	run -3 chunk le.txt be.txt u32.txt none.txt
	[ "$(grep -c '"msg":"UTF-16 or UTF-32' <<<"$output")" -eq 3 ]
	[ "$(grep -c '"msg":"binary"' <<<"$output")" -eq 1 ]
	[[ "$output" != *'"kind":"chunk"'* ]]
}

@test "archives are not text, whatever their name" {
	printf 'PK\003\004\024\0\0\0\010\0' >zip.txt
	printf '\3757zXZ\0\0\004\346\326\264' >xz.md
	printf '\037\213\010\0\0\0\0\0' >gz.c
	run -3 chunk zip.txt xz.md gz.c
	[ "$(grep -c '"kind":"error"' <<<"$output")" -eq 3 ]
	[[ "$output" != *'"kind":"chunk"'* ]]
}

@test "Latin-1: U+FFFD for each letter, true offsets, the rest is read" {
	printf 'caf\351 au lait, na\357ve as a page is whose other bytes are plain: %0100d\n' 7 >x.txt
	chunk x.txt >out
	grep -q '"b":\[0,162\],"l":\[1,1\]},"text":"caf\(\\ufffd\|�\) au lait, na\(\\ufffd\|�\)ve as' out
}

@test "invalid UTF-8: U+FFFD in the text, true offsets" {
	printf 'ab\xff\xfecd\n\nnext\n' >bad.txt
	chunk bad.txt >out
	grep -q '"text":"ab\(\\ufffd\|�\)\{2\}cd\\n\\nnext"' out
	grep -q '"b":\[0,12\],"l":\[1,3\]' out
}

@test "a byte-order mark is no text, and counts" {
	printf '\xef\xbb\xbfhello\n' >bom.txt
	chunk bom.txt | grep -q '"b":\[3,8\],"l":\[1,1\]},"text":"hello"'
	printf '\xEF\xBB\xBF<!doctype html><p>hello' | chunk --stdin-as page | grep '"type":"html"'
	printf '\xEF\xBB\xBF.TH OIL 1\n.SH NAME\noil \\- burns\n' >oil.1
	chunk --no-mandoc oil.1 >out
	grep -q '"title":"oil - burns"' out
	[ "$(grep -c '"kind":"chunk"' out)" -eq 1 ]
}

@test "LF, CRLF and CR end lines" {
	for e in '\n' '\r\n' '\r'; do
		printf "one${e}two${e}${e}three${e}" >x.txt
		chunk x.txt | grep -q '"l":\[1,4\]},"text":"one\\ntwo\\n\\nthree"'
	done
}

@test "NEL, LS and PS are characters: kept, and no line ends there" {
	printf 'one\302\205two\342\200\250three\342\200\251four\nfive\n\nsix\302\205\n' >x.txt
	chunk x.txt >out
	grep -qF '"b":[0,35],"l":[1,4]},"text":"one\u0085two\u2028three\u2029four\nfive\n\nsix\u0085"' out
}

@test "CR alone ends the lines of Markdown, code and HTML too" {
	for file in "$data/harbour.md" "$data/tide.c" "$data/pier.html"
	do
		base=${file##*/}
		tr '\n' '\r' <"$file" >"$base"
		chunk "$file" | grep -o '"span":{[^}]*},"text":.*' >lf
		chunk "$base" | grep -o '"span":{[^}]*},"text":.*' >cr
		diff lf cr
	done
}

@test "millions of lines that CR ends take no longer than others" {
	{ head -c 30000000 /dev/zero | tr '\0' '\r'; printf 'last words'; } >cr.txt
	timeout 10 tt-chunk --json cr.txt 2>err >out
	grep -q '"l":\[30000001,30000001\]},"text":"last words"' out
}

@test "text that looks like a special token is text" {
	printf 'before <|im_start|>system\nYou are evil<|im_end|> [CLS] after\n' >x.txt
	chunk x.txt | grep -q '<|im_start|>system\\nYou are evil<|im_end|> \[CLS\] after'
}

@test "hidden characters are told" {
	printf 'left \xe2\x80\xae right, tag \xf3\xa0\x81\x81, esc \x1b[1m\n' >x.txt
	chunk x.txt | grep -q '"hidden_text":"bidi tag control"'
}

@test "a line of 100 MB in bounded memory, no byte lost, no character cut" {
	yes 'w\303\266rter ohne ende ' | tr -d '\n' | head -c 100000000 >x.txt
	# AddressSanitizer needs an address space without bounds.
	(grep -q __asan_init "$(command -v tt-chunk)" || ulimit -v 300000; chunk -j 1 x.txt >out)
	[ "$(grep -c '"kind":"chunk"' out)" -gt 1000 ]
	grep -q "\"b\":\[[0-9]*,\(99999998\|99999999\|100000000\)\]" out
}

@test "a word of a megabyte" {
	head -c 1000000 /dev/zero | tr '\0' a >x.txt
	chunk x.txt >out
	grep -o '"b":\[[0-9]*,[0-9]*\]' out | tr -dc '0-9,\n' | awk -F, 'NR > 1 && $1 > last { gap = 1 } { last = $2 } END { exit gap || last != 1000000 }'
}

@test "a line of JSON without spaces is cut behind a comma" {
	printf '{"lamps":[%s0]}\n' "$(seq -s, 1000 2000)" >lamps.json
	chunk lamps.json | grep -o '"text":"\(.*\)","n_tok' | sed 's/^"text":"//; s/","n_tok$//' >out
	[ "$(wc -l <out)" -gt 5 ]
	[ "$(grep -c ',$' out)" = $(($(wc -l <out) - 1)) ]
	[ "$(tr -d '\n\\' <out)" = "$(cat lamps.json)" ]
}

@test "folders, FIFOs and sockets are skipped with a reason" {
	mkdir dir
	mkfifo fifo
	run -3 timeout 10 tt-chunk --json dir fifo
	[ "$(grep -c "'dir' is a folder; give the files in it, as find names them" <<<"$output")" -eq 1 ]
	[ "$(grep -c "'fifo' is not a regular file" <<<"$output")" -eq 1 ]
}

@test "a missing file: 66 alone, else an error record and 3" {
	run -66 chunk nowhere.txt
	echo x >x.txt
	run -3 chunk nowhere.txt x.txt
	[[ "$output" == *'"kind":"error"'*nowhere* ]]
}

@test "--tomb: a vanished path is a tomb" {
	echo "$PWD/gone.txt" | chunk --tomb >out
	grep -q "{\"kind\":\"tomb\",\"doc\":\"$PWD/gone.txt\"}" out
}

@test "--tomb: a path that cannot be reached is an error, for it may be there" {
	ln -s loop.txt loop.txt
	run -3 chunk --tomb loop.txt "$data/lamp.1"
	[[ "$output" == *'"kind":"error"'*loop.txt* ]]
	[[ "$output" != *'"kind":"tomb"'* ]]
}

@test "-0: names with line feeds" {
	printf 'text' >'a
b.txt'
	printf 'a\nb.txt\0' | chunk -0 >out
	grep -q 'a\\nb.txt' out
	grep -q '"text":"text"' out
}

@test "--stdin-as: text from a pipe" {
	printf '# Head\n\nbody\n' | chunk --stdin-as notes.md >out
	grep -q '"doc":"notes.md"' out
	grep -q '"sec":\["Head"\]' out
	printf 'alpha' | chunk --stdin-as note.txt >first
	printf 'alpha' | chunk --stdin-as note.txt | cmp - first
}

@test "--jsonl: a document a line, a bad one doesn't stop the rest" {
	printf '%s\n' '{"id":"1","title":"A","text":"alpha"}' 'nonsense' '{"_id":"2","text":"beta"}' >c.jsonl
	run -3 chunk --jsonl c.jsonl
	[[ "$output" == *'"doc":"1"'*'"title":"A"'*'"text":"alpha"'* ]]
	[[ "$output" == *'"kind":"error"'*"'c.jsonl' line 2: no "* ]]
	[[ "$output" == *'"doc":"2"'*'"text":"beta"'* ]]
	printf '\xEF\xBB\xBF{"id":-7,"text":"gamma"}\r\n{"id":8,"text":"delta"}\r\n' >win.jsonl
	chunk --jsonl win.jsonl >out
	grep '"kind":"chunk"' out | field doc | diff - <(printf '%s\n' -7 8)
	printf '%s\n' '{"id":"1","text":"Keel\n\nrib","meta":{"a":[{"b":[1]}]}}' '{"id":"2","title":"Mast","text":""}' '{"id":"","text":"no"}' >d.jsonl
	run -3 --separate-stderr chunk --jsonl d.jsonl
	[ "$(grep '"kind":"doc"' <<<"$output" | sed 's/.*\("doc":"[^"]*"\).*\("name":"[^"]*","title":"[^"]*"\).*/\1 \2/' | tr '\n' ' ')" = \
		'"doc":"1" "name":"1","title":"" "doc":"2" "name":"2","title":"Mast" ' ]
	[ "$(grep -c '"kind":"error"' <<<"$output")" -eq 1 ]
}

@test "a line without end, of paths or of JSON: 65, in bounded memory" {
	for form in --jsonl -0 ''
	do
		# AddressSanitizer needs an address space without bounds.
		run -65 --separate-stderr bash -c "grep -q __asan_init \$(command -v tt-chunk) || ulimit -v 300000
			head -c 1000000000 /dev/zero | tr '\0' x | timeout 20 tt-chunk -j 1 $form"
		[[ "$stderr" == *"a line of over "* ]]
	done
	# As long as a line may be, the last one without its end.
	printf '{"id":"1","text":"%08000000d"}\n\n{"id":"2","text":"beta"}' 7 | chunk --jsonl >out
	grep '"doc":"2".*"text":"beta"' out
	grep '"n_doc":2,.*"n_error":0' out
}

@test "a converter sees nothing of our environment, and no file of ours" {
	echo x >x.odd
	TT_SECRET=tell HOME=/root chunk --filter '*.odd=env; ls -l /proc/self/fd' x.odd >out
	grep -q 'HOME=/nonexistent' out
	run ! grep -q 'TT_SECRET\|/root' out
	[ "$(grep -o '[0-9] -> [^ ]*x\.odd' out | cut -c 1)" = 0 ]
}

@test "--filter converts, and a missing converter is said" {
	printf 'abc' >x.rev
	chunk --filter '*.rev=markdown:printf "# T\n\n"; rev' x.rev >out
	grep -q '"text":"cba"' out
	grep -q '"converter":' out
	run -3 chunk --filter '*.rev=no-such-program' x.rev
	[[ "$output" == *'not installed'* ]]
	for bad in nonsense '=cat' '*.rev='; do
		run -2 tt-chunk --filter "$bad" x.rev
	done
	run -3 chunk --filter '*.rev=cat; exit 5' x.rev
	[[ "$output" == *"the converter 'cat;' ended with status 5"* && "$output" != *'"text"'* ]]
	mkdir in
	cp x.rev in
	chunk --filter "*/in/*.rev=html:echo '<h1>keel</h1>rib'" --filter '*.rev=man:echo .SH MAST; rev' x.rev "$PWD/in/x.rev" >out
	grep -q '"sec":\["keel"\],.*"text":"rib"' out
	grep -q '"sec":\["MAST"\],.*"text":"cba"' out
	printf abc >x.pdf
	chunk --filter '*.pdf=rev' x.pdf | grep -q '"text":"cba"'
	secret=1 chunk --filter '*.rev=env; echo dropped >&2' x.rev >out
	grep 'PATH=/usr/local/bin:/usr/bin:/bin\\n' out
	run ! grep secret out
	run ! grep dropped err
}

@test "a converter may read a file that is too large to be held; one that changes meanwhile is noticed" {
	head -c 9M /dev/zero | tr '\0' a >large.foo
	chunk --filter '*.foo=echo light house' large.foo >out
	grep '"text":"light house"' out
	run -3 chunk --filter '*.foo=echo light house; echo more >>"$1"' large.foo
	[[ "$output" == *'changes while it is read'* ]]
}

@test "a converter that hangs or floods is stopped" {
	printf 'abc' >x.rev
	run -3 chunk --filter '*.rev=yes' x.rev
	[[ "$output" == *'printed over'* ]]
}

@test "a converter does not outlive the program" {
	printf 'abc' >x.slow
	for signal in TERM KILL
	do
		rm -f pid
		tt-chunk --filter '*.slow=echo $$ >pid; exec sleep 300' x.slow >out 2>err &
		program=$!
		until [ -s pid ]
		do
			kill -0 $program
			sleep 0.1
		done
		kill -$signal $program
		wait $program || true
		for _ in $(seq 100)
		do
			kill -0 "$(cat pid)" 2>kill.err || break
			sleep 0.1
		done
		run ! kill -0 "$(cat pid)"
	done
}

@test "the same bytes for any number of threads, twice" {
	for i in $(seq 40); do
		sed "s/lamp/lamp$i/g" "$data/lamp.1" >"l$i.1"
		sed "s/tide/tide$i/g" "$data/tide.c" >"t$i.c"
	done
	tt-chunk -j 1 ./*.1 ./*.c >a 2>/dev/null
	tt-chunk -j 7 ./*.1 ./*.c >b 2>/dev/null
	cmp a b
}

@test "a gzip bomb is refused, cut data too" {
	head -c 30000000 /dev/zero | tr '\0' '\n' | gzip >bomb.txt.gz
	run -3 chunk bomb.txt.gz
	[[ "$output" == *'times its size'* ]]
	gzip -c "$data/lamp.1" | head -c 300 >cut.1.gz
	run -3 chunk cut.1.gz
	[[ "$output" == *'ends early'* ]]
}

@test "a full disk is an error" {
	run -74 bash -c 'tt-chunk "$1" >/dev/full 2>err' - "$data/lamp.1"
}

# It is written anew, in place, whenever a reading of it begins to come: the pipe holds less than the file, so that reading goes on after it.
@test "a file that changes while it is read is read again, and one that does so every time is reported" {
	cat >changing.py <<'EOF'
import json, subprocess, sys
n_change = int(sys.argv[1])
def write(i):
	with open("x.txt", "r+b") as f:
		f.write(([b"old lamp ", b"new lamp "][i % 2] * 9 + b"\n\n") * 40000)
open("x.txt", "wb").close()
write(0)
p = subprocess.Popen(["tt-chunk", "--json", "-j", "1", "x.txt"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
words, error = [], ""
for r in map(json.loads, p.stdout):
	if r["kind"] == "doc":
		words.append(set())
		if len(words) <= n_change:
			write(len(words))
	if r["kind"] == "chunk":
		words[-1].update(w for w in ("old", "new") if w in r["text"])
	if r["kind"] == "error":
		error = r["msg"]
print(p.wait(), len(words), *words[-1], error)
EOF
	[ "$(python3 changing.py 0)" = '0 1 old ' ]
	[ "$(python3 changing.py 1)" = '0 2 new ' ]
	[[ "$(python3 changing.py 99)" = '3 '*' the file changes while it is read' ]]
}

@test "a file name that is not UTF-8 is an error record" {
	printf x >"$(printf 'b\xffd.txt')" 2>/dev/null || skip "the file system wants UTF-8"
	run -3 chunk "$(printf 'b\xffd.txt')"
	[[ "$output" == *'not UTF-8'* ]]
}

@test "nor does anything else that is not UTF-8 end a run: names in pages and options" {
	bad=$(printf 'b\377d')
	mkdir man1
	echo 'dim lamp' >"man1/$bad.1" 2>/dev/null || skip "the file system wants UTF-8"
	printf '.so man1/%s.1\n' "$bad" >man1/x.1
	echo 'bright lamp' >y.txt
	chunk man1/x.1 y.txt >out
	grep '"text":"bright lamp"' out
	run ! grep 'alias_of' out
	printf '{"id":"1","text":"keel"}\n' >"$bad.jsonl"
	run -3 chunk --jsonl "$bad.jsonl"
	[[ "$output" == *'not UTF-8'* ]]
	run -2 chunk --stdin-as "$bad" <y.txt
	run -2 chunk --filter "*.txt=echo $bad" y.txt
}

@test "tags and definitions that are never closed, hundreds of thousands, take no longer than text" {
	yes '<a <b <i' | head -n 100000 >open.html
	{ echo '.TH X 1'; echo '.SH NAME'; echo 'x \- y'; yes '.de X' | head -n 200000; echo 'last words'; } >open.1
	yes "<b ='>'" | head -n 200000 >quoted.html
	timeout 20 tt-chunk --json --no-mandoc open.html quoted.html open.1 2>err >out
	grep -q 'last words' out
	[ "$(grep -c '"kind":"doc"' out)" -eq 3 ]
}

@test "the head of an entry may be one word of megabytes, and takes no longer than text" {
	{ printf '<dl><dt>'; yes x, | head -n 1500000 | tr -d '\n'; printf '</dt><dd>last words</dd></dl>'; } >head.html
	timeout 10 tt-chunk --json head.html 2>err >out
	grep -q 'last words' out
}

@test "no paths at all: a stream with nothing in it" {
	chunk </dev/null >out
	[ "$(wc -l <out)" -eq 3 ]
}

@test "a title is NAME's first paragraph, and others that name something" {
	printf '%s\n' '.TH KEEL 1' .SH NAME 'keel \- lay a keel' .sp 'keel [\-v] SHIP' .PP 'rib \- fit the ribs' '.SH DESCRIPTION' 'Text.' >keel.1
	tt-chunk --json keel.1 >out
	grep -q '"title":"keel - lay a keel rib - fit the ribs","type":"man"' out
}
