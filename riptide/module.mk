# riptide: the local tool.
EXTRA_DIST += docs/repair.md
bin_PROGRAMS += riptide/riptide
riptide_riptide_SOURCES = \
	riptide/main.c \
	riptide/checksum_list.c riptide/checksum_list.h \
	riptide/repair.h riptide/repair_log.c riptide/repair_rebuild.c \
	riptide/repair_tables.c \
	riptide/session.c riptide/session.h \
	riptide/tool.c riptide/tool.h \
	riptide/tool_check.c riptide/tool_checkpoint.c \
	riptide/tool_dump.c riptide/tool_jobs.c riptide/tool_kv.c \
	riptide/tool_levels.c riptide/tool_repair.c
riptide_riptide_LDADD = $(ENGINE_LIBS) riptided/pool/libpool.a \
	$(DAEMON_LIBS) $(COMMON_LIBS) $(COMMON_SYSTEM_LIBS)
