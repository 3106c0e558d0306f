#!/usr/bin/env bats
# The commands that README.md and the manual pages print, run as they stand there: in a home with notes, an index of manual pages,
# and the small model under the name of the default one. Only absolute paths are turned to places of the test. The lines with `$` in
# literal blocks of the pages are for tests/tool/95-examples.bats, which also compares what they print.
load common

setup_file() {
	pipe_setup
	test -e "$models/minilm/model.safetensors" && test -e "$models/smollm2-135m.gguf" || return 0
	cd "$BATS_FILE_TMPDIR" || exit 1
	mkdir -p models man/man1 home/notes work
	ln -s "$models/minilm" "$models/smollm2-135m.gguf" models/
	ln -s "$models/smollm2-135m.gguf" models/qwen2.5-coder-1.5b.gguf
	cp "$corpus/weighbridge.1" man/man1/
	cat >man/man1/tar.1 <<'PAGE'
.TH TAR 1
.SH NAME
tar \- an archiving utility
.SH OPTIONS
.TP
\fB\-t\fR, \fB\-\-list\fR
List the contents of an archive.
.TP
\fB\-x\fR, \fB\-\-extract\fR
Extract files from an archive.
PAGE
	echo 'Water the plants.' | tee home/notes/todo >home/notes/other
	printf '# Meeting\n\nWe decided that backups are made every night, to the other house.\n' >home/notes/meeting.md
	printf 'corpora:\n  - name: man\n    paths: [%s]\n    embedder: minilm\n' "$PWD/man/man1" >man.yaml
	export HOME="$PWD/home" TT_MODELS="$PWD/models" TT_CONFIG="$PWD/man.yaml"
	unset XDG_DATA_HOME XDG_CACHE_HOME
	tt-sync
	cd work || exit 1
	# What the examples take from the one before, or from a reader's own files.
	cp "$top/README.md" .
	cp -r "$HOME/.local/share/tiny-titans/index/man" man.tt
	find "$HOME/notes" -type f | tt-chunk | tt-index add notes.tt
	printf '%s\n' 'How do I list the contents of an archive?' 'How are files extracted?' >questions.txt
	echo 'Name three shells.' >prompt.txt
	tt-embed -q <questions.txt | tt-retrieve man.tt >hits
	cp hits hits.rec
}

setup() {
	pipe_setup
	need_embedder
	need_generator
	export HOME="$BATS_FILE_TMPDIR/home" TT_MODELS="$BATS_FILE_TMPDIR/models" TT_CONFIG="$BATS_FILE_TMPDIR/man.yaml"
	unset XDG_DATA_HOME XDG_CACHE_HOME
	cd "$BATS_FILE_TMPDIR/work" || exit 1
}

# Runs each of stdin's commands, which end with an empty line, and says which fail. Nothing found, or an answer refused, is 1.
run_all() {
	n=0
	failed=0
	while IFS= read -r line
	do
		if [ -n "$line" ]
		then
			command+=$line$'\n'
			continue
		fi
		[ -n "${command:-}" ] || continue
		n=$((n + 1))
		here=$(sed -e "s|/tmp/|$PWD/|g; s|/usr/share/man|$BATS_FILE_TMPDIR/man|g; s|/etc/ssh/sshd_config|$PWD/README.md|g" \
			-e "s|/home/me/notes/todo|$HOME/notes/todo|g; s|/n/todo|$HOME/notes/other|g" <<<"$command")
		status=0
		timeout 120 bash -euo pipefail -c "$here" >out 2>err </dev/null || status=$?
		if [ "$status" -gt 1 ] || { [ "$status" -eq 1 ] && ! grep -q 'tt-generate\|tt ask' <<<"$command"; } ||
			grep -q 'command not found\|unknown option\|usage:' err
		then
			printf 'status %s: %s' "$status" "$command"
			head -n 5 err
			failed=$((failed + 1))
		fi
		command=
	done
	echo "$n run, $failed failed"
}

@test "what README.md prints" {
	# Indented blocks; what has a `$` in front takes a machine. The configuration is the one that is printed.
	unset TT_CONFIG
	{ sed 's/^    //; t; s/.*//' "$top/README.md" | grep -v '^\$ '; echo; } >commands
	run_all <commands >said
	cat said
	grep -q ' 0 failed' said
	[ "$n" -ge 5 ]
	[ "$(grep -c '"kind":"answer"' answers.jsonl)" -eq 2 ]
	tt-index list "$HOME/.local/share/tiny-titans/index/notes" | grep -q '/notes/meeting\.md'
}

# The examples of a page that no other test runs: its .Dl lines, and literal blocks without `$`.
printed() { # PAGE
	awk '
	function plain(s) {
		gsub(/\\e/, "\\", s); gsub(/\\-/, "-", s); gsub(/\\&/, "", s); gsub(/\\\(aq/, "\047", s); gsub(/\\\(dq/, "\"", s)
		sub(/^\$ /, "", s)
		return s
	}
	/^\.Sh/ { inside = $2 == "EXAMPLES"; next }
	!inside { next }
	/^\.Dl / { print plain(substr($0, 5)) "\n"; next }
	/^\.Bd/ { block = 1; text = ""; shown = 0; next }
	/^\.Ed/ { if (!shown) print text; block = 0; next }
	block { shown = shown || /^\$ /; text = text plain($0) "\n" }' "$1"
}

@test "what the manual pages print as illustrations" {
	for page in tiny-titans.7 tt-ask.1 tt-cache.1 tt-chunk.1 tt-cite.1 tt-embed.1 tt-generate.1 tt-index.1 tt-json.1 tt-pack.1 tt-retrieve.1 \
		tt-speculate.1 tt-sync.1 tt-tokenize.1
	do
		printed "$top/man/$page"
		echo
	done >all
	# Left out: what needs another program, cron, or a drafter that goes with the model; tt-bench.1, which measures for minutes; and
	# tt-eval.1, which needs sets of questions that are published elsewhere.
	awk -v RS= -v ORS='\n\n' '!/tower-dump|^\*\/15|^PATH=|jq / ' all >commands
	run_all <commands >said
	cat said
	grep -q ' 0 failed' said
	[ "$n" -ge 20 ]
}
