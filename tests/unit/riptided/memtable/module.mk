unit_tests += tests/unit/riptided/memtable/test_key_tally \
	tests/unit/riptided/memtable/test_memtable
tests_unit_riptided_memtable_test_key_tally_LDADD = \
	riptided/memtable/libmemtable.a $(LDADD)
tests_unit_riptided_memtable_test_memtable_LDADD = \
	riptided/memtable/libmemtable.a $(LDADD)
