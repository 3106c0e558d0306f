#!/usr/bin/env bats
# tt: the dispatcher; and what all scripts do alike.
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	bin=$PWD/${BUILD:-build}/bin
	cd "$BATS_TEST_TMPDIR" || exit 1
	export HOME="$PWD/home"
	unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME TT_CONFIG TT_INDEX TT_MODEL TT_EMBEDDER TT_MODELS TT_CATALOGUE
}

@test "tt X runs tt-X with its arguments" {
	run --separate-stderr "$bin/tt" model -V
	[ "$status" -eq 0 ]
	[[ "$output" == tt-model\ * ]]
	cp "$bin/tt" .
	printf '#!/bin/sh\nprintf "%%s|" "$@"\nexit 9\n' >tt-args
	chmod +x tt-args
	run -9 ./tt -- args 'a  b' -V ''
	[ "$output" = 'a  b|-V||' ]
}

@test "a program beside tt goes before another in PATH" {
	mkdir other
	printf '#!/bin/sh\necho other\n' | tee other/tt-model >other/tt-other
	chmod +x other/tt-model other/tt-other
	PATH="$PWD/other:$PATH" run "$bin/tt" model -V
	[[ "$output" == tt-model\ * ]]
	PATH="$PWD/other:$PATH" run "$bin/tt" other
	[ "$output" = other ]
}

@test "tt works through a symbolic link" {
	ln -s "$bin/tt" link
	run ./link model -V
	[ "$status" -eq 0 ]
}

@test "no command, an unknown one, or a path: 2" {
	run "$bin/tt"
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "tt: no command given" ]
	for name in nonsense ''
	do
		run -2 --separate-stderr "$bin/tt" "$name"
		[ "$stderr" = "tt: no command '$name' ('tt help' lists them)" ]
	done
	mkdir tt-a
	cp "$bin/tt-ask" tt-a
	run -2 --separate-stderr "$bin/tt" a/tt-ask -V
	[[ "$stderr" == "tt: 'a/tt-ask' is not a command"*usage:* ]]
}

@test "what a message quotes steers no terminal" {
	run -2 --separate-stderr "$bin/tt" $'\e[1m \xc2\x9b1m \x7f\v \xc3\x9b \xff'
	[ "${stderr%% (*}" = $'tt: no command \'?[1m ?1m ?? \xc3\x9b \xff\'' ]
}

@test "help on a command that is not there: 2, not the manual's own complaint" {
	run --separate-stderr "$bin/tt" help nonsense
	[ "$status" -eq 2 ]
	[[ "$stderr" == "tt: no command 'nonsense'"* ]]
}

@test "help that cannot be written: 74" {
	for command in "tt help" "tt -h" "tt-ask -V"
	do
		run -74 sh -c "'$bin'/$command >/dev/full"
	done
}

@test "help on a command shows its page, installed or not" {
	mkdir -p own/usr/bin man
	printf '#!/bin/sh\necho "$@"\n' >man/man
	chmod +x man/man
	cp "$bin/tt" "$bin/tt-ask" own/usr/bin
	mkdir own/man
	for page in "ask 1 tt-ask.1" "records 5 records.5" "tiny-titans.yaml 5 tiny-titans.yaml.5" "tiny-titans 7 tiny-titans.7"
	do
		read -r name section file <<<"$page"
		PATH="$PWD/man:$PATH" run -0 own/usr/bin/tt help "$name"
		[ "$output" = "$section ${file%.?}" ]
		touch "own/man/$file"
		PATH="$PWD/man:$PATH" run -0 own/usr/bin/tt help "$name"
		[ "$output" = "$PWD/own/man/$file" ]
	done
}

@test "help names the programs beside tt" {
	mkdir "own a"
	cp "$bin/tt" "own a"
	touch "own a/tt-text"
	for program in other tt-one tt-two
	do
		printf '#!/bin/sh\n' >"own a/$program"
		chmod +x "own a/$program"
	done
	run -0 --separate-stderr "own a/tt" help
	[[ "$output" == "usage: tt COMMAND "*$'\n'"Here: one two" ]]
}

