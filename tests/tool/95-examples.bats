#!/usr/bin/env bats
# The EXAMPLES of the manual pages, run. In a literal block a line `$ command` is run by sh, and the lines up to the next
# `$` or the end of the block are what it must print (with no line, anything will do). A here-document belongs to its
# command. Blocks and .Dl lines without `$` in front, and commands that need a large model, are illustrations.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	export HOME="$BATS_TEST_TMPDIR/home" LC_ALL=C.UTF-8
	mkdir -p "$HOME"
	unset XDG_DATA_HOME XDG_CONFIG_HOME
}

# Writes the commands of a page to DIR/1.cmd, DIR/2.cmd ... and what they must print to DIR/1.out ...
extract() { # PAGE DIR
	awk -v dir="$2" '
	function plain(s) { gsub(/\\e/, "\\", s); gsub(/\\-/, "-", s); gsub(/\\&/, "", s); gsub(/\\(aq|\[aq\])/, "\047", s); return s }
	/^\.Sh/ { inside = ($2 == "EXAMPLES"); next }
	!inside { next }
	/^\.Bd/ { block = 1; next }
	/^\.Ed/ { block = 0; begun = 0; heredoc = ""; next }
	!block { next }
	heredoc != "" {
		print plain($0) > (dir "/" n ".cmd")
		if ($0 == heredoc) heredoc = ""
		next
	}
	/^\$ / {
		begun = 1
		n++
		s = plain(substr($0, 3))
		print s > (dir "/" n ".cmd")
		printf "" > (dir "/" n ".out")
		if (match(s, /<<\047?[A-Z]+/)) {
			heredoc = substr(s, RSTART + 2, RLENGTH - 2)
			gsub(/\047/, "", heredoc)
		}
		next
	}
	begun { print plain($0) > (dir "/" n ".out") }' "$1"
}

run_page() { # PAGE
	dir=$BATS_TEST_TMPDIR/${1##*/}
	mkdir -p "$dir" "$dir/work"
	extract "$1" "$dir"
	i=1
	while [ -f "$dir/$i.cmd" ]
	do
		(cd "$dir/work" && sh "../$i.cmd" >"../$i.got" 2>"../$i.err" </dev/null) || echo "status $?" >>"$dir/$i.err"
		if { [ -s "$dir/$i.out" ] && ! diff -u "$dir/$i.out" "$dir/$i.got" >&2; } ||
			{ ! [ -s "$dir/$i.out" ] && grep -q '^status' "$dir/$i.err"; }
		then
			echo "$1, example $i:" >&2
			cat "$dir/$i.cmd" "$dir/$i.err" >&2
			failed=1
		fi
		i=$((i + 1))
		total=$((total + 1))
	done
}

@test "the examples of the manual pages do what they say" {
	failed=0
	total=0
	for page in "$top"/man/*.[1-8]
	do
		run_page "$page"
	done
	echo "$total examples run" >&2
	[ "$total" -gt 0 ]
	[ "$failed" -eq 0 ]
}

@test "records(5) names every unit and type that the sources know" {
	sed -n 's/^static const char \*const name\[\] = //p' "$top/lib/base/unit.c" >"$BATS_TEST_TMPDIR/unit"
	grep -h -e '[a-z]->type = .*"' -e 'info\.type = "' -e 'const type\[\] = ' "$top"/tokenize/*.c >"$BATS_TEST_TMPDIR/type"
	for key in unit type
	do
		words=$(grep -o '"[a-z]\+"' "$BATS_TEST_TMPDIR/$key" | tr -d '"' | sort -u)
		[ "$(wc -w <<<"$words")" -ge 7 ]
		for word in $words
		do
			sed -n "/^\.Cm $key :/,/^\.Cm s[pr]/p" "$top/man/records.5" | grep -qw "$word" || { echo "no $key $word"; false; }
		done
	done
}
