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
	run -66 tt-conf list corpora
	mkdir -p "$HOME/.config/tiny-titans" xdg/tiny-titans
	cp c.yaml "$HOME/.config/tiny-titans/tiny-titans.yaml"
	run -0 tt-conf file
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
}
