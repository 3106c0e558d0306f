# For the tests of the whole pipeline: finds the programs and the two small models (tests/models.sh), or skips aloud.
bats_require_minimum_version 1.5.0
load ../tool/common

pipe_setup() {
	find_build
	models=${TT_TEST_MODELS:-$("$top/tests/models.sh")}
	export TT_MODELS="$models"
	export HOME="$BATS_TEST_TMPDIR/home" XDG_DATA_HOME="$BATS_TEST_TMPDIR/data" XDG_CACHE_HOME="${TT_TEST_CACHE:-$BATS_FILE_TMPDIR/cache}"
	unset XDG_CONFIG_HOME TT_INDEX TT_MODEL TT_EMBEDDER TT_CONFIG
	mkdir -p "$HOME" "$XDG_DATA_HOME"
	corpus=$top/tests/data/corpus
	cd "$BATS_TEST_TMPDIR" || exit 1
}

need_model() { # FILE NAME
	[ -e "$models/$1" ] || skip "model $2 is not there ('tt-model fetch $2' brings it)"
}
need_embedder() {
	need_model minilm/model.safetensors minilm
}
need_generator() {
	need_model smollm2-135m.gguf smollm2-135m
}

# A configuration with one corpus, `depot`, of a copy of the test documents in ./docs.
make_depot() {
	cp -r "$corpus" docs
	cat >depot.yaml <<EOF
corpora:
  - name: depot
    paths: [$PWD/docs]
    exclude: [README]
    embedder: minilm
    generator: smollm2-135m
EOF
	export TT_CONFIG="$PWD/depot.yaml"
}