@test "every script has -h on stdout and -V, and refuses an unknown option" {
	for script in tt tt-ask tt-sync tt-model tt-eval
	do
		for option in -h --help
		do
			run -0 --separate-stderr "$bin/$script" $option
			[[ "$output" == usage:* ]]
			[ -z "$stderr" ]
		done
		for option in -V --version
		do
			run -0 --separate-stderr "$bin/$script" $option
			[[ "$output" == "$script "[0-9]* ]]
		done
		run --separate-stderr "$bin/$script" --nonsense
		[ "$status" -eq 2 ]
		[ -z "$output" ]
	done
}

@test "short options of a script go together, with their values or apart from them" {
	printf 'corpora:\n  - name: x\n    paths: [%s/none]\n' "$PWD" >c.yaml
	for options in "-qvcc.yaml" "-q -v -c c.yaml" "-qcc.yaml --lexical --" "-j 1 -qc c.yaml"
	do
		run --separate-stderr "$bin/tt-sync" $options nothing
		[ "$status" -eq 2 ] || [ "$status" -eq 78 ]
		[[ "$stderr" == *nothing* ]]
	done
	for options in "-j" "-qx" "--lexica" "--lexical --vectors" "-c"
	do
		run --separate-stderr "$bin/tt-sync" -c c.yaml $options
		[ "$status" -eq 2 ]
		[[ "$stderr" == *usage:* ]]
	done
	run --separate-stderr "$bin/tt-ask" -inothing --json -- --what
	[ "$status" -eq 66 ]
	[[ "$stderr" == *nothing* ]]
}

@test "tt-ask without an index: 66, naming it" {
	run --separate-stderr "$bin/tt-ask" -i nothing what is it
	[ "$status" -eq 66 ]
	[[ "$stderr" == *nothing* ]]
}

@test "an index that tt-sync has not made for want of files is not said to want tt-sync" {
	mkdir empty
	printf 'corpora:\n  - name: none\n    paths: [%s/empty]\n' "$PWD" >none.yaml
	run -0 "$bin/tt-sync" -c none.yaml --lexical
	run -66 --separate-stderr "$bin/tt-ask" -i none what is it
	[[ "$stderr" == *"'tt-sync' found nothing"* ]]
}

@test "a directory that is named without a slash is pointed to" {
	mkdir man.tt
	touch man.tt/manifest
	for command in 'tt-ask -i man.tt word' 'tt-eval refusal -i man.tt --queries man.tt/manifest'
	do
		run --separate-stderr $command
		[ "$status" -eq 66 ]
		[[ "$stderr" == *"/index/man.tt' (the directory of that name here is './man.tt')" ]]
	done
}

@test "without HOME and XDG_DATA_HOME no script guesses a place: 78" {
	printf 'corpora:\n  - name: x\n    paths: [%s/none]\n' "$PWD" >c.yaml
	for command in "tt-sync -c c.yaml" "tt-ask -i x what is it" "tt-eval retrieval -i x"
	do
		for home in '-u HOME' HOME=
		do
			# shellcheck disable=SC2086 # an option with its value
			run -78 --separate-stderr env $home TT_CONFIG=c.yaml "$bin/"$command
			[ "$stderr" = "${command%% *}: neither XDG_DATA_HOME nor HOME is set" ]
		done
	done
}

@test "the configuration is the user's, else the system's, else the installed one, else the source tree's" {
	mkdir -p own/build/bin
	sed "s|^sysconfdir=.*|sysconfdir='$PWD/own/etc'|" "$bin/tt-sync" >own/build/bin/tt-sync
	ln -s "$bin/tt-conf" own/build/bin
	set -- "$HOME/.config/tiny-titans" "$PWD"/own/{etc/tiny-titans,build/share/tiny-titans,share}
	for dir
	do
		mkdir -p "$dir"
		echo 'corpora: [{name: x, paths: [/none]}]' >"$dir/tiny-titans.yaml"
	done
	mkdir here
	cp -r "$1" here
	for dir
	do
		TT_CONFIG='' XDG_CONFIG_HOME=here run -78 --separate-stderr sh own/build/bin/tt-sync nonsense
		[ "$stderr" = "tt-sync: no corpus 'nonsense' in '$dir/tiny-titans.yaml'" ]
		test "$dir" = "$1" || [ "$(env -u HOME XDG_DATA_HOME="$PWD" sh own/build/bin/tt-sync nonsense 2>&1)" = "$stderr" ]
		rm "$dir/tiny-titans.yaml"
	done
}

