# net: sockets and turns.
noinst_LIBRARIES += riptided/net/libnet.a
EXTRA_DIST += docs/security.md docs/threads.md
riptided_net_libnet_a_SOURCES = \
	riptided/net/address.c riptided/net/address.h \
	riptided/net/client_memory.c riptided/net/client_memory.h \
	riptided/net/conn.c riptided/net/conn.h \
	riptided/net/crew.c riptided/net/crew.h \
	riptided/net/door.h \
	riptided/net/floor.c riptided/net/floor.h \
	riptided/net/foreign.c riptided/net/foreign.h \
	riptided/net/inherited.c riptided/net/inherited.h \
	riptided/net/listener.c riptided/net/listener.h \
	riptided/net/loop.c riptided/net/loop.h \
	riptided/net/output_limits.c riptided/net/output_limits.h \
	riptided/net/tcp_socket.c riptided/net/tcp_socket.h \
	riptided/net/tls.c riptided/net/tls.h \
	riptided/net/tls_context.c riptided/net/tls_context.h
