#include "tests/support/record_fs.h"

#include <elf.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"

#define FRAMES_MAX 40
#define LINE_BYTES 1024
/* An address that is nowhere ends an answer. */
#define NOWHERE "0x1\n"

/* The functions at one return address, innermost first, as "name file:line". */
struct resolved {
	uintptr_t address;
	char (*lines)[256];
	size_t count;
};

struct rtt_namer {
	struct rt_mutex mu;
	uintptr_t base;
	pid_t pid;
	FILE *to, *from;
	struct resolved *known;
	size_t known_count;
};

static const char *const call_names[] = {
	[RTT_CALL_SYNC] = "sync",
	[RTT_CALL_SYNC_DATA] = "datasync",
	[RTT_CALL_SYNC_DIR] = "dirsync",
	[RTT_CALL_LINK] = "link",
	[RTT_CALL_RENAME] = "rename",
};

/* -- names of addresses -- */

/* What is to be taken off an address: the program may lie anywhere. */
static uintptr_t
load_base(void)
{
	Dl_info info;

	if (dladdr((void *)(uintptr_t)rtt_namer_open, &info) == 0 ||
	    ((const Elf64_Ehdr *)info.dli_fbase)->e_type != ET_DYN)
		return 0;
	return (uintptr_t)info.dli_fbase;
}

static void
run_addr2line(int in, int out)
{
	char program[64];

	/* Of this process, not of the one that runs there soon. */
	snprintf(program, sizeof(program), "/proc/%ld/exe", (long)getppid());
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execlp("addr2line", "addr2line", "-f", "-i", "-e", program,
	    (char *)NULL);
	_exit(127);
}

