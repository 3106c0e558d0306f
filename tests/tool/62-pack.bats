#!/usr/bin/env bats
# tt-pack: a pack is made once, checked, and made again when its head is damaged.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	cd "$top" || exit 1
	export HOME="$BATS_TEST_TMPDIR"
	unset XDG_CACHE_HOME XDG_DATA_HOME TT_MODELS
	M="$BATS_TEST_TMPDIR/m.gguf"
	"$build/tests/tool/mktiny" llama "$M"
	pack=$(tt-pack "$M")
}

flip() {	# one byte of the pack at offset $1
	printf '\252' | dd of="$pack" bs=1 seek="$1" conv=notrunc 2> /dev/null
}

@test "the pack is where it is said to be, and sound" {
	[ -f "$pack" ]
	[ "$(tt-pack --verify "$M")" = "$pack" ]
	[ "$(cd "$HOME" && tt-pack m.gguf)" = "$pack" ]
	tt-pack -l "$M" | grep -q '^blk\.0\.attn_q\.weight.*matrix'
}

@test "a changed weight, or part, is found by --verify, which names the pack and removes it" {
	cp "$pack" "$BATS_TEST_TMPDIR/good"
	for at in $(($(stat -c %s "$pack") / 2)) 4097	# a matrix; the hyper-parameters
	do
		flip "$at"
		run -65 --separate-stderr tt-pack --verify "$M"
		[[ "$stderr" == *"removed '$pack'"*damaged* ]]
		[ ! -e "$pack" ]
		tt-pack --verify "$M"
		cmp "$pack" "$BATS_TEST_TMPDIR/good"
	done
}

@test "an embedder's folder is told where its pack comes from" {
	mkdir "$BATS_TEST_TMPDIR/mini"
	TT_MODELS=$BATS_TEST_TMPDIR run -65 --separate-stderr tt-pack mini
	[[ "$stderr" == *"/mini'"*tt-embed* ]]
}

@test "no name of a model's tensors steers a terminal, or is more than a field" {
	"$build/tests/tool/mktiny" llama "$BATS_TEST_TMPDIR/odd.gguf" 5 "$(printf 'x\033[31m\ty')"
	tt-pack -l "$BATS_TEST_TMPDIR/odd.gguf" >"$HOME/list"
	grep -qx 'x.x1B\[31m y	vector	F32	1	4096	16384' "$HOME/list"
}

@test "a pack with a damaged head or table, cut, longer, or another model's, is made again" {
	cp "$pack" "$BATS_TEST_TMPDIR/good"
	"$build/tests/tool/mktiny" qwen2 "$BATS_TEST_TMPDIR/q.gguf"
	other=$(tt-pack "$BATS_TEST_TMPDIR/q.gguf")
	# The layout; the checksum in the table's last line.
	for damage in 'flip 9' "flip $(($(stat -c %s "$pack") - 32))" "truncate -s -1000 $pack" "truncate -s +1 $pack" "cp $other $pack"
	do
		$damage
		tt-pack --verify "$M"
		cmp "$pack" "$BATS_TEST_TMPDIR/good"
	done
}

