/* fuzz_command_line: any bytes as the words of a command line. The first byte
 * chooses the program; the words are parted by line feeds. What is taken
 * is taken again by a reload; what is refused is told in one line. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/config.h"

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words of options as they are; a configuration file is one that is not
 * there, whatever its name. */
static char *
make_word(const char *bytes, size_t len)
{
	static const char absent[] = "absent-directory/";
	bool option = len != 0 && bytes[0] == '-';
	char *word = rt_alloc(sizeof(absent) + len);

	snprintf(word, sizeof(absent) + len, "%s%.*s", option ? "" : absent,
	    (int)len, bytes);
	return word;
}

static int
split(const char *text, size_t len, char *words[WORDS_MAX + 1])
{
	int count = 0;

	words[count++] = rt_strdup("riptided");
	while (len != 0 && count < WORDS_MAX) {
		const char *end = memchr(text, '\n', len);
		size_t word = end != NULL ? (size_t)(end - text) : len;

		words[count++] = make_word(text, word);
		word += end != NULL ? 1 : 0;
		text += word;
		len -= word;
	}
	words[count] = NULL;
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_command_line line;
	struct rt_config config;
	struct rt_err err = { 0 };
	char *words[WORDS_MAX + 1];
	int who, count;

	if (size == 0)
		return 0;
	who = data[0] % 2 == 0 ? RT_FOR_DAEMON : RT_FOR_COMPACTOR;
	count = split((const char *)data + 1, size - 1, words);
	rt_config_init(&config);
	if (rt_config_read(&config, who, count, words, &line, &err) == RT_OK) {
		rt_assert(rt_config_reload(&config, who, count, words,
			&err) == RT_OK);
	} else {
		rt_assert(err.code == RT_EUSAGE || err.code == RT_ECONFIG);
		rt_assert(err.text[0] != '\0');
		rt_assert(strchr(err.text, '\n') == NULL);
	}
	rt_config_fini(&config);
	while (count > 0)
		free(words[--count]);
	return 0;
}
