# For the tests of programs: the programs of this build, and a home and models of the test's own.

# Finds the build ($build) and goes to the top of the tree. DIR is where HOME and the models are.
tool_setup() { # DIR
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$PWD/$build ;; esac
	export PATH="$build/bin:$PATH" HOME="$1/home" TT_MODELS="$1"
	unset XDG_DATA_HOME XDG_CACHE_HOME TT_MODEL TT_THREADS TT_PREFIX_DIR TT_PREFIX_MIB TT_DRAFT
	mkdir -p "$HOME"
}
