# http: the door for operators: health, metrics and the live page, on a thread
# of its own.
noinst_LIBRARIES += riptided/http/libhttp.a
riptided_http_libhttp_a_SOURCES = \
	riptided/http/answers.c riptided/http/answers.h \
	riptided/http/http.c riptided/http/http.h \
	riptided/http/http_guard.c riptided/http/http_guard.h \
	riptided/http/http_reply.c riptided/http/http_reply.h \
	riptided/http/mailbox.c riptided/http/mailbox.h
