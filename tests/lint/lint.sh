#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the compiler does not see: the dependency law, sizes, licence lines, manual pages, shell scripts.
# Prints each fault and ends with a count; exit 1 if there is any. Usage: lint.sh BIN-DIRECTORY PROGRAM ...
# shellcheck disable=SC2086,SC2046 # lists of file names, which hold no white space here
set -u
bin=$1
shift
faults=$(mktemp) || exit 1
trap 'rm -f "$faults"' EXIT
note() {
	printf '%s\n' "$*" >>"$faults"
}
# Files of the tree, whether or not they are committed yet.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r f
	do
		test ! -f "$f" || printf '%s\n' "$f"
	done
}
sources=$(files '*.c' '*.h')
scripts=$(files 'bin/*' 'bench/*.sh' 'contrib/*' 'tests/*.sh' 'tests/**/*.sh' '.ci/run' | while IFS= read -r f
do
	head -1 "$f" | grep -q '^#!.*sh' && printf '%s\n' "$f"
done)

# ---- the dependency law: includes point left, and siblings do not know each other ----

rank() {
	case $1 in
	lib/base/*) echo 1 ;;
	lib/kern/*) echo 2 ;;
	lib/model/*) echo 3 ;;
	tokenize/*) echo 4 ;;
	embed/* | index/* | generate/*) echo 5 ;;
	retrieve/* | speculate/*) echo 6 ;;
	*) echo 9 ;;		# tests, and the programs of lib/, may use everything
	esac
}
grep -n '^#include "' $sources /dev/null | sed 's/^\([^:]*\):\([0-9]*\):#include "\([^"]*\)".*/\1 \2 \3/' |
	while read -r file line header
	do
		from=$(rank "$file") to=$(rank "$header")
		if test ! -f "$header"
		then
			# A header beside its user is found too, but names should say where a thing is.
			note "$file:$line: '$header' is not written from the root"
		elif test "$from" -lt "$to"
		then
			note "$file:$line: '$header' lies to the right"
		elif test "$from" -eq "$to" && test "$from" -ge 5 && test "$from" -lt 9 && test "${file%%/*}" != "${header%%/*}"
		then
			note "$file:$line: '$header' belongs to a sibling"
		fi
	done

# ---- sizes ----

for f in $sources
do
	n=$(wc -l <"$f")
	test "$n" -le 700 || note "$f: $n lines, at most 700"
done
median=$(for f in $sources; do wc -l <"$f"; done | sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }')
test "$median" -le 250 || note "the median source has $median lines, at most 250"
test "$(wc -l <Makefile)" -le 250 || note "Makefile: over 250 lines"
# A function begins with a brace in the first column and ends with another.
for f in $sources
do
	awk -v f="$f" '/^{/ { start = NR } /^}/ && start { if (NR - start > 70) print f ":" start ": a function of " NR - start " lines, at most 70"; start = 0 }' "$f"
done >>"$faults"

# A tab reaches to the next column that is a multiple of 8.
for f in $sources
do
	expand "$f" | awk -v f="$f" 'length($0) > 150 { print f ":" NR ": " length($0) " columns, at most 150" }'
done >>"$faults"

# ---- licence, words ----

for f in $sources $scripts
do
	head -2 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || note "$f: no SPDX line"
done
{
	grep -nE '\b(TODO|FIXME|XXX)\b' $sources $scripts /dev/null
	grep -nE '\b(strcpy|strcat|sprintf|gets|alloca|system|rand)\(' $sources /dev/null
} | grep -v '^tests/' >>"$faults"

# ---- packages: a library that is asked for is one that a source includes ----

sed -n 's|^\(lib[a-z0-9-]*-dev\) *\([a-z0-9/]*\.h\) .*|\1 \2|p' tests/deps.sh >"$faults.a"
while read -r package header
do
	grep -qF "#include <$header>" $sources || note "tests/deps.sh: no source includes <$header> of '$package'"
done <"$faults.a"
sed -n 's/^\(lib[a-z0-9-]*-dev\) .*/\1/p' bin/first-run | while read -r package
do
	grep -q "^$package " "$faults.a" || note "bin/first-run: '$package' is not among the packages of tests/deps.sh"
done

# ---- manual pages ----

for page in $(files 'man/*')
do
	mandoc -T lint -W warning "$page" >>"$faults" 2>&1
	# man(1) sets pages by groff, for which a word that is also a macro's name can begin that macro.
	! command -v groff >/dev/null || groff -mandoc -Tutf8 -z "$page" 2>&1 | sed "s|^|$page: |" >>"$faults"
	# What a program's page does not say of exit statuses, tiny-titans(7) does, or the page of the program that it runs.
	test "$page" = "${page%.1}" || sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$page" | grep -Eiq 'tiny-titans 7|that of' ||
		note "$page: EXIT STATUS does not point to the others"
done
for program
do
	name=${program##*/}
	page=man/$name.1
	if test ! -f "$page"
	then
		note "$program: no manual page '$page'"
		continue
	fi
	"$bin/$name" --synopsis 2>/dev/null | sed 's/^\.Nm .*/.Nm/' >"$faults.a"
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$page" | sed '/^\.Sh/d; s/^\.Nm .*/.Nm/' >"$faults.b"
	cmp -s "$faults.a" "$faults.b" || note "$page: SYNOPSIS is not what '$name --synopsis' prints"
	"$bin/$name" --help | grep -qxFe "$(sed -n 's/^\.Nd //p' "$page")" || note "$page: what it is for is not in '$name --help'"
	# Each option of the table has an entry.
	"$bin/$name" --help | sed -n 's/^  -\(.\), --.*/\1/p; s/^  -\(.\)  .*/\1/p; s/^      --\([a-z0-9-]*\).*/-\1/p' |
		while IFS= read -r o
		do
			grep -Eq "^\.It Fl $o\b|^\.It Fl . , $o\b" "$page" || note "$page: option '-$o' has no entry"
		done
	# So has each variable, of the table or asked for elsewhere.
	{
		"$bin/$name" --help
		grep -oh 'getenv("TT_[A-Z_]*")' $(grep -l "^#define TOOL \"$name\"" $sources) /dev/null
	} | grep -o 'TT_[A-Z_]*' |
		while IFS= read -r v
		do
			grep -Eq "^\.It Ev .*\b$v\b" "$page" || note "$page: variable '$v' has no entry"
		done
done
rm -f "$faults.a" "$faults.b"

# ---- scripts ----

# Scripts of bin/ are looked at as they are built, with what they share put in.
others=$(printf '%s\n' "$scripts" | grep -v '^bin/[a-z]*$')
built=$(grep -l '^#!/bin/sh' "$bin"/*)
shellcheck -x $others $built >>"$faults" 2>&1
for s in $(files 'bin/*')
do
	test "$s" = bin/common.sh || test "$s" = bin/first-run || test "$s" = bin/completion || test "$s" = bin/tt || test -f "man/tt-${s##*/}.1" ||
		note "$s: no manual page 'man/tt-${s##*/}.1'"
	sed -n '/^option() /,/^}/s/^\t\(-[^)]*\)).*/\1/p' "$s" | tr -d ' ' | tr '|' '\n' | while IFS= read -r o
	do
		grep -Eq "^\.It Fl (.* )?${o#-}( |$)" "man/tt-${s##*/}.1" || note "man/tt-${s##*/}.1: option '$o' has no entry"
	done
done

# ---- hardening ----

for program
do
	name=${program##*/}
	readelf -Wh "$bin/$name" 2>/dev/null | grep -q 'Type: *DYN' || note "$name: not position-independent"
	readelf -Wd "$bin/$name" 2>/dev/null | grep -q 'BIND_NOW\|Flags:.*NOW' || note "$name: no immediate binding"
	readelf -Wl "$bin/$name" 2>/dev/null | grep -q 'GNU_STACK.*RWE' && note "$name: the stack can be executed"
done

cat "$faults"
n=$(grep -c . "$faults")
echo "lint: $n faults ($(printf '%s\n' "$sources" | wc -l) sources, median $median lines)"
test "$n" -eq 0
