#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs fuzz targets one after another, each on its kept inputs (tests/data/fuzz/NAME), on those that
# the program seeds writes, and a corpus that grows in the build directory. A crash leaves its input in BUILD/crash/. Usage: run.sh BUILD SECONDS NAME ...
set -u
build=$1 seconds=$2
shift 2
status=0
mkdir -p "$build/crash"
"$build/tests/fuzz/seeds" "$build/seeds" || exit 1
for name
do
	mkdir -p "$build/corpus/$name"
	seeds=
	for dir in "tests/data/fuzz/$name" "$build/seeds/$name"
	do
		test ! -d "$dir" || seeds="$seeds $dir"
	done
	printf 'fuzz %-12s ' "$name"
	# shellcheck disable=SC2086 # $seeds is a list
	if "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="$build/crash/$name-" "$build/corpus/$name" $seeds >"$build/$name.log" 2>&1
	then
		sed -n 's/^stat::number_of_executed_units: */runs: /p' "$build/$name.log"
	else
		echo "FAILED"
		tail -n 40 "$build/$name.log"
		status=1
	fi
done
exit "$status"
