#!/usr/bin/env bats
# tt-speculate: one draft for each ctx and accept; and the example drafter speaks the same records.
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	PATH="${BUILD:-build}/bin:$PATH"
	ctx='{"kind":"ctx","tok":[1,2,3,4,9,1,2,3],"cost":[10,10.5,11,12,13,14,15,16],"max":7}'
	accept='{"kind":"accept","n":2,"tok":[4,9,1],"max":3}'
}

drafts() {	# the tok arrays of the draft records on stdin
	tt-json | sed -n 's/.*"kind": *"draft".*"tok": *\(\[[^]]*\]\).*/\1/p' | tr -d ' '
}

@test "a repeated suffix is continued, one draft for each ctx and accept, at most max long" {
	printf '%s\n' "$ctx" "$accept" | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/d")" -eq 2 ]
	grep -q '^\[4,' "$BATS_TEST_TMPDIR/d"
	[ "$(sed -n 2p "$BATS_TEST_TMPDIR/d")" = "[2,3,4]" ]
}

@test "a max larger than the protocol's is cut, not trusted" {
	printf '%s\n' '{"kind":"ctx","tok":[1,1,1,1,1,1,1,1,1,1,1,1],"max":4000000000}' | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
	[ "$(tr -dc , < "$BATS_TEST_TMPDIR/d" | wc -c)" -le 6 ]
}

@test "nothing repeats: an empty draft" {
	printf '%s\n' '{"kind":"ctx","tok":[1,2,3],"max":7}' | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
	[ "$(cat "$BATS_TEST_TMPDIR/d")" = "[]" ]
}

@test "accept before ctx and tokens that are none are bad data" {
	run --separate-stderr tt-speculate <<< "$accept"
	[ "$status" -eq 65 ]
	run --separate-stderr tt-speculate <<< '{"kind":"ctx","tok":["x"],"max":7}'
	[ "$status" -eq 65 ]
	run --separate-stderr tt-speculate <<< '{"kind":"ctx","max":7}'
	[ "$status" -eq 65 ]
}

@test "the example drafter answers in the same way" {
	run --separate-stderr sh -c "printf '%s\n' '$ctx' '$accept' | awk -f contrib/drafter.awk"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '{"kind":"draft","tok":[4,9,1]}' ]
	[ "${lines[1]}" = '{"kind":"draft","tok":[2,3,4]}' ]
}
