#include "riptide-compactd/picker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/buf.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"
#include "tests/support/text_cases.h"

static struct rtc_limits
read_limits(const char *line)
{
	struct rtc_limits limits = { 0 };
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
	while ((word = strsep(&rest, " ")) != NULL) {
		uint64_t value;

		if (sscanf(word, "trigger=%" SCNu64, &value) == 1)
			limits.l0_trigger = value;
		else if (sscanf(word, "base=%" SCNu64, &value) == 1)
			limits.level_base_bytes = value;
		else if (sscanf(word, "mult=%" SCNu64, &value) == 1)
			limits.level_multiplier = value;
		else if (sscanf(word, "expired=%" SCNu64, &value) == 1)
			limits.expired_before_ms = value;
		else if (sscanf(word, "table=%" SCNu64, &value) == 1)
			limits.table_bytes = value;
		else if (sscanf(word, "compression=%" SCNu64, &value) == 1)
			limits.compression = (enum rt_compression)value;
		else if (sscanf(word, "bottom=%" SCNu64, &value) == 1)
			limits.compression_bottom = (enum rt_compression)value;
		else if (strcmp(word, "full") == 0)
			limits.full = true;
		else if (strcmp(word, "l0only") == 0)
			limits.l0_only = true;
		else
			ck_abort_msg("%s is no limit", word);
	}
	return limits;
}

static char *
pick(const char *given)
{
	static const char *const kinds[] = { "merge", "move", "discard" };
	struct rtc_limits limits = read_limits(given);
	const struct rt_manifest *manifest;
	struct rt_buf answer = { 0 };
	struct rtc_job job;

	given = strchr(given, '\n');
	manifest = rtt_draw_manifest(given != NULL ? given : "");
	if (!rtc_picker_pick(manifest, &limits, &job)) {
		rt_buf_printf(&answer, "nothing");
	} else {
		rt_buf_printf(&answer, "%s L%" PRIu32 " -> L%" PRIu32 ":",
		    kinds[job.kind], job.source_level, job.target_level);
		for (size_t i = 0; i < job.inputs_count; i++) {
			char name[RT_PATH_NAME_BYTES];

			rt_path_table(name, job.inputs[i]->id);
			rt_buf_printf(&answer, " %.*s",
			    (int)strcspn(name, "."), name);
		}
		rtc_job_fini(&job);
	}
	rt_manifest_unref(manifest);
	rt_buf_append_byte(&answer, '\0');
	return (char *)answer.data;
}

START_TEST(each_drawn_case_is_picked_as_written)
{
	rtt_text_cases("tests/cases/picker/cases.txt", pick);
}
END_TEST

START_TEST(debt_is_what_lies_above_the_targets)
{
	struct rtc_limits limits =
	    read_limits("trigger=2 base=1000 mult=10");
	const struct rt_manifest *manifest =
	    rtt_draw_manifest("L0 d-1 a..z size=70 seq=90-99\n"
			      "L5 c1-2 a..z size=1500\n"
			      "L6 c1-1 a..z size=10000\n");

	ck_assert_uint_eq(rtc_picker_debt(manifest, &limits), 500);
	limits.l0_trigger = 1;
	ck_assert_uint_eq(rtc_picker_debt(manifest, &limits), 570);
	rt_manifest_unref(manifest);
}
END_TEST

RTT_MAIN("picker", each_drawn_case_is_picked_as_written,
    debt_is_what_lies_above_the_targets)