@test "where no temporary directory can be made: 73, and none of the caller's goes" {
	make_fakes
	mkdir precious
	for command in "tt-ask -i a word" "tt-eval refusal -i a --queries c.yaml" "tt-sync a"
	do
		tmp=$PWD/precious TMPDIR=$PWD/none run -73 --separate-stderr fakes/$command
		[[ "$stderr" == *"${command%% *}: cannot create a temporary directory" ]]
		[ -d precious ]
	done
}

@test "a relative path in an XDG variable is ignored, as by the other programs" {
	printf 'corpora:\n  - name: x\n    paths: [%s/none]\n' "$PWD" >c.yaml
	for variable in XDG_DATA_HOME XDG_CONFIG_HOME
	do
		run env "$variable=here" TT_CONFIG=c.yaml "$bin/tt-sync" x
		[ "$status" -eq 3 ]
		[ "$output" = "tt-sync: warning: corpus 'x': '$PWD/none' is not there; what was indexed below it stays" ]
		[ ! -e here ]
	done
	[ -e "$HOME/.local/share/tiny-titans/index/x.lock" ]
}

@test "the user's configuration goes before others also where it cannot be read" {
	as_user=
	test "$(id -u)" != 0 || as_user='setpriv --bounding-set=-dac_override,-dac_read_search'
	$as_user true || skip "needs setpriv"
	mkdir -p "$HOME/.config/tiny-titans"
	for name in models tiny-titans
	do
		echo '# nothing' >"$HOME/.config/tiny-titans/$name.yaml"
		chmod 0 "$HOME/.config/tiny-titans/$name.yaml"
	done
	for command in "tt-sync nonsense" "tt-model path nonsense"
	do
		run --separate-stderr $as_user "$bin/"$command
		[ "$status" -eq 66 ]
		[[ "$stderr" == *": cannot read '$HOME/.config/tiny-titans/"* ]]
	done
}

# The scripts beside programs of the test's own, which only say how they were called, on one line of ./called each.
make_fakes() {
	mkdir fakes
	cp "$bin/tt-ask" "$bin/tt-eval" "$bin/tt-sync" fakes
	ln -s "$bin/tt-conf" fakes
	for program in embed retrieve generate chunk index cache score
	do
		cat >"fakes/tt-$program" <<'EOT'
#!/bin/sh
printf '%s\n' "${0##*/} $* <$(cat)> ${TT_PREFIX_MIB-}" >>called
EOT
		chmod +x "fakes/tt-$program"
	done
	unset TT_MODEL TT_EMBEDDER TT_PREFIX_MIB
	export TT_CONFIG=$PWD/c.yaml
	mkdir -p docs x.tt "$HOME/.local/share/tiny-titans/index/a"
	echo word >docs/word
	cat >c.yaml <<EOF
generator: g-all
embedder: e-all
cache: {prefix: 1537M}
corpora:
  - name: a
    paths: [$PWD/docs]
    generator: g-a
    embedder: e-a
  - name: b
    paths: [$PWD/docs]
EOF
}
called() { # PATTERN COMMAND...: whether one of the programs is called so
	: >called
	"${@:2}" || true
	grep -q -e "$1" called || { cat called; false; }
}

