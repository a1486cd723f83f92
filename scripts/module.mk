dist_noinst_SCRIPTS += scripts/check-options
