unit_tests += tests/unit/riptided/memtable/test_memtable
tests_unit_riptided_memtable_test_memtable_LDADD = \
	riptided/memtable/libmemtable.a $(LDADD)
