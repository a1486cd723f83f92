HTTP_TEST_LIBS = riptided/http/libhttp.a riptided/metrics/libmetrics.a \
	riptided/net/libnet.a riptided/cmd/libcmd.a riptided/resp/libresp.a \
	riptided/engine/libengine.a riptided/flush/libflush.a \
	riptided/view/libview.a riptided/wal/libwal.a \
	riptided/memtable/libmemtable.a riptided/pool/libpool.a \
	$(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS) $(OPENSSL_LIBS) $(SYSTEMD_LIBS)
unit_tests += tests/unit/riptided/http/test_http \
	tests/unit/riptided/http/test_json \
	tests/unit/riptided/http/test_live_tree \
	tests/unit/riptided/http/test_mailbox
tests_unit_riptided_http_test_http_LDADD = $(HTTP_TEST_LIBS)
tests_unit_riptided_http_test_json_LDADD = riptided/http/libhttp.a $(LDADD)
tests_unit_riptided_http_test_live_tree_LDADD = riptided/http/libhttp.a \
	$(LDADD)
tests_unit_riptided_http_test_mailbox_LDADD = riptided/http/libhttp.a $(LDADD)
