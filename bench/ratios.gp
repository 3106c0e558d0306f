# SPDX-License-Identifier: Apache-2.0
# Bars of the ratios in a table of bench/peers.sh: gnuplot -e "tsv='X.tsv'; svg='X.svg'" ratios.gp
set datafile separator '\t'
set datafile missing '-'
n = int(system("grep -v '^#' '" . tsv . "' | tail -n +2 | wc -l"))
set terminal svg size 720, 60 + 22 * n font 'sans,12' background '#ffffff'
set output svg
set title 'Tiny Titans over its best peer, the same machine in the same minutes' font 'sans,14'
set yrange [n - 0.4 : -0.6]
set xrange [0 : *]
set rmargin 8
set xtics nomirror
set ytics nomirror scale 0
set grid xtics lc '#dddddd'
set border 1
set style fill solid
set arrow from 1, graph 0 to 1, graph 1 nohead lc '#444444' dt 2
set lmargin 34
plot tsv using (0):0:(0):6:($0 - 0.35):($0 + 0.35):ytic(strcol(1) . ', ' . strcol(3)) every ::1 with boxxyerror lc '#4477aa' notitle, \
	'' using 6:0:(sprintf(' %.2f', $6)) every ::1 with labels left notitle