@test "models: option, environment, the configuration for the corpus, for all, the default" {
	make_fakes
	called '^tt-generate -m g-a .* 1537$' fakes/tt-ask -i a word
	called '^tt-embed -q -m e-a ' fakes/tt-ask -i a word
	called '^tt-generate -m g-all ' fakes/tt-ask -i ./x.tt word
	called '^tt-generate -m mine ' env TT_MODEL=theirs fakes/tt-ask -i a -m mine word
	called '^tt-generate -m theirs .* 9$' env TT_MODEL=theirs TT_PREFIX_MIB=9 fakes/tt-ask -i a word
	called '^tt-embed -q -m theirs ' env TT_EMBEDDER=theirs fakes/tt-ask -i a word
	called '^tt-generate -m g-a .* 1537$' fakes/tt-eval refusal -i a --queries c.yaml
	called '^tt-embed -q -m e-a ' fakes/tt-eval refusal -i a --queries c.yaml
	called '^tt-chunk -m e-a ' fakes/tt-sync a
	called '^tt-chunk -m e-all ' fakes/tt-sync b
	called '^tt-chunk -m theirs ' env TT_EMBEDDER=theirs fakes/tt-sync a
	sed -i 's|g-all|~/g.gguf|; s|e-a$|~/e|' c.yaml
	called "^tt-generate -m $HOME/g.gguf " fakes/tt-ask -i ./x.tt word
	called "^tt-embed -q -m $HOME/e " fakes/tt-ask -i a word
	echo '# nothing' >c.yaml
	called '^tt-generate -m qwen2.5-coder-1.5b .* $' fakes/tt-ask -i a word
	called '^tt-embed -q -m minilm ' fakes/tt-ask -i a word
	echo 'generate: x' >c.yaml
	run -78 fakes/tt-ask -i a word
	run -78 fakes/tt-ask -i a -m mine -e mine word
}

@test "a pipeline's status: the first failure, else nothing found, else partly done; a stage that was left early did not fail" {
	make_fakes
	for program in embed retrieve generate; do
		printf '#!/bin/sh\ncat >/dev/null\nexit "$%s"\n' $program >fakes/tt-$program
	done
	while read -r embed retrieve generate want; do
		run --separate-stderr env embed="$embed" retrieve="$retrieve" generate="$generate" fakes/tt-ask -i a word
		echo "$embed $retrieve $generate: $status"
		[ "$status" -eq "$want" ]
	done <<-EOF
	0 0 0 0
	0 3 0 3
	0 0 3 3
	0 1 0 1
	3 0 1 1
	0 1 3 1
	78 65 1 78
	3 65 74 65
	141 0 0 0
	0 141 66 66
	EOF
}

@test "with standard error closed scripts do what they do" {
	make_fakes
	for shell in dash 'bash --posix' 'busybox sh'
	do
		command -v "${shell%% *}" >/dev/null || continue
		# shellcheck disable=SC2086 # lists of words
		called "^tt-generate -m g-a " $shell -c "$shell fakes/tt-ask -i a word 2>&-"
	done
}

@test "a message that cannot be written changes no status" {
	make_fakes
	while read -r want command
	do
		run sh -c "fakes/$command 2>/dev/full"
		echo "$command: $status"
		[ "$status" -eq "$want" ]
	done <<'EOF'
66 tt-ask -i nothing word
78 tt-sync nothing
2 tt-eval --nonsense
2 tt-sync --nonsense
2 tt-sync --lexical --vectors
EOF
}

@test "tt-sync reads the text of every corpus before it computes vectors" {
	make_fakes
	for corpus in a b
	do
		mkdir -p "$HOME/.local/share/tiny-titans/index/$corpus"
		touch "$HOME/.local/share/tiny-titans/index/$corpus/manifest"
	done
	printf '#!/bin/sh\ntest "$1" != stat || printf "chunks\\t1\\n"\ntest "$1" != add || cat >/dev/null\n' >fakes/tt-index
	while IFS='|' read -r options want
	do
		: >called
		# shellcheck disable=SC2086 # options, or none
		fakes/tt-sync $options </dev/null
		[ "$(sed 's/^tt-\([a-z]*\).* -m \(e-[a-z]*\).*/\1 \2/' called | grep -v cache | tr '\n' ' ')" = "$want" ]
		rm "$HOME"/.local/share/tiny-titans/index/?.vectors || true
	done <<-EOF
	|chunk e-a chunk e-all embed e-a embed e-all 
	--lexical|chunk e-a chunk e-all 
	--vectors --vectors|embed e-a embed e-all 
	EOF
}

