# For the tests of programs: the programs of this build, and a home and models of the test's own.

# Finds the top of the tree ($top) and the build ($build), whose programs are then the first on the PATH.
find_build() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$top/$build ;; esac
	export PATH="$build/bin:$PATH"
}

# The same, and goes to the top of the tree. DIR is where HOME and the models are.
tool_setup() { # DIR
	find_build
	cd "$top" || exit 1
	export HOME="$1/home" TT_MODELS="$1"
	unset XDG_DATA_HOME XDG_CACHE_HOME TT_MODEL TT_THREADS TT_PREFIX_DIR TT_PREFIX_MIB TT_DRAFT
	mkdir -p "$HOME"
}

# Waits until PATTERN stands in FILE, for a minute at most; fails if it never does.
comes() { # PATTERN FILE
	for _ in $(seq 1200)
	do
		! grep -qs -e "$1" "$2" || return 0
		sleep 0.05
	done
	return 1
}

# Each file that COMMAND renames was synced after the last write to it, and its folder after the renaming. Paths are absolute.
synced() { # COMMAND ...
	strace -o trace true || skip "no strace here"
	ASAN_OPTIONS=detect_leaks=0 strace -f -y -qq -o trace -e trace=write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2 "$@" >out
	grep -q rename trace
	awk '
	function fault(what) { print what; bad = 1 }
	{ sub(/^[0-9]+ +/, ""); call = $0; sub(/\(.*/, "", call); file = $0; sub(/^[a-z0-9]*\([0-9]*</, "", file); sub(/>.*/, "", file) }
	call ~ /write|truncate/ { unsynced[file] = 1 }
	call ~ /sync/ { delete unsynced[file]; known[file] = 1; delete moved[file] }
	call ~ /rename/ {
		split($0, name, "\"")
		if (name[2] in unsynced || !(name[2] in known)) fault("not synced before it is renamed: " name[2])
		sub(/\/[^\/]*$/, "", name[4])
		moved[name[4]] = 1
	}
	END { for (dir in moved) fault("not synced after a renaming: " dir); exit bad }' trace
}
