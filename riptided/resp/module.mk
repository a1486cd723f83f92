# resp: the protocol, both ways.
noinst_LIBRARIES += riptided/resp/libresp.a
riptided_resp_libresp_a_SOURCES = \
	riptided/resp/resp_peek.c riptided/resp/resp_peek.h \
	riptided/resp/resp_parser.c riptided/resp/resp_parser.h \
	riptided/resp/resp_writer.c riptided/resp/resp_writer.h
