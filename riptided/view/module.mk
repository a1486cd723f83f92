# view: the memtables and tables one read sees.
noinst_LIBRARIES += riptided/view/libview.a
riptided_view_libview_a_SOURCES = \
	riptided/view/epoch.c riptided/view/epoch.h \
	riptided/view/key_range.c riptided/view/key_range.h \
	riptided/view/key_estimate.c riptided/view/key_estimate.h \
	riptided/view/live_iter.c riptided/view/live_iter.h \
	riptided/view/run_counts.c riptided/view/run_counts.h \
	riptided/view/run_iter.c riptided/view/run_iter.h \
	riptided/view/table_cache.c riptided/view/table_cache.h \
	riptided/view/view.c riptided/view/view.h \
	riptided/view/view_get.c \
	riptided/view/view_trace.c riptided/view/view_trace.h
