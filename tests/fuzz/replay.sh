#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kept inputs of the fuzz targets and those that the program seeds writes, once each, without libFuzzer: one line of TAP a target.
set -u
bin=${BUILD:-build}/tests/fuzz
seeds=$(mktemp -d) || exit 1
trap 'rm -rf "$seeds"' EXIT
"$bin/seeds" "$seeds" || exit 1
n=0
for target in "$bin"/fuzz_*.o
do
	name=${target##*/fuzz_} n=$((n + 1))
	name=${name%.o}
	files=$(find "tests/data/fuzz/$name" "$seeds/$name" -type f 2>/dev/null)
	# shellcheck disable=SC2086 # a list of names without white space
	if test -n "$files" && timeout 60 "$bin/replay_$name" $files
	then
		echo "ok $n - $name: $(printf '%s\n' "$files" | wc -l) inputs"
	else
		echo "not ok $n - $name: $files"
	fi
done
echo "1..$n"
