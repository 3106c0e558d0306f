#!/usr/bin/env bats
# The prefix store and drafts: whatever happens to them, the bytes of the answer stay the same.
bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$PWD/$build ;; esac
	export PATH="$build/bin:$PATH" HOME="$BATS_FILE_TMPDIR/home" TT_MODELS="$BATS_FILE_TMPDIR" CONTRIB="$PWD/contrib"
	unset XDG_DATA_HOME XDG_CACHE_HOME TT_MODEL TT_THREADS TT_PREFIX_DIR TT_PREFIX_MIB TT_DRAFT
	mkdir -p "$HOME"
	for m in qwen2 llama
	do
		"$build/tests/tool/mktiny" $m "$BATS_FILE_TMPDIR/$m.gguf"
	done
	i=0
	while [ $i -lt 40 ]
	do
		echo "line $i of a prompt that is long enough for several blocks"
		i=$((i + 1))
	done > "$BATS_FILE_TMPDIR/prompt"
	tt-generate -m qwen2 -n 24 --json --draft none --prefix-cache 0 < "$BATS_FILE_TMPDIR/prompt" | said > "$BATS_FILE_TMPDIR/right"
}

said() {	# what was said, of the answer record
	sed -n 's/.*"kind": *"answer".*"text": *\("[^"]*"\).*/\1/p'
}

setup() {
	export TT_PREFIX_DIR="$BATS_TEST_TMPDIR/store" P="$BATS_FILE_TMPDIR/prompt" RIGHT="$BATS_FILE_TMPDIR/right"
}

ask() {
	tt-generate -m qwen2 -n 24 --json --draft none "$@" < "$P"
}

right() {	# the last answer is the right one
	said < "$BATS_TEST_TMPDIR/out" | cmp - "$RIGHT"
}

cached() {
	sed -n 's/.*"n_cached": *\([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/out"
}

@test "a new process takes stored state and says the same bytes" {
	[ -s "$RIGHT" ]
	ask > "$BATS_TEST_TMPDIR/out" && right
	[ "$(cached)" -eq 0 ]
	ask > "$BATS_TEST_TMPDIR/out" && right
	[ "$(cached)" -ge 64 ]
	tt-cache verify
}

@test "any damaged byte costs a warning, never a wrong one" {
	ask > /dev/null
	n=0
	for f in "$TT_PREFIX_DIR"/*/*.kv
	do
		size=$(stat -c %s "$f")
		at=$(((n * 7919 + 3) % (size - 4)))
		printf '\377' | dd of="$f" bs=1 seek=$at conv=notrunc 2> /dev/null
		n=$((n + 1))
	done
	ask > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" && right
	[ "$(wc -l < "$BATS_TEST_TMPDIR/err")" -le 1 ]
	ask > "$BATS_TEST_TMPDIR/out" && right
	tt-cache verify
}

@test "verify names a damaged block and exits 1" {
	ask > /dev/null
	f=$(find "$TT_PREFIX_DIR" -name '*.kv' | sort | head -n 1)
	printf 'XXXX' | dd of="$f" bs=1 seek=300 conv=notrunc 2> /dev/null
	run --separate-stderr tt-cache verify
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"${f##*/}"* ]]
}

