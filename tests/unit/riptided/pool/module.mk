unit_tests += tests/unit/riptided/pool/test_pool
tests_unit_riptided_pool_test_pool_LDADD = riptided/pool/libpool.a $(LDADD)