@test "tt-sync does nothing where a name is no corpus, or there is none: 78" {
	make_fakes
	run -78 --separate-stderr fakes/tt-sync a nothing
	[ "$stderr" = "tt-sync: no corpus 'nothing' in '$TT_CONFIG'" ]
	for config in 'generator: x' 'corpora: []'
	do
		echo "$config" >c.yaml
		run -78 --separate-stderr fakes/tt-sync
		[ "$stderr" = "tt-sync: no corpora in '$TT_CONFIG'" ]
	done
	[ ! -e called ]
	[ ! -e "$HOME/.local/share/tiny-titans/index/a.lock" ]
}

@test "corpora are named by words: 1 and 01 are two" {
	make_fakes
	mkdir "$HOME/.local/share/tiny-titans/index/1"
	printf 'corpora:\n' >c.yaml
	for name in 01 1 1.0
	do
		printf '  - name: "%s"\n    paths: [%s/docs/%s]\n    embedder: e-%s\n' "$name" "$PWD" "$name" "$name"
		mkdir "docs/$name"
		echo word >"docs/$name/word"
	done >>c.yaml
	called '^tt-chunk -m e-1 .*</.*/docs/1/word>' fakes/tt-sync 1
	called '^tt-embed -q -m e-1 ' fakes/tt-ask -i 1 word
}

@test "the store of prompt state may grow to the size that the configuration says, in whole MiB" {
	make_fakes
	while read -r size mib
	do
		printf 'cache: {prefix: %s}\n' "$size" >c.yaml
		called "^tt-generate .* $mib\$" fakes/tt-ask -i a word
	done <<<"0 0
1 1
512K 1
1048577 2
2G 2048
100T 16777216"
}

@test "a question that begins with a brace is no record" {
	make_fakes
	called '^tt-embed .*< {print $1} in awk>' fakes/tt-ask -i a '{print $1} in' awk
}

@test "the words of a question are asked as the same line of standard input is" {
	make_fakes
	called '^tt-embed .*<what is it?>' fakes/tt-ask -i a what 'is it?'
	called '^tt-embed .*<what is it?>' fakes/tt-ask -i a <<<'what is it?'
	called '^tt-embed .*<what is it?>' fakes/tt-ask -i a $'what\nis it?\n\n'
}

@test "--json tells the hits behind the answers, unless something failed" {
	make_fakes
	ln -s "$bin/tt-json" fakes
	printf '#!/bin/sh\necho \047{"kind":"hit","text":"a"}\047\n' >fakes/tt-retrieve
	printf '#!/bin/sh\necho \047{"kind":"answer"}\047\ncat >/dev/null\nexit "$END"\n' >fakes/tt-generate
	for END in 0 1 3 65
	do
		export END
		run -$END fakes/tt-ask -i a --json word
		[ "${lines[0]}" = '{"kind":"answer"}' ]
		[ "$(grep -cx '{"kind":"hit","text":"a"}' <<<"$output")" = $((END != 65)) ]
	done
	END=0 run -74 bash -c 'fakes/tt-ask -i a --json word >/dev/full'
	printf '#!/bin/sh\n: >"$1"\ncat\nexit 1\n' >fakes/tee	# as where there is no room for the hits
	chmod +x fakes/tee
	END=1 PATH="$PWD/fakes:$PATH" run -74 fakes/tt-ask -i a --json word
	END=65 PATH="$PWD/fakes:$PATH" run -65 fakes/tt-ask -i a --json word
}

