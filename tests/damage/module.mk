# damage: every byte of small databases is changed, every length cut.
unit_tests += tests/damage/test_damage
tests_damage_test_damage_SOURCES = tests/damage/test_damage.c \
	tests/damage/damage_db.c tests/damage/damage_db.h \
	tests/damage/damage_loop.c tests/damage/damage_loop.h \
	riptide/checksum_list.c riptide/tool.c riptide/tool_check.c
tests_damage_test_damage_LDADD = tests/fault/libplay.a \
	tests/support/libsupport.a riptide-compactd/libriptide-compactd.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)

# make damage DAMAGE_DB=plain DAMAGE_KIND=flip DAMAGE_STRIDE=1: all of all
# without them.
damage: tests/damage/test_damage
	DAMAGE_LONG=1 tests/damage/test_damage
.PHONY: damage
