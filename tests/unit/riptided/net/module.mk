unit_tests += tests/unit/riptided/net/test_loop \
	tests/unit/riptided/net/test_client_memory \
	tests/unit/riptided/net/test_output_limits \
	tests/unit/riptided/net/test_foreign \
	tests/unit/riptided/net/test_listener \
	tests/unit/riptided/net/test_tls
check_LIBRARIES += tests/support/libtlspair.a
tests_support_libtlspair_a_SOURCES = tests/support/tls_pair.c \
	tests/support/tls_pair.h
tests_unit_riptided_net_test_tls_LDADD = tests/support/libtlspair.a \
	riptided/net/libnet.a $(DAEMON_LIBS) $(LDADD) $(OPENSSL_LIBS)
tests_unit_riptided_net_test_loop_LDADD = tests/support/libtlspair.a \
	riptided/net/libnet.a riptided/resp/libresp.a riptided/pool/libpool.a \
	$(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS) $(OPENSSL_LIBS)
tests_unit_riptided_net_test_client_memory_LDADD = \
	riptided/net/libnet.a $(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS)
tests_unit_riptided_net_test_output_limits_LDADD = \
	riptided/net/libnet.a $(LDADD)
tests_unit_riptided_net_test_listener_LDADD = \
	riptided/net/libnet.a $(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS) \
	$(SYSTEMD_LIBS)
tests_unit_riptided_net_test_foreign_LDADD = riptided/net/libnet.a $(LDADD)