@test "--open: PAGER is a command, at the line if it knows how; packed files unpacked, of others the passage" {
	make_fakes
	printf 'one\ntwo\nthree\n' >"docs/a b"
	gzip -c "docs/a b" >docs/packed.gz
	printf 'a\000b' >docs/x.pdf
	printf '{\\rtf1\nraw}\n' >docs/x.RTF
	printf '#!/bin/sh\nprintf "[1] at 9:45\\n\\n[1] %%s:2  two > at 10:30\\n" "${SHOWN:-$FILE}"\n' >fakes/tt-generate
	cat >fakes/tt-json <<'EOT'
#!/bin/sh
printf '{"kind":"hit","name":"%s","span":{"b":[0,3],"l":[1,2]},"src":{"path":"/none"},"text":"one"}\n' "${FILE##*/}"
test -n "${SHOWN-}" || printf '{"kind":"hit","name":"%s","span":{"b":[4,7],"l":[2,2]},"src":{"path":"/another"},"text":"two"}\n' "${FILE##*/}"
printf '{"kind":"hit","name":"%s","span":{"b":[4,7],"l":[2,2]},"src":{"path":"%s"},"text":"a \\"b\\" \\\\n\\ntwo"}\n' "${FILE##*/}" "$FILE"
EOT
	printf '#!/bin/sh\nprintf "%%s|" "$@"\n' >less
	chmod +x less fakes/tt-json
	mkdir docs/man
	printf 'one\n.two\n' | tee docs/man/list.md docs/man/page.3pm >docs/man/page.1
	printf 'one\n.B rib\n' | gzip >docs/man/packed.1.gz
	printf '#!/bin/sh\nprintf "man|%%s|" "$@"\n' >fakes/man
	chmod +x fakes/man
	while read -r file pager want
	do
		export FILE="$PWD/docs/${file/_/ }"
		PAGER=$pager run -0 fakes/tt-ask --open -i a word
		echo "$file $pager: $output"
		[[ "$(tail -n +4 <<<"$output" | tr '\n' ' ')" == ${want//_/ } ]]
	done <<EOT
a_b cat one_two_three_
a_b $PWD/less +2|--|$PWD/docs/a_b|_
packed.gz cat one_two_three_
packed.gz $PWD/less +2|--|*/packed|_
man/list.md cat one_.two_
man/page.1 cat man|-l|man|--|man|*/page.1|_
man/packed.1.gz cat man|-l|man|--|man|*/packed.1.gz|_
man/page.3pm cat man|-l|man|--|man|*/page.3pm|_
x.pdf cat a_"b"_\\\\n_two_
x.RTF cat a_"b"_\\\\n_two_
EOT
	export FILE="$PWD/docs/a b"
	PAGER="$PWD/less -R" run -0 fakes/tt-ask --open -i a word
	[ "${lines[2]}" = "-R|+2|--|$FILE|" ]
	PAGER=true run -74 bash -c 'fakes/tt-ask --open -i a word >/dev/full'
	FILE="$PWD/docs/man/page.1"
	printf 'one\n.B "a.b[c]*" \\-\\-more of it\n' >"$FILE"
	printf '#!/bin/sh\nprintf "%%s\\n" "$LESS"\n' >fakes/man
	LESS=-R run -0 fakes/tt-ask --open -i a word
	[ "${lines[2]}" = '-R +/a\.b\[c\]\* --more' ]
	printf 'one\n.PP\n.sp\n\\fIkeel\\fR laid\n' >"$FILE"
	LESS=-R run -0 fakes/tt-ask --open -i a word
	[ "${lines[2]}" = '-R +/keel laid' ]
	printf 'one\n.PP\n' >"$FILE"
	LESS=-R run -0 fakes/tt-ask --open -i a word
	[ "${lines[2]}" = '-R +' ]
	FILE="$PWD/docs/man/packed.1.gz"
	export SHOWN=packed.1.gz	# a name, as a manual page has one
	LESS=-R run -0 fakes/tt-ask --open -i a word
	[ "${lines[2]}" = '-R +/rib' ]
	unset SHOWN
	FILE="$PWD/docs/gone"
	run -66 --separate-stderr fakes/tt-ask --open -i a word
	[ "$stderr" = "tt-ask: cannot read '$FILE'" ]
	run -74 --separate-stderr sh -c 'fakes/tt-ask -i a <&-'
	[ "$stderr" = "tt-ask: cannot read standard input" ]
}

@test "--open shows the passage alone of a document that is a line of a file" {
	make_fakes
	printf '{"id": "lake", "text": "It is deep."}\n{"id": "hill", "text": "It is high."}\n' >all.jsonl
	printf '#!/bin/sh\nprintf "so [1]\\n\\n[1] hill:1\\n"\n' >fakes/tt-generate
	cat >fakes/tt-json <<'EOT'
#!/bin/sh
echo '{"kind":"hit","doc":"hill","name":"hill","span":{"b":[0,11],"l":[1,1]},"src":{"path":"all.jsonl"},"text":"It is high."}'
EOT
	chmod +x fakes/tt-json
	PAGER=cat run -0 fakes/tt-ask --open -i a word
	[ "${lines[2]}" = 'It is high.' ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "--open shows nothing where the answer failed, was refused, or cites what is no hit; and goes with no --json" {
	make_fakes
	printf '#!/bin/sh\n' >fakes/tt-json
	chmod +x fakes/tt-json
	printf '#!/bin/sh\necho shown\n' >pager
	chmod +x pager
	export PAGER="$PWD/pager"
	while IFS='|' read -r end text want message
	do
		printf '#!/bin/sh\nprintf "%%b" "%s"\nexit %d\n' "$text" "$end" >fakes/tt-generate
		run "-$want" --separate-stderr fakes/tt-ask --open -i a word
		[[ "$output" != *shown* ]]
		[ "$stderr" = "${message:+tt-ask: $message}" ]
	done <<-'EOF'
	1|text [1]\\n\\n[1] a:1\\n|1|
	65||65|
	0|text\\n|1|the answer cites nothing that could be shown
	0|text [1]\\n\\n[1] a:1\\n|70|no hit belongs to 'a:1'
	EOF
	run -2 --separate-stderr fakes/tt-ask --open --json -i a word
	[[ "$stderr" == "tt-ask: --json and --open exclude each other"* ]]
}

@test "with -q tt-sync and tt-model show no progress on a terminal, but what is wrong" {
	command -v script >/dev/null || skip "needs script"
	make_fakes
	printf '#!/bin/sh\ntest ! -t 2 || echo progress >&2\necho "a fault" >&2\n' >fakes/tt-index
	echo toys >docs/toy
	for options in '' -q
	do
		TT_CONFIG="$PWD/c.yaml" script -qec "fakes/tt-sync $options a" /dev/null >said </dev/null
		cat said
		grep -q 'a fault' said
		[ "$(grep -c progress said)" -eq "$([ -z "$options" ] && echo 1 || echo 0)" ]
	done
	printf 'models:\n  - name: toy\n    files:\n      - file: toy\n        bytes: 5\n        sha256: %064d\n        url: https://toys.example/toy\n' 0 >models.yaml
	script -qec "'$bin/tt-model' -q -c models.yaml -d docs verify" /dev/null >said </dev/null || [ $? -eq 1 ]
	run ! grep verifying said
	grep 'toy: the SHA-256' said
}

@test "where a script has no room for its temporary files: 74" {
	mkdir tmp
	unshare -Urm sh -c 'mount -t tmpfs none tmp' 2>/dev/null || skip "cannot mount a small file system"
	make_fakes
	for command in "tt-ask -i a word" "tt-eval refusal -i a --queries c.yaml"
	do
		TMPDIR="$PWD/tmp" run -74 unshare -Urm sh -c \
			"mount -t tmpfs -o size=4k none tmp && { yes >tmp/full || :; } && fakes/$command"
	done
}

@test "a script that hangs up leaves no temporary files behind" {
	make_fakes
	printf '#!/bin/sh\nsleep 0.3\n' | tee fakes/tt-embed >fakes/tt-chunk
	export TMPDIR="$PWD/its tmp"
	mkdir "$TMPDIR"
	for command in "tt-ask -i a word" "tt-eval refusal -i a --queries c.yaml" "tt-sync a"
	do
		fakes/$command 3>&- &
		until [ -n "$(ls "$TMPDIR")" ]
		do
			sleep 0.02
		done
		kill -HUP $!
		wait $! || [ $? -eq 129 ]
		[ -z "$(ls "$TMPDIR")" ]
	done
}

@test "nor one that is ended while it makes them; its status tells the signal" {
	make_fakes
	cp "$bin/tt-model" fakes
	cat >fakes/mktemp <<'EOT'
#!/bin/sh
PATH=/usr/bin:/bin mktemp "$@"
kill -$SIGNAL $PPID
EOT
	chmod +x fakes/mktemp
	export TMPDIR="$PWD/tmp"
	mkdir tmp
	printf 'models:\n' >models.yaml
	for command in "tt-ask -i a word" "tt-eval refusal -i a --queries c.yaml" "tt-sync a" "tt-model -c models.yaml list"
	do
		for end in 129.HUP 130.INT 143.TERM
		do
			export SIGNAL=${end#*.}
			run "-${end%.*}" env --default-signal fakes/$command	# which a background job would ignore
			[ -z "$(ls tmp)" ]
		done
	done
}

@test "nor one that is ended while it removes them" {
	make_fakes
	cp "$bin/tt-model" fakes
	printf '#!/bin/sh\nkill -HUP 0\nkill -INT 0\nkill -TERM 0\nexec /bin/rm "$@"\n' >fakes/rm
	chmod +x fakes/rm
	export TMPDIR="$PWD/tmp"
	mkdir tmp
	printf 'models:\n' >models.yaml
	for command in "tt-ask -i a word" "tt-eval refusal -i a --queries c.yaml" "tt-sync a" "tt-model -c models.yaml list"
	do
		run setsid -w env --default-signal fakes/$command
		[ -z "$(ls tmp)" ]
	done
}

@test "tt-sync takes a corpus by its name, not by a pattern: else 78" {
	make_fakes
	for name in . 'a*' '[a]' -e ''
	do
		run -78 --separate-stderr fakes/tt-sync -- "$name"
		[ "$stderr" = "tt-sync: no corpus '$name' in '$TT_CONFIG'" ]
	done
}

@test "options of scripts: joined letters, values joined or apart, as far as --; in every shell" {
	for shell in dash 'bash --posix' 'busybox sh'
	do
		command -v "${shell%% *}" >/dev/null || continue
		while IFS='|' read -r want command message
		do
			# shellcheck disable=SC2086 # words without white space
			run --separate-stderr $shell "$bin/"$command
			echo "$shell $command: status $status, $stderr"
			[ "$status" -eq "$want" ]
			[ "${stderr%%$'\n'*}" = "${command%% *}: $message" ]
		done <<'EOT'
66|tt-sync -qc/none|cannot read '/none'
66|tt-sync -vqj2 -c /none|cannot read '/none'
66|tt-sync -c /none -- --nonsense|cannot read '/none'
66|tt-sync -c /none word --nonsense|cannot read '/none'
66|tt-sync --vectors -qc /none|cannot read '/none'
2|tt-sync --lexical --vectors|--lexical and --vectors exclude each other
2|tt-sync -qc|-c needs a value
2|tt-sync -j2x -c /none|-j: '2x' is not a number from 0 to 256
2|tt-sync -j 257 -c /none|-j: '257' is not a number from 0 to 256
2|tt-sync -qx|unknown option '-x'
2|tt-sync --lexical=1|unknown option '--lexical=1'
2|tt-sync --c=/none|unknown option '--c=/none'
2|tt-eval retrieval --index|--index needs a value
2|tt-eval retrieval --index=/none|'retrieval' needs --queries
2|tt-eval retrieval --index /none --json -n5 --queries|--queries needs a value
66|tt-eval --index /none refusal --json --queries=/none/q=1|cannot read '/none/q=1'
66|tt-eval corpus /none -e x /none/i|cannot read '/none'
2|tt-eval answers --index /none --lexical|'answers' takes no --lexical
2|tt-eval retrieval --index /none -m x|'retrieval' takes no -m
2|tt-eval refusal --system=x --index /none|'refusal' takes no --system
2|tt-eval --json corpus /none /none/i|'corpus' takes no --json
2|tt-eval corpus /none -ex i.tt extra|too many arguments
2|tt-model -c /none|no command given
66|tt-model -qd/none -c/none list -x|cannot read '/none'
66|tt-ask -m x --json -i/none/i word|no index '/none/i' ('tt-sync' makes the index of a corpus)
EOT
	done
	run --separate-stderr "$bin/tt-ask" '--json open'
	[ "$stderr" != "${stderr#"tt-ask: unknown option '--json open'"}" ]
}

@test "tt-ask says that a question is empty" {
	for question in "" "  "
	do
		run -2 --separate-stderr tt-ask "$question"
		[[ $stderr == *"the question is empty"* ]]
	done
}
