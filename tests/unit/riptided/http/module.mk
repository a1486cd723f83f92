unit_tests += tests/unit/riptided/http/test_http \
	tests/unit/riptided/http/test_mailbox
tests_unit_riptided_http_test_http_LDADD = riptided/http/libhttp.a \
	riptided/net/libnet.a $(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS)
tests_unit_riptided_http_test_mailbox_LDADD = riptided/http/libhttp.a $(LDADD)
