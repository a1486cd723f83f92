#include "libcommon/base/invariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
rt_invariant_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
	abort();
}

void *
rt_alloc(size_t bytes)
{
	void *memory = malloc(bytes != 0 ? bytes : 1);

	rt_assert(memory != NULL);
	return memory;
}

void *
rt_alloc_zero(size_t count, size_t bytes)
{
	void *memory = calloc(count != 0 ? count : 1, bytes != 0 ? bytes : 1);

	rt_assert(memory != NULL);
	return memory;
}

void *
rt_realloc(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes != 0 ? bytes : 1);

	rt_assert(memory != NULL);
	return memory;
}

void *
rt_try_alloc(size_t bytes)
{
	return malloc(bytes != 0 ? bytes : 1);
}

void *
rt_try_realloc(void *old, size_t bytes)
{
	return realloc(old, bytes != 0 ? bytes : 1);
}

char *
rt_strdup(const char *text)
{
	char *copy = strdup(text);

	rt_assert(copy != NULL);
	return copy;
}
