#include "tests/support/runner.h"

#include <stdlib.h>

int
rtt_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	if (getenv("RTT_TAP") != NULL) {
		srunner_set_tap(runner, "-");
		srunner_run_all(runner, CK_SILENT);
	} else {
		srunner_run_all(runner, CK_NORMAL);
	}
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
