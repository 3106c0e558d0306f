#!/usr/bin/env bats
# tt-speculate: one draft for each ctx and accept; and the example drafter speaks the same records.
bats_require_minimum_version 1.5.0
load common

setup_file() {
	tool_setup "$BATS_FILE_TMPDIR"
	for arch in llama qwen2
	do
		"$build/tests/tool/mktiny" $arch "$BATS_FILE_TMPDIR/$arch.gguf"
	done
	"$build/tests/tool/mktiny" qwen2 "$BATS_FILE_TMPDIR/other.gguf" 5 "" 270	# of fewer tokens
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
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
	grep -q '^\[1,' "$BATS_TEST_TMPDIR/d"
	[ "$(tr -dc , < "$BATS_TEST_TMPDIR/d" | wc -c)" -le 6 ]
}

@test "numbers that cannot be are done without" {
	many=$(seq -s , 1000)
	for cost in "[$many]" "[$many,\"x\"]" '[1,2,3]' '[0,0,0,0,0,0,0,0]' '[-1,-2,-3,-4,-5,-6,-7,-8]' '[1,2,3,4,5,6,7,"8"]' '{}' 7
	do
		printf '%s\n' "${ctx/\[10,*16\]/$cost}" '{"kind":"accept","n":9223372036854775807,"tok":[4,9,1],"max":7}' \
			'{"kind":"accept","n":1000000,"tok":[2,3,4],"max":7}' | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
		[ "$(grep -c '^\[[1-9],[1-9]' "$BATS_TEST_TMPDIR/d")" -eq 3 ]
	done
}

@test "nothing repeats: an empty draft" {
	printf '%s\n' '{"kind":"ctx","tok":[1,2,3],"max":7}' | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
	[ "$(cat "$BATS_TEST_TMPDIR/d")" = "[]" ]
}

@test "drafts that are refused grow short and end, drafts that are right stay long" {
	cost='"cost":[10,14,18,22,26,30,34,38]'
	for n in 0 7
	do
		{
			echo "{\"kind\":\"ctx\",\"tok\":[1,2,3,1,2,3,1,2,3,1,2,3,1],\"max\":7,$cost}"
			yes "{\"kind\":\"accept\",\"n\":$n,\"tok\":[1,2,3,1],\"max\":7,$cost}" | head -n 30
		} | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
		head -n 1 "$BATS_TEST_TMPDIR/d" | grep -q '^\[2,3,1'
		tail -n 1 "$BATS_TEST_TMPDIR/d"
	done > "$BATS_TEST_TMPDIR/last"
	[ "$(sed -n 1p "$BATS_TEST_TMPDIR/last")" = "[]" ]
	grep -q '^\[1,2,3' "$BATS_TEST_TMPDIR/last"
}

@test "what was refused is no matter for the next timeline" {
	cost='"cost":[10,14,18,22,26,30,34,38]'
	begin="{\"kind\":\"ctx\",\"tok\":[1,2,3,1,2,3,1,2,3,1,2,3,1],\"max\":7,$cost}"
	{
		echo "$begin"
		yes "{\"kind\":\"accept\",\"n\":0,\"tok\":[1,2,3,1],\"max\":7,$cost}" | head -n 30
		echo "$begin"
	} | tt-speculate | drafts > "$BATS_TEST_TMPDIR/d"
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/d" | head -n 1)" = "[]" ]
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/d")" = "$(head -n 1 "$BATS_TEST_TMPDIR/d")" ]
}

@test "drafts are as long as pays at the costs that are told last" {
	cheap='"cost":[10,10,10,10,10,10,10,10]' dear='"cost":[10,30,50,70,90,110,130,150]'
	for costs in "$cheap $cheap" "$cheap $dear" "$dear $cheap" "$dear $dear"
	do
		printf '%s\n' "{\"kind\":\"ctx\",\"tok\":[1,2,3,1,2,3,1,2,3,1],\"max\":7,${costs% *}}" \
			"{\"kind\":\"accept\",\"n\":0,\"tok\":[2,3,1,2,3,1],\"max\":7,${costs#* }}" | tt-speculate | drafts | tr -dc '0-9\n' | awk '{ printf "%d ", length($0) }'
	done > "$BATS_TEST_TMPDIR/n"
	[ "$(cat "$BATS_TEST_TMPDIR/n")" = "7 7 7 0 0 7 0 0 " ]
}

