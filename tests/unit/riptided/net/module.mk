unit_tests += tests/unit/riptided/net/test_loop \
	tests/unit/riptided/net/test_client_memory \
	tests/unit/riptided/net/test_output_limits \
	tests/unit/riptided/net/test_foreign
tests_unit_riptided_net_test_loop_LDADD = \
	riptided/net/libnet.a riptided/resp/libresp.a riptided/pool/libpool.a \
	$(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS) $(OPENSSL_LIBS)
tests_unit_riptided_net_test_client_memory_LDADD = \
	riptided/net/libnet.a $(DAEMON_LIBS) $(LDADD) $(EVENT_LIBS)
tests_unit_riptided_net_test_output_limits_LDADD = \
	riptided/net/libnet.a $(LDADD)
tests_unit_riptided_net_test_foreign_LDADD = riptided/net/libnet.a $(LDADD)
