unit_tests += tests/unit/riptided/engine/test_write_batch
tests_unit_riptided_engine_test_write_batch_LDADD = \
	riptided/engine/libengine.a $(LDADD)