@test "accept before ctx and tokens that are none are bad data" {
	run --separate-stderr tt-speculate <<< "$accept"
	[ "$status" -eq 65 ]
	run --separate-stderr tt-speculate <<< '{"kind":"ctx","tok":["x"],"max":7}'
	[ "$status" -eq 65 ]
	run --separate-stderr tt-speculate <<< '{"kind":"ctx","max":7}'
	[ "$status" -eq 65 ]
	run --separate-stderr tt-speculate -m llama <<< '{"kind":"ctx","tok":[1,2,99999999],"max":7}'
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"99999999 is not in the vocabulary"* ]]
}

@test "another processor, with which a home may be shared, has another table of costs" {
	export XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache"
	unshare -rm mount --bind "$BATS_TEST_DIRNAME/common.bash" /proc/cpuinfo || skip "no namespaces here"
	printf 'processor : 0\nmodel name : another\nstepping : 1\ncpu MHz : 2445.402\n' > "$BATS_TEST_TMPDIR/a"
	printf 'processor : 0\nmodel name : another\nstepping : 1\ncpu MHz : 3000.000\n' > "$BATS_TEST_TMPDIR/b"	# the same
	for info in /proc/cpuinfo a b
	do
		(cd "$BATS_TEST_TMPDIR" && echo word | unshare -rm sh -c "mount --bind $info /proc/cpuinfo; exec tt-generate -m llama -n 4")
	done > "$BATS_TEST_TMPDIR/out"
	[ "$(find "$XDG_CACHE_HOME/tiny-titans/costs" -type f | wc -l)" -eq 2 ]
}

@test "a generator that leaves: 0 behind its end, without one 65 and not a word" {
	printf '%s\n' '{"kind":"ctx","tok":[1,2,3],"max":7}' | tt-json > "$BATS_TEST_TMPDIR/whole"
	tt-speculate < "$BATS_TEST_TMPDIR/whole" > "$BATS_TEST_TMPDIR/d"
	tt-json --to=json "$BATS_TEST_TMPDIR/whole" | sed '$d' > "$BATS_TEST_TMPDIR/part"
	run -65 --separate-stderr tt-speculate < "$BATS_TEST_TMPDIR/part"
	[ -z "$stderr" ]
}

@test "a small model drafts what it would say itself, after an empty draft while it reads" {
	cost='"cost":[9,9,9,9,9,9,9,9]'
	printf '%s\n' "{\"kind\":\"ctx\",\"tok\":[10,11,12,13],\"max\":0,$cost}" "{\"kind\":\"accept\",\"n\":0,\"tok\":[14],\"max\":7,$cost}" |
		tt-speculate -m llama > "$BATS_TEST_TMPDIR/r"
	drafts < "$BATS_TEST_TMPDIR/r" > "$BATS_TEST_TMPDIR/d"
	[ "$(sed -n 1p "$BATS_TEST_TMPDIR/d")" = "[]" ]
	[ "$(wc -l < "$BATS_TEST_TMPDIR/d")" -eq 2 ]
	tt-json < "$BATS_TEST_TMPDIR/r" | grep -q '"tok":\[[0-9].*"by":"model"'
}

@test "a small model guesses nothing behind no token, whatever it said before" {
	cost='"cost":[1,1,1,1,1,1,1,1]'
	printf '%s\n' "{\"kind\":\"ctx\",\"tok\":[10,11,12],\"max\":7,$cost}" "{\"kind\":\"ctx\",\"tok\":[],\"max\":7,$cost}" |
		tt-speculate -m llama | drafts > "$BATS_TEST_TMPDIR/d"
	[ "$(sed -n 2p "$BATS_TEST_TMPDIR/d")" = "[]" ]
}

