# model: the manifest protocol for spin, and mutants that it must refute.
script_tests += tests/model/run-models.sh
EXTRA_DIST += tests/model/engine-files.pml tests/model/engine-gen.pml \
	tests/model/engine-lsm.pml
