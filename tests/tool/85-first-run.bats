#!/usr/bin/env bats
# first-run: what `make ask` starts ends with it, and what goes on behind it is named rightly. The script stands in a tree of the
# test's own, beside programs that only say that they run; nothing is installed, fetched or built.
bats_require_minimum_version 1.5.0

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	cd "$BATS_TEST_TMPDIR" || exit 1
	export HOME="$PWD/home" TT_BIN="$PWD/programs" TT_QUESTION=why
	unset XDG_DATA_HOME XDG_CONFIG_HOME TT_GENERATOR TT_EMBEDDER
	index=$HOME/.local/share/tiny-titans/index
	mkdir -p bin programs "$index"
	cp "$top/bin/first-run" "$top/bin/common.sh" bin
	# Every package is there, and no page is left out.
	for name in cc mandoc man less python3 make
	do
		fake "bin/$name" true
	done
	fake bin/dpkg-query 'printf installed'
	fake bin/grep 'exit 1'
	fake programs/tt-model 'test "$1" != path || exit 0'
	fake programs/tt-ask 'echo because'
	fake programs/tt-sync true
	touch "$index/man.lexical" "$index/man.lock"
}
fake() { # FILE COMMANDS
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod +x "$1"
}
# Waits until FILE holds a number, and prints it.
number_in() { # FILE
	until [ -s "$1" ]
	do
		sleep 0.02
	done
	cat "$1"
}
ends() { # PID: within two seconds
	for _ in $(seq 100)
	do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.02
	done
	return 1
}

@test "when it is stopped, what it builds and fetches beside that stops too" {
	fake programs/tt-model 'case "$*" in path*) exit 1 ;; *-q*fetch*) echo $$ >fetching; sleep 20 ;; esac'
	fake bin/make 'test "$1" != -q || exit 1; echo $$ >building; exec sleep 20'
	sh bin/first-run 3>&- &
	building=$(number_in building) fetching=$(number_in fetching)
	kill -TERM $!
	wait $! || [ $? -eq 143 ]
	ends "$building"
	ends "$fetching"
}

@test "vectors are left to a process of its own, whose group is named; while it is at work no second one" {
	fake programs/tt-sync 'exec 9>"$HOME/.local/share/tiny-titans/index/man.lock"; flock -n 9 || exit 75; echo $$ >>started; sleep 20'
	run --separate-stderr sh bin/first-run 3>&-
	[ "$output" = because ]
	pid=$(number_in started)
	[[ "$stderr" == *"kill -- -$pid"* ]]
	run --separate-stderr sh bin/first-run 3>&-
	kill -- "-$pid"
	[ "$output" = because ]
	[[ "$stderr" == *"kill -- -$pid"* ]]
	ends "$pid"
	[ "$(wc -l <started)" -eq 1 ]
}

@test "no group is named to be stopped where another tt-sync is at work and the one that was begun here has ended" {
	sh -c : &
	echo $! >"$index/../vectors.log.pid"
	wait
	exec 9>"$index/man.lock"
	flock 9
	run -0 --separate-stderr sh bin/first-run 9>&-
	[[ "$stderr" == *"computed in the background"* && "$stderr" != *kill* ]]
}

@test "once the vectors are there it answers and does nothing else" {
	touch "$index/man.vectors"
	run --separate-stderr sh bin/first-run
	[ "$status" -eq 0 ]
	[ "$output" = because ]
	[ -z "$stderr" ]
}

@test "it ends as the answer does; where the programs cannot be built it says why, and answers nothing: 74" {
	touch "$index/man.vectors"
	fake programs/tt-ask 'echo "not in your documents"; exit 1'
	run -1 --separate-stderr sh bin/first-run
	[ "$output" = "not in your documents" ]
	fake bin/make 'test "$1" != -q || exit 1; echo "no such header"; exit 2'
	run -74 --separate-stderr sh bin/first-run
	[ -z "$output" ]
	[[ "$stderr" = *"no such header"*"building: failed" ]]
}

@test "a page that cannot be read, or another tt-sync at work, is no reason not to answer" {
	touch "$index/man.vectors"
	rm "$index/man.lexical"
	for status in 3 75
	do
		fake programs/tt-sync "exit $status"
		run -0 --separate-stderr sh bin/first-run
		[ "$output" = because ]
	done
	fake programs/tt-sync 'exit 74'
	run -74 --separate-stderr sh bin/first-run
	[ -z "$output" ]
}

@test "a configuration without the corpus that is asked: it is said whose that is, 78" {
	rm "$index/man.lexical"
	printf 'corpora:\n  - name: notes\n    paths: [/nowhere]\n' >c.yaml
	ln -sf "$(command -v tt-sync)" programs
	TT_CONFIG=c.yaml run -78 --separate-stderr sh bin/first-run
	[ -z "$output" ]
	[[ "$stderr" == *"(the corpus 'man' of the configuration)."*"tt-sync: no corpus 'man' in 'c.yaml'" ]]
}

@test "where no page is there at all, those of every package are fetched" {
	mkdir info man
	echo /usr/share/man/man1/tool.1.gz >info/toolbox.list
	mount='mount --bind info /var/lib/dpkg/info && mount --bind man /usr/share/man'
	unshare -Urm sh -c "$mount" 2>/dev/null || skip "cannot mount"
	touch "$index/man.vectors"
	fake bin/grep 'exit 0'
	fake bin/apt-get 'echo "$*" >>asked'
	sed -i "s|>>asked|>>$PWD/asked|" bin/apt-get
	run --separate-stderr unshare -Urm sh -c "$mount && exec sh bin/first-run"
	[ "$output" = because ]
	grep 'download toolbox' asked
}
