#!/usr/bin/env bats
# tt-eval beside programs of the test's own, which say how they were called and hand on what they read: the whole of each pipeline.
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	bin=$PWD/${BUILD:-build}/bin
	cd "$BATS_TEST_TMPDIR" || exit 1
	export HOME="$PWD/home" TT_CONFIG="$PWD/c.yaml"
	unset XDG_DATA_HOME XDG_CONFIG_HOME TT_MODEL TT_EMBEDDER TT_PREFIX_MIB
	mkdir fakes x.tt
	cp "$bin/tt-eval" fakes
	ln -s "$bin/tt-conf" fakes
	for program in embed retrieve generate chunk index score
	do
		fake $program 'read=$(cat)
			printf "%s\n" "${0##*/tt-} $* <$read>" >>called
			echo "${0##*/tt-}${read:+ of $read}"'
	done
	printf 'generator: g\nembedder: e\n' >c.yaml
	touch q r
}
fake() { # PROGRAM COMMANDS
	printf '#!/bin/sh\n%s\n' "$2" >"fakes/tt-$1"
	chmod +x "fakes/tt-$1"
}
# What the run calls, one a line.
calls() { # ARGUMENT...
	rm -f called
	fakes/tt-eval "$@" </dev/null >out
	cat called
}

@test "retrieval: the queries that can be scored, one hit a page, ten pages" {
	diff - <(calls retrieval -i ./x.tt --queries q --qrels r --keep k/k) <<-'EOF'
	index list ./x.tt <>
	score queries --field text --limit 0 --qrels r --docs k/k/docs -- q <>
	embed -q -m e <score>
	retrieve -n 10 --per-doc 1 ./x.tt <embed of score>
	score retrieval --qrels r -- q <retrieve of embed of score>
	EOF
	[ "$(cat out)" = "score of retrieve of embed of score" ]
	[ "$(cat k/k/hits)" = "retrieve of embed of score" ]
	calls retrieval -i ./x.tt --queries q --qrels r --dense | grep "^retrieve -n 10 --per-doc 1 --dense ./x.tt <embed of score>"
	calls retrieval -i ./x.tt --queries q --qrels r --lexical | grep "^retrieve -n 10 --per-doc 1 --lexical ./x.tt <score>"
	calls retrieval -i ./x.tt --queries q --qrels r --json | grep '^score retrieval --json --qrels r -- q <'
	fake index 'exit 65'
	run -65 --separate-stderr fakes/tt-eval retrieval -i ./x.tt --queries q --qrels r </dev/null
	[ "$stderr" = "tt-eval: cannot list the documents of './x.tt'" ]
}

