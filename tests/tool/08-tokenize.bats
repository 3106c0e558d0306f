#!/usr/bin/env bats
# tt-tokenize. The model is a WordPiece folder made here; ids of real vocabularies are compared by `make conform`.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	cd "$BATS_TEST_TMPDIR" || exit 1
	export HOME="$PWD/home" TT_MODELS="$PWD/models" TT_MODEL=toy
	mkdir -p models/toy
	printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' the cat '##s' sat . '[' ']' cls >models/toy/vocab.txt
}

@test "a text gives one line of ids" {
	run --separate-stderr tt-tokenize <<<"The cats sat."
	[ "$status" -eq 0 ]
	[ "$output" = "4 5 6 7 8" ]
	[ -z "$stderr" ]
}

@test "files are texts of their own" {
	echo "the cat" >a
	echo sat >b
	run tt-tokenize a b
	[ "${lines[0]}" = "4 5" ]
	[ "${lines[1]}" = 7 ]
}

@test "-l takes each line as a text, empty ones too" {
	run tt-tokenize -l -c < <(printf 'the cat\n\nsat')
	[ "$output" = "$(printf '2\n0\n1')" ]
}

@test "empty input is one empty text" {
	run tt-tokenize -c </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = 0 ]
}

@test "--json gives ids, offsets and their number" {
	run tt-tokenize --json <<<"The cats"
	[ "$output" = '{"ids":[4,5,6],"at":[0,4,7],"n":3}' ]
}

@test "-v shows each token's offset and text" {
	run tt-tokenize -v <<<"The cats"
	[ "${lines[2]}" = "$(printf "6\t7\t's'")" ]
}

@test "text that names a special token stays text" {
	run tt-tokenize <<<"[CLS]"
	[ "$output" = "9 11 10" ]
}

@test "-d gives the text back" {
	run tt-tokenize -d <<<"4 5 6 7"
	[ "$output" = "the cats sat" ]
}

@test "raw ids survive a pipe" {
	run bash -c 'echo "the cat sat" | tt-tokenize -r | tee raw | tt-tokenize -r -d'
	[ "$output" = "the cat sat" ]
	[ "$(stat -c %s raw)" -eq 12 ]
}

@test "-d refuses what is no id" {
	run --separate-stderr tt-tokenize -d <<<"4 five"
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"not a token id"*"byte 2"* ]]
	run tt-tokenize -d <<<"4 12"
	[ "$status" -eq 65 ]
	run tt-tokenize -r -d < <(printf 'abc')
	[ "$status" -eq 65 ]
}

@test "-e replaces escapes" {
	run tt-tokenize -c -e <<<'the\ncat\x20sat'
	[ "$output" = 3 ]
	for text in '\x7 \' 'the\x-ecat \x+e' $'\\x\te'		# are none
	do
		[ "$(tt-tokenize -e <<<"$text")" = "$(tt-tokenize <<<"$text")" ]
	done
}

@test "ill-formed text is no error" {
	run tt-tokenize < <(printf 'the\377 cat\300')
	[ "$status" -eq 0 ]
	[ "$output" = "4 5" ]
}

@test "a text of many parts has the ids of one" {
	yes "the cats sat." | head -n 400000 >big
	tt-tokenize -r big | cksum >one
	tt-tokenize -l -r big | cksum >two
	cmp one two
}

@test "a text without a place to cut is looked through once or twice" {
	head -c 160000000 /dev/zero | tr '\0' 0 >long
	[ "$(timeout 8 tt-tokenize -c long)" = 1 ]
}

@test "an unknown model is exit 66 and names the places" {
	run --separate-stderr tt-tokenize -m nosuch </dev/null
	[ "$status" -eq 66 ]
	[[ "$stderr" == *"no model 'nosuch' in '$PWD/models', '"* ]]
}

@test "a broken model is exit 65" {
	echo GGUF >models/bad.gguf
	run --separate-stderr tt-tokenize -m bad </dev/null
	[ "$status" -eq 65 ]
	[[ "$stderr" == *bad.gguf*byte* ]]
}

@test "a vocabulary with a text twice is refused" {
	echo cat >>models/toy/vocab.txt
	run --separate-stderr tt-tokenize </dev/null
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"same text"* ]]
}

# settings JSON: puts a tokenizer.json beside the vocabulary
settings() {
	echo "$1" >models/toy/tokenizer.json
}