@test "a small model's guesses are those that it makes one by one" {
	cost='"cost":[100000,100000,100000,100000,100000,100000,100000,100000]'	# however many, a step costs the same
	{
		echo "{\"kind\":\"ctx\",\"tok\":[9,8],\"max\":7,$cost}"
		printf '{"kind":"accept","n":7,"tok":[%d],"max":7}\n' $(seq 20 99)	# until it believes in itself
	} > "$BATS_TEST_TMPDIR/learn"
	tok=10,158,159
	{ cat "$BATS_TEST_TMPDIR/learn"; echo "{\"kind\":\"ctx\",\"tok\":[$tok],\"max\":7,$cost}"; } | tt-speculate -m llama |
		drafts | tail -n 1 | tr -d '[]' | tr , '\n' > "$BATS_TEST_TMPDIR/d"
	n=$(wc -l < "$BATS_TEST_TMPDIR/d")
	[ "$n" -ge 4 ]
	while read -r next
	do
		echo "{\"kind\":\"ctx\",\"tok\":[$tok],\"max\":7,$cost}"
		tok=$tok,$next
	done < "$BATS_TEST_TMPDIR/d" > "$BATS_TEST_TMPDIR/in"
	cat "$BATS_TEST_TMPDIR/learn" "$BATS_TEST_TMPDIR/in" | tt-speculate -m llama | drafts | tail -n "$n" | sed 's/^\[//; s/[],].*//' | cmp - "$BATS_TEST_TMPDIR/d"
}

@test "a small model that has missed more than it may read stays out of the reply" {
	cost='"cost":[9,9,9,9,9,9,9,9]'
	for missed in 100 200
	do
		printf '%s\n' "{\"kind\":\"ctx\",\"tok\":[10,11,12,13],\"max\":0,$cost}" \
			"{\"kind\":\"accept\",\"n\":0,\"tok\":[$(seq -s, 20 $((missed + 20)))],\"max\":7,$cost}" | tt-speculate -m llama | tt-json > "$BATS_TEST_TMPDIR/d"
		grep -c '"by":"model"' "$BATS_TEST_TMPDIR/d" || true
	done > "$BATS_TEST_TMPDIR/n"
	[ "$(cat "$BATS_TEST_TMPDIR/n")" = $'1\n0' ]
}

# What a reply says, and how many drafted tokens were accepted.
say() {
	printf 'ab' | tt-generate -m qwen2 -n 48 --prefix-cache=0 --json "$@" > "$BATS_TEST_TMPDIR/a"
	sed -n 's/.*"kind":"answer".*"text":"\(.*\)","refused".*/\1/p' "$BATS_TEST_TMPDIR/a"
}

# Costs by which drafts pay, whatever steps take on this machine.
let_drafts_pay() {
	export XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache"
	say -s 1
	echo "90 90 90 90 90 90 90 90 0" > "$(echo "$XDG_CACHE_HOME"/tiny-titans/costs/*)"
}

number() {	# KEY: of the last answer
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$BATS_TEST_TMPDIR/a"
}

# shellcheck disable=SC2016
wrong='tt-json | while read -r l; do case $l in *\"ctx\"*|*\"accept\"*) echo "{\"kind\":\"draft\",\"tok\":[5,6,7]}";; esac; done'

@test "no drafter changes what is said, neither the likeliest nor drawn" {
	let_drafts_pay
	awk='awk'
	if awk -W version 2>&1 </dev/null | grep -q mawk
	then
		awk="awk -W interactive"
	fi
	right=0 drafted=
	for how in "--temp=0" "--temp=0.2 -s 3" "--temp=1.5 -s 1" "--temp=0 --repeat-penalty=1.3" \
		"--temp=0.3 -s 2 --top-k=40 --top-p=0.9 --min-p=0.01 --repeat-penalty=1.05"
	do
		# shellcheck disable=SC2086
		say $how --draft none > "$BATS_TEST_TMPDIR/plain"
		[ -s "$BATS_TEST_TMPDIR/plain" ]
		for d in auto "tt-speculate -m llama" "tt-speculate -m qwen2" "tt-json | $awk -f contrib/drafter.awk" "$wrong"
		do
			# shellcheck disable=SC2086
			say $how --draft "$d" | cmp - "$BATS_TEST_TMPDIR/plain"
			[ "$(number n_draft)" = 0 ] || drafted="$drafted $d,"
			right=$((right + $(number n_accept)))
		done
		[ "$(number n_draft)" -gt 0 ]		# all of them wrong, and rewound
	done
	[ $right -gt 0 ]				# of the model's own
	[[ "$drafted" == *" auto,"*" tt-speculate -m qwen2,"* && "$drafted" == *" tt-speculate -m llama,"* ]]
}

