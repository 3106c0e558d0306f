#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing need and this machine lacks, on Debian and its kin; says what and why first.
# Does nothing, and needs no network, when all is there. Usage: deps.sh [check|lint|fuzz|models]
set -eu
what=${1:-check}

# Package, what shows that it is there (a command, or a header below /usr/include), why, and for which targets.
list() {
	cat <<'END'
gcc               cc                  the C compiler                         check lint fuzz
libc6-dev         stdio.h             the C library's headers                check lint fuzz
libmsgpack-dev    msgpack.h           records                                check lint fuzz
libjansson-dev    jansson.h           JSON lines                             check lint fuzz
libyaml-dev       yaml.h              configuration                          check lint fuzz
libsodium-dev     sodium.h            identities                             check lint fuzz
libxxhash-dev     xxhash.h            checksums                              check lint fuzz
libutf8proc-dev   utf8proc.h          Unicode                                check lint fuzz
zlib1g-dev        zlib.h              compressed manual pages                check lint fuzz
libcmocka-dev     cmocka.h            unit tests                             check
libsimde-dev      simde/x86/avx512.h  checking wide kernels on any processor  check
bats              bats                tests of programs                      check
mandoc            mandoc              manual pages, as input and in tests    check lint
groff-base        groff               manual pages as man(1) sets them       lint
python3           python3             test data is made with it              check models
python3-pip       pip3                fetching models for tests              models
strace            strace              tests of calls that fail or are in order  check
curl              curl                tests that fetch from a server of theirs  check
jq                jq                  tests that look into records           check
procps            ps                  tests that watch processes             check
shellcheck        shellcheck          checking shell scripts                 lint
clang             clang               libFuzzer                              fuzz
END
}

missing=$(list | while read -r package sign why
do
	case " $why " in
	*" $what "*) ;;
	*) continue ;;
	esac
	case $sign in
	*.h) found=$(ls "/usr/include/$sign" /usr/include/*/"$sign" 2>/dev/null || :) ;;
	*) found=$(command -v "$sign" || :) ;;
	esac
	test -n "$found" || printf '%s\t%s\n' "$package" "$(printf '%s' "$why" | sed 's/  .*//')"
done)
test -n "$missing" || exit 0

echo "make $what needs packages that are not installed:" >&2
printf '%s\n' "$missing" | sed 's/^/    /' >&2
packages=$(printf '%s\n' "$missing" | cut -f 1)
if test "$(id -u)" = 0
then
	root=
elif command -v sudo >/dev/null
then
	root=sudo
else
	echo "deps.sh: install them as root, or install sudo" >&2
	exit 77
fi
command -v apt-get >/dev/null || { echo "deps.sh: no apt-get here; install their like by hand" >&2; exit 77; }
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # lists of words
{
	$root apt-get update -qq >&2 || echo "deps.sh: package lists could not be refreshed; going on" >&2
	$root apt-get install -y -qq --no-install-recommends $packages >&2
}
