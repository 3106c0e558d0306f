#!/usr/bin/env bats
# Arguments at random: whatever is typed, a program does it, says what is wrong with it, or finds nothing; it never crashes, hangs,
# or sends to the terminal what it was given.
bats_require_minimum_version 1.5.0
load common

setup() {
	tool_setup "$BATS_TEST_TMPDIR"
	unset TT_INDEX TT_CONFIG
	cd "$BATS_TEST_TMPDIR" || exit 1
	echo text >file
	long=$(printf '%70000s' '' | tr ' ' x)
	odd=('' - -- --- -$'\xff' $'\xff\xfe' -q"$long" --"$long" "$long" 0 -1 99999999999999999999 1e400 nan 0x10 '1 ' '%n%s%n' '*' / .
		/dev/null /nonexistent file file/x = --= --=x add rm stat verify merge forget queries retrieval $'\n' $'a\e[31m\x7f' 'ü' -h -V
		--completion=x --synopsis)
}

# One of the arguments after the first, at random: ${pick}.
choose() {
	pick=${*:1 + RANDOM % $#:1}
}

@test "arguments at random: every program ends, with a status of its manual" {
	RANDOM=1
	# tt-sync and tt-model with a command are left out: they would index this machine, and fetch
	for program in ask eval bench cache chunk cite conf embed generate index json pack retrieve score speculate tokenize
	do
		mapfile -t own < <("tt-$program" --help | grep -oE -- '(^|[ [|])-(-[a-z][a-z-]*|[A-Za-z])' | tr -d ' [|')
		for i in $(seq 30)
		do
			args=()
			for _ in $(seq $((RANDOM % 5)))
			do
				if test $((RANDOM % 2)) = 0
				then
					choose "${own[@]}"
				else
					choose "${odd[@]}"
				fi
				arg=$pick
				if test $((RANDOM % 4)) = 0 && test "${arg#--}" != "$arg"
				then
					choose "${odd[@]}"
					arg="$arg=$pick"
				fi
				args+=("$arg")
			done
			status=0
			timeout -s KILL 60 "tt-$program" "${args[@]}" </dev/null >/dev/null 2>err || status=$?
			case $status in
			0 | 1 | 2 | 3 | 65 | 66 | 73 | 74 | 75 | 76 | 77 | 78) ;;
			*)
				printf 'tt-%s: status %s, arguments:' "$program" "$status"
				printf ' %.60q' "${args[@]}"
				return 1
				;;
			esac
			if LC_ALL=C grep $'[\x01-\x08\x0b-\x1f\x7f]' err
			then
				return 1
			fi
		done
	done
}
