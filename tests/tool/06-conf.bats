#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tt-conf: lines for scripts; where the configuration is looked for; what is refused.
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	unset TT_CONFIG XDG_CONFIG_HOME
	export HOME=$PWD/home
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	cat >c.yaml <<-'END'
	embedder: minilm
	corpora:
	  - name: man
	    paths: [/usr/share/man, ~/man]
	    exclude: ["*.bak"]
	    filters: {"*.pdf": pdftotext - -}
	  - name: notes
	    paths: [/srv/notes]
	    embedder: other
	END
}

@test "corpora prints one setting a line" {
	run -0 tt-conf corpora c.yaml
	[ "$output" = "man	path	/usr/share/man
man	path	$HOME/man
man	exclude	*.bak
man	filter	*.pdf	pdftotext - -
man	embedder	minilm
notes	path	/srv/notes
notes	embedder	other" ]
}

@test "corpora prints a path as the index spells it" {
	printf 'corpora:\n  - name: a\n    paths: [/srv//a/./b/, /srv/.a/b., /., ~/./man//, ~/.]\n' >c.yaml
	HOME=/home/x/ run -0 tt-conf corpora c.yaml
	[ "$(cut -f 3 <<<"$output" | tr '\n' ' ')" = "/srv/a/b /srv/.a/b. / /home/x/man /home/x " ]
}

@test "without a home ~ stands for no other place" {
	printf 'corpora:\n  - name: a\n    paths: [~/, ~/notes]\n' >c.yaml
	for home in '' here
	do
		HOME=$home run -0 tt-conf corpora c.yaml
		[ "$(cut -f 3 <<<"$output" | tr '\n' ' ')" = '~/ ~/notes ' ]
	done
}

@test "list and get print values" {
	run -0 tt-conf list corpora c.yaml
	[ "$output" = "man
notes" ]
	run -0 tt-conf get 'corpora[1].paths' c.yaml
	[ "$output" = /srv/notes ]
	run -0 tt-conf get embedder c.yaml
	[ "$output" = minilm ]
	run -1 tt-conf get generator c.yaml
	run -1 tt-conf get embed c.yaml
}

@test "the environment names the file, else the user's directory has it" {
	run -66 --separate-stderr tt-conf list corpora
	[[ $stderr == *"no configuration: neither '$HOME/.config/tiny-titans/tiny-titans.yaml' nor"* ]]
	mkdir -p "$HOME/.config/tiny-titans" xdg/tiny-titans
	cp c.yaml "$HOME/.config/tiny-titans/tiny-titans.yaml"
	run -0 tt-conf file
	[ "$output" = "$HOME/.config/tiny-titans/tiny-titans.yaml" ]
	TT_CONFIG='' run -0 tt-conf file
	[ "$output" = "$HOME/.config/tiny-titans/tiny-titans.yaml" ]
	echo 'generator: x' >xdg/tiny-titans/tiny-titans.yaml
	XDG_CONFIG_HOME=$PWD/xdg run -0 tt-conf get generator
	[ "$output" = x ]
	echo 'generator: y' >mine.yaml
	TT_CONFIG=mine.yaml run -0 tt-conf get generator
	[ "$output" = y ]
	TT_CONFIG=none.yaml run -66 tt-conf check
}

@test "check says nothing, or line and reason" {
	run -0 tt-conf check c.yaml
	[ -z "$output" ]
	sed -i 's/exclude/exlcude/' c.yaml
	run -78 --separate-stderr tt-conf check c.yaml
	[ "$stderr" = "tt-conf: c.yaml:5: unknown key 'exlcude'; did you mean 'exclude'?" ]
}

@test "a file that others may write is refused" {
	chmod o+w c.yaml
	run -77 tt-conf check c.yaml
}

@test "a link is read, unless others may write where it lies or where it leads" {
	mkdir far near
	mv c.yaml far
	ln -s ../far/c.yaml near/c.yaml
	run -0 tt-conf get embedder near/c.yaml
	[ "$output" = minilm ]
	chmod o+w far
	run -77 --separate-stderr tt-conf check near/c.yaml
	[[ $stderr == *"/far/c.yaml'"* ]]
	chmod o-w far
	chmod o+w near
	run -77 tt-conf check near/c.yaml
	chmod o-w near
	chmod o+w far/c.yaml
	run -77 tt-conf check near/c.yaml
	rm far/c.yaml
	run -66 tt-conf check near/c.yaml
	ln -s loop.yaml near/loop.yaml
	run -66 tt-conf check near/loop.yaml
}

@test "the file of another user is refused, root's is read" {
	test "$(id -u)" = 0 && command -v setpriv >/dev/null || skip "needs root and setpriv"
	dir=$(mktemp -d /tmp/tt-conf-XXXXXX)	# where others come, unlike the directory of the test
	chmod 755 "$dir"
	cp c.yaml "$(command -v tt-conf)" "$dir"
	other="setpriv --reuid=65534 --clear-groups $dir/tt-conf check $dir/c.yaml"
	$other
	chmod 600 "$dir/c.yaml"
	run -77 $other
	chmod 644 "$dir/c.yaml"
	chown 12345 "$dir/c.yaml"
	run --separate-stderr $other
	rm -r "$dir"
	[ "$status" -eq 77 ]
	[[ $stderr == *"another user"* ]]
}

@test "what YAML would make of a scalar plays no part: it is taken as it stands, or refused with its line" {
	for word in no off yes Null 012 0x10 1e3 .5 2001-01-01 =
	do
		printf 'embedder: x\ngenerator: %s\n' "$word" >word.yaml
		run -0 tt-conf get generator word.yaml
		[ "$output" = "$word" ]
	done
	for word in no 012 010M 1e3 0x10 1.5G +1 ' 1 K' '"1_000"' 1KK .inf true
	do
		printf 'embedder: x\ncache:\n  prefix: %s\n' "$word" >word.yaml
		run -78 --separate-stderr tt-conf check word.yaml
		[[ $stderr == "tt-conf: word.yaml:3: 'cache.prefix'"* ]]
	done
	for word in no 012 1e3 0x10 1.0 +5 true
	do
		sed -e "0,/bytes: [0-9]*/s//bytes: $word/" "$top/share/models.yaml" >models.yaml
		run ! cmp -s models.yaml "$top/share/models.yaml"
		run -78 --separate-stderr tt-conf models models.yaml
		[[ $stderr == *"bytes': '$word'"* ]]
	done
	sed -e 's/^    default: true/    default: yes/' "$top/share/models.yaml" >models.yaml
	run ! cmp -s models.yaml "$top/share/models.yaml"
	run -78 --separate-stderr tt-conf models models.yaml
	[[ $stderr == *"neither true nor false"* ]]
}

@test "the catalogue and the default configuration of the suite are well-formed" {
	run -0 tt-conf models "$top/share/models.yaml"
	[ "${#lines[@]}" -gt 4 ]
	for line in "${lines[@]}"
	do
		[ "$(printf %s "$line" | tr -cd '\t' | wc -c)" -eq 11 ]
	done
	run -0 tt-conf check "$top/share/tiny-titans.yaml"
	run -78 tt-conf models c.yaml
}

@test "wrong use is exit 2, a full disk 74" {
	run -2 tt-conf
	run -2 tt-conf frobnicate
	run -2 tt-conf list models c.yaml
	run -74 bash -c 'tt-conf corpora c.yaml >/dev/full'
	run -74 bash -c 'tt-conf --help >/dev/full'
	run -74 bash -c 'tt-conf --help >&-'
	# What stdio could not write and then forgot: a buffer of 4,096 bytes.
	long=$(printf 'x%.0s' $(seq 4090))
	printf 'corpora:\n- {name: a, paths: [/a]}\n- {name: b, paths: [/a]}\n- {name: %s, paths: [/a]}\n' "${long#x}" >c.yaml
	[ "$(tt-conf list corpora c.yaml | wc -c)" -eq 4094 ]
	for more in 1 2 3 4 5
	do
		sed -i 's/name: x/name: xx/' c.yaml
		run -74 bash -c 'tt-conf list corpora c.yaml >/dev/full'
	done
}

@test "a thousand corpora are compared in no time" {
	{ echo corpora: && seq -f '- {name: c%.0f, paths: [/a]}' 1000; } >c.yaml
	run -0 bash -c 'ulimit -t 2 && tt-conf check c.yaml'
	echo '- {name: c7, paths: [/a]}' >>c.yaml
	run -78 --separate-stderr tt-conf check c.yaml
	[[ $stderr == *"c.yaml:1002: two corpora are named 'c7', the first in line 8" ]]
}