@test "kill -9 while state is kept leaves a sound store" {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12
	do
		rm -rf "$TT_PREFIX_DIR"
		ask > "$BATS_TEST_TMPDIR/out" &
		pid=$!
		while ! ls "$TT_PREFIX_DIR"/*/* > /dev/null 2>&1 && kill -0 $pid 2> /dev/null; do :; done
		kill -9 $pid 2> /dev/null || true
		wait $pid 2> /dev/null || true
		tt-cache verify
		ask > "$BATS_TEST_TMPDIR/out" && right
	done
}

@test "a store that cannot be written is warned of once and done without" {
	echo > "$TT_PREFIX_DIR"
	ask > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" && right
	[ "$(grep -c warning "$BATS_TEST_TMPDIR/err")" -eq 1 ]
}

@test "two processes may fill one store at once" {
	ask > "$BATS_TEST_TMPDIR/a" &
	ask > "$BATS_TEST_TMPDIR/b" &
	wait
	for x in a b
	do
		said < "$BATS_TEST_TMPDIR/$x" | cmp - "$RIGHT"
	done
	tt-cache verify
}

@test "another model under the same name sees nothing of the first" {
	cp "$BATS_FILE_TMPDIR/qwen2.gguf" "$BATS_TEST_TMPDIR/m.gguf"
	tt-generate -m "$BATS_TEST_TMPDIR/m.gguf" -n 8 --json --draft none < "$P" > /dev/null
	cp "$BATS_FILE_TMPDIR/llama.gguf" "$BATS_TEST_TMPDIR/new" && mv "$BATS_TEST_TMPDIR/new" "$BATS_TEST_TMPDIR/m.gguf"
	tt-generate -m "$BATS_TEST_TMPDIR/m.gguf" -n 8 --json --draft none < "$P" > "$BATS_TEST_TMPDIR/out"
	[ "$(cached)" -eq 0 ]
}

@test "prune, clear and forget remove what they say" {
	ask > /dev/null
	[ "$(find "$TT_PREFIX_DIR" -name '*.kv' | wc -l)" -gt 0 ]
	run tt-cache list
	[ "$status" -eq 0 ]
	echo 00000000000000000000000000000000 | tt-cache forget | grep '^0 of'
	run tt-cache forget <<< "not an id"
	[ "$status" -eq 65 ]
	tt-cache prune --max 0
	[ "$(find "$TT_PREFIX_DIR" -name '*.kv' | wc -l)" -eq 0 ]
	ask > /dev/null
	tt-cache clear
	[ "$(find "$TT_PREFIX_DIR" -name '*.kv' | wc -l)" -eq 0 ]
}

@test "files that are no blocks are never touched" {
	ask > /dev/null
	mkdir -p "$TT_PREFIX_DIR/Documents"
	m=$(find "$TT_PREFIX_DIR" -name '*.kv' -printf '%h\n' | head -n 1)
	for f in "$TT_PREFIX_DIR/Documents/thesis.txt" "$TT_PREFIX_DIR/Documents/x.tmp.old" "$m/notes.txt"
	do
		echo mine > "$f"
		touch -d '2 days ago' "$f"
	done
	tt-cache prune --max 0
	tt-cache clear
	[ "$(find "$TT_PREFIX_DIR" -type f | wc -l)" -eq 3 ]
}

@test "drafts never change a byte" {
	for d in auto tt-speculate 'tt-json | awk -f "$CONTRIB/drafter.awk"'
	do
		tt-generate -m qwen2 -n 24 --json --draft "$d" --prefix-cache 0 < "$P" > "$BATS_TEST_TMPDIR/out" && right
	done
	tt-generate -m qwen2 -n 24 --json --temp 0.8 -s 7 --draft none --prefix-cache 0 < "$P" | said > "$BATS_TEST_TMPDIR/plain"
	tt-generate -m qwen2 -n 24 --json --temp 0.8 -s 7 --draft auto --prefix-cache 0 < "$P" | said | cmp - "$BATS_TEST_TMPDIR/plain"
}

@test "a drafter that dies or talks nonsense is dropped with one warning" {
	for d in 'exit 3' 'head -c 1000 /dev/urandom; cat > /dev/null' 'echo "{\"kind\":\"draft\",\"tok\":[99999999]}"; cat > /dev/null'
	do
		tt-generate -m qwen2 -n 24 --json --draft "$d" --prefix-cache 0 < "$P" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" && right
		[ "$(grep -c 'tt-generate: warning' "$BATS_TEST_TMPDIR/err")" -eq 1 ]
	done
}