static bool
read_line(struct rtt_namer *namer, char line[LINE_BYTES])
{
	if (fgets(line, LINE_BYTES, namer->from) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static void
add_line(struct resolved *resolved, const char *function, const char *place)
{
	const char *tests = strstr(place, "tests/");
	const char *slash = strrchr(place, '/');

	resolved->lines = rt_realloc(resolved->lines,
	    (resolved->count + 1) * sizeof(resolved->lines[0]));
	/* The tests' own files keep their directory, to be told by it. */
	if (tests != NULL)
		place = tests;
	else if (slash != NULL)
		place = slash + 1;
	/* A discriminator may follow. */
	snprintf(resolved->lines[resolved->count++], 256, "%.120s %.*s",
	    function, (int)strcspn(place, " "), place);
}

static const struct resolved *
resolve(struct rtt_namer *namer, uintptr_t address)
{
	struct resolved *resolved;
	char function[LINE_BYTES], place[LINE_BYTES];

	for (size_t i = 0; i < namer->known_count; i++)
		if (namer->known[i].address == address)
			return &namer->known[i];
	namer->known = rt_realloc(namer->known,
	    (namer->known_count + 1) * sizeof(namer->known[0]));
	resolved = &namer->known[namer->known_count++];
	*resolved = (struct resolved){ .address = address };
	/* The call itself lies before the address it returns to. */
	fprintf(namer->to, "0x%lx\n" NOWHERE,
	    (unsigned long)(address - namer->base - 1));
	fflush(namer->to);
	while (read_line(namer, function) && read_line(namer, place)) {
		if (strcmp(function, "??") == 0 && resolved->count > 0)
			break;
		add_line(resolved, function, place);
		/* An unknown address and its end look alike. */
		if (strcmp(function, "??") == 0) {
			read_line(namer, function);
			read_line(namer, place);
			break;
		}
	}
	return resolved;
}

struct rtt_namer *
rtt_namer_open(void)
{
	struct rtt_namer *namer = rt_alloc_zero(1, sizeof(*namer));
	int to[2], from[2];
	const struct resolved *self;

	rt_assert(pipe(to) == 0 && pipe(from) == 0);
	namer->base = load_base();
	namer->pid = fork();
	if (namer->pid == 0) {
		close(to[1]);
		close(from[0]);
		run_addr2line(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	namer->to = fdopen(to[1], "w");
	namer->from = fdopen(from[0], "r");
	rt_mutex_init(&namer->mu);
	self = resolve(namer, (uintptr_t)rtt_namer_open + 1);
	if (self->count == 0 ||
	    strncmp(self->lines[0], "rtt_namer_open ", 15) != 0) {
		rtt_namer_close(namer);
		return NULL;
	}
	return namer;
}

void
rtt_namer_close(struct rtt_namer *namer)
{
	if (namer == NULL)
		return;
	fclose(namer->to);
	fclose(namer->from);
	waitpid(namer->pid, NULL, 0);
	for (size_t i = 0; i < namer->known_count; i++)
		free(namer->known[i].lines);
	free(namer->known);
	rt_mutex_fini(&namer->mu);
	free(namer);
}

/* Add a function to the path; false at its end: where the test begins. */
static bool
add_caller(struct rtt_place *place, const char *line)
{
	const char *file = strchr(line, ' ') + 1;
	size_t len = strlen(place->path);

	if (strncmp(file, "tests/", 6) == 0)
		return place->path[0] == '\0';
	if (strncmp(file, "fs.c:", 5) == 0)
		return true;
	/* The start of a thread. */
	if (strncmp(file, "mutex.c:", 8) == 0 || strncmp(line, "??", 2) == 0)
		return false;
	if (len == 0)
		snprintf(place->site, sizeof(place->site), "%s %.100s",
		    call_names[place->call], line);
	snprintf(place->path + len, sizeof(place->path) - len, "%s %s%.*s",
	    len == 0 ? call_names[place->call] : "", len == 0 ? "" : "< ",
	    (int)strcspn(line, " "), line);
	return true;
}

static void
name_place(struct rtt_namer *namer, struct rtt_place *place)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);
	bool going = true;

	rt_mutex_lock(&namer->mu);
	for (int i = 1; i < count && going; i++) {
		const struct resolved *resolved =
		    resolve(namer, (uintptr_t)frames[i]);

		for (size_t j = 0; j < resolved->count && going; j++)
			going = add_caller(place, resolved->lines[j]);
	}
	rt_mutex_unlock(&namer->mu);
}

/* -- the record -- */

static size_t
add_event(void *arg, const struct rtt_event *event)
{
	struct rtt_record *record = arg;
	struct rtt_event *added;
	size_t at;

	rt_mutex_lock(&record->mu);
	if (record->count == record->cap) {
		record->cap = record->cap * 2 + 256;
		record->events = rt_realloc(record->events,
		    record->cap * sizeof(record->events[0]));
	}
	at = record->count++;
	added = &record->events[at];
	*added = *event;
	if (event->data.len != 0) {
		uint8_t *copy = rt_alloc(event->data.len);

		memcpy(copy, event->data.data, event->data.len);
		added->data = rt_slice(copy, event->data.len);
	}
	rt_mutex_unlock(&record->mu);
	return at;
}

static bool
is_named(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = names; at != NULL && len != 0;) {
		size_t part = strcspn(at, "|");

		if (part == len && strncmp(at, name, len) == 0)
			return true;
		at = at[part] == '|' ? at + part + 1 : NULL;
	}
	return false;
}

static bool
look_at_call(void *arg, enum rtt_call call)
{
	struct rtt_record *record = arg;
	struct rtt_place place = { .call = call }, *known = NULL;
	bool out;

	if (record->namer == NULL)
		return false;
	name_place(record->namer, &place);
	rt_mutex_lock(&record->mu);
	for (size_t i = 0; known == NULL && i < record->places_count; i++)
		if (record->places[i].call == call &&
		    strcmp(record->places[i].path, place.path) == 0 &&
		    strcmp(record->places[i].site, place.site) == 0)
			known = &record->places[i];
	if (known == NULL) {
		record->places = rt_realloc(record->places,
		    (record->places_count + 1) * sizeof(record->places[0]));
		known = &record->places[record->places_count++];
		*known = place;
	}
	known->calls++;
	out = is_named(record->without, place.site) ||
	    is_named(record->without, place.path);
	if (out)
		record->left_out++;
	rt_mutex_unlock(&record->mu);
	return out;
}

void
rtt_record_init(struct rtt_record *record, struct rtt_disk *disk,
    struct rtt_namer *namer, const char *without)
{
	memset(record, 0, sizeof(*record));
	rt_mutex_init(&record->mu);
	record->namer = namer;
	record->without = without;
	disk->watcher.event = add_event;
	disk->watcher.leave_out = look_at_call;
	disk->watcher.arg = record;
}

void
rtt_record_fini(struct rtt_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		free((void *)(uintptr_t)record->events[i].data.data);
	free(record->events);
	free(record->places);
	rt_mutex_fini(&record->mu);
}

void
rtt_record_note(struct rtt_record *record, uint32_t what, uint64_t value)
{
	const struct rtt_event event = { .kind = RTT_EVENT_NOTE, .inode = what,
		.offset = value };

	add_event(record, &event);
}
