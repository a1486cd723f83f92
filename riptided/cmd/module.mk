# cmd: from a parsed command to its reply.
noinst_LIBRARIES += riptided/cmd/libcmd.a
EXTRA_DIST += docs/dbsize.md docs/expiry.md docs/pubsub.md docs/scan.md \
	docs/transactions.md
riptided_cmd_libcmd_a_SOURCES = \
	riptided/cmd/acl_category.c riptided/cmd/acl_category.h \
	riptided/cmd/ahead.c riptided/cmd/ahead.h \
	riptided/cmd/bits.c riptided/cmd/bits.h \
	riptided/cmd/call.c riptided/cmd/call.h \
	riptided/cmd/client.c riptided/cmd/client.h \
	riptided/cmd/cmd_absent.c \
	riptided/cmd/cmd_acl.c \
	riptided/cmd/cmd_admin.c \
	riptided/cmd/cmd_auth.c riptided/cmd/cmd_auth.h \
	riptided/cmd/cmd_bitfield.c \
	riptided/cmd/cmd_bitmap.c \
	riptided/cmd/cmd_bitop.c \
	riptided/cmd/cmd_checkpoint.c \
	riptided/cmd/cmd_client.c \
	riptided/cmd/cmd_client_mode.c \
	riptided/cmd/cmd_compact.c riptided/cmd/cmd_compact.h \
	riptided/cmd/cmd_connection.c riptided/cmd/cmd_connection.h \
	riptided/cmd/cmd_dbsize.c \
	riptided/cmd/cmd_debug.c \
	riptided/cmd/cmd_docs.c \
	riptided/cmd/cmd_du.c \
	riptided/cmd/cmd_expire.c \
	riptided/cmd/cmd_float.c \
	riptided/cmd/cmd_getkeys.c \
	riptided/cmd/cmd_info.c riptided/cmd/cmd_info.h \
	riptided/cmd/cmd_introspect.c \
	riptided/cmd/cmd_job.c riptided/cmd/cmd_job.h \
	riptided/cmd/cmd_key.c \
	riptided/cmd/cmd_latency.c \
	riptided/cmd/cmd_lcs.c \
	riptided/cmd/cmd_lolwut.c \
	riptided/cmd/cmd_memory.c \
	riptided/cmd/cmd_number.c \
	riptided/cmd/cmd_pubsub.c \
	riptided/cmd/cmd_random.c \
	riptided/cmd/cmd_rename.c \
	riptided/cmd/cmd_riptide.c \
	riptided/cmd/cmd_save.c \
	riptided/cmd/cmd_scan.c \
	riptided/cmd/cmd_slowlog.c \
	riptided/cmd/cmd_snapshot.c \
	riptided/cmd/cmd_string.c \
	riptided/cmd/cmd_transaction.c \
	riptided/cmd/cmd_why.c \
	riptided/cmd/command.c riptided/cmd/command.h \
	riptided/cmd/commands.def \
	riptided/cmd/compactor_look.c riptided/cmd/compactor_look.h \
	riptided/cmd/deadlines.c riptided/cmd/deadlines.h \
	riptided/cmd/error_stats.c riptided/cmd/error_stats.h \
	riptided/cmd/handlers.h \
	riptided/cmd/held.c riptided/cmd/held.h \
	riptided/cmd/lane.c riptided/cmd/lane.h \
	riptided/cmd/latency_graph.c riptided/cmd/latency_graph.h \
	riptided/cmd/lcs.c riptided/cmd/lcs.h \
	riptided/cmd/made.c riptided/cmd/made.h \
	riptided/cmd/missed.c riptided/cmd/missed.h \
	riptided/cmd/monitor.c riptided/cmd/monitor.h \
	riptided/cmd/notify.c riptided/cmd/notify.h \
	riptided/cmd/password.c riptided/cmd/password.h \
	riptided/cmd/pending.c riptided/cmd/pending.h \
	riptided/cmd/pubsub.c riptided/cmd/pubsub.h \
	riptided/cmd/scan_cursor.c riptided/cmd/scan_cursor.h \
	riptided/cmd/server_state.c riptided/cmd/server_state.h \
	riptided/cmd/set_options.c riptided/cmd/set_options.h \
	riptided/cmd/slowlog.c riptided/cmd/slowlog.h \
	riptided/cmd/transaction.c riptided/cmd/transaction.h \
	riptided/cmd/watch.c riptided/cmd/watch.h \
	riptided/cmd/write_holds.c riptided/cmd/write_holds.h
