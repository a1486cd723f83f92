# fuzz: one target per decoder. With --enable-fuzz (CC=clang) libFuzzer drives
# them, see `make fuzz`; else each becomes a test that tries its corpus.
fuzz_targets = tests/fuzz/fuzz_config tests/fuzz/fuzz_resp_parser \
	tests/fuzz/fuzz_manifest_codec tests/fuzz/fuzz_table_reader \
	tests/fuzz/fuzz_wal_reader

if ENABLE_FUZZ
EXTRA_PROGRAMS += $(fuzz_targets)
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
unit_tests += $(fuzz_targets)
FUZZ_MAIN = tests/support/fuzz_main.c
FUZZ_LINK = $(AM_LDFLAGS)
endif

tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_resp_parser_SOURCES = tests/fuzz/fuzz_resp_parser.c $(FUZZ_MAIN)
tests_fuzz_fuzz_resp_parser_LDADD = riptided/resp/libresp.a $(LDADD)
tests_fuzz_fuzz_resp_parser_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_manifest_codec_SOURCES = tests/fuzz/fuzz_manifest_codec.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_manifest_codec_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_table_reader_SOURCES = tests/fuzz/fuzz_table_reader.c $(FUZZ_MAIN)
tests_fuzz_fuzz_table_reader_LDFLAGS = $(FUZZ_LINK)

tests_fuzz_fuzz_wal_reader_SOURCES = tests/fuzz/fuzz_wal_reader.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wal_reader_LDADD = riptided/wal/libwal.a $(LDADD)
tests_fuzz_fuzz_wal_reader_LDFLAGS = $(FUZZ_LINK)

# The corpus, and fuzz_main.c in either kind of build.
EXTRA_DIST += tests/support/fuzz_main.c tests/fuzz/corpus