@test "tokenizer.json says how text is normalized" {
	printf '%s\n' The 'café' >>models/toy/vocab.txt
	settings '{"normalizer":{"type":"BertNormalizer","lowercase":false,"strip_accents":null},"model":{"type":"WordPiece"}}'
	run tt-tokenize <<<"The café cat"
	[ "$output" = "12 13 5" ]
	settings '{"normalizer":{"type":"BertNormalizer","lowercase":true,"strip_accents":false}}'
	run tt-tokenize <<<"The Café"
	[ "$output" = "4 13" ]
}

@test "tokenizer.json says how long a word may be" {
	settings '{"normalizer":{"type":"BertNormalizer"},"model":{"max_input_chars_per_word":3}}'
	run tt-tokenize <<<"cat cats"
	[ "$output" = "5 1" ]
}

@test "tokenizer.json that asks for another tokenizer is refused" {
	settings '{"normalizer":{"type":"NFC"}}'
	run --separate-stderr tt-tokenize </dev/null
	[ "$status" -eq 65 ]
	[[ "$stderr" == *tokenizer.json*NFC* ]]
	settings '{"normalizer":{"type":"BertNormalizer"},"model":{"continuing_subword_prefix":"@@"}}'
	run tt-tokenize </dev/null
	[ "$status" -eq 65 ]
}

@test "a vocabulary that was cut, by what tokenizer.json has, is refused" {
	settings '{"normalizer":{"type":"BertNormalizer"},"model":{"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"the":4,"cat":5}}}'
	[ "$(tt-tokenize <<<'the cat')" = '4 5' ]
	head -n 5 models/toy/vocab.txt >cut
	mv cut models/toy/vocab.txt
	run -65 --separate-stderr tt-tokenize <<<'the cat'
	[[ "$stderr" == *"toy/vocab.txt' has 5 tokens, tokenizer.json beside it 6" ]]
}

@test "tokenizer.json that is broken or nested without end is refused" {
	settings '{"normalizer":{"type":"BertNormalizer"}'
	run --separate-stderr tt-tokenize </dev/null
	[ "$status" -eq 65 ]
	settings "$(printf '[%.0s' {1..100000})"
	run --separate-stderr tt-tokenize </dev/null
	[ "$status" -eq 65 ]
	[[ "$stderr" == *nested* ]]
}

@test "a name is looked for in TT_MODELS, then in the user's data directory" {
	export XDG_DATA_HOME="$PWD/data"
	mkdir -p data/tiny-titans/models
	cp -r models/toy data/tiny-titans/models/other
	run tt-tokenize -m other <<<cat
	[ "$output" = 5 ]
	printf '%s\n' '[UNK]' cat >data/tiny-titans/models/other/vocab.txt
	cp -r models/toy models/other
	run tt-tokenize -m other <<<cat
	[ "$output" = 5 ]
	run tt-tokenize -m ./data/tiny-titans/models/other <<<cat
	[ "$output" = 1 ]
}

@test "a directory of models that may not be looked into is 77: the model may be there" {
	as_user=
	test "$(id -u)" != 0 || as_user='setpriv --bounding-set=-dac_override,-dac_read_search'
	$as_user true || skip "needs setpriv"
	mkdir "$BATS_TEST_TMPDIR/closed"
	chmod 0 "$BATS_TEST_TMPDIR/closed"
	TT_MODELS=$BATS_TEST_TMPDIR/closed run -77 --separate-stderr $as_user tt-tokenize -m none </dev/null
	[[ "$stderr" == *"cannot look for model 'none' in '$BATS_TEST_TMPDIR/closed'"* ]]
}

@test "a missing file is exit 66" {
	run tt-tokenize nosuch
	[ "$status" -eq 66 ]
}

@test "options that exclude each other are exit 2" {
	run tt-tokenize -c -r </dev/null
	[ "$status" -eq 2 ]
	run tt-tokenize -d -l </dev/null
	[ "$status" -eq 2 ]
}

@test "a full output is exit 74" {
	run --separate-stderr bash -c 'tt-tokenize <<<"the cat" >/dev/full'
	[ "$status" -eq 74 ]
}

@test "a reader that goes away ends it quietly" {
	run --separate-stderr bash -c 'yes "the cat" | head -n 300000 | tt-tokenize -l | head -n 1'
	[ "$output" = "4 5" ]
	[ -z "$stderr" ]
}
