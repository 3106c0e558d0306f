#!/usr/bin/env bats
# make install, uninstall and dist: everything under DESTDIR and with PROGPREFIX, and nothing left behind.
bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	export dest="$BATS_FILE_TMPDIR/de st" build=${BUILD:-build}
	mkdir "$dest"
	(umask 077 && make -s install PROGPREFIX=x- DESTDIR="$dest" PREFIX=/usr)
}

teardown_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	rm -f "$build"/bin/x "$build"/bin/x-*
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
}

@test "a comparison without reference data says so: 66" {
	for ref in "$BATS_TEST_TMPDIR/none" '' "$BATS_TEST_TMPDIR"
	do
		run --separate-stderr sh tests/conform/run "$build" "$ref"
		[ "$status" -eq 66 ]
		[ "$stderr" = "conform: no reference data in '$ref'" ]
		[ -z "$output" ]
	done
}

@test "every program has its page and its completions" {
	for program in "$dest"/usr/bin/*
	do
		name=${program##*/}
		[ -f "$dest/usr/share/man/man1/$name.1" ]
		grep -q "complete .* $name\$" "$dest/usr/share/bash-completion/completions/$name"
		grep -q "^#compdef $name\$" "$dest/usr/share/zsh/site-functions/_$name"
		grep -q "^complete -c $name " "$dest/usr/share/fish/vendor_completions.d/$name.fish"
	done
	[ -f "$dest/usr/share/tiny-titans/models.yaml" ]
}

@test "what is installed is there for everybody, whatever the umask" {
	[ -z "$(find "$dest/usr" ! -perm -444 -o -type d ! -perm -555)" ]
	[ -x "$dest/usr/bin/x" ]
}