# The two of which one drafts for the other where both are there.
@test "a small model that cannot draft is said, and replies are copied from all the same" {
	let_drafts_pay
	cp "$TT_MODELS/qwen2.gguf" "$BATS_TEST_TMPDIR/qwen2.5-coder-1.5b.gguf"
	export TT_MODELS="$BATS_TEST_TMPDIR"
	for small in other none
	do
		echo "no model" > "$BATS_TEST_TMPDIR/qwen2.5-coder-0.5b.gguf"
		[ $small = none ] || cp "$BATS_FILE_TMPDIR/other.gguf" "$BATS_TEST_TMPDIR/qwen2.5-coder-0.5b.gguf"
		say -m qwen2.5-coder-1.5b 2> "$BATS_TEST_TMPDIR/err"
		[ "$(number n_draft)" -gt 0 ]
		[ "$(grep -c '^tt-generate: warning.*qwen2.5-coder-0.5b' "$BATS_TEST_TMPDIR/err") $(wc -l < "$BATS_TEST_TMPDIR/err")" = "1 1" ]
		printf '{"category":"one","turns":["ab"]}\n' > "$BATS_TEST_TMPDIR/p"
		run --separate-stderr tt-bench spec -m qwen2.5-coder-1.5b -n 16 --prompts "$BATS_TEST_TMPDIR/p"
		[ "$(value one.drafter_lost)" = 0.00 ]
		[[ "$stderr" == "tt-bench: warning"*qwen2.5-coder-0.5b* ]]
	done
}

# Each ctx and accept on stdin is followed by the draft that answers it: how many tokens were told, how many of drafts were said to be right,
# and where that is not what the tokens say.
judge() {
	awk '
	function list(to,   s) {
		s = $0
		sub(/.*"tok":\[/, "", s)
		sub(/\].*/, "", s)
		return split(s, to, ",")
	}
	/"draft"/ { drafted = list(draft); next }
	{ heard += list(tok) }
	/"accept"/ {
		n = $0
		sub(/.*"n":/, "", n)
		right += n += 0
		for (i = 1; i <= n; i++)
			wrong += draft[i] != tok[i]
		wrong += n < drafted && draft[n + 1] == tok[n + 1]
	}
	END { print heard + 0, right + 0, wrong + 0 }'
}

@test "a drafter hears the whole timeline, and how much of each draft was right" {
	let_drafts_pay
	sum=0
	for how in "--temp=0" "--temp=0.2 -s 3"
	do
		# shellcheck disable=SC2086
		say $how --draft "tt-json | tee '$BATS_TEST_TMPDIR/heard' | tt-speculate -m qwen2 | tt-json | tee '$BATS_TEST_TMPDIR/said'"
		read -r heard right wrong < <(grep -E '"(ctx|accept)"' "$BATS_TEST_TMPDIR/heard" | paste -d '\n' - <(grep '"draft"' "$BATS_TEST_TMPDIR/said") | judge)
		[ "$wrong" = 0 ]
		[ "$heard" -gt "$(number n_prompt)" ]
		[ "$heard" -le $(($(number n_prompt) + $(number n_gen))) ]
		[ "$(grep -o '"cost":[^]]*' "$BATS_TEST_TMPDIR/heard" | sort -u | wc -l)" -gt 2 ]	# as steps take by now
		sum=$((sum + right))
	done
	[ $sum -gt 0 ]
}

@test "a drafter that loses is asked now and then only" {
	let_drafts_pay
	echo "10 20 30 40 50 60 70 80 0" > "$(echo "$XDG_CACHE_HOME"/tiny-titans/costs/*)"
	say --temp=1.5 -s 1 --draft "$wrong"
	[ "$(number n_gen)" = 48 ]
	[ "$(number n_draft)" -gt 3 ]
	[ "$(number n_draft)" -le 24 ]		# three a step
}

@test "each reply has drafts of its own, and counts them alone" {
	let_drafts_pay
	echo "10 20 30 40 50 60 70 80 0" > "$(echo "$XDG_CACHE_HOME"/tiny-titans/costs/*)"
	for i in 1 2 3
	do
		printf '%s\n' "{\"kind\":\"query\",\"id\":\"$i\",\"text\":\"ab\"}" "{\"kind\":\"hit\",\"query\":\"$i\",\"text\":\"text\"}"
	done | tt-generate -m qwen2 -n 12 --prefix-cache=0 --json --draft "$wrong" > "$BATS_TEST_TMPDIR/a"	# lost, and dropped till the end of each
	[ "$(number n_draft | sort -u | wc -l)" -eq 1 ]
	[ "$(number n_draft | head -n 1)" -gt 0 ]
}

