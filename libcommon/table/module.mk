noinst_LIBRARIES += libcommon/table/libtable.a
libcommon_table_libtable_a_SOURCES =
