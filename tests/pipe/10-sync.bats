#!/usr/bin/env bats
# tt-sync: only what changed is read; what vanished leaves; one at a time; silent without a terminal.
load common

setup() {
	pipe_setup
	need_embedder
	make_depot
	index=$XDG_DATA_HOME/tiny-titans/index/depot
}

docs() {
	tt-index list "$index" | cut -f 1 | sed 's|.*/||' | sort | tr '\n' ' '
}
# A line for every chunk, with a hash of its vector's bytes where it has one.
vectors() {
	tt-index stat "$index" | awk '$1 == "vectors" { print $2 }'
}

chunk_fails() {	# bin/: the programs, with a tt-chunk that ends with 74 behind what it reads of its input, all or through FILTER
	mkdir bin
	ln -s "$build"/bin/* bin
	rm bin/tt-sync bin/tt-chunk
	cp "$build/bin/tt-sync" bin
	printf '#!/bin/sh\n%s %s "$@"\nexit 74\n' "$1" "$build/bin/tt-chunk" >bin/tt-chunk
	chmod +x bin/tt-chunk
}

@test "the first run reads every file, with vectors, and says nothing" {
	run --separate-stderr tt-sync
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
	[ "$(vectors)" -gt 0 ]
	[ "$(tt-index pending "$index" | tt-json | grep -c '"kind":"chunk"')" -eq 0 ]
}

@test "with standard input and output closed a run does the same" {
	run --separate-stderr sh -c 'tt-sync --lexical <&- >&-'
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "--lexical leaves the vectors for later; the next run adds them" {
	tt-sync --lexical
	[ "$(vectors)" -eq 0 ]
	[ -f "$index.lexical" ]
	[ ! -f "$index.vectors" ]
	tt-sync
	[ "$(vectors)" -gt 0 ]
	[ -f "$index.vectors" ]
}

@test "a run without changes commits nothing and takes less than two seconds" {
	tt-sync
	before=$(tt-index stat "$index" | grep generation)
	start=$(date +%s%N)
	tt-sync
	[ $((($(date +%s%N) - start) / 1000000)) -lt 2000 ]
	[ "$(tt-index stat "$index" | grep generation)" = "$before" ]
}

@test "a changed file is read again, its old text is gone" {
	tt-sync
	sed 's/ramp 4/ramp 9/' "$corpus/handover.md" >docs/handover.md
	tt-sync
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
	tt-retrieve "$index" <<<"late lorry ramp" | tt-json >hits
	grep -q 'ramp 9' hits
	! grep -q 'ramp 4' hits
}

@test "a corpus that is new has all its files from the first run on, though another has the same" {
	tt-sync --lexical
	printf '  - name: other\n    paths: [%s]\n    exclude: [README]\n' "$PWD/docs" >>depot.yaml
	tt-sync --lexical
	[ "$(tt-index list "${index%/*}/other" | wc -l)" -eq 3 ]
}

@test "patterns: the end of a path from a name on, * beyond slashes, ? a character of any language" {
	mkdir -p docs/drafts/old
	for file in a.md ü.md 文.md ab.md drafts/c.md drafts/old/d.md 'drafts/e[1].md'
	do
		echo "A file, $file." >"docs/$file"
	done
	for patterns in '"?.md"|a.md c.md d.md ü.md 文.md ' '"drafts/*"|c.md d.md e[1].md ' '"drafts/"|c.md d.md e[1].md ' '"e[1].md"|e[1].md ' '"fts/*"|'
	do
		printf 'corpora:\n  - name: depot\n    paths: [%s]\n    include: [%s]\n' "$PWD/docs" "${patterns%|*}" >depot.yaml
		tt-sync --lexical
		[ "$(docs)" = "${patterns#*|}" ]
	done
	sed -i 's/include: .*/exclude: [README, "drafts\/*", "??.md", "*[18]"]/' depot.yaml
	tt-sync --lexical
	[ "$(LC_ALL=C docs)" = "a.md handover.md stowage.8 weighbridge.1 ü.md 文.md " ]
}

