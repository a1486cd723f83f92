/* fuzz_main: where there is no libFuzzer, the main function of a fuzz target.
 * Every file of the target's corpus is tried once, and the result is one test
 * in TAP. The corpus is tests/fuzz/corpus/NAME of the source tree (RTT_SRCDIR)
 * for a program called fuzz_NAME, or the files named on the command line. */
#include <dirent.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input lies in an allocation of just its size, so that a sanitizer sees
 * a step beyond its end. */
static int
try_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room = NULL, *data = NULL;
	size_t size;
	int status = -1;

	if (file == NULL)
		goto out;
	room = malloc(INPUT_BYTES_MAX);
	if (room == NULL)
		goto out;
	size = fread(room, 1, INPUT_BYTES_MAX, file);
	if (ferror(file) || !feof(file))
		goto out;
	data = malloc(size > 0 ? size : 1);
	if (data == NULL)
		goto out;
	memcpy(data, room, size);
	LLVMFuzzerTestOneInput(data, size);
	status = 0;
out:
	if (status != 0)
		printf("# %s cannot be read\n", path);
	free(data);
	free(room);
	if (file != NULL)
		fclose(file);
	return status;
}

/* The number of files tried, or -1. */
static int
try_directory(const char *directory)
{
	DIR *dir = opendir(directory);
	char path[PATH_MAX];
	struct dirent *entry;
	int tried = 0;

	if (dir == NULL)
		return -1;
	while (tried >= 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		/* Said before, for the one that does not come back. */
		printf("# %s\n", entry->d_name);
		fflush(stdout);
		if (snprintf(path, sizeof(path), "%s/%s", directory,
			entry->d_name) >= (int)sizeof(path) ||
		    try_file(path) != 0)
			tried = -1;
		else
			tried++;
	}
	closedir(dir);
	return tried;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash != NULL ? slash + 1 : argv[0];
	const char *name = strstr(program, "fuzz_");
	const char *srcdir = getenv("RTT_SRCDIR");
	char directory[PATH_MAX];
	int tried = 0;

	name = name != NULL ? name + strlen("fuzz_") : program;
	if (argc > 1) {
		for (int i = 1; i < argc && tried >= 0; i++)
			tried = try_file(argv[i]) == 0 ? tried + 1 : -1;
	} else {
		snprintf(directory, sizeof(directory),
		    "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
		    name);
		tried = try_directory(directory);
	}
	printf("%sok 1 - %s_corpus_is_survived\n", tried > 0 ? "" : "not ",
	    name);
	printf("1..1\n");
	return tried > 0 ? 0 : 1;
}
