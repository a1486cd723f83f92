unit_tests += \
	tests/unit/riptided/engine/test_checkpoint \
	tests/unit/riptided/engine/test_checkpoint_syncs \
	tests/unit/riptided/engine/test_counting \
	tests/unit/riptided/engine/test_disk_reserve \
	tests/unit/riptided/engine/test_engine \
	tests/unit/riptided/engine/test_engine_log_failure \
	tests/unit/riptided/engine/test_engine_snapshots \
	tests/unit/riptided/engine/test_engine_tables \
	tests/unit/riptided/engine/test_garbled_tables \
	tests/unit/riptided/engine/test_memory \
	tests/unit/riptided/engine/test_random_key \
	tests/unit/riptided/engine/test_replay \
	tests/unit/riptided/engine/test_snapshots \
	tests/unit/riptided/engine/test_tombstone_times \
	tests/unit/riptided/engine/test_write_batch
tests_unit_riptided_engine_test_checkpoint_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_checkpoint_syncs_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_counting_LDADD = tests/support/libsupport.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_random_key_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_disk_reserve_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_engine_LDADD = tests/support/libsupport.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_engine_log_failure_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_engine_snapshots_LDADD = \
	tests/support/libsupport.a \
	riptide-compactd/libriptide-compactd.a $(ENGINE_LIBS) \
	$(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_engine_tables_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_garbled_tables_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_tombstone_times_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_memory_LDADD = \
	riptided/engine/libengine.a $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_replay_LDADD = tests/support/libsupport.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_snapshots_LDADD = \
	tests/support/libsupport.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_unit_riptided_engine_test_write_batch_LDADD = \
	riptided/engine/libengine.a $(LDADD)
