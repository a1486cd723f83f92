#include "libcommon/os/crashpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	char name[64];
	unsigned passage;
	int sig;
} wanted;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint passages;

static void
read_environment(void)
{
	const char *text = getenv("RIPTIDE_CRASHPOINT");
	char copy[128];
	char *part, *rest = copy;

	if (text == NULL || strlen(text) >= sizeof(copy))
		return;
	strcpy(copy, text);
	wanted.passage = 1;
	wanted.sig = SIGKILL;
	part = strsep(&rest, ":");
	snprintf(wanted.name, sizeof(wanted.name), "%s", part);
	while ((part = strsep(&rest, ":")) != NULL) {
		if (strcmp(part, "stop") == 0)
			wanted.sig = SIGSTOP;
		else if (strcmp(part, "kill") == 0)
			wanted.sig = SIGKILL;
		else
			wanted.passage = (unsigned)strtoul(part, NULL, 10);
	}
}

void
rt_crashpoint(const char *name)
{
	pthread_once(&once, read_environment);
	if (wanted.name[0] == '\0' || strcmp(name, wanted.name) != 0)
		return;
	/* At this thread, which then goes not one step further. */
	if (atomic_fetch_add(&passages, 1) + 1 == wanted.passage)
		raise(wanted.sig);
}