@test "nothing is drafted behind the last token that is wanted" {
	let_drafts_pay
	say -n 2 --draft "$wrong"
	[ "$(number n_gen) $(number n_draft)" = "2 0" ]
	say -n 3 --draft "$wrong"
	[ "$(number n_gen) $(number n_draft)" = "3 1" ]
}

# What steps cost is kept: eight times and how often they could not be measured well.
@test "the costs of steps are kept, measured again if they did not settle, and not for ever" {
	export XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache"
	say -s 1
	costs=$(echo "$XDG_CACHE_HOME"/tiny-titans/costs/*)
	[ "$(wc -w < "$costs")" -eq 9 ]
	[ "$(cut -d' ' -f9 "$costs")" -ne 1 ]	# in haste before the answer, and again behind it
	for kept in "1 2 3 4 5 6 7 8 0" "1 2 3 4 5 6 7 8 4"
	do
		echo "$kept" > "$costs"
		say -s 1
		[ "$(cat "$costs")" = "$kept" ]
	done
	for bad in "1 2 3 4 5 6 7 8 1" "1 2 3 4 5 6 7 8" "1 2 3 nonsense" "" \
		"1 2 3 4 5 6 7 0 0" "1 2 3 4 5 6 7 1e9 0" "1 2 3 4 -5 6 7 8 0" "nan 2 3 4 5 6 7 8 0"	# unsettled; as once written; no table
	do
		echo "$bad" > "$costs"
		say -s 1
		[ "$(wc -w < "$costs")" -eq 9 ]
		[ "$(cut -d' ' -f2-4 "$costs")" != "2 3 4" ]
	done
}

@test "costs are those of a level of kernels and a number of threads" {
	export XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache"
	say -j 1
	say -j 2
	[ "$(find "$XDG_CACHE_HOME/tiny-titans/costs" -name '*-[ar]*-[12]-*' -o -name '*-vnni-[12]-*' | wc -l)" -eq 2 ]
}

@test "a drafter that dies or talks nonsense is said once and done without" {
	say --temp 0 --draft none > "$BATS_TEST_TMPDIR/plain"
	for d in "exit 3" "echo nonsense" "no-such-program 2>/dev/null" "echo '{\"kind\":\"draft\",\"tok\":[99999]}'; cat >/dev/null"
	do
		say --temp 0 --draft "$d" 2> "$BATS_TEST_TMPDIR/err" | cmp - "$BATS_TEST_TMPDIR/plain"
		[ "$(grep -c warning "$BATS_TEST_TMPDIR/err")" -eq 1 ]
	done
}

@test "the example drafter answers in the same way" {
	run --separate-stderr sh -c "printf '%s\n' '$ctx' '$accept' | awk -f contrib/drafter.awk"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '{"kind":"draft","tok":[4,9,1]}' ]
	[ "${lines[1]}" = '{"kind":"draft","tok":[2,3,4]}' ]
}

@test "the example drafter drafts when it is called as it says" {
	command -v mawk >/dev/null || skip "no mawk"
	let_drafts_pay
	drafter=$(sed -n "s/^#.*--draft '\(.*\)'$/\1/p" contrib/drafter.awk)
	printf 'abababababababab' | tt-generate -m qwen2 -n 9 --raw --prefix-cache=0 --json --draft "${drafter/drafter.awk/contrib/drafter.awk}" \
		> "$BATS_TEST_TMPDIR/a" 2> "$BATS_TEST_TMPDIR/err"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	[ "$(sed -n 's/.*"n_draft": *\([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/a")" -gt 0 ]
}

bench() {
	printf '{"category":"%s","turns":["ab","ba"]}\n' one two one > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr tt-bench spec -m qwen2 -n 16 --prompts "$BATS_TEST_TMPDIR/p" --draft "$1"
}

value() {	# of a key in the bench's output
	awk -v k="$1" '$1 == k { print $2 }' <<< "$output"
}

@test "the bench goes on without a drafter that was lost, counts it and starts another for the next prompt" {
	let_drafts_pay
	bench "test -e '$BATS_TEST_TMPDIR/again' && exec tt-speculate; touch '$BATS_TEST_TMPDIR/again'; exec sleep 60"
	[ "$status" -eq 0 ]
	[ "$(value one.prompts) $(value one.drafter_lost) $(value one.equal)" = "2.00 1.00 yes" ]
	[ "$(value two.prompts) $(value two.drafter_lost) $(value two.equal)" = "1.00 0.00 yes" ]
	[ "$(value all.drafter_lost)" = 1.00 ]
	[ "$(value two.drafted_tokens)" != 0.00 ]
	[ "$(grep -c 'warning.*did not answer' <<< "$stderr")" -eq 1 ]
}

@test "the bench of a drafter that never lives: 74, and one warning" {
	bench "exit 3"
	[ "$status" -eq 74 ]
	[[ "$stderr" == *"lost at every prompt"* ]]
	[ "$(grep -c warning <<< "$stderr")" -eq 1 ]
}

@test "the bench says it when its output cannot be written" {
	printf '{"category":"one","turns":["ab"]}\n' > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr sh -c 'tt-bench spec -m qwen2 -n 4 --prompts "$1" --draft tt-speculate >/dev/full' sh "$BATS_TEST_TMPDIR/p"
	[ "$status" -eq 74 ]
	[[ "$stderr" == *"cannot write to standard output"* ]]
}

@test "the bench refuses prompts that are none, with where they stand" {
	good='{"category":"one","turns":["ab"]}\n'
	for bad in '' "$good"'{"category":"one","turns":["ab",2]}\n' "$good"'{"category":"one","turns":[]}\n' "$good\\0$good"
	do
		# shellcheck disable=SC2059
		printf "$bad" > "$BATS_TEST_TMPDIR/p"
		run -65 --separate-stderr tt-bench spec -m qwen2 -n 4 --prompts "$BATS_TEST_TMPDIR/p" --draft tt-speculate
		[ -z "$output" ]
		[[ "$stderr" == *"(at byte $((${#bad} ? 34 : 0)))"* ]]
	done
}

@test "'spec' may stand behind the options, and is what --prompts is for" {
	printf '{"category":"one","turns":["ab"]}\n' > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr tt-bench -m qwen2 -n 4 --prompts "$BATS_TEST_TMPDIR/p" --draft tt-speculate spec
	[ "$(value one.prompts)" = 1.00 ]
	run -2 tt-bench spec spec -m qwen2 --prompts "$BATS_TEST_TMPDIR/p"
	run -2 tt-bench -m qwen2 --prompts "$BATS_TEST_TMPDIR/p"
}

@test "turns beyond the eighth are counted as left out" {
	printf '{"category":"one","turns":[%s"ab"]}\n' "$(printf '"ab",%.0s' 1 2 3 4 5 6 7 8 9)" > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr tt-bench spec -m qwen2 -n 2 --prompts "$BATS_TEST_TMPDIR/p" --draft tt-speculate
	[ "$(value one.turns_left_out)" = 2.00 ]
}

@test "turns that are too long for the bench are counted" {
	printf '{"category":"one","turns":["ab","%s","ba"]}\n' "$(seq 1500 | tr '\n' ' ')" > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr tt-bench spec -m qwen2 -n 4 --prompts "$BATS_TEST_TMPDIR/p" --draft tt-speculate
	[ "$(value one.prompts) $(value one.turns_left_out) $(value all.turns_left_out)" = "1.00 2.00 2.00" ]
}

@test "a category that is called 'all' is counted once" {
	printf '{"category":"all","turns":["ab"]}\n' > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr tt-bench spec -m qwen2 -n 4 --prompts "$BATS_TEST_TMPDIR/p" --draft tt-speculate
	[ "$(value all.prompts)" = 1.00 ]
}

@test "the bench lets no category steer the terminal or stand on two lines" {
	printf '{"category":"a\\u001b[1m\\nb","turns":["ab"]}\n' > "$BATS_TEST_TMPDIR/p"
	run --separate-stderr tt-bench spec -m qwen2 -n 2 --prompts "$BATS_TEST_TMPDIR/p" --draft tt-speculate
	[ "$status" -eq 0 ]
	[[ "$output" != *$'\e'* ]]
	[ "$(grep -c '^all\.' <<< "$output") " = "$(grep -c '^a\\x1B\[1m b\.' <<< "$output") " ]
	[ "$(grep -cv '^a' <<< "$output")" -eq 0 ]
}

@test "what a killed program was writing of costs is removed when they are measured again" {
	costs=$HOME/.cache/tiny-titans/costs
	answer() { echo "a b c a b c" | tt-generate -m llama -n 8 --draft tt-speculate >"$BATS_TEST_TMPDIR/said"; }
	answer
	rm "$costs"/*
	echo part >"$costs/1.tmp.abcdef"
	answer
	[ ! -e "$costs/1.tmp.abcdef" ]
}
