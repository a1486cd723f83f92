#include "libcommon/os/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libcommon/base/number.h"

#define MANIFEST_PREFIX "MANIFEST-"
#define MANIFEST_DIGITS 20
#define WAL_SUFFIX ".wal"
#define WAL_SPARE_PREFIX "spare-"
#define TABLE_SUFFIX ".sst"
#define CHECKPOINT_PART_PREFIX ".tmp-"

char *
rt_path_manifest(char out[RT_PATH_NAME_BYTES], uint64_t generation)
{
	snprintf(out, RT_PATH_NAME_BYTES, MANIFEST_PREFIX "%020" PRIu64,
	    generation);
	return out;
}

char *
rt_path_wal(char out[RT_PATH_NAME_BYTES], uint64_t number)
{
	snprintf(out, RT_PATH_NAME_BYTES, "%" PRIu64 WAL_SUFFIX, number);
	return out;
}

char *
rt_path_wal_spare(char out[RT_PATH_NAME_BYTES], uint64_t number)
{
	snprintf(out, RT_PATH_NAME_BYTES, WAL_SPARE_PREFIX "%" PRIu64, number);
	return out;
}

char *
rt_path_table(char out[RT_PATH_NAME_BYTES], struct rt_file_id id)
{
	if (id.maker_epoch == 0)
		snprintf(out, RT_PATH_NAME_BYTES, "d-%" PRIu64 TABLE_SUFFIX,
		    id.number);
	else
		snprintf(out, RT_PATH_NAME_BYTES,
		    "c%" PRIu64 "-%" PRIu64 TABLE_SUFFIX, id.maker_epoch,
		    id.number);
	return out;
}

bool
rt_path_parse_manifest(const char *name, uint64_t *generation)
{
	char again[RT_PATH_NAME_BYTES];
	const char *digits = name + strlen(MANIFEST_PREFIX);
	uint64_t value;

	if (strncmp(name, MANIFEST_PREFIX, strlen(MANIFEST_PREFIX)) != 0 ||
	    strlen(digits) != MANIFEST_DIGITS)
		return false;
	while (*digits == '0' && digits[1] != '\0')
		digits++;
	if (!rt_parse_u64(rt_slice_cstr(digits), &value) ||
	    strcmp(rt_path_manifest(again, value), name) != 0)
		return false;
	*generation = value;
	return true;
}

bool
rt_path_parse_wal(const char *name, uint64_t *number)
{
	size_t len = strlen(name), tail = strlen(WAL_SUFFIX);

	return len > tail && strcmp(name + len - tail, WAL_SUFFIX) == 0 &&
	    rt_parse_u64(rt_slice(name, len - tail), number);
}

bool
rt_path_parse_wal_spare(const char *name, uint64_t *number)
{
	size_t head = strlen(WAL_SPARE_PREFIX);

	return strncmp(name, WAL_SPARE_PREFIX, head) == 0 &&
	    rt_parse_u64(rt_slice_cstr(name + head), number);
}

bool
rt_path_parse_table(const char *name, struct rt_file_id *id)
{
	size_t len = strlen(name), tail = strlen(TABLE_SUFFIX);
	const char *dash = strchr(name, '-');
	struct rt_file_id found = { 0 };

	if (dash == NULL || len <= tail ||
	    strcmp(name + len - tail, TABLE_SUFFIX) != 0)
		return false;
	if (name[0] == 'c') {
		if (!rt_parse_u64(rt_slice(name + 1, (size_t)(dash - name - 1)),
			&found.maker_epoch) || found.maker_epoch == 0)
			return false;
	} else if (name[0] != 'd' || dash != name + 1) {
		return false;
	}
	if (name + len - tail < dash + 1 ||
	    !rt_parse_u64(rt_slice(dash + 1,
		(size_t)(name + len - tail - dash - 1)), &found.number) ||
	    found.number == 0)
		return false;
	*id = found;
	return true;
}

static bool
is_checkpoint_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' ||
	    byte == '-';
}

bool
rt_path_is_checkpoint(struct rt_slice name)
{
	if (name.len == 0 || name.len > RT_PATH_CHECKPOINT_NAME_MAX ||
	    name.data[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_checkpoint_byte(name.data[i]))
			return false;
	return true;
}

char *
rt_path_checkpoint_part(char out[RT_PATH_CHECKPOINT_BYTES], const char *name)
{
	snprintf(out, RT_PATH_CHECKPOINT_BYTES, CHECKPOINT_PART_PREFIX "%s",
	    name);
	return out;
}

bool
rt_path_is_checkpoint_part(const char *name)
{
	size_t len = strlen(CHECKPOINT_PART_PREFIX);

	return strncmp(name, CHECKPOINT_PART_PREFIX, len) == 0 &&
	    rt_path_is_checkpoint(rt_slice_cstr(name + len));
}
