TABLE_MODEL = tests/unit/libcommon/table/table_model.c \
	tests/unit/libcommon/table/table_model.h

unit_tests += \
	tests/unit/libcommon/table/test_block \
	tests/unit/libcommon/table/test_block_cache \
	tests/unit/libcommon/table/test_block_codec \
	tests/unit/libcommon/table/test_bloom \
	tests/unit/libcommon/table/test_chain_iter \
	tests/unit/libcommon/table/test_key_pieces \
	tests/unit/libcommon/table/test_key_sketch \
	tests/unit/libcommon/table/test_merge_iter \
	tests/unit/libcommon/table/test_read_ahead \
	tests/unit/libcommon/table/test_table \
	tests/unit/libcommon/table/test_table_damage \
	tests/unit/libcommon/table/test_table_fault \
	tests/unit/libcommon/table/test_table_golden \
	tests/unit/libcommon/table/test_table_index

tests_unit_libcommon_table_test_block_SOURCES = \
	tests/unit/libcommon/table/test_block.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_block_cache_SOURCES = \
	tests/unit/libcommon/table/test_block_cache.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_chain_iter_SOURCES = \
	tests/unit/libcommon/table/test_chain_iter.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_key_pieces_SOURCES = \
	tests/unit/libcommon/table/test_key_pieces.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_merge_iter_SOURCES = \
	tests/unit/libcommon/table/test_merge_iter.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_read_ahead_SOURCES = \
	tests/unit/libcommon/table/test_read_ahead.c
tests_unit_libcommon_table_test_table_SOURCES = \
	tests/unit/libcommon/table/test_table.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_table_damage_SOURCES = \
	tests/unit/libcommon/table/test_table_damage.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_table_fault_SOURCES = \
	tests/unit/libcommon/table/test_table_fault.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_table_golden_SOURCES = \
	tests/unit/libcommon/table/test_table_golden.c $(TABLE_MODEL)
tests_unit_libcommon_table_test_table_index_SOURCES = \
	tests/unit/libcommon/table/test_table_index.c $(TABLE_MODEL)
EXTRA_DIST += tests/unit/libcommon/table/golden/v1-none.sst \
	tests/unit/libcommon/table/golden/v1-none-counts.sst \
	tests/unit/libcommon/table/golden/v1-snappy.sst \
	tests/unit/libcommon/table/golden/v1-lz4.sst \
	tests/unit/libcommon/table/golden/v1-none-levels.sst \
	tests/unit/libcommon/table/golden/v1-none-restarts.sst \
	tests/unit/libcommon/table/golden/v1-snappy-levels.sst \
	tests/unit/libcommon/table/golden/v1-lz4-levels.sst \
	tests/unit/libcommon/table/golden/v1-zstd-levels.sst \
	tests/unit/libcommon/table/golden/v1-zstd.sst
