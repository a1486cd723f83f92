# table: the immutable sorted file, written once by either process.
EXTRA_DIST += docs/formats/table.md
noinst_LIBRARIES += libcommon/table/libtable.a
libcommon_table_libtable_a_SOURCES = \
	libcommon/table/block_builder.c libcommon/table/block_builder.h \
	libcommon/table/block_cache.c libcommon/table/block_cache.h \
	libcommon/table/block_codec.c libcommon/table/block_codec.h \
	libcommon/table/block_entry.h \
	libcommon/table/block_iter.c libcommon/table/block_iter.h \
	libcommon/table/block_reader.c libcommon/table/block_reader.h \
	libcommon/table/bloom.c libcommon/table/bloom.h \
	libcommon/table/chain_iter.c libcommon/table/chain_iter.h \
	libcommon/table/iter.h libcommon/table/key.h \
	libcommon/table/key_counts.c libcommon/table/key_counts.h \
	libcommon/table/key_pieces.h \
	libcommon/table/key_sketch.c libcommon/table/key_sketch.h \
	libcommon/table/merge_iter.c libcommon/table/merge_iter.h \
	libcommon/table/read_ahead.c libcommon/table/read_ahead.h \
	libcommon/table/table_blocks.c libcommon/table/table_blocks.h \
	libcommon/table/table_format.c libcommon/table/table_format.h \
	libcommon/table/table_index.c libcommon/table/table_index.h \
	libcommon/table/table_index_builder.c \
	libcommon/table/table_index_builder.h \
	libcommon/table/table_index_entry.h \
	libcommon/table/table_iter.c libcommon/table/table_open.c \
	libcommon/table/table_properties.c \
	libcommon/table/table_properties.h \
	libcommon/table/table_reader.c libcommon/table/table_reader.h \
	libcommon/table/table_reader_impl.h \
	libcommon/table/table_stats.c libcommon/table/table_stats.h \
	libcommon/table/table_verify.c \
	libcommon/table/table_writer.c libcommon/table/table_writer.h \
	libcommon/table/value.h
