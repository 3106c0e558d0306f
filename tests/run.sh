#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs tests that speak TAP (cmocka programs, bats files) and ends with one line, "N passed, N failed".
# A program that dies, or runs fewer tests than it planned, has failed. Usage: run.sh FILE ...
export CMOCKA_MESSAGE_OUTPUT=TAP
TT_TEST_MODELS=${TT_TEST_MODELS:-$(tests/models.sh)}
export TT_TEST_MODELS
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM

for file
do
	case $file in
	*.bats) timeout 900 bats --tap "$file" </dev/null >"$out" 2>&1 ;;
	*) timeout 900 "$file" </dev/null >"$out" 2>&1 ;;
	esac
	status=$?
	p=$(grep -c '^ok ' "$out")
	f=$(grep '^not ok ' "$out" | grep -Eivc '^not ok [0-9]+ # skip')
	s=$(grep -Eic '^ok .*# skip' "$out")
	n=$(grep -Eic '^not ok [0-9]+ # skip' "$out")	# what cmocka says of a test that it skips
	plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$out" | awk '{ n += $1 } END { print n + 0 }')
	lost=$((plan - p - f - n))
	if test "$lost" -gt 0
	then
		f=$((f + lost))
	elif test "$status" -ne 0 && test "$f" -eq 0
	then
		f=1
	fi
	if test "$f" -gt 0
	then
		echo "FAIL $file (exit status $status)"
		grep -v '^ok ' "$out" | sed 's/^/     /'
	else
		echo "ok   $file: $p"
	fi
	grep -Ei '^(ok .*|not ok [0-9]+ )# skip|^# levels: ' "$out" | sed 's/^/     /'
	passed=$((passed + p - s)) failed=$((failed + f)) skipped=$((skipped + s + n))
done
test "$skipped" -eq 0 || echo "$skipped skipped"
echo "$passed passed, $failed failed"
test "$failed" -eq 0