@test "examples of the pages call the programs by the names that they have here" {
	grep -qw 'x ask --json' "$dest/usr/share/man/man1/x-ask.1"
	run ! grep -E '[$|] tt ' "$dest"/usr/share/man/man?/*
}

@test "completions know options, commands, and which option takes a value" {
	share="$dest/usr/share"
	. "$share/bash-completion/completions/x-model"
	COMP_WORDS=(x-model fe) COMP_CWORD=1
	_x_model
	[ "${COMPREPLY[*]}" = fetch ]
	COMP_WORDS=(x-model -q fetch l) COMP_CWORD=3
	_x_model
	[ -z "${COMPREPLY[*]}" ]
	COMP_WORDS=(x-model -d fetched l) COMP_CWORD=3
	_x_model
	[ "${COMPREPLY[*]}" = list ]
	COMP_CWORD=1
	. "$share/bash-completion/completions/x-sync"
	COMP_WORDS=(x-sync --)
	_x_sync
	[ "${COMPREPLY[*]}" = "--lexical --vectors" ]
	. "$share/bash-completion/completions/x"
	COMP_WORDS=(x ret)
	_x
	[ "${COMPREPLY[*]}" = retrieve ]
	COMP_WORDS=(x -)
	_x
	[ "${COMPREPLY[*]}" = "-h -V" ]
	COMP_WORDS=(x model -q fe) COMP_CWORD=3
	_x
	[ "${COMPREPLY[*]}" = fetch ]
	COMP_WORDS=(x ask --) COMP_CWORD=2
	_x
	[ "${COMPREPLY[*]}" = "--json --open" ]
	COMP_WORDS=(x nothing --) COMP_CWORD=2
	_x
	[ -z "${COMPREPLY[*]}" ]
	grep -qF "'*::argument:{words[1]=x-\$words[1]; _normal}'" "$share/zsh/site-functions/_x"
	grep -qF 'complete -C x-(' "$share/fish/vendor_completions.d/x.fish"
	COMP_CWORD=1
	. "$share/bash-completion/completions/x-index"
	COMP_WORDS=(x-index v)
	_x_index
	[ "${COMPREPLY[*]}" = verify ]
	COMP_WORDS=(x-index add v) COMP_CWORD=2
	_x_index
	[ -z "${COMPREPLY[*]}" ]
	. "$share/bash-completion/completions/x-chunk"
	COMP_WORDS=(x-chunk '') COMP_CWORD=1
	_x_chunk
	[ -z "${COMPREPLY[*]}" ]
	grep -q "^	'1:command:(check file get list corpora models)'" "$share/zsh/site-functions/_x-conf"
	grep -qx "complete -c x-cache -n __fish_use_subcommand -a 'list verify prune clear forget warm'" \
		"$share/fish/vendor_completions.d/x-cache.fish"
	grep -qF -- "'--vectors[add\: only give indexed chunks the vectors that they lack]'" "$share/zsh/site-functions/_x-index"
	grep -q -- "-d 'add: only give indexed chunks" "$share/fish/vendor_completions.d/x-index.fish"
}

@test "completions of a script are read from its usage" {
	share="$dest/usr/share"
	diff - "$share/bash-completion/completions/x-sync" <<'EOF'
_x_sync()
{
	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD]} in
	-*) mapfile -t COMPREPLY < <(compgen -W '-q -v -c -j --lexical --vectors -h -V' -- "${COMP_WORDS[COMP_CWORD]}") ;;
	esac
}
complete -o default -F _x_sync x-sync
EOF
	diff - "$share/zsh/site-functions/_x-sync" <<'EOF'
#compdef x-sync
_arguments -s \
	'-q' \
	'-v' \
	'-c:CONFIG:_files' \
	'-j:THREADS:_files' \
	'--lexical' \
	'--vectors' \
	'-h' \
	'-V' \
	'*:file:_files'
EOF
	printf 'complete -c x-sync -%s\n' 's q' 's v' 's c -r' 's j -r' 'l lexical' 'l vectors' 's h' 's V' |
		diff - "$share/fish/vendor_completions.d/x-sync.fish"
	grep -qF "'--index=:DIR:_files'" "$share/zsh/site-functions/_x-eval"
	grep -qF "'1:command:(retrieval answers refusal corpus)'" "$share/zsh/site-functions/_x-eval"
	grep -qF "'1:command:(help ask sync model eval json " "$share/zsh/site-functions/_x"
}

@test "with another prefix the programs still find each other, and their catalogue" {
	run env -i PATH="$dest/usr/bin:/usr/bin:/bin" HOME="$BATS_TEST_TMPDIR" x model path minilm
	[ "$status" -eq 66 ]
	[[ "$output" == *"'x-model fetch minilm'"* ]]
	"$build/tests/tool/mktiny" llama "$BATS_TEST_TMPDIR/m.gguf"
	run --separate-stderr env -i PATH=/usr/bin:/bin HOME="$BATS_TEST_TMPDIR" sh -c \
		"yes 'one two three' | head -n 9 | '$dest/usr/bin/x-generate' -m '$BATS_TEST_TMPDIR/m.gguf' -n 8 --raw --text"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "with another prefix messages and help name the programs as they are installed" {
	for program in "$dest"/usr/bin/x-*
	do
		run --separate-stderr "$program" --no-such-option
		[ "$status" -eq 2 ]
		[[ "$stderr" == "${program##*/}: "* ]] || { echo "$program: $stderr"; false; }
		[[ "$("$program" -h)" == "usage: ${program##*/} "* ]]
	done
	run --separate-stderr env HOME="$BATS_TEST_TMPDIR" "$dest/usr/bin/x-tokenize" -m nowhere
	[ "$status" -eq 66 ]
	[[ "$stderr" == "x-tokenize: no model "*"x-model fetch nowhere)" ]]
}

@test "pages speak of the installed names" {
	! grep -rwe 'tt-[a-z]*' -e '^\.Nm tt' "$dest/usr/share/man"
}

@test "cron and systemd find tt-sync where it is installed unless told otherwise" {
	bindir=$(sed -n 's/^PREFIX.*= *//p' config.mk)/bin
	path=$(sed -n 's/^PATH=//p' contrib/crontab)
	[[ ":$path:" == *":$bindir:"* ]]
	grep -qx "\.Dl PATH=$path" man/tt-sync.1
	grep -qx "ExecStart=$bindir/tt-sync" contrib/systemd/tt-sync.service
}

