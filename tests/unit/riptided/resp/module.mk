unit_tests += tests/unit/riptided/resp/test_resp_parser \
	tests/unit/riptided/resp/test_resp_peek \
	tests/unit/riptided/resp/test_resp_writer
tests_unit_riptided_resp_test_resp_parser_LDADD = \
	riptided/resp/libresp.a $(LDADD)
tests_unit_riptided_resp_test_resp_peek_LDADD = \
	riptided/resp/libresp.a $(LDADD)
tests_unit_riptided_resp_test_resp_writer_LDADD = \
	riptided/resp/libresp.a $(LDADD)
EXTRA_DIST += tests/cases/resp/requests.txt
