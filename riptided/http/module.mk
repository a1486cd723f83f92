# http: the door for operators: health, metrics and the live page, on a thread
# of its own.
noinst_LIBRARIES += riptided/http/libhttp.a
riptided_http_libhttp_a_SOURCES = \
	riptided/http/answers.c riptided/http/answers.h \
	riptided/http/demo.c riptided/http/demo.h \
	riptided/http/http.c riptided/http/http.h \
	riptided/http/http_guard.c riptided/http/http_guard.h \
	riptided/http/http_reply.c riptided/http/http_reply.h \
	riptided/http/json.c riptided/http/json.h \
	riptided/http/live.c riptided/http/live.h \
	riptided/http/live_sample.c riptided/http/live_sample.h \
	riptided/http/live_tree.c riptided/http/live_tree.h \
	riptided/http/mailbox.c riptided/http/mailbox.h \
	riptided/http/page_files.h

# The page is part of the program: nothing is looked for at run time.
PAGE_FILES = riptided/http/page/charts.js riptided/http/page/icon.svg \
	riptided/http/page/page.css riptided/http/page/page.html \
	riptided/http/page/page.js riptided/http/page/tree.js
EXTRA_DIST += $(PAGE_FILES)
dist_noinst_SCRIPTS += scripts/embed-page
nodist_riptided_http_libhttp_a_SOURCES = riptided/http/page_files.c
CLEANFILES += riptided/http/page_files.c
riptided/http/page_files.c: $(PAGE_FILES) scripts/embed-page
	$(AM_V_GEN)$(MKDIR_P) riptided/http && \
		$(top_srcdir)/scripts/embed-page \
		$(top_srcdir)/riptided/http/page > $@.tmp && mv $@.tmp $@
