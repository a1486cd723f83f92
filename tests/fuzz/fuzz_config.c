/* fuzz_config: any bytes as a configuration file. What is taken prints and is
 * taken again; what is refused says where. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect_value(void *arg, const char *name, const char *value)
{
	rt_assert(strcmp(value, arg) == 0);
}

/* arg: a config of defaults. A name contains no wildcard. */
static void
set_again(void *arg, const char *name, const char *value)
{
	struct rt_slice name_slice = rt_slice_cstr(name);
	char *wanted = rt_strdup(value);

	rt_assert(rt_config_set(arg, name_slice, rt_slice_cstr(value), false,
		NULL) == RT_OK);
	rt_config_get(arg, name_slice, expect_value, wanted);
	free(wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_config config, again;
	struct rt_err err = { 0 };

	rt_config_init(&config);
	rt_config_init(&again);
	if (rt_config_parse(&config, "fuzz", rt_slice(data, size), &err) ==
	    RT_OK) {
		rt_config_get(&config, rt_slice_cstr("*"), set_again, &again);
	} else {
		rt_assert(err.code == RT_ECONFIG);
		rt_assert(strncmp(err.text, "fuzz:", 5) == 0);
		rt_assert(strchr(err.text, '\n') == NULL);
	}
	rt_config_fini(&again);
	rt_config_fini(&config);
	return 0;
}
