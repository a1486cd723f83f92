# riptided: one include per inner room, then the program.
include riptided/pool/module.mk
include riptided/resp/module.mk
include riptided/memtable/module.mk
include riptided/wal/module.mk
include riptided/view/module.mk
include riptided/flush/module.mk
include riptided/engine/module.mk
include riptided/cmd/module.mk
include riptided/metrics/module.mk
include riptided/net/module.mk
include riptided/http/module.mk

sbin_PROGRAMS += riptided/riptided
riptided_riptided_SOURCES = \
	riptided/loader.c riptided/loader.h \
	riptided/main.c \
	riptided/password_file.c riptided/password_file.h \
	riptided/server.c riptided/server.h \
	riptided/service.c riptided/service.h \
	riptided/spawn.c riptided/spawn.h \
	riptided/spawner.c riptided/spawner.h
riptided_riptided_LDADD = \
	riptided/http/libhttp.a riptided/metrics/libmetrics.a \
	riptided/net/libnet.a riptided/cmd/libcmd.a riptided/resp/libresp.a \
	riptided/engine/libengine.a riptided/flush/libflush.a \
	riptided/view/libview.a riptided/wal/libwal.a \
	riptided/memtable/libmemtable.a riptided/pool/libpool.a \
	$(DAEMON_LIBS) $(COMMON_LIBS) $(COMMON_SYSTEM_LIBS) $(EVENT_LIBS) \
	$(OPENSSL_LIBS) $(SYSTEMD_LIBS)
