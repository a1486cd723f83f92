dist_noinst_SCRIPTS += scripts/check-options
dist_noinst_SCRIPTS += bootstrap .ci/run scripts/check-all \
	scripts/check-headers scripts/check-layers scripts/coverage \
	scripts/format scripts/lint \
	scripts/test-totals
EXTRA_DIST += scripts/cppcheck.txt scripts/layers.txt .clang-format \
	.clang-tidy .editorconfig .github/workflows/ci.yml