@test "a filter's pattern may hold an equals sign" {
	echo 'kept as it is' | tee docs/a >docs/a=b.txt
	printf '    filters: {"a=*.txt": "tr a-z A-Z"}\n' >>depot.yaml
	tt-sync --lexical
	tt-index chunks --json "$index" | grep -o '"text":"[kK][^"]*"' | LC_ALL=C sort >said
	[ "$(cat said)" = '"text":"KEPT AS IT IS"
"text":"kept as it is"' ]
}

@test "what a converter leaves in the background keeps no other run away" {
	printf '    filters: {"handover.md": "sleep 3 >/dev/null 2>&1 3>&- & cat"}\n' >>depot.yaml
	tt-sync --lexical
	tt-sync --lexical
}

@test "a path may have a slash too many, or a dot between two" {
	sed -i "s|$PWD/docs|$PWD//./docs/|" depot.yaml
	tt-sync --lexical
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
	mv docs elsewhere
	run -3 tt-sync --lexical
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "a file below two paths, or below one that stands there twice, is read once" {
	mkdir docs/more
	echo "More of it." >docs/more/more.md
	ln -s more.md docs/more/link.md
	sed -i "s|\[$PWD/docs\]|[$PWD/docs, $PWD/docs/more, $PWD/docs]|" depot.yaml
	run --separate-stderr tt-sync --lexical -v
	[ "$stderr" = "tt-sync: depot: 5 files, 5 new, 0 touched, 0 vanished" ]
	[ "$(docs)" = "handover.md link.md more.md stowage.8 weighbridge.1 " ]
}

@test "nothing that is kept beside an index can be read by others" {
	umask 022
	tt-sync --lexical
	touch docs/handover.md
	tt-sync --lexical
	grep -q handover "$index.same"
	[ -z "$(find "$XDG_DATA_HOME/tiny-titans" -perm /077)" ]
}

@test "a file that was only touched keeps its vectors, and is not compared again" {
	tt-sync
	before=$(vectors)
	touch docs/handover.md
	tt-sync --lexical
	[ "$(vectors)" -eq "$before" ]
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
}

@test "a file that cannot be read lets no other be compared again and again" {
	echo 'no pdf' >docs/broken.pdf
	run -3 tt-sync --lexical
	touch docs/handover.md
	run -3 --separate-stderr tt-sync --lexical -v
	[[ "$stderr" == *"4 files, 1 new, 1 touched, 0 vanished"* ]]
	run -3 --separate-stderr tt-sync --lexical -v
	[[ "$stderr" == *"4 files, 1 new, 0 touched, 0 vanished"* ]]
	# One of those that were touched cannot be read: it is not taken for unchanged.
	sed -i 's|exclude: .*|&\n    filters: {"*.md": exit 1}|' depot.yaml
	tr a b <docs/handover.md >other && cp other docs/handover.md
	run -3 tt-sync --lexical
	run -3 --separate-stderr tt-sync --lexical -v
	[[ "$stderr" == *"4 files, 1 new, 1 touched, 0 vanished"* ]]
}

@test "a file that comes back with the time that was noted is read again where the index has another by now" {
	tt-sync --lexical
	touch docs/handover.md
	tt-sync --lexical
	cp -p docs/handover.md old.md
	tr a b <old.md >docs/handover.md
	chunk_fails
	run -74 bin/tt-sync --lexical
	cp -p old.md docs/handover.md
	tt-sync --lexical
	tt-index list "$index" | grep handover | cut -f 4 | grep -qF "$(tt-chunk --json docs/handover.md | grep -o -m 1 '"xxh3":"[^"]*"' | cut -d '"' -f 4)"
}

@test "a link is not taken for touched where numbers have a comma" {
	ln -s handover.md docs/link.md
	mkdir bin
	# The stat of a German, without need of that locale.
	printf '#!/bin/sh\n%s "$@" | if test "${LC_ALL-}" = C; then cat; else sed "s/\\([0-9]\\)[.]\\([0-9]\\)/\\1,\\2/"; fi\n' "$(command -v stat)" >bin/stat
	chmod +x bin/stat
	PATH="$PWD/bin:$PATH" LC_ALL=C.UTF-8 tt-sync --lexical
	PATH="$PWD/bin:$PATH" LC_ALL=C.UTF-8 run --separate-stderr tt-sync --lexical -v
	[[ "$stderr" == *"4 files, 0 new, 0 touched, 0 vanished" ]]
}

@test "a file that vanished leaves the index" {
	tt-sync
	rm docs/stowage.8
	tt-sync
	[ "$(docs)" = "handover.md weighbridge.1 " ]
}

@test "a link and a copy are read again when the page they stand for vanished or changed" {
	mkdir docs/man1
	mv docs/weighbridge.1 docs/man1/
	echo '.so man1/weighbridge.1' >docs/man1/scale.1
	cp docs/man1/weighbridge.1 docs/man1/zcopy.1
	tt-sync --lexical
	[ "$(tt-index list "$index" | awk -F '\t' 'NF == 5' | wc -l)" -eq 2 ]
	sed 's/pounds/stones of old/g' "$corpus/weighbridge.1" >docs/man1/weighbridge.1
	tt-sync --lexical
	tt-retrieve "$index" <<<"print pounds" | tt-json >hits
	grep -q '"doc":"[^"]*zcopy.1".*pounds' hits
	rm docs/man1/weighbridge.1
	cp docs/man1/zcopy.1 docs/man1/zzcopy.1
	tt-sync --lexical
	rm docs/man1/zcopy.1
	run --separate-stderr tt-sync --lexical
	tt-retrieve "$index" <<<"print pounds" | tt-json >hits
	grep -q '"doc":"[^"]*zzcopy.1".*pounds' hits
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical || true
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
}

@test "a copy is read again when the page it stands for became another of the same size, and stays one when that was only touched" {
	cp docs/weighbridge.1 docs/copy.1
	tt-sync --lexical
	IFS=$'\t' read -r copy _ _ _ page <<<"$(tt-index list "$index" | awk -F '\t' 'NF == 5')"
	touch "$page"
	tt-sync --lexical
	[ "$(tt-index list "$index" | awk -F '\t' 'NF == 5' | wc -l)" -eq 1 ]
	sed -i 's/pounds/stones/g' "$page"
	tt-sync --lexical
	tt-retrieve "$index" <<<"print pounds" | tt-json >hits
	grep -q "\"doc\":\"$copy\".*pounds" hits
}

@test "a page that the patterns leave out now leaves the index, though a copy of it stays" {
	mkdir docs/man1 docs/man8
	printf '.TH CLEAT 1\n.SH NAME\ncleat \\- make fast\n' | tee docs/man1/cleat.1 >docs/man8/cleat.1
	mv docs/weighbridge.1 docs/man1
	gzip -c docs/man1/weighbridge.1 >docs/man8/weighbridge.1.gz
	tt-sync --lexical
	# Of each pair the one that is the document is left out.
	tt-index list "$index" | awk -F '\t' 'NF == 5 { print $1 }' >copies
	[ "$(wc -l <copies)" -eq 2 ]
	tt-index list "$index" | awk -F '\t' 'NF == 5 { print $5 }' >pages
	sed -i "s|exclude: \[|&$(paste -sd , pages), |" depot.yaml
	tt-sync --lexical
	run ! grep -Fxf pages <(tt-index list "$index" | cut -f 1)
	[ "$(tt-index list "$index" | cut -f 1 | grep -cFxf copies)" -eq 2 ]
	tt-retrieve "$index" <<<"print pounds" | tt-json | grep '"doc":"[^"]*/weighbridge.1.*pounds'
}

@test "a run that is stopped between a page that changed and a copy of what it was loses neither text" {
	cp docs/weighbridge.1 docs/copy.1
	tt-sync --lexical
	IFS=$'\t' read -r copy _ _ _ page <<<"$(tt-index list "$index" | awk -F '\t' 'NF == 5')"
	sed -i 's/pounds/stones of old/g' "$page"
	chunk_fails "head -n 1 |"	# all that is committed of this run is the first document
	run -74 bin/tt-sync --lexical
	tt-sync --lexical
	tt-retrieve "$index" <<<"print pounds" | tt-json >hits
	grep -q "\"doc\":\"$copy\".*pounds" hits
	grep -q "\"doc\":\"$page\".*stones of old" hits
}

@test "a symbolic link to a page is another name of it, one that leads out of the corpus is none" {
	mkdir docs/man1
	mv docs/weighbridge.1 docs/man1/
	ln -s man1/weighbridge.1 docs/balance.1
	echo 'not for the index' >outside.md
	ln -s "$PWD/outside.md" docs/outside.md
	ln -s nowhere.md docs/dangling.md
	ln -s loop.md docs/loop.md
	run --separate-stderr tt-sync --lexical
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(docs)" = "balance.1 handover.md stowage.8 weighbridge.1 " ]
	tt-retrieve "$index" <<<"balance" | tt-json | grep -m 1 '"kind":"hit"' | grep '"doc":"[^"]*/weighbridge.1"'
	# Later it comes alone, and still brings no text of its own.
	ln -s man1/weighbridge.1 docs/steelyard.1
	chunks=$(tt-index stat "$index" | grep '^chunks')
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep '^chunks')" = "$chunks" ]
	tt-retrieve "$index" <<<"steelyard" | tt-json | grep -m 1 '"kind":"hit"' | grep '"doc":"[^"]*/weighbridge.1"'
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
	rm docs/balance.1
	tt-sync --lexical
	[ "$(docs)" = "handover.md steelyard.1 stowage.8 weighbridge.1 " ]
}

@test "of two links that come later each is a name of the page" {
	tt-sync --lexical
	ln -s weighbridge.1 docs/steelyard.1
	ln -s weighbridge.1 docs/trebuchet.1
	tt-sync --lexical
	[ "$(tt-index list "$index" | cut -s -f 5 | grep -c '/weighbridge.1$')" -eq 2 ]
	for name in steelyard trebuchet
	do
		tt-retrieve "$index" <<<"$name" | tt-json | grep -m 1 '"kind":"hit"' | grep '"doc":"[^"]*/weighbridge.1"'
	done
}

@test "a file of an odd name is found, and leaves the index when it vanishes" {
	odd=$(printf 'docs/a \001\033[31m\r"\\n& %%s \177\303\274.md')
	cp docs/handover.md "$odd"
	tt-sync --lexical
	[ "$(tt-index list "$index" | wc -l)" -eq 4 ]
	rm "$odd"
	tt-sync --lexical
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "what lies in a folder whose name holds a tab or a newline is left out like a file of such a name, silently" {
	mkdir "docs/a	b" "docs/c
docs"
	cp docs/handover.md "docs/a	b"
	cp docs/handover.md "docs/c
docs"
	cp docs/handover.md "docs/d	e.md"
	run --separate-stderr tt-sync --lexical
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "of two files with the same text one vanishes: the other stays, with its vectors" {
	cp docs/handover.md docs/again.md
	tt-sync
	rm docs/handover.md
	tt-sync --lexical
	[ "$(docs)" = "again.md stowage.8 weighbridge.1 " ]
	tt-retrieve "$index" <<<"late lorry ramp" | tt-json | grep -m 1 '"kind":"hit"' | grep '"doc":"[^"]*/again.md"'
	[ "$(vectors)" -gt 0 ]
	[ "$(tt-index pending "$index" | tt-json | grep -c '"kind":"chunk"')" -eq 0 ]
}

@test "a page that was forgotten comes back from a copy of it, once its own file is gone" {
	mkdir docs/man1
	mv docs/weighbridge.1 docs/man1/
	cp docs/man1/weighbridge.1 docs/man1/zcopy.1
	tt-sync --lexical
	tt-index forget "$index" "$PWD/docs/man1/weighbridge.1"
	rm docs/man1/weighbridge.1
	tt-sync --lexical
	tt-retrieve "$index" <<<"print pounds" | tt-json >hits
	grep -q '"doc":"[^"]*zcopy.1".*pounds' hits
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
}

@test "a .so page brings the page it stands for once, and its changes; never one from outside" {
	mkdir -p docs/man1 outside
	mv docs/weighbridge.1 docs/man1/hidden.1
	sed -i 's/exclude: \[/exclude: [hidden.1, /' depot.yaml
	echo '.so man1/hidden.1' >docs/man1/scale.1
	cp "$corpus/weighbridge.1" outside/secret.1
	ln -s ../../outside/secret.1 docs/man1/secret.1
	echo '.so man1/secret.1' >docs/man1/balance.1
	tt-sync --lexical
	[ "$(docs)" = "balance.1 handover.md hidden.1 scale.1 stowage.8 " ]
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
	sed -i 's/pounds/stones of old/g' docs/man1/hidden.1
	tt-sync --lexical
	tt-retrieve "$index" <<<"print stones of old" | tt-json | grep '"doc":"[^"]*hidden.1".*stones of old'
	rm docs/man1/hidden.1
	tt-sync --lexical
	[ "$(docs)" = "balance.1 handover.md scale.1 stowage.8 " ]
}

@test "a .so page that comes, or gets another name, in the run in which its page would leave keeps that" {
	mkdir docs/man1
	mv docs/weighbridge.1 docs/man1/
	tt-sync --lexical
	sed -i 's/exclude: \[/exclude: [weighbridge.1, /' depot.yaml
	echo '.so man1/weighbridge.1' >docs/man1/scale.1
	tt-sync --lexical
	[ "$(docs)" = "handover.md scale.1 stowage.8 weighbridge.1 " ]
	mv docs/man1/scale.1 docs/man1/balance.1
	tt-sync --lexical
	[ "$(docs)" = "balance.1 handover.md stowage.8 weighbridge.1 " ]
	tt-retrieve "$index" <<<"print pounds" | tt-json | grep '"doc":"[^"]*/weighbridge.1".*pounds'
}

@test "a .so page whose page comes later is an alias of it from then on" {
	mkdir docs/man1
	echo '.so man1/later.1' >docs/man1/scale.1
	tt-sync --lexical
	mv docs/weighbridge.1 docs/man1/later.1
	tt-sync --lexical
	tt-index list "$index" | grep -q $'scale.1\t.*\t[^\t]*/man1/later.1$'
	generation=$(tt-index stat "$index" | grep generation)
	tt-sync --lexical
	[ "$(tt-index stat "$index" | grep generation)" = "$generation" ]
}

@test "a .so page becomes an alias though the run in which its page came was stopped behind that one" {
	mkdir docs/man1
	echo '.so man1/weighbridge.1' >docs/man1/scale.1
	mv docs/weighbridge.1 .
	tt-sync --lexical
	mv weighbridge.1 docs/man1
	chunk_fails "head -n 1 |"
	run -74 bin/tt-sync --lexical
	tt-sync --lexical
	tt-index list "$index" | grep -q $'scale.1\t.*\t[^\t]*/man1/weighbridge.1$'
}

# Programs of the system are found behind ours, so a `find` of the test's own is taken in place of the real one.
@test "a folder that becomes a link out of the corpus after it was listed: nothing is read there, 3" {
	mkdir -p docs/sub outside bin
	echo 'harmless words' >docs/sub/x.md
	echo 'the secret words' >outside/x.md
	cat >bin/find <<EOF
#!/bin/sh
$(command -v find) "\$@" && rm -rf '$PWD/docs/sub' && ln -s '$PWD/outside' '$PWD/docs/sub'
EOF
	chmod +x bin/find
	PATH="$PWD/bin:$PATH" run --separate-stderr tt-sync --lexical
	[ "$status" -eq 3 ]
	[[ "$stderr" == *"docs/sub/x.md' leads out"* ]]
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
	run ! grep -r secret "$index"
}

@test "a file that vanishes between being listed and being read leaves, and is nothing to speak of" {
	tt-sync --lexical
	echo 'Short-lived.' >docs/new.md
	echo 'The last word.' >>docs/handover.md
	mkdir bin
	cat >bin/find <<EOF
#!/bin/sh
$(command -v find) "\$@" && rm '$PWD/docs/new.md' '$PWD/docs/handover.md'
EOF
	chmod +x bin/find
	PATH="$PWD/bin:$PATH" run --separate-stderr tt-sync --lexical
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(docs)" = "stowage.8 weighbridge.1 " ]
}

@test "a small page that changes between being listed and being read takes no text of a copy of it along" {
	printf '.TH CLEAT 1\n.SH NAME\ncleat \\- make fast\n' | tee docs/cleat.1 >docs/copy.1
	tt-sync --lexical
	IFS=$'\t' read -r copy _ _ _ page <<<"$(tt-index list "$index" | awk -F '\t' 'NF == 5')"
	echo 'A file that came.' >docs/new.md
	mkdir bin
	cat >bin/find <<EOF
#!/bin/sh
$(command -v find) "\$@" && sed -i s/fast/slow/ '$page'
EOF
	chmod +x bin/find
	PATH="$PWD/bin:$PATH" tt-sync --lexical
	tt-sync --lexical
	tt-retrieve "$index" <<<"make fast" | tt-json | grep "\"doc\":\"$copy\".*make fast"
	tt-retrieve "$index" <<<"make slow" | tt-json | grep "\"doc\":\"$page\".*make slow"
}

@test "files and folders that vanish while find is at work are nothing to speak of; a path that does takes nothing along" {
	tt-sync --lexical
	mkdir bin
	# All but the first that it comes to.
	printf '#!/bin/sh\nmkdir hooked 2>&- || exit\nfor x in "${1%%/*}"/*; do test "$x" = "$1" || rm -r "$x"; done\n' >hook
	cat >bin/find <<EOF
#!/bin/sh
a=\$1 b=\$2 c=\$3
shift 3
exec $(command -v find) "\$a" "\$b" "\$c" \\( -path '*/busy/*' -exec '$PWD/hook' {} \\; -false \\) -o "\$@"
EOF
	chmod +x bin/find hook
	sed -i "s|$PWD/docs|&, $PWD/busy|" depot.yaml
	mkdir -p busy/a busy/b busy/c busy/d
	echo 'Words.' | tee busy/a/a.md busy/b/b.md busy/c/c.md busy/d/d.md busy/e.md busy/f.md busy/g.md
	PATH="$PWD/bin:$PATH" run --separate-stderr tt-sync --lexical
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(docs | wc -w)" -eq 4 ]
	rmdir hooked
	printf '#!/bin/sh\nrm -r "${1%%/*}"\n' >hook
	PATH="$PWD/bin:$PATH" run --separate-stderr tt-sync --lexical
	[ "$status" -eq 3 ]
	[[ "$stderr" == *"'$PWD/busy' is not there"* ]]
	[ "$(docs | wc -w)" -eq 4 ]
}

@test "what vanished or changed leaves the store of prompt state too" {
	need_generator
	tt-sync --lexical
	export TT_PREFIX_DIR="$BATS_TEST_TMPDIR/state"
	tt-index chunks --json "$index" | grep -m 1 '"doc":"[^"]*/stowage.8"' | tt-cache warm -m smollm2-135m
	tt-cache list -v | grep '1 sources'
	rm docs/stowage.8
	tt-sync --lexical
	! tt-cache list -v | grep '1 sources'
}

@test "a run that is stopped before it told the store what left leaves that to the next one" {
	need_generator
	tt-sync --lexical
	export TT_PREFIX_DIR="$BATS_TEST_TMPDIR/state"
	tt-index chunks --json "$index" | grep -m 1 '"doc":"[^"]*/stowage.8"' | tt-cache warm -m smollm2-135m
	rm docs/stowage.8
	mkdir bin
	ln -s "$build"/bin/* bin
	rm bin/tt-sync bin/tt-cache
	cp "$build/bin/tt-sync" bin
	printf '#!/bin/sh\nkill -9 $PPID\n' >bin/tt-cache
	chmod +x bin/tt-cache
	run -137 bin/tt-sync --lexical
	[ "$(docs)" = "handover.md weighbridge.1 " ]
	tt-cache list -v | grep '1 sources'
	tt-sync --lexical
	run ! grep '1 sources' <(tt-cache list -v)
}

@test "where what leaves cannot be noted for the store it stays; a note that was cut is passed over" {
	tt-sync --lexical
	rm docs/stowage.8
	ln -sf /dev/full "$index.gone"
	run -74 --separate-stderr tt-sync --lexical
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
	rm "$index.gone"
	printf '%032x\n0123456' 1 >"$index.gone"
	run -0 --separate-stderr tt-sync --lexical
	[ -z "$stderr" ]
	[ "$(docs)" = "handover.md weighbridge.1 " ]
	[ ! -s "$index.gone" ]
}

@test "when the whole root is gone nothing leaves: it may be a disk that is not mounted" {
	tt-sync
	mv docs elsewhere
	run --separate-stderr tt-sync
	[ "$status" -eq 3 ]
	[[ "$stderr" == *docs* ]]
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "what lies in a folder that cannot be read stays; what vanished elsewhere leaves" {
	as_user=
	test "$(id -u)" != 0 || as_user='setpriv --bounding-set=-dac_override,-dac_read_search'
	$as_user true || skip "needs setpriv"
	mkdir docs/sub
	mv docs/stowage.8 docs/sub
	tt-sync --lexical
	rm docs/handover.md
	chmod 0 docs/sub
	run --separate-stderr $as_user tt-sync --lexical
	chmod 755 docs/sub
	[ "$status" -eq 3 ]
	[[ "$stderr" == *docs/sub*"Permission denied"*"stays" ]]
	[ "$(docs)" = "stowage.8 weighbridge.1 " ]
	# Another that nobody wants to know of.
	mkdir -m 0 docs/lost+found
	sed -i 's/exclude: \[/exclude: [lost+found\/*, /' depot.yaml
	chmod 0 docs/sub
	run --separate-stderr $as_user tt-sync --lexical
	chmod 755 docs/sub
	[ "$status" -eq 3 ]
	[[ "$stderr" == *docs/sub*"Permission denied"*"stays" ]]
	[[ "$stderr" != *lost* ]]
	[ "$(docs)" = "stowage.8 weighbridge.1 " ]
	run --separate-stderr $as_user tt-sync --lexical
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	rm docs/sub/stowage.8
	tt-sync --lexical
	[ "$(docs)" = "weighbridge.1 " ]
}

@test "where find fails for another reason nothing below the path leaves" {
	tt-sync --lexical
	rm docs/stowage.8
	mkdir bin
	printf '#!/bin/sh\n%s "$@"\necho "find: docs: Input/output error" >&2\nexit 1\n' "$(command -v find)" >bin/find
	chmod +x bin/find
	PATH="$PWD/bin:$PATH" run --separate-stderr -3 tt-sync --lexical
	[[ "$stderr" == *"Input/output error"* ]]
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "a list of files that breaks off takes nothing out: 74" {
	tt-sync --lexical
	mkdir bin
	for part in include find
	do
		# Only one line of the list, and its program ends as for want of room; or the shell that runs find is killed.
		printf '#!/bin/sh\ncase $* in *%s*) %s "$@" | head -n 1; exit 2 ;; *) exec %s "$@" ;; esac\n' \
			/include "$(command -v awk)" "$(command -v awk)" >bin/awk
		[ "$part" = include ] || printf '#!/bin/sh\nkill -KILL "$PPID"\n' >bin/find
		[ "$part" = include ] || rm bin/awk
		chmod +x bin/*
		PATH="$PWD/bin:$PATH" run --separate-stderr -74 tt-sync --lexical
		[[ "$stderr" == *"tt-sync: corpus 'depot': the files could not be listed" ]]
		[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
	done
}

@test "what was found cannot be compared, or noted, for want of room: 74" {
	tt-sync --lexical
	rm docs/stowage.8
	touch docs/handover.md
	echo 'A new word.' >docs/new.md
	ln -s /dev/full "$index.same.new"
	run -74 --separate-stderr tt-sync --lexical
	[ "$(docs)" = "handover.md new.md weighbridge.1 " ]
	rm "$index.lexical" "$index.same.new"
	mkdir bin
	# What a program writes into FILE finds no room.
	for step in 'sed known' 'awk todo'
	do
		printf '#!/bin/sh\ncase $(readlink /proc/$$/fd/1) in */%s) exec >/dev/full ;; esac\nexec %s "$@"\n' \
			"${step#* }" "$(command -v "${step% *}")" >"bin/${step% *}"
		chmod +x bin/*
		PATH="$PWD/bin:$PATH" run --separate-stderr -74 tt-sync --lexical
		[[ "$stderr" == *"files and index could not be compared" ]]
		[ ! -e "$index.lexical" ]
		rm bin/*
	done
}

@test "a second tt-sync leaves a corpus alone that another works on: 75, silently" {
	mkdir -p "${index%/*}"
	exec 8>"$index.lock"
	flock 8
	run --separate-stderr tt-sync
	exec 8>&-
	[ "$status" -eq 75 ]
	[ -z "$output$stderr" ]
}

@test "that another is at work on one corpus hides no failure of the one before" {
	printf '  - name: other\n    paths: [%s]\n' "$PWD/docs" >>depot.yaml
	mkdir -p "${index%/*}/other"
	echo junk >"${index%/*}/other/manifest"
	exec 8>"$index.lock"
	flock 8
	run -65 --separate-stderr tt-sync --lexical other depot
	run -65 --separate-stderr tt-sync --lexical depot other
	exec 8>&-
}

@test "a lock, or a note beside the index, that cannot be made: 73; an index that is none: 65, also for vectors alone" {
	for file in lock lexical
	do
		mkdir -p "$index.$file"
		run --separate-stderr tt-sync --lexical
		[ "$status" -eq 73 ]
		[[ "$stderr" == *"tt-sync: cannot create '$index.$file'" ]]
		rmdir "$index.$file"
	done
	rm -r "$index"
	mkdir "$index"
	echo junk >"$index/manifest"
	for only in --lexical --vectors
	do
		run --separate-stderr tt-sync $only
		[ "$status" -eq 65 ]
		[ ! -e "$index.vectors" ]
	done
}

@test "an unknown corpus: 78; a configuration that is not there: 66" {
	run --separate-stderr tt-sync nonsense
	[ "$status" -eq 78 ]
	run --separate-stderr tt-sync -c nothing.yaml
	[ "$status" -eq 66 ]
}

@test "a file that is no text is named once; one that was text leaves nothing behind" {
	tt-sync
	cp docs/weighbridge.1 page
	head -c 3000 /dev/zero >docs/photo.md
	head -c 3000 /dev/zero >docs/weighbridge.1
	run --separate-stderr tt-sync
	[ "$status" -eq 3 ]
	[ "$(grep -c "photo.md': binary" <<<"$stderr")" -eq 1 ]
	[ "$(grep -c "weighbridge.1': binary" <<<"$stderr")" -eq 1 ]
	run ! grep -q '"doc":"[^"]*weighbridge' <<<"$(tt-index chunks --json "$index")"
	run --separate-stderr tt-sync
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	cp page docs/weighbridge.1
	tt-sync
	tt-index chunks --json "$index" | grep -q '"doc":"[^"]*weighbridge'
}

@test "a file of another size is read again, though its time is that of before" {
	tt-sync --lexical
	sed 's/ramp 4/the long ramp 9/' "$corpus/handover.md" >new
	touch -r docs/handover.md new
	mv new docs/handover.md
	tt-sync --lexical
	tt-index chunks --json "$index" | grep 'the long ramp 9'
}

@test "of two roots one is gone: what vanished from the other leaves, though its name begins like the first" {
	mkdir docs2
	mv docs/stowage.8 docs2
	cp "$corpus/handover.md" docs2/left.md
	sed -i "s|$PWD/docs|&, &2|" depot.yaml
	tt-sync --lexical
	mv docs elsewhere
	rm docs2/left.md
	run -3 --separate-stderr tt-sync --lexical
	[ "$(docs)" = "handover.md stowage.8 weighbridge.1 " ]
}

@test "after a run that read text the vectors are no longer complete; after one that read none they are" {
	tt-sync --lexical
	: >"$index.vectors"
	tt-sync --lexical
	[ -e "$index.vectors" ]
	echo 'A new word.' >docs/new.md
	tt-sync --lexical
	[ ! -e "$index.vectors" ]
}

@test "the note of what was found to be the same is replaced whole" {
	touch docs/handover.md
	tt-sync --lexical
	touch docs/handover.md
	tt-sync --lexical
	ln "$index.same" before
	cp before copy
	touch docs/handover.md docs/stowage.8
	tt-sync --lexical
	cmp before copy
	[ "$(wc -l <"$index.same")" -eq 2 ]
}
