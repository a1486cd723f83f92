TABLE_MODEL = tests/unit/libcommon/table/table_model.c \
	tests/unit/libcommon/table/table_model.h

unit_tests += tests/unit/libcommon/table/test_table
tests_unit_libcommon_table_test_table_SOURCES = \
	tests/unit/libcommon/table/test_table.c $(TABLE_MODEL)