@test "the units are those of a user, without what only the system's manager can do" {
	run ! grep -E '^(Protect|Private|ReadWritePaths|StateDirectory|User=)' contrib/systemd/tt-sync.service
	grep -qx IgnoreSIGPIPE=no contrib/systemd/tt-sync.service
	command -v systemd-analyze >/dev/null || skip "needs systemd-analyze"
	cp contrib/systemd/tt-sync.timer "$BATS_TEST_TMPDIR"
	sed 's|^ExecStart=.*|ExecStart=/bin/true|' contrib/systemd/tt-sync.service >"$BATS_TEST_TMPDIR/tt-sync.service"
	XDG_RUNTIME_DIR="$BATS_TEST_TMPDIR" run systemd-analyze --user --man=no verify "$BATS_TEST_TMPDIR"/tt-sync.*
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "the units are put in place by the commands that they name, in a home where there is nothing yet" {
	mkdir "$BATS_TEST_TMPDIR/fresh"
	sed -n 's/^#\t//p' contrib/systemd/tt-sync.service >"$BATS_TEST_TMPDIR/commands"
	sed '/^systemctl /d' "$BATS_TEST_TMPDIR/commands" | HOME="$BATS_TEST_TMPDIR/fresh" sh -e
	cmp contrib/systemd/tt-sync.timer "$BATS_TEST_TMPDIR/fresh/.config/systemd/user/tt-sync.timer"
	grep -qx 'systemctl --user enable --now tt-sync.timer' "$BATS_TEST_TMPDIR/commands"
}

@test "what a value of the command line is written into is made again for another value, and only then" {
	b=$BATS_TEST_TMPDIR/b
	make -s BUILD="$b" "$b/bin/tt"
	make -q BUILD="$b" "$b/bin/tt"
	make -s BUILD="$b" PROGPREFIX= SYSCONFDIR=/x/etc "$b/bin/tt"
	grep -qx "prefix=''" "$b/bin/tt"
	grep -qx "sysconfdir='/x/etc'" "$b/bin/tt"
	make -q BUILD="$b" PROGPREFIX= SYSCONFDIR=/x/etc "$b/bin/tt"
	make -s BUILD="$b" "$b/bin/tt"
	grep -qx "prefix='tt-'" "$b/bin/tt"
	make -n BUILD="$b" CPPFLAGS=-DMINE "$b/lib/base/err.o" | grep -q -e '-DMINE -I\. '
	# The version is the Makefile's.
	make -q "$build/lib/base/opt.o"
	run ! make -q -W Makefile "$build/lib/base/opt.o"
}

@test "uninstall leaves no file of its own, and what others keep beside" {
	mkdir -p "$dest/usr/share/tiny-titans/models"
	touch "$dest/usr/share/tiny-titans/models/own.gguf"
	make -s uninstall PROGPREFIX=x- DESTDIR="$dest" PREFIX=/usr
	[ "$(find "$dest" ! -type d)" = "$dest/usr/share/tiny-titans/models/own.gguf" ]
	rm -r "$dest/usr/share/tiny-titans/models"
	make -s uninstall PROGPREFIX=x- DESTDIR="$dest" PREFIX=/usr
	[ -z "$(find "$dest" ! -type d)" ]
	[ ! -d "$dest/usr/share/tiny-titans" ]
}

@test "dist packs what is committed" {
	git rev-parse HEAD >/dev/null 2>&1 || skip "not a repository"
	make -s dist
	tar -tzf "$build"/tiny-titans-*.tar.gz >"$BATS_TEST_TMPDIR/list"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/list")" -ge "$(git ls-tree -r --name-only HEAD | wc -l)" ]
	grep -q '/Makefile$' "$BATS_TEST_TMPDIR/list"
}
