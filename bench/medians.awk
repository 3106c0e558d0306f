# SPDX-License-Identifier: Apache-2.0
# From rounds (MODEL WHO CONFIGURATION WORK VALUE) to one row for each model and work: our median, that of the peer's best
# configuration, and their ratio.
function median(list,	v, n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
}
$4 == "level" { level[$1] = $5; next }
$4 ~ /^bandwidth/ { band[$1, $4] = band[$1, $4] " " $5; next }
{
	key = $1 SUBSEP $4
	if (!(key in seen)) {
		seen[key] = 1
		order[++n_key] = key
	}
	if ($2 == "ours") {
		mine[key] = mine[key] " " $5
	} else {
		run = $2 " " $3
		if (index(runs[key], run "\t") == 0)
			runs[key] = runs[key] run "\t"
		theirs[key, run] = theirs[key, run] " " $5
	}
}
END {
	OFS = "\t"
	print "model", "level", "work", "ours", "peer", "ratio", "bandwidth before", "after", "peer's best configuration"
	for (i = 1; i <= n_key; i++) {
		key = order[i]
		split(key, part, SUBSEP)
		best = 0
		which = "-"
		n = split(runs[key], choice, "\t")
		for (j = 1; j < n; j++)
			if (median(theirs[key, choice[j]]) > best) {
				best = median(theirs[key, choice[j]])
				which = choice[j]
			}
		gsub(/,/, " ", which)
		m = key in mine ? median(mine[key]) : 0
		digits = (m ? m : best) < 10 ? "%.3f" : "%.1f"
		print part[1], part[1] in level ? level[part[1]] : "-", part[2], m ? sprintf(digits, m) : "-", best ? sprintf(digits, best) : "-",
			m && best ? sprintf("%.2f", m / best) : "-",
			part[1] SUBSEP "bandwidth_before_gbs" in band ? sprintf("%.1f", median(band[part[1], "bandwidth_before_gbs"])) : "-",
			part[1] SUBSEP "bandwidth_after_gbs" in band ? sprintf("%.1f", median(band[part[1], "bandwidth_after_gbs"])) : "-", which
	}
}
