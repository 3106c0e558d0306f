#!/usr/bin/env bats
# The prefix store and drafts: whatever happens to them, the bytes of the answer stay the same.
bats_require_minimum_version 1.5.0
load common

setup_file() {
	tool_setup "$BATS_FILE_TMPDIR"
	export CONTRIB="$PWD/contrib"
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

number() {	# KEY: of the last answer
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$BATS_TEST_TMPDIR/out"
}

cached() {
	number n_cached
}

make_index() {	# DOCUMENTS: i.tt, a chunk each
	for i in $(seq "$1")
	do
		printf '{"kind":"doc","doc":"/n/%d","name":"n%d","title":"N%d","src":{"path":"/n/%d","size":20,"mtime_ns":5,"xxh3":"ab"}}\n' "$i" "$i" "$i" "$i"
		printf '{"kind":"chunk","doc":"/n/%d","seq":0,"id":"%032x","text":"water the plants in room %d and say that it was done","unit":"para"}\n' "$i" "$i" "$i"
	done | tt-index add "$BATS_TEST_TMPDIR/i.tt"
}

ask_index() {	# QUESTION OPTION...
	q=$1
	shift
	printf '{"kind":"query","id":"q1","text":"%s"}\n' "$q" | tt-retrieve "$BATS_TEST_TMPDIR/i.tt" |
		tt-generate -m qwen2 -n 8 --json --draft none --max-sources 1 "$@" > "$BATS_TEST_TMPDIR/out"
}

size_of_store() {
	find "$TT_PREFIX_DIR" -type f -printf '%s\n' 2> /dev/null | awk '{ n += $1 } END { print n + 0 }'
}

@test "a directory without a name is refused, not taken for the root" {
	unset TT_PREFIX_DIR
	run tt-cache list --prefix-dir ''
	[ "$status" -eq 2 ]
	run ask --prefix-dir ''
	[ "$status" -eq 2 ]
}

@test "a new process takes stored state and says the same bytes" {
	[ -s "$RIGHT" ]
	ask > "$BATS_TEST_TMPDIR/out"
	right
	[ "$(cached)" -eq 0 ]
	ask > "$BATS_TEST_TMPDIR/out"
	right
	[ "$(cached)" -eq $(($(number n_prompt) - 1)) ]		# all but the last token
	tt-cache verify
	ask --prefix-cache 0 > "$BATS_TEST_TMPDIR/out"
	[ "$(cached)" -eq 0 ]
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
	ask > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err"
	right
	[ "$(wc -l < "$BATS_TEST_TMPDIR/err")" -eq 1 ]
	grep -qE "'$TT_PREFIX_DIR/[0-9a-f]{32}/[0-9a-f]{32}\.kv' was damaged" "$BATS_TEST_TMPDIR/err"
	ask > "$BATS_TEST_TMPDIR/out"
	right
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

@test "kill -9 at random moments of writing leaves a sound store" {
	# TT_KILLS=1000 for the long run; docs/prefixes.md tells of it.
	seed=7
	killed=0
	for i in $(seq "${TT_KILLS:-20}")
	do
		rm -rf "$TT_PREFIX_DIR"
		seed=$(((seed * 1103515245 + 12345) % 2147483648))
		n=$((seed / 65536 % 70))	# so many files stand when it is killed
		# Not through ask(): a function in the background is a shell, and only that would be killed.
		tt-generate -m qwen2 -n 24 --json --draft none < "$P" > "$BATS_TEST_TMPDIR/out" 2> /dev/null &
		pid=$!
		while kill -0 $pid 2> /dev/null
		do
			set -- "$TT_PREFIX_DIR"/*/*
			[ $# -le $n ] || break
		done
		kill -9 $pid 2> /dev/null || true
		wait $pid 2> /dev/null || [ $? -ne 137 ] || killed=$((killed + 1))
		tt-cache verify > "$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said"; false; }
		if [ $((i % 4)) -eq 0 ]
		then
			ask > "$BATS_TEST_TMPDIR/out"
			right
		fi
	done
	ask > "$BATS_TEST_TMPDIR/out"
	right
	[ $killed -gt $((${TT_KILLS:-20} / 3)) ]		# most were killed while they wrote
	echo "$killed killed"
}

@test "a byte flipped anywhere in a block is found, and the answer stays right" {
	ask > /dev/null
	f=$(find "$TT_PREFIX_DIR" -name '*.kv' -size -40k | sort | head -n 1)
	size=$(stat -c %s "$f")
	cp "$f" "$BATS_TEST_TMPDIR/sound"
	at=0
	while [ $at -lt $((size - 4)) ]		# the header closely (test_block.c takes every byte), the state in strides
	do
		cp "$BATS_TEST_TMPDIR/sound" "$f"
		old=$(od -An -tu1 -j $at -N 1 "$f")
		printf "\\$(printf %o $((old ^ 16)))" | dd of="$f" bs=1 seek=$at conv=notrunc 2> /dev/null
		run ! tt-cache verify
		ask > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err"
		right
		[ "$(grep -c warning "$BATS_TEST_TMPDIR/err")" -eq 1 ]
		at=$((at + (at < 300 ? 29 : 1987)))
	done
	tt-cache verify
}

@test "a full disk is warned of once, and the answer stays right" {
	mkdir "$TT_PREFIX_DIR"
	unshare -rm sh -c 'mount -t tmpfs -o size=256k tmpfs "$1"' sh "$TT_PREFIX_DIR" 2> /dev/null || skip "cannot mount a small file system"
	unshare -rm sh -c 'mount -t tmpfs -o size=256k tmpfs "$TT_PREFIX_DIR"
		for i in 1 2
		do
			tt-generate -m qwen2 -n 24 --json --draft none < "$P" > "$BATS_TEST_TMPDIR/out$i" 2> "$BATS_TEST_TMPDIR/err$i" || exit
		done
		tt-cache verify && ls "$TT_PREFIX_DIR"/*/*.kv > "$BATS_TEST_TMPDIR/files" && ! ls "$TT_PREFIX_DIR"/*/*.tmp.*' 2> /dev/null
	[ "$(grep -c warning "$BATS_TEST_TMPDIR/err1")" -eq 1 ]
	[ -s "$BATS_TEST_TMPDIR/files" ]
	for i in 1 2
	do
		said < "$BATS_TEST_TMPDIR/out$i" | cmp - "$RIGHT"
	done
}

@test "the store removed while it is in use changes no byte" {
	ask > /dev/null
	( while [ ! -e "$BATS_TEST_TMPDIR/stop" ]
	do
		rm -rf "$TT_PREFIX_DIR"
	done ) 2> /dev/null &
	for i in 1 2 3 4 5 6 7 8
	do
		ask > "$BATS_TEST_TMPDIR/out" 2> /dev/null
		right
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait
}

@test "the bound holds at every moment" {
	export TT_PREFIX_MIB=1
	( while [ ! -e "$BATS_TEST_TMPDIR/stop" ]
	do
		size_of_store
	done > "$BATS_TEST_TMPDIR/sizes" ) &
	for i in 1 2 3 4 5
	do
		sed "s/line/$i/" "$P" | tt-generate -m qwen2 -n 2 --json --draft none > /dev/null
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait
	[ "$(sort -n "$BATS_TEST_TMPDIR/sizes" | tail -n 1)" -le 1048576 ]
	[ "$(size_of_store)" -gt 524288 ]
	tt-cache verify
}

@test "a store that cannot be written is warned of once and done without" {
	echo > "$TT_PREFIX_DIR"
	ask > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err"
	right
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

@test "forget and clear take what was left half written" {
	ask > /dev/null
	f=$(find "$TT_PREFIX_DIR" -name '*.kv' | head -n 1)
	for how in forget clear
	do
		cp "$f" "$f.tmp.AbC123"
		echo 00000000000000000000000000000000 | tt-cache $how
		[ ! -e "$f.tmp.AbC123" ]
	done
}

@test "a store whose directory cannot be read to its end is not taken for a smaller one: 74" {
	strace -o /dev/null true || skip "no strace here"
	export ASAN_OPTIONS=detect_leaks=0	# it cannot look for them under strace
	ask >/dev/null
	for n in 1 2	# of the store, of the model in it
	do
		for command in verify forget
		do
			run -74 --separate-stderr strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=getdents64 -e inject=getdents64:error=EIO:when=$n \
				tt-cache $command < <(printf '%032d\n' 1)
			[[ "$stderr" == "tt-cache: cannot read '$TT_PREFIX_DIR"*"': Input/output error" ]]
		done
	done
}

@test "prune: no block goes, and that is said, where not all of them can be seen" {
	strace -o /dev/null true || skip "no strace here"
	export ASAN_OPTIONS=detect_leaks=0
	ask >/dev/null
	cd "$BATS_TEST_TMPDIR"
	find "$TT_PREFIX_DIR" -name '*.kv' >before
	for n in $(seq 9)	# two reads of each of two folders, to look and to remove
	do
		if strace -f -qq -o trace -e trace=getdents64 -e inject=getdents64:error=EIO:when="$n" tt-cache prune --max 0 2>err
		then
			[ "$n" -eq 9 ]
			[ "$(size_of_store)" -eq 0 ]
			break
		fi
		grep -q "cannot read '$TT_PREFIX_DIR.*Input/output error" err
		cmp before <(find "$TT_PREFIX_DIR" -name '*.kv')
	done
}

@test "a folder of another user in the store keeps nobody from storing; prune says that it cannot be read: 77" {
	cd "$BATS_TEST_TMPDIR"
	strace -o trace true || skip "no strace here"
	export ASAN_OPTIONS=detect_leaks=0
	other=$TT_PREFIX_DIR/00000000000000000000000000000000
	mkdir -p "$other"
	no_entry="strace -f -qq -o trace -P $other -e trace=openat -e inject=openat:error=EACCES"
	run --separate-stderr $no_entry tt-generate -m qwen2 -n 24 --json --draft none <"$P"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	grep -q EACCES trace
	[ "$(size_of_store)" -gt 0 ]
	run -77 --separate-stderr $no_entry tt-cache prune --max 0
	[[ "$stderr" == "tt-cache: cannot read '$other': Permission denied" ]]
}

@test "forget takes what cannot be read, and of several sources each" {
	make_index 4
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > /dev/null
	tt-cache list -v | grep '0 sources$' | sed 's/\t.*//' | head -n 1 > "$BATS_TEST_TMPDIR/plain"
	printf 'XXXX' | dd of="$(tr -d ' ' < "$BATS_TEST_TMPDIR/plain")" bs=1 seek=20 conv=notrunc 2> /dev/null
	printf '%032x\n' 9 4 2 1 | tt-cache forget
	[ ! -e "$(tr -d ' ' < "$BATS_TEST_TMPDIR/plain")" ]
	[ "$(tt-cache list -v | grep -c '1 sources')" -gt 0 ]
	tt-cache verify
	printf '%032x\n' 3 | tt-cache forget
	[ "$(tt-cache list -v | grep -c '1 sources')" -eq 0 ]
}

@test "list tells of each model, and of all; prune leaves as much as it is told to" {
	ask > /dev/null
	ask > /dev/null
	tt-generate -m llama -n 2 --json --draft none < "$P" > /dev/null
	tt-cache list > "$BATS_TEST_TMPDIR/list"
	cat "$BATS_TEST_TMPDIR/list"
	awk -F '\t' 'NF == 4 { n += $2; hits += $4; n_hit += $4 + 0 > 0 }
		NF == 1 { split($1, all, ", ") }
		END { exit !(NR == 3 && n > 1 && n == all[1] + 0 && hits > 0 && hits == all[3] + 0 && n_hit == 1) }' "$BATS_TEST_TMPDIR/list"
	tt-cache prune --max 1
	[ "$(size_of_store)" -le 1048576 ]
	[ "$(size_of_store)" -gt 900000 ]
}

@test "forget takes what any of two sources had a part in, and tells where an id is none" {
	make_index 2
	for id in 1 2; do
		ask_index "are the plants of room 1 and room 2 watered" --max-sources 2
		tt-cache list -v | grep -q '2 sources$'
		printf '%032x\n' $id | tt-cache forget
		run ! grep '2 sources$' <(tt-cache list -v)
		tt-cache clear
	done
	run -65 --separate-stderr tt-cache forget < <(printf '%032x\nnot an id\n' 1)
	[[ "$stderr" == *" byte 33"* ]]
}

@test "what could not be removed or read is said" {
	ask > /dev/null
	m=$(find "$TT_PREFIX_DIR" -name '*.kv' -printf '%h\n' | head -n 1)
	stuck=$m/00000000000000000000000000000000.kv.tmp.AbC123	# not removed as a file is, by root neither
	mkdir "$stuck"
	for how in forget clear
	do
		run --separate-stderr tt-cache $how <<< 00000000000000000000000000000000
		[ "$status" -eq 3 ]
		[[ "$stderr" == *"cannot remove '$stuck'"* ]]
	done
	rmdir "$stuck"
	loop=$TT_PREFIX_DIR/00000000000000000000000000000000	# nor can this be opened by anybody
	ln -s "$loop" "$loop"
	run --separate-stderr tt-cache clear
	[ "$status" -eq 74 ]
	[[ "$stderr" == *"cannot read '$loop'"* ]]
	for how in clear prune
	do
		run --separate-stderr tt-cache $how --prefix-dir="$loop"
		[ "$status" -eq 74 ]
	done
}

@test "a store that prune cannot make smaller is said" {
	ask > /dev/null
	unshare -rm sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"' sh "$TT_PREFIX_DIR" 2> /dev/null || skip "cannot mount"
	run --separate-stderr unshare -rm sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec tt-cache prune --max 0' sh "$TT_PREFIX_DIR"
	[ "$status" -eq 3 ]
	[[ "$stderr" == *"'$TT_PREFIX_DIR' still takes "* ]]
	tt-cache prune --max 0
}

@test "ids behind a NUL are not passed over" {
	run bash -c 'printf "%s\n\0\n" 00000000000000000000000000000000 | tt-cache forget'
	[ "$status" -eq 65 ]
}

@test "warm takes an index: a question then waits for its own words" {
	make_index 5
	ask_index "are the plants of room 3 watered" --prefix-cache 0
	said < "$BATS_TEST_TMPDIR/out" > "$BATS_TEST_TMPDIR/plain"
	run tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt"
	[ "$status" -eq 0 ]
	[ "$output" = "5 warmed, 0 were stored" ]
	ask_index "are the plants of room 3 watered"
	said < "$BATS_TEST_TMPDIR/out" | cmp - "$BATS_TEST_TMPDIR/plain"
	[ $(($(number n_prompt) - $(cached))) -lt 100 ]		# bytes of the question and of what closes the prompt
	[ "$(tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt")" = "0 warmed, 5 were stored" ]
	[ "$(tt-index chunks "$BATS_TEST_TMPDIR/i.tt" | tt-cache warm -m qwen2)" = "0 warmed, 5 were stored" ]
	cd "$BATS_TEST_TMPDIR"
	mv i.tt ./-i.tt
	[ "$(tt-cache warm -m qwen2 -- -i.tt)" = "0 warmed, 5 were stored" ]
	tt-cache verify
}

@test "warm passes over records that it cannot use: 3" {
	TT_PREFIX_DIR="$BATS_TEST_TMPDIR/p" run -3 --separate-stderr tt-cache warm -m qwen2 <<EOF
{"kind":"query","id":"a"}
{"kind":"hit","q":"a","doc":"d","id":"00","text":"of a query that has no text"}
{"kind":"chunk","doc":"d","id":"00"}
{"kind":"query","id":"b","text":"b"}
{"kind":"hit","q":"c","doc":"d","id":"00","text":"another's"}
{"kind":"query","id":"d","text":"$(head -c 9000 /dev/zero | tr '\0' y)"}
{"kind":"hit","query":"d","doc":"d","id":"00","text":"of a question that is too long"}
{"kind":"query","id":"e","text":"e"}
{"kind":"hit","query":"e","doc":"d","id":"00","text":"of one that can be used"}
EOF
	[ "$output" = "1 warmed, 0 were stored" ]
	[ "$stderr" = "tt-cache: warning: 4 records could not be used" ]
	printf '{"kind":"chunk","doc":"d","id":"00","text":"%0200d"}\n' 7 >"$BATS_TEST_TMPDIR/chunk"
	n=$(tt-cache warm -m qwen2 -c 64 <"$BATS_TEST_TMPDIR/chunk" 2>&1 | sed -n 's/.*prompt takes \([0-9]*\) tokens.*/\1/p')	# without a source
	run -3 --separate-stderr tt-cache warm -m qwen2 -c $((n + 10)) <"$BATS_TEST_TMPDIR/chunk"
	[ "$output" = "0 warmed, 0 were stored" ]
	[ "$stderr" = "tt-cache: warning: 1 records could not be used" ]
}

@test "warm begins with what was asked for most" {
	make_index 6
	for i in 2 5 5 5; do
		ask_index "are the plants of room $i watered"
	done
	[ "$(tt-cache warm -m llama -n 1 "$BATS_TEST_TMPDIR/i.tt")" = "1 warmed, 0 were stored" ]
	tt-index chunks --json "$BATS_TEST_TMPDIR/i.tt" | grep 'room 5' | tt-cache warm -m llama | grep '^0 warmed, 1 were'
}

@test "warm takes questions and sources in turn, as many as it is told to, and ends where a record is none" {
	question() {
		printf '{"kind":"query","id":"%s","text":"%s"}\n{"kind":"hit","query":"%s","doc":"%s","id":"%032d","text":"of %s"}\n' "$1" "$1" "$1" "$1" "$1" "$1"
	}
	{ question 1; printf '{"kind":"chunk","doc":"d","id":"%032d","text":"a source"}\n' 9; } > "$BATS_TEST_TMPDIR/mixed"
	{ question 1; question 2; } > "$BATS_TEST_TMPDIR/two"
	[ "$(tt-cache warm -m qwen2 -n 1 < "$BATS_TEST_TMPDIR/mixed")" = "1 warmed, 0 were stored" ]
	[ "$(tt-cache warm -m qwen2 < "$BATS_TEST_TMPDIR/mixed")" = "1 warmed, 1 were stored" ]
	rm -r "$TT_PREFIX_DIR"
	[ "$(tt-cache warm -m qwen2 -n 1 < "$BATS_TEST_TMPDIR/two")" = "1 warmed, 0 were stored" ]
	[ "$(tt-cache warm -m qwen2 < "$BATS_TEST_TMPDIR/two")" = "1 warmed, 1 were stored" ]
	run -65 bash -c 'echo "{\"kind\":" | tt-cache warm -m qwen2'
	make_index 90
	tt-index chunks --json "$BATS_TEST_TMPDIR/i.tt" | grep '"kind":"chunk"' > "$BATS_TEST_TMPDIR/chunks"
	n=$(tt-cache warm -m llama --max 1 < "$BATS_TEST_TMPDIR/chunks" | sed 's/ .*//')
	[ "$n" -lt 90 ]
	[ "$(head -n "$n" "$BATS_TEST_TMPDIR/chunks" | tt-cache warm -m llama)" = "0 warmed, $n were stored" ]
}

@test "warm goes on where it was, begins with what was asked for, and stops when the store is full" {
	make_index 6
	ask_index "are the plants of room 5 watered"
	tt-cache list -v | grep -q '1 sources'
	[ "$(tt-cache warm -m llama -n 1 "$BATS_TEST_TMPDIR/i.tt")" = "1 warmed, 0 were stored" ]
	tt-index chunks --json "$BATS_TEST_TMPDIR/i.tt" | grep 'room 5' | tt-cache warm -m llama | grep '^0 warmed, 1 were'
	[ "$(tt-cache warm -m llama -n 2 "$BATS_TEST_TMPDIR/i.tt")" = "2 warmed, 1 were stored" ]
	[ "$(tt-cache warm -m llama "$BATS_TEST_TMPDIR/i.tt")" = "3 warmed, 3 were stored" ]
	make_index 90
	tt-cache warm -m llama --max 1 "$BATS_TEST_TMPDIR/i.tt"
	[ "$(size_of_store)" -le 1048576 ]
	run --separate-stderr tt-cache warm -m llama "$BATS_TEST_TMPDIR/none.tt"
	[ "$status" -eq 66 ]
}

@test "what a run has warmed does not give way to what comes later in it, and what found no room is not counted" {
	make_index 40
	for i in $(seq 40) 1 2 3 1 2 3
	do
		printf '{"kind":"query","id":"q","text":"are the plants of room %d watered"}\n' "$i"
	done | tt-retrieve "$BATS_TEST_TMPDIR/i.tt" | tt-generate -m qwen2 -n 1 --json --draft none --max-sources 1 > /dev/null
	find "$TT_PREFIX_DIR" -name '*.kv' -exec touch -d '2 hours ago' {} +
	tt-cache warm -m llama --max 1 "$BATS_TEST_TMPDIR/i.tt" > "$BATS_TEST_TMPDIR/said"
	[ "$(size_of_store)" -le 1048576 ]
	tt-index chunks --json "$BATS_TEST_TMPDIR/i.tt" | grep -E 'room [123] ' | tt-cache warm -m llama | grep -x '0 warmed, 3 were stored'
	warmed=$(sed -n 's/ warmed, 0 were stored$//p' "$BATS_TEST_TMPDIR/said")
	[ "$warmed" -lt 40 ]
	tt-index chunks "$BATS_TEST_TMPDIR/i.tt" | tt-cache warm -m llama | grep -x "$((40 - warmed)) warmed, $warmed were stored"
	rm -r "$TT_PREFIX_DIR"
	[ "$(tt-index chunks "$BATS_TEST_TMPDIR/i.tt" | tt-cache warm -m llama --max 0)" = "0 warmed, 0 were stored" ]
}

@test "what is warmed for nobody yet takes the place of nothing that is stored" {
	make_index 90
	tt-cache warm -m llama --max 1 "$BATS_TEST_TMPDIR/i.tt" > /dev/null
	find "$TT_PREFIX_DIR" -name '*.kv' -exec touch -d '2 hours ago' {} + -print | sort > "$BATS_TEST_TMPDIR/before"
	{
		echo '{"kind":"doc","doc":"/n/x","name":"x","title":"X","src":{"path":"/n/x","size":20,"mtime_ns":5,"xxh3":"ab"}}'
		printf '{"kind":"chunk","doc":"/n/x","seq":0,"id":"%032x","text":"what nobody has asked for: %0200d","unit":"para"}\n' 999 7
	} | tt-index add "$BATS_TEST_TMPDIR/x.tt"
	[ "$(tt-cache warm -m llama --max 1 "$BATS_TEST_TMPDIR/x.tt")" = "0 warmed, 0 were stored" ]
	find "$TT_PREFIX_DIR" -name '*.kv' | sort | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "what is warmed ends where the next question begins, and tells what it cost" {
	make_index 2
	ask_index "are the plants of room 1 watered"
	ask_index "who waters the plants of room 1"
	asked=$(cached)
	rm -r "$TT_PREFIX_DIR"
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > /dev/null
	for f in "$TT_PREFIX_DIR"/*/*.kv; do
		[ "$(od -An -tu8 -j 80 -N 8 "$f")" -gt 0 ]	# what it cost, which decides on what gives way
	done
	ask_index "who waters the plants of room 1"
	[ "$(cached)" -ge "$asked" ]
}

@test "two processes may warm the same chunks at once" {
	make_index 4
	ask_index "are the plants of room 2 watered" --prefix-cache 0
	said < "$BATS_TEST_TMPDIR/out" > "$BATS_TEST_TMPDIR/plain"
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > /dev/null &
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > /dev/null
	wait $!
	tt-cache verify
	ask_index "are the plants of room 2 watered"
	said < "$BATS_TEST_TMPDIR/out" | cmp - "$BATS_TEST_TMPDIR/plain"
}

@test "a document that the index forgets leaves the store" {
	make_index 3
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > /dev/null
	before=$(tt-cache list -v | grep -c '1 sources')
	tt-index forget --ids "$BATS_TEST_TMPDIR/i.tt" /n/2 > "$BATS_TEST_TMPDIR/ids"
	[ "$(cat "$BATS_TEST_TMPDIR/ids")" = 00000000000000000000000000000002 ]
	tt-cache forget < "$BATS_TEST_TMPDIR/ids" | grep -v '^0 of'
	[ "$(tt-cache list -v | grep -c '1 sources')" -eq $((before / 3 * 2)) ]
	[ "$(tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt")" = "0 warmed, 2 were stored" ]
	# replaced by the same text: nothing left
	tt-index chunks "$BATS_TEST_TMPDIR/i.tt" --json | grep '"/n/1"' > "$BATS_TEST_TMPDIR/chunk"
	{ echo '{"kind":"doc","doc":"/n/1","name":"n1","title":"N1"}'; cat "$BATS_TEST_TMPDIR/chunk"; } | tt-index add --ids "$BATS_TEST_TMPDIR/i.tt" > "$BATS_TEST_TMPDIR/ids"
	[ ! -s "$BATS_TEST_TMPDIR/ids" ]
	echo '{"kind":"tomb","doc":"/n/1"}' | tt-index add --ids "$BATS_TEST_TMPDIR/i.tt" | grep -x 00000000000000000000000000000001
}

@test "a document that is forgotten while it is warmed leaves the store" {
	make_index 60
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > "$BATS_TEST_TMPDIR/said" &
	pid=$!
	until set -- "$TT_PREFIX_DIR"/*/*.kv && [ $# -gt 15 ]; do :; done
	# It has read all chunks by now, and stored a few. What it is just writing would be removed as well.
	while kill -STOP $pid 2> /dev/null && find "$TT_PREFIX_DIR" -name '*.tmp.*' | grep -q .
	do
		kill -CONT $pid
	done
	tt-index forget --ids "$BATS_TEST_TMPDIR/i.tt" /n/60 /n/1 > "$BATS_TEST_TMPDIR/ids"
	tt-cache forget < "$BATS_TEST_TMPDIR/ids"
	kill -CONT $pid 2> /dev/null || true
	wait $pid
	grep -x '60 warmed, 0 were stored' "$BATS_TEST_TMPDIR/said"
	tt-cache forget < "$BATS_TEST_TMPDIR/ids" | grep '^0 of'
	tt-index chunks "$BATS_TEST_TMPDIR/i.tt" | tt-cache warm -m qwen2 | grep -x '0 warmed, 58 were stored'
}

make_forgetful() {	# FILTER: an index of two chunks, read through FILTER, of which the second has gone when it is read again
	cd "$BATS_TEST_TMPDIR"
	make_index 1
	tt-index chunks i.tt >fewer
	make_index 2
	tt-index chunks i.tt | $1 >chunks
	mkdir bin
	cp "$(command -v tt-cache)" bin/tt-cache
	printf '%s\n' '#!/bin/sh' 'cat chunks' '[ ! -e fewer ] || mv fewer chunks' >bin/tt-index
	chmod +x bin/tt-index
}

@test "what is forgotten while it is warmed leaves the store where the run fails, too" {
	make_forgetful 'head -c -9'
	run -65 --separate-stderr bin/tt-cache warm -m qwen2 i.tt
	[[ "$output" == "2 warmed, 0 were stored" && "$stderr" == *"the input ends inside a record"* ]]
	[ "$(tt-cache list -v | grep -c '1 sources')" -gt 0 ]
	[ "$(printf '%032x\n' 2 | tt-cache forget)" == "0 of $(tt-cache list | tail -n 1 | sed 's/ .*//') blocks removed" ]
}

@test "what was forgotten while it was warmed and cannot be removed is said" {
	strace -o /dev/null true || skip "no strace here"
	make_forgetful cat
	export ASAN_OPTIONS=detect_leaks=0
	run -74 --separate-stderr strace -qq -o trace -e trace=unlink -e inject=unlink:error=EPERM bin/tt-cache warm -m qwen2 i.tt
	[[ "$output" == "2 warmed, 0 were stored" ]]
	[[ "$stderr" == "tt-cache: cannot remove '$TT_PREFIX_DIR"*"': Operation not permitted" ]]
}

@test "forgetting and clearing end no run that warms" {
	make_index 20
	for how in forget clear
	do
		tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > "$BATS_TEST_TMPDIR/said" &
		pid=$!
		while kill -0 $pid 2> /dev/null
		do
			echo 00000000000000000000000000000000 | tt-cache $how > /dev/null
		done
		wait $pid
		grep -x '20 warmed, 0 were stored' "$BATS_TEST_TMPDIR/said"
		rm -r "$TT_PREFIX_DIR"
	done
}

@test "what all prompts share is loaded while nothing is there to read" {
	make_index 2
	ask_index "are the plants of room 1 watered" --prefix-cache 0
	said < "$BATS_TEST_TMPDIR/out" > "$BATS_TEST_TMPDIR/plain"
	tt-cache warm -m qwen2 "$BATS_TEST_TMPDIR/i.tt" > /dev/null
	echo '{"kind":"query","id":"q1","text":"are the plants of room 1 watered"}' | tt-retrieve "$BATS_TEST_TMPDIR/i.tt" > "$BATS_TEST_TMPDIR/hits"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	tt-generate -m qwen2 -n 8 --json --draft none --max-sources 1 < "$BATS_TEST_TMPDIR/pipe" > "$BATS_TEST_TMPDIR/out" &
	pid=$!
	exec 7> "$BATS_TEST_TMPDIR/pipe"
	while [ "$(cut -d ' ' -f 3 "/proc/$pid/stat")" != S ]; do :; done	# it waits for us
	cat "$BATS_TEST_TMPDIR/hits" >&7
	exec 7>&-
	wait $pid
	said < "$BATS_TEST_TMPDIR/out" | cmp - "$BATS_TEST_TMPDIR/plain"
	[ $(($(number n_prompt) - $(cached))) -lt 100 ]
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

@test "drafts are had whatever the programs' folder is called" {
	odd="$BATS_TEST_TMPDIR/o'brien \$(true)"
	mkdir "$odd"
	cp "$(command -v tt-generate)" "$(command -v tt-speculate)" "$odd"
	"$odd/tt-generate" -m qwen2 -n 24 --json --draft auto --prefix-cache 0 < "$P" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err"
	right
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "drafts never change a byte" {
	for d in auto tt-speculate 'tt-json | mawk -W interactive -f "$CONTRIB/drafter.awk"'
	do
		tt-generate -m qwen2 -n 24 --json --draft "$d" --prefix-cache 0 < "$P" > "$BATS_TEST_TMPDIR/out"
		right
	done
	tt-generate -m qwen2 -n 24 --json --temp 0.8 -s 7 --draft none --prefix-cache 0 < "$P" | said > "$BATS_TEST_TMPDIR/plain"
	tt-generate -m qwen2 -n 24 --json --temp 0.8 -s 7 --draft auto --prefix-cache 0 < "$P" | said | cmp - "$BATS_TEST_TMPDIR/plain"
}

@test "a drafter that dies or talks nonsense is dropped with one warning" {
	for d in 'exit 3' 'head -c 1000 /dev/urandom; cat > /dev/null' 'echo "{\"kind\":\"draft\",\"tok\":[99999999]}"; cat > /dev/null'
	do
		tt-generate -m qwen2 -n 24 --json --draft "$d" --prefix-cache 0 < "$P" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err"
		right
		[ "$(grep -c 'tt-generate: warning' "$BATS_TEST_TMPDIR/err")" -eq 1 ]
	done
}

@test "a drafter that stalls costs time only" {
	SECONDS=0
	tt-generate -m qwen2 -n 24 --json --draft 'sleep 1000' --prefix-cache 0 < "$P" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err"
	right
	[ "$SECONDS" -lt 30 ]
	[ "$(grep -c 'tt-generate: warning' "$BATS_TEST_TMPDIR/err")" -eq 1 ]
}
