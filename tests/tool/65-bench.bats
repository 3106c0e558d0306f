#!/usr/bin/env bats
# bench/peers.sh: what it makes of the figures that the programs print. They are stand-ins here.
bats_require_minimum_version 1.5.0

setup() {
	cp -R "$BATS_TEST_DIRNAME/../../bench" "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || exit 1
	rm -r bench/results
	mkdir bin
	cat >bin/tt-bench <<'END'
#!/bin/sh
test -z "${TT_THREADS:-}" || exit 1
printf '%s\n' 'level avx2' 'prefill.512 100.50' 'decode.512 20.25' 'verify.1 50.00' 'verify.4 60.00' 'bandwidth_before_gbs 20.12' 'bandwidth_after_gbs 20.95'
END
	cat >bin/llama-bench <<'END'
#!/bin/sh
echo 'n_prompt,n_gen,n_depth,avg_ts'
case $* in
*" -n 32 "*) echo '"0","32","512","10.5"' ;;
*" 1,4,8 "*) printf '%s\n' '"1","0","512","10.0"' '"4","0","512","30.0"' ;;
*) echo '"512","0","0","40.2"' ;;
esac
END
	chmod +x bin/*
	export PATH="$PWD/bin:$PATH" TT_ROUNDS=1
}

figures='m avx2 prefill-512 100.5 40.2 2.50 20.1 20.9
m avx2 decode-512 20.2 10.5 1.93 20.1 20.9
m avx2 verify-4 0.833 0.750 1.11 20.1 20.9'

# The table of a run with the model m.
table() {
	bench/peers.sh new m
	sed -n '/^m\t/p' bench/results/new.tsv | cut -f1-8 | tr '\t' ' '
}

@test "a row has our figure, the peer's best and their ratio, also where numbers have a comma" {
	[ "$(table)" = "$figures" ]
	localedef -i de_DE -f UTF-8 ./de_DE.UTF-8 || skip "no locales here"
	export LOCPATH="$PWD" LC_ALL=de_DE.UTF-8
	[ "$(table)" = "$figures" ]
}

@test "what will not work is said before anything is measured" {
	for rounds in 0 x -1
	do
		run -2 --separate-stderr env TT_ROUNDS=$rounds bench/peers.sh new m
		[[ "$stderr" == *"'$rounds' is not a number of rounds"* ]]
	done
	mkdir -p bench/results/new.tsv.new
	run ! --separate-stderr bench/peers.sh new m
	[[ "$stderr" != *"round 1"* ]]
	rmdir bench/results/new.tsv.new
	bench/peers.sh a/b m
	[ "$(ls bench/results/a)" = "b.svg"$'\n'"b.tsv" ] || [ "$(ls bench/results/a)" = b.tsv ]
}

@test "both sides take all processors" {
	export TT_THREADS=1
	[ "$(table)" = "$figures" ]
}

@test "a model that tt-bench fails with is named, the others are measured, and the status is 3" {
	mv bin/tt-bench bin/works
	printf '#!/bin/sh\ncase "$*" in *bad*) exit 66 ;; esac\nexec works "$@"\n' >bin/tt-bench
	chmod +x bin/tt-bench
	run -3 --separate-stderr bench/peers.sh new bad m
	[[ "$stderr" == *"bench: bad: tt-bench ended with 66"* ]]
	[ "$(sed -n '/^m\t/p' bench/results/new.tsv | cut -f1-8 | tr '\t' ' ')" = "$figures" ]
}

@test "a figure of ours that is lacking is none" {
	printf '#!/bin/sh\nexit 1\n' >bin/tt-bench
	[ "$(table)" = "$(printf '%s\n' "m - prefill-512 - 40.2 - - -" "m - decode-512 - 10.5 - - -" "m - verify-4 - 0.750 - - -")" ]
}

@test "ours and the peer take turns, once for each of its configurations" {
	sed -i '2i echo ours >>order' bin/tt-bench
	sed -i '2i echo "$*" | sed "s/.*-fa/peer &/; s/ .*-fa/ -fa/" >>order' bin/llama-bench
	bench/peers.sh new m
	[ "$(uniq order)" = "$(for repack in 1 0; do for fa in on off; do echo ours; echo "peer -fa $fa --repack $repack"; done; done)" ]
}
