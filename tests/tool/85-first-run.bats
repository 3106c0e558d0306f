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
# Waits until FILE holds a number, for ten seconds at most, and prints it.
number_in() { # FILE
	for _ in $(seq 500)
	do
		test ! -s "$1" || break
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
	mkdir tmp
	TMPDIR="$PWD/tmp" run --separate-stderr sh bin/first-run
	[ "$status" -eq 0 ]
	[ "$output" = because ]
	[ -z "$stderr" ]
	[ -z "$(ls tmp)" ]
}

@test "it ends as the answer does; where the programs cannot be built it says why, and answers nothing: 74" {
	touch "$index/man.vectors"
	fake programs/tt-ask 'echo "not in your documents"; exit 1'
	run -1 --separate-stderr sh bin/first-run
	[ "$output" = "not in your documents" ]
	fake bin/make 'test "$1" != -q || exit 1; echo "no such header" >&2; exit 2'
	run -74 --separate-stderr sh bin/first-run
	[ -z "$output" ]
	[[ "$stderr" = *"no such header"*"building: failed" ]]
}

@test "a page that cannot be read, or another tt-sync at work, is no reason not to answer" {
	touch "$index/man.vectors"
	rm "$index/man.lexical"
	for status in 3 75
	do
		fake programs/tt-sync "echo \"\$*\" >args; exit $status"
		run -0 --separate-stderr sh bin/first-run
		[ "$output" = because ]
		[ "$(cat args)" = "--lexical man" ]
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

@test "without a question: 2, how to ask, and nothing is done" {
	fake programs/tt-model 'echo model >>done'
	TT_QUESTION='' run -2 --separate-stderr sh bin/first-run
	[ -z "$output" ]
	[[ "$stderr" == "usage: make ask Q="* ]]
	[ ! -e done ]
}

@test "the models that are named are fetched, the embedder first, and asked; the question is no option and keeps its blanks" {
	touch "$index/man.vectors"
	fake programs/tt-model 'test "$1" != path || exit 1; echo "$*" >>fetched; test "$1" != -q'
	mv programs/tt-model made
	fake bin/make 'case "$*" in *" programs/tt-model") mv made programs/tt-model ;; esac'
	fake programs/tt-ask 'printf "%s|" "$@"'
	TT_GENERATOR=g TT_EMBEDDER=e TT_QUESTION='--why  not' run -0 --separate-stderr sh bin/first-run
	[ "$output" = "-m|g|-i|man|--|--why  not|" ]
	[ "$(head -n 1 fetched)" = "fetch e" ]
	[ "$(tail -n +2 fetched | sort | tr '\n' ' ')" = "-q fetch g fetch g " ]
}

# apt-get and dpkg that note their arguments in ./asked; the packages MISSING are known but not installed.
fake_packages() { # MISSING
	touch "$index/man.vectors"
	fake bin/dpkg-query "case ' $1 ' in *\" \$4 \"*) printf config-files ;; *) printf installed ;; esac"
	fake bin/apt-get 'echo "apt-get $*" >>asked; test "${*%% check}" = "$*"'
	fake bin/dpkg 'echo "dpkg $*" >>asked; test "$1" != --audit || cat audit'
	fake bin/id 'echo 0'
	: >audit
	: >asked
}

@test "what is missing is named with the reason and installed; what fetches models, only where they are fetched" {
	fake_packages "zlib1g-dev ca-certificates"
	run -0 --separate-stderr sh bin/first-run
	[ "$output" = because ]
	[[ "$stderr" == *"zlib1g-dev "*"to build: compressed manual pages"* && "$stderr" != *ca-certificates* ]]
	[[ "$(tail -n 1 asked)" == "apt-get -o "*" -y "*" install zlib1g-dev" ]]
	fake programs/tt-model 'test "$1" != path'
	fake bin/apt-get 'echo "apt-get $*" >>asked; test "$1" != -s'	# for the lists of packages are old
	: >asked
	run -0 --separate-stderr sh bin/first-run
	[[ "$(tail -n 2 asked)" == "apt-get -q update"$'\n'*" install zlib1g-dev ca-certificates" ]]
}

@test "an installation that was interrupted is finished first" {
	fake_packages zlib1g-dev
	echo half >audit
	run -0 --separate-stderr sh bin/first-run
	grep -v update asked | cut -d ' ' -f 1-4 >order
	diff - order <<-'EOF'
	dpkg --audit
	apt-get -q -o DPkg::Lock::Timeout=600
	dpkg --configure -a
	apt-get -s -o Dpkg::Options::=--path-include=/usr/share/man/*
	apt-get -o Dpkg::Options::=--path-include=/usr/share/man/* -o
	EOF
}

@test "where what is missing cannot be installed: 78 without apt-get, 77 for want of root; with sudo that asks first" {
	fake_packages zlib1g-dev
	mkdir tools
	# shellcheck disable=SC2046 # names of programs
	ln -s $(type -P sh cat readlink dirname mktemp date sed awk tr rm) tools
	rm bin/apt-get
	mkdir aside
	mv bin/mandoc bin/python3 aside
	PATH="$PWD/tools" run -78 --separate-stderr sh bin/first-run
	[[ "$stderr" == *"zlib1g-dev"*"mandoc"*"make ask: install them and run again" && "$stderr" != *python* ]]
	fake programs/tt-model 'test "$1" != path'
	PATH="$PWD/tools" run -78 --separate-stderr sh bin/first-run
	[[ "$stderr" == *"python3"*"python3-pip"*"make ask: install them and run again" ]]
	mv aside/* bin
	fake programs/tt-model true
	fake bin/apt-get 'echo "apt-get $*" >>asked'
	fake bin/id 'echo 1000'
	PATH="$PWD/tools" run -77 --separate-stderr sh bin/first-run
	[[ "$stderr" == *"make ask: installing packages needs root; run as root, or install sudo" ]]
	fake bin/sudo 'echo "sudo $*" >>asked; exit 1'
	run -77 --separate-stderr sh bin/first-run
	[[ "$stderr" == *"make ask: installing packages needs root" ]]
	fake bin/sudo 'echo "sudo $*" >>asked; test "$1" = -v || exec "$@"'
	run -0 --separate-stderr sh bin/first-run
	[[ "$(tail -n 2 asked)" == "sudo env "*" install zlib1g-dev"$'\n'"apt-get "*" install zlib1g-dev" ]]
}

@test "pages that were left out are taken out of their packages, no others, once, and only where dpkg was told to leave them out" {
	mkdir info man man/man1 man/man5 tree
	echo mine | tee man/man1/own.1 >man/man5/own.5
	echo /usr/share/man/man5/own.5 >info/files.list
	printf '/usr/share/man/man1/%s\n' own.1 tool.1 >info/toolbox.list
	echo /usr/share/man/man3/tool.3 >info/library.list
	echo /usr/share/man/man8/ghost.8 >info/ghost.list
	mkdir -p tree/usr/share/man/man1 tree/usr/share/man/man3
	touch tree/usr/share/man/man1/own.1 tree/usr/share/man/man1/tool.1 tree/usr/share/man/man3/tool.3
	tar -cf toolbox.tar -C tree ./usr
	mount='mount --bind info /var/lib/dpkg/info && mount --bind man /usr/share/man'
	unshare -Urm sh -c "$mount" 2>/dev/null || skip "cannot mount"
	touch "$index/man.vectors"
	fake bin/id 'echo 0'
	fake bin/dpkg-deb "cat '$PWD/toolbox.tar'"
	fake bin/apt-get "echo \"\${*#*download }\" >>'$PWD/asked'; case \$* in *ghost*) exit 100 ;; *download*) : >toolbox.deb ;; esac"
	run -0 --separate-stderr unshare -Urm sh -c "$mount && exec sh bin/first-run"
	[ ! -e asked ]
	fake bin/grep 'exit 0'
	fake programs/tt-sync 'cd "$XDG_DATA_HOME/tiny-titans" && mkdir index && touch index/man.lexical index/man.vectors'
	export XDG_DATA_HOME="$PWD/data"	# where nothing is yet
	for _ in 1 2
	do
		run -0 --separate-stderr unshare -Urm sh -c "$mount && exec sh bin/first-run"
		[ "$output" = because ]
		[ "$(grep -v update asked | tr '\n' '|')" = "ghost toolbox|ghost|toolbox|" ]
		[ "$(cd man && find . -type f | sort | tr '\n' ' ')" = "./man1/own.1 ./man1/tool.1 ./man5/own.5 " ]
		[ "$(cat man/man1/own.1)" = mine ]
	done
	rm asked info/ghost.list
	run -0 --separate-stderr unshare -Urm sh -c "$mount && exec sh bin/first-run"
	[ ! -e asked ]
	echo /usr/share/man/man7/new.7 >info/new.list
	run -0 --separate-stderr unshare -Urm sh -c "$mount && exec sh bin/first-run"
	grep -qx new asked
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
