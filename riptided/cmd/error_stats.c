#include "riptided/cmd/error_stats.h"

#include <string.h>

static size_t
word_bytes(struct rt_slice line)
{
	size_t len = 0;

	while (len < line.len && len < RTD_ERROR_WORD_BYTES - 1 &&
	    line.data[len] != ' ' && line.data[len] != '\r')
		len++;
	return len;
}

void
rtd_error_stats_count(struct rtd_error_stats *stats, struct rt_slice line)
{
	struct rt_slice word = rt_slice(line.data, word_bytes(line));
	size_t i;

	for (i = 0; i < stats->used; i++)
		if (rt_slice_equal(word, rt_slice_cstr(stats->kinds[i].word)))
			break;
	if (i == stats->used) {
		if (i == RTD_ERROR_KINDS_MAX) {
			i--;
		} else {
			memcpy(stats->kinds[i].word, word.data, word.len);
			stats->kinds[i].word[word.len] = '\0';
			stats->used++;
		}
	}
	stats->kinds[i].count++;
}