@test "a model is known by what it holds: changed in place, or its remembered id damaged" {
	for memo in "$HOME"/.cache/tiny-titans/ids/*
	do
		printf '\252' | dd of="$memo" bs=1 seek=3 conv=notrunc 2>/dev/null
	done
	[ "$(tt-pack "$M")" = "$pack" ]
	touch -r "$M" "$HOME/time"
	printf '\252' | dd of="$M" bs=1 seek=$(($(stat -c %s "$M") - 5)) conv=notrunc 2>/dev/null
	touch -r "$HOME/time" "$M"
	changed=$(tt-pack "$M")
	[ "$changed" != "$pack" ]
	run ! cmp -s "$changed" "$pack"
}

@test "a drafter's compact pack is a file of its own, whichever is made first" {
	cp "$pack" "$BATS_TEST_TMPDIR/good"
	rm -r "$HOME/.cache"
	run -78 tt-speculate -m "$M" <<<'{"kind":"head","format":1,"model":"another"}'
	thin=$(echo "$(dirname "$pack")"/*)
	[ "$(stat -c %s "$thin")" -lt "$(stat -c %s "$BATS_TEST_TMPDIR/good")" ]
	[ "$(tt-pack "$M")" = "$pack" ]
	cmp "$pack" "$BATS_TEST_TMPDIR/good"
}

@test "what is no model is told so before all of it is read" {
	truncate -s 100G "$BATS_TEST_TMPDIR/holes.gguf"
	run -65 --separate-stderr timeout 10 tt-pack "$BATS_TEST_TMPDIR/holes.gguf"
}

@test "a pack that the limit of memory leaves no room for is not made again" {
	! grep -q __asan_init "$(command -v tt-pack)" || skip "the sanitizer takes more"
	truncate -s 8G "$pack"
	run -74 --separate-stderr bash -c "ulimit -v 4000000; tt-pack '$M'"
	[[ "$stderr" == *"cannot map '$pack'"* ]]
	[ "$(stat -c %s "$pack")" -eq 8589934592 ]
}

@test "a model that was changed in place is another, of whatever size and time" {
	"$build/tests/tool/mktiny" llama "$BATS_TEST_TMPDIR/other.gguf" 6
	touch -r "$M" "$BATS_TEST_TMPDIR/other.gguf"
	[ "$(stat -c %s "$M")" -eq "$(stat -c %s "$BATS_TEST_TMPDIR/other.gguf")" ]
	cat "$BATS_TEST_TMPDIR/other.gguf" >"$M"
	touch -r "$BATS_TEST_TMPDIR/other.gguf" "$M"
	[ "$(tt-pack "$M")" = "$(tt-pack "$BATS_TEST_TMPDIR/other.gguf")" ]
	[ "$(tt-pack "$M")" != "$pack" ]
}

@test "what is remembered of a model's content is believed if it is sound" {
	for id in "$HOME"/.cache/tiny-titans/ids/*
	do
		printf X | dd of="$id" bs=1 seek=3 conv=notrunc 2> /dev/null
	done
	[ "$(tt-pack "$M")" = "$pack" ]
	[ "$(find "$(dirname "$pack")" -name '*.pack' | wc -l)" -eq 1 ]
}

@test "a pack that the disk has no room for: 74, and nothing of it stays" {
	cp "$pack" "$BATS_TEST_TMPDIR/good"
	rm -r "$HOME/.cache"
	run -74 --separate-stderr bash -c "ulimit -f 100; tt-pack '$M'"
	[ -z "$(ls "$(dirname "$pack")")" ]
	tt-pack "$M"
	cmp "$pack" "$BATS_TEST_TMPDIR/good"
}

@test "of several models each is seen to; the first that failed gives the status" {
	"$build/tests/tool/mktiny" qwen2 "$BATS_TEST_TMPDIR/q.gguf"
	run -66 --separate-stderr tt-pack "$BATS_TEST_TMPDIR/none.gguf" "$M" "$BATS_TEST_TMPDIR"
	[ "$output" = "$pack" ]
	[[ "$stderr" == *none.gguf*"is a folder"* ]]
	first=$pack
	pack=$(tt-pack "$BATS_TEST_TMPDIR/q.gguf")
	flip 4097
	pack=$first
	flip 4097
	run -65 --separate-stderr tt-pack --verify "$M" "$BATS_TEST_TMPDIR/q.gguf"
	[ "$(grep -c "removed '" <<<"$stderr")" -eq 2 ]
}

@test "a missing model exits 66, a file that is none 65" {
	run --separate-stderr tt-pack "$BATS_TEST_TMPDIR/none.gguf"
	[ "$status" -eq 66 ]
	echo nonsense > "$BATS_TEST_TMPDIR/bad.gguf"
	run --separate-stderr tt-pack "$BATS_TEST_TMPDIR/bad.gguf"
	[ "$status" -eq 65 ]
}

@test "a new pack takes the place of those of older layouts, and of no other" {
	layout=${pack##*-}
	old=${pack%-*}-$((${layout%.pack} - 1)).pack
	other=$(dirname "$pack")/$(printf '%032d' 1)-1.pack
	mv "$pack" "$old"
	: > "$other"
	[ "$(tt-pack "$M")" = "$pack" ]
	[ ! -e "$old" ]
	[ -e "$other" ]
	tt-pack --verify "$M"
}

@test "a model that calls a tensor as packs call a section of their own is refused" {
	for name in screen.slack screen.copy tok
	do
		"$build/tests/tool/mktiny" llama "$BATS_TEST_TMPDIR/odd.gguf" 5 $name
		run --separate-stderr tt-pack "$BATS_TEST_TMPDIR/odd.gguf"
		[ "$status" -eq 65 ]
		[[ "$stderr" == *"odd.gguf': "*"'$name'"* ]]
		[ -z "$(find "$(dirname "$pack")" -name '*.tmp.*')" ]	# nothing of it is left
	done
}

@test "a tensor's name of 63 bytes is the longest" {
	name=$(printf 'x%.0s' $(seq 63))
	"$build/tests/tool/mktiny" llama "$BATS_TEST_TMPDIR/odd.gguf" 5 "$name"
	tt-pack -l "$BATS_TEST_TMPDIR/odd.gguf" | grep "^$name	"
	"$build/tests/tool/mktiny" llama "$BATS_TEST_TMPDIR/odd.gguf" 5 "x$name"
	run -65 --separate-stderr tt-pack "$BATS_TEST_TMPDIR/odd.gguf"
	[[ "$stderr" == *"odd.gguf': tensor name 'x$name' is empty or longer than 63 bytes"* ]]
}

@test "what is packed is what was hashed: the model is opened once" {
	strace -o /dev/null true || skip "no strace here"
	rm -r "$HOME/.cache"
	ASAN_OPTIONS=detect_leaks=0 strace -f -o "$HOME/trace" -e trace=open,openat tt-pack "$M" >"$HOME/out"
	[ "$(grep -c '/m\.gguf"' "$HOME/trace")" -eq 1 ]
}

@test "a pack is synced before it gets its name, and its folder after" {
	cd "$HOME"
	rm -r .cache
	synced tt-pack "$M"
}

@test "what a killed program was writing is removed when the next pack is made; what is being written stays" {
	ids=$HOME/.cache/tiny-titans/ids packs=$(dirname "$pack")
	for name in "$ids/1.tmp.abcdef" "$pack.tmp.abcdef" "$pack.tmp.ABCDEF" "$packs/own.tmp"
	do
		echo part >"$name"
	done
	exec 9<"$pack.tmp.ABCDEF"
	flock 9
	rm "$pack" "$(find "$ids" -name '????????????????????????????????')"
	tt-pack "$M" >"$HOME/out"
	[ ! -e "$ids/1.tmp.abcdef" ]
	[ ! -e "$pack.tmp.abcdef" ]
	[ -e "$pack.tmp.ABCDEF" ]
	[ -e "$packs/own.tmp" ]
}
