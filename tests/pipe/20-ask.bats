#!/usr/bin/env bats
# From documents to a cited answer, with real, small models.
load common

setup_file() {
	load common
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	pipe_setup
	if [ -e "$models/minilm/model.safetensors" ]
	then
		make_depot
		tt-sync
	fi
}

setup() {
	pipe_setup
	need_embedder
	export XDG_DATA_HOME="$BATS_FILE_TMPDIR/data"
	index=$XDG_DATA_HOME/tiny-titans/index/depot
}

found() { # QUESTION: the names of the documents that are found, best first
	tt-embed -q <<<"$1" | tt-retrieve "$index" | tt-json | sed -n 's/.*"kind": *"hit".*"name": *"\([^"]*\)".*/\1/p'
}

@test "a question in other words finds the right document first" {
	[ "$(found 'measure how heavy a package is in lbs' | head -n 1)" = "weighbridge(1)" ]
	[ "$(found 'where can a truck that arrives at night be emptied' | head -n 1)" = "handover.md" ]
}

@test "an identifier is found literally" {
	[ "$(found 'DEC-0054' | head -n 1)" = "handover.md" ]
	[ "$(found 'shelves.conf' | head -n 1)" = "stowage(8)" ]
}

@test "an option's entry is a hit of its own, with the place where it stands" {
	tt-embed -q <<<'weighbridge: print pounds' | tt-retrieve "$index" | tt-json >hits
	grep -m 1 '"kind": *"hit"' hits | grep -q -- '--pounds'
	line=$(grep -n 'pounds instead' "$corpus/weighbridge.1" | cut -d : -f 1)
	first=$(grep -m 1 '"kind": *"hit"' hits | sed 's/.*"l": *\[\([0-9]*\),\([0-9]*\)\].*/\1 \2/')
	[ "${first% *}" -le "$line" ]
	[ "${first#* }" -ge "$line" ]
}

@test "tt-ask answers, cites, and shows its sources with their lines" {
	need_generator
	run --separate-stderr tt-ask -m smollm2-135m -i depot 'How do I make weighbridge print pounds?'
	[ "$status" -eq 0 ]
	[[ "$output" =~ weighbridge\(1\):[0-9]+ ]]
}

@test "tt-ask --json writes one answer a question, and every citation of it verifies" {
	need_generator
	printf '%s\n' 'How do I make weighbridge print pounds?' 'Which ramp is used late?' |
		tt-ask --json -m smollm2-135m -i depot >answers
	[ "$(grep -c '"kind": *"answer"' answers)" -eq 2 ]
	[ "$(sed -n 's/^{"kind":"hit","query":"\(q.\)".*/\1/p' answers | uniq)" = $'q1\nq2' ]
	run tt-cite <answers
	[ "$status" -eq 0 ]
}

@test "the same question twice: the same bytes, with one thread and with two" {
	need_generator
	ask() { tt-embed -q <<<'Which ramp is used late?' | tt-retrieve "$index" | tt-generate -m smollm2-135m -j "$1" --text; }
	ask 1 >one
	ask 2 >two
	ask 2 >again
	cmp one two
	cmp two again
}

@test "a question about nothing in the documents is refused: 1" {
	need_generator
	run --separate-stderr tt-ask -m smollm2-135m -i depot 'Who won the chess championship of 1972?'
	[ "$status" -eq 1 ]
}

@test "a model that is not there: the status says so, and stdout stays empty" {
	run --separate-stderr tt-ask -m nonsense -i depot 'Which ramp?'
	[ "$status" -ge 65 ]
	[ -z "$output" ]
	[ -n "$stderr" ]
}

@test "tt-ask --open shows the cited file at its line" {
	need_generator
	PAGER=echo run --separate-stderr tt-ask --open -m smollm2-135m -i depot 'How do I make weighbridge print pounds?'
	[ "$status" -eq 0 ]
	[[ "${lines[-1]}" =~ ^[^+]*/weighbridge\.1$ ]]
}

@test "tt-ask --open finds a file whose name JSON has to escape" {
	need_generator
	odd='a "tea\pot".md'
	mkdir odd
	printf '# Kettle\n\nThe kettle whistles at ninety degrees, because its lid is loose.\n' >"odd/$odd"
	find "$PWD/odd" -type f | tt-chunk | tt-embed | tt-index add odd.tt
	PAGER=echo run --separate-stderr tt-ask --open -m smollm2-135m -i ./odd.tt 'At how many degrees does the kettle whistle?'
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "$PWD/odd/$odd" ]
}

@test "tt-eval makes an index of a collection, and measures what is found in it and answered from it" {
	need_generator
	printf '{"id":"%s","title":"%s","text":"%s"}\n' tar.1 Archives "tar -t lists what an archive holds." \
		gzip.1 Packing "gzip -9 packs a file as small as it can." >collection.jsonl
	printf '{"id":"%s","text":"%s","gold_flags":[["%s"]]}\n' a "What lists an archive?" -t b "What packs a file small?" -9 >queries.jsonl
	printf '%s\t%s\t2\n' a tar.1 b gzip.1 >qrels.tsv
	tt-eval corpus collection.jsonl own.tt
	for half in '' --lexical --dense
	do
		run -0 --separate-stderr tt-eval retrieval -i ./own.tt --queries queries.jsonl --qrels qrels.tsv $half
		[ "$(grep -c ' 1.0000  of 2$' <<<"$output")" -eq 3 ]
	done
	run -0 --separate-stderr tt-eval answers -i ./own.tt -m smollm2-135m --queries queries.jsonl --qrels qrels.tsv -n 1 --json
	[[ "$output" == *'"option_right":1,'*'"no_sources":1'*'"sources_hold":1.0,'* ]]
}