@test "answers: with sources, and the same queries without" {
	diff - <(calls answers --index=./x.tt --queries q --qrels r --limit 7 --keep k) <<-'EOF'
	index list ./x.tt <>
	score queries --field text --limit 7 --flags --qrels r --docs k/docs -- q <>
	embed -q -m e <score>
	retrieve ./x.tt <embed of score>
	generate -m g --max-sources 0 <retrieve of embed of score>
	score queries --field text --limit 7 --flags --qrels r --docs k/docs -- q <>
	generate -m g --no-sources <score>
	score answers --qrels r --hits k/hits --plain k/plain -- q <generate of retrieve of embed of score>
	EOF
	[ "$(cat k/hits k/answers k/queries k/plain)" = "retrieve of embed of score
generate of retrieve of embed of score
score
generate of score" ]
	calls answers -i ./x.tt --queries q --qrels r --max-sources 4 --system 'S  T' --json -m mine >all
	grep '^generate -m mine --max-sources 4 --system S  T <' all
	grep '^generate -m mine --no-sources --system S  T <' all
	grep '^score answers --json --qrels r ' all
}

@test "refusal: all queries, without judgements" {
	diff - <(calls refusal -i ./x.tt --queries q --field f -n 2 -m mine -e own) <<-'EOF'
	score queries --field f --limit 2 -- q <>
	embed -q -m own <score>
	retrieve ./x.tt <embed of score>
	generate -m mine <retrieve of embed of score>
	score answers -- q <generate of retrieve of embed of score>
	EOF
	TT_MODEL=theirs calls refusal -i ./x.tt --queries q --json >all
	grep '^generate -m theirs <' all
	grep '^score answers --json -- q <' all
}

@test "corpus: lines of JSON become an index; its status is that of the first program that failed" {
	diff - <(calls corpus q 'a  new.tt') <<-'EOF'
	chunk --jsonl -- q <>
	embed -m e <chunk>
	index add -- a  new.tt <embed of chunk>
	EOF
	calls corpus -e own q i.tt | grep '^embed -m own <'
	TT_EMBEDDER=theirs calls corpus q i.tt | grep '^embed -m theirs <'
	for program in index embed chunk
	do
		fake $program 'cat >/dev/null; exit 65'
		run -65 fakes/tt-eval corpus q i.tt </dev/null
		fake $program 'cat >/dev/null; exit 3'
		run -3 fakes/tt-eval corpus q i.tt </dev/null
	done
}

@test "a name that begins with a dash is no option" {
	mv q ./-q
	calls refusal -i ./x.tt --queries -q --keep -k | grep '^score answers -- -q <'
	[ -s ./-k/answers ]
	calls corpus -- -q i.tt | grep -x 'chunk --jsonl -- -q <>'
}

@test "queries and judgements may be pipes, though they are read more than once" {
	fake score 'for file; do case $file in /*/docs) ;; /*) cat "$file" >>read ;; esac; done'
	fakes/tt-eval retrieval -i ./x.tt --queries <(echo query) --qrels <(echo judgement) </dev/null
	[ "$(sort read | tr '\n' ' ')" = "judgement judgement query query " ]
}

@test "queries or judgements that cannot be read whole: 74, and nothing is asked" {
	for names in "x.tt --qrels r" "q --qrels x.tt"
	do
		run -74 --separate-stderr fakes/tt-eval retrieval -i ./x.tt --queries $names
		[[ "$stderr" == "cat: x.tt: "* ]]
		[ ! -e called ]
	done
}

@test "a program that fails ends the run with its status, what is partly done or finds nothing does not" {
	while IFS='|' read -r end want arguments program option
	do
		rm -f called
		cp "fakes/tt-$program" whole
		fake "$program" "cat >/dev/null; case \"\$*\" in *$option*) exit $end ;; esac"
		# shellcheck disable=SC2086 # words without white space
		run "-$want" fakes/tt-eval $arguments -i ./x.tt --queries q </dev/null
		[ "$(grep -c '^score [ar]' called)" -eq $((want == 0)) ]
		mv whole "fakes/tt-$program"
	done <<-'EOT'
	78|78|retrieval --qrels r|retrieve|
	78|78|answers --qrels r|embed|
	78|78|answers --qrels r|generate|--max-sources
	78|78|answers --qrels r|generate|--no-sources
	78|78|refusal|retrieve|
	78|78|refusal|generate|
	3|0|retrieval --qrels r|retrieve|
	1|0|answers --qrels r|retrieve|
	1|0|answers --qrels r|generate|--no-sources
	3|0|refusal|generate|
	EOT
}

@test "what is missing or does not belong there is said" {
	while IFS='|' read -r want arguments message
	do
		# shellcheck disable=SC2086 # words without white space
		run "-$want" --separate-stderr fakes/tt-eval $arguments
		grep -qxF "tt-eval: $message" <<<"$stderr"
	done <<'EOT'
2||no command given
2|nothing|unknown command 'nothing'
2|corpus q|'corpus' takes a file and a directory
2|corpus -i x q i.tt|'corpus' takes no -i
2|retrieval x -i ./x.tt --queries q --qrels r|'retrieval' takes options only
2|retrieval --queries q --qrels r|'retrieval' needs --index
2|refusal -i ./x.tt|'refusal' needs --queries
2|answers -i ./x.tt --queries q|'answers' needs --qrels
2|refusal -i ./x.tt --queries q --qrels r|'refusal' takes no --qrels
2|answers -i ./x.tt --dense|'answers' takes no --dense
2|retrieval -i ./x.tt --max-sources 1|'retrieval' takes no --max-sources
2|retrieval -i ./x.tt --system x|'retrieval' takes no --system
66|refusal -i ./x.tt --queries none|cannot read 'none'
66|answers -i ./x.tt --queries q --qrels none|cannot read 'none'
66|refusal -i ./none.tt --queries q|no index './none.tt' ('tt-sync' makes the index of a corpus)
73|refusal -i ./x.tt --queries q --keep q/k|cannot create 'q/k'
73|refusal -i ./x.tt --queries q --keep /proc/self|cannot create anything in '/proc/self'
EOT
	[ ! -e called ]
}

@test "on a terminal progress is one line, which is gone when the figures come; elsewhere there is none" {
	command -v script >/dev/null || skip "needs script"
	while IFS='|' read -r arguments last
	do
		script -qec "fakes/tt-eval $arguments -i ./x.tt --queries q </dev/null" /dev/null </dev/null >said
		grep $'\e\\[K'"$last"$'\r\e\\[Kscore of ' said
		run -0 --separate-stderr fakes/tt-eval $arguments -i ./x.tt --queries q </dev/null
		[ -z "$stderr" ]
	done <<'EOT'
retrieval --qrels r|asking
answers --qrels r|answering without sources
refusal|asking
EOT
}
