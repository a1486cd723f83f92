# fuzz: one target per decoder. With --enable-fuzz (CC=clang) libFuzzer drives
# them, see `make fuzz`; else each becomes a test that tries its corpus.
fuzz_targets = tests/fuzz/fuzz_checksums tests/fuzz/fuzz_command \
	tests/fuzz/fuzz_command_line tests/fuzz/fuzz_compactor_status \
	tests/fuzz/fuzz_config tests/fuzz/fuzz_engine tests/fuzz/fuzz_glob \
	tests/fuzz/fuzz_key_counts tests/fuzz/fuzz_manifest_codec \
	tests/fuzz/fuzz_number tests/fuzz/fuzz_progress_record \
	tests/fuzz/fuzz_resp_parser tests/fuzz/fuzz_resp_writer \
	tests/fuzz/fuzz_table_reader tests/fuzz/fuzz_wal_reader \
	tests/fuzz/fuzz_write_batch

if ENABLE_FUZZ
EXTRA_PROGRAMS += $(fuzz_targets)
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
unit_tests += $(fuzz_targets)
FUZZ_MAIN = tests/support/fuzz_main.c
FUZZ_LINK = $(AM_LDFLAGS)
endif

FUZZ_FILES = tests/fuzz/memory_files.c tests/fuzz/memory_files.h

tests_fuzz_fuzz_checksums_SOURCES = tests/fuzz/fuzz_checksums.c $(FUZZ_MAIN)
tests_fuzz_fuzz_checksums_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c $(FUZZ_MAIN)
tests_fuzz_fuzz_command_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_fuzz_fuzz_command_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_command_line_SOURCES = tests/fuzz/fuzz_command_line.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_command_line_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_fuzz_fuzz_command_line_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_compactor_status_SOURCES = tests/fuzz/fuzz_compactor_status.c \
	$(FUZZ_FILES) $(FUZZ_MAIN)
tests_fuzz_fuzz_compactor_status_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_engine_SOURCES = tests/fuzz/fuzz_engine.c $(ENGINE_SUBJECT) \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_engine_LDADD = $(ENGINE_SUBJECT_LIBS) $(LDADD)
tests_fuzz_fuzz_engine_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_glob_SOURCES = tests/fuzz/fuzz_glob.c $(FUZZ_MAIN)
tests_fuzz_fuzz_glob_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_key_counts_SOURCES = tests/fuzz/fuzz_key_counts.c $(FUZZ_MAIN)
tests_fuzz_fuzz_key_counts_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_manifest_codec_SOURCES = tests/fuzz/fuzz_manifest_codec.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_manifest_codec_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_number_SOURCES = tests/fuzz/fuzz_number.c $(FUZZ_MAIN)
tests_fuzz_fuzz_number_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_fuzz_fuzz_number_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_progress_record_SOURCES = tests/fuzz/fuzz_progress_record.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_progress_record_LDADD = \
	riptide-compactd/libriptide-compactd.a $(DAEMON_LIBS) $(LDADD)
tests_fuzz_fuzz_progress_record_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_resp_parser_SOURCES = tests/fuzz/fuzz_resp_parser.c $(FUZZ_MAIN)
tests_fuzz_fuzz_resp_parser_LDADD = riptided/resp/libresp.a $(LDADD)
tests_fuzz_fuzz_resp_parser_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_resp_writer_SOURCES = tests/fuzz/fuzz_resp_writer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_resp_writer_LDADD = tests/support/libsupport.a riptided/resp/libresp.a $(LDADD)
tests_fuzz_fuzz_resp_writer_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_table_reader_SOURCES = tests/fuzz/fuzz_table_reader.c \
	$(FUZZ_FILES) $(FUZZ_MAIN)
tests_fuzz_fuzz_table_reader_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_wal_reader_SOURCES = tests/fuzz/fuzz_wal_reader.c \
	$(FUZZ_FILES) $(FUZZ_MAIN)
tests_fuzz_fuzz_wal_reader_LDADD = riptided/wal/libwal.a $(DAEMON_LIBS) $(LDADD)
tests_fuzz_fuzz_wal_reader_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_write_batch_SOURCES = tests/fuzz/fuzz_write_batch.c $(FUZZ_MAIN)
tests_fuzz_fuzz_write_batch_LDADD = riptided/engine/libengine.a $(LDADD)
tests_fuzz_fuzz_write_batch_LDFLAGS = $(FUZZ_LINK)

# Corpora, dictionaries, and fuzz_main.c in either kind of build.
EXTRA_DIST += tests/support/fuzz_main.c tests/fuzz/corpus tests/fuzz/dict
