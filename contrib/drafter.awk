#!/usr/bin/awk -f
# SPDX-License-Identifier: Apache-2.0
#
# A drafter in twenty lines: proposes again what followed the last two tokens when they were seen before.
#
#	tt-generate -m MODEL --draft 'tt-json | mawk -W interactive -f drafter.awk'
#
# Another awk than mawk, which is Debian's, takes it without -W interactive; mawk without it waits until its buffer is full.
# Each ctx and accept record (a JSON line each) is answered by exactly one draft; see records(5).
function tokens(line,   a) {
	if (!match(line, /"tok": *\[[^]]*\]/))
		return ""
	a = substr(line, RSTART, RLENGTH)
	gsub(/[^0-9,]/, "", a)
	return a
}
/"kind": *"ctx"/ { n = 0; split("", t) }
/"kind": *"(ctx|accept)"/ {
	k = split(tokens($0), new, ",")
	for (i = 1; i <= k; i++) {
		t[++n] = new[i]
		if (n > 2)
			follows[t[n - 2], t[n - 1]] = t[n]
	}
	a = t[n - 1]; b = t[n]; d = ""
	for (i = 0; i < 3 && ((a, b) in follows); i++) {
		c = follows[a, b]; d = d (i ? "," : "") c; a = b; b = c
	}
	printf "{\"kind\":\"draft\",\"tok\":[%s]}\n", d
	fflush()
}
