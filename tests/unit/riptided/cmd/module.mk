check_LIBRARIES += tests/support/libcmdharness.a
tests_support_libcmdharness_a_SOURCES = \
	tests/support/cmd_harness.c tests/support/cmd_harness.h \
	tests/support/fake_engine.c tests/support/fake_engine.h
unit_tests += \
	tests/unit/riptided/cmd/test_ahead \
	tests/unit/riptided/cmd/test_bits \
	tests/unit/riptided/cmd/test_cmd_latency \
	tests/unit/riptided/cmd/test_cmd_why \
	tests/unit/riptided/cmd/test_command \
	tests/unit/riptided/cmd/test_deadlines \
	tests/unit/riptided/cmd/test_lane \
	tests/unit/riptided/cmd/test_made \
	tests/unit/riptided/cmd/test_missed \
	tests/unit/riptided/cmd/test_password \
	tests/unit/riptided/cmd/test_pending \
	tests/unit/riptided/cmd/test_scan_cursor \
	tests/unit/riptided/cmd/test_set_options \
	tests/unit/riptided/cmd/test_transaction \
	tests/unit/riptided/cmd/test_write_holds
tests_unit_riptided_cmd_test_cmd_why_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_cmd_latency_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_write_holds_LDADD = $(CMD_TEST_LIBS) $(LDADD)
# A pool and an engine of its own stand in the harness.
CMD_TEST_LIBS = tests/support/libcmdharness.a riptided/cmd/libcmd.a \
	riptided/resp/libresp.a riptided/engine/libengine.a $(DAEMON_LIBS) \
	$(OPENSSL_LIBS)
tests_unit_riptided_cmd_test_ahead_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_bits_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_command_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_deadlines_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_lane_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_made_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_pending_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_scan_cursor_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_set_options_LDADD = $(CMD_TEST_LIBS) $(LDADD)
tests_unit_riptided_cmd_test_password_LDADD = riptided/cmd/libcmd.a $(LDADD) \
	$(OPENSSL_LIBS)
tests_unit_riptided_cmd_test_transaction_LDADD = $(CMD_TEST_LIBS) $(LDADD)
# The whole daemon but its program.
tests_unit_riptided_cmd_test_missed_LDADD = tests/support/libsupport.a \
	riptided/net/libnet.a riptided/cmd/libcmd.a riptided/resp/libresp.a \
	$(ENGINE_LIBS) riptided/pool/libpool.a $(DAEMON_LIBS) $(LDADD) \
	$(EVENT_LIBS) $(OPENSSL_LIBS)
