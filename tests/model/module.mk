# model: random scripts for the engine; the manifest protocol for spin, and
script_tests += tests/model/run-models.sh
EXTRA_DIST += tests/model/compactor-progress.pml \
	tests/model/engine-files.pml tests/model/engine-gen.pml \
	tests/model/engine-lsm.pml

# The engine and the compactor against a plain array.
ENGINE_SUBJECT = tests/model/engine_script.c tests/model/engine_script.h \
	tests/model/engine_subject.c tests/model/engine_subject.h
ENGINE_SUBJECT_LIBS = tests/support/libsupport.a \
	riptide-compactd/libriptide-compactd.a $(ENGINE_LIBS) $(DAEMON_LIBS)
unit_tests += tests/model/test_engine_model
tests_model_test_engine_model_SOURCES = tests/model/test_engine_model.c \
	$(ENGINE_SUBJECT)
tests_model_test_engine_model_LDADD = $(ENGINE_SUBJECT_LIBS) $(LDADD)
EXTRA_DIST += tests/model/engine-log.pml

# make models: the searches that take minutes, too.
models:
	LONG=1 CC="$(CC)" sh $(srcdir)/tests/model/run-models.sh
.PHONY: models
