dist_noinst_SCRIPTS += scripts/check-options scripts/command-docs
dist_noinst_SCRIPTS += bootstrap .ci/run scripts/check-all \
	scripts/check-api scripts/doxygen-filter \
	scripts/check-docs scripts/check-headers scripts/check-layers \
	scripts/coverage scripts/diagrams scripts/house \
	scripts/release-check scripts/format scripts/lint \
	scripts/test-totals
EXTRA_DIST += scripts/cppcheck.txt scripts/layers.txt .clang-format \
	.clang-tidy .editorconfig .github
EXTRA_DIST += SECURITY.md CHANGELOG.md CONTRIBUTING.md HACKING.md LICENSE README.md \
	docs \
	docs/commands.md docs/commands.txt docs/decisions.md docs/formats/wal.md docs/path.md \
	docs/rfcs/0000-template.md libcommon/README.md riptided/README.md \
	riptide-compactd/README.md tests/README.md
