#include "libcommon/table/table_properties.h"

#include "libcommon/table/table_format.h"
#include "proto/table_properties.pb-c.h"

void
rt_table_properties_fini(struct rt_table_properties *properties)
{
	rt_table_info_fini(&properties->info);
}

static ProtobufCBinaryData
binary(uint8_t *data, size_t len)
{
	return (ProtobufCBinaryData){ .len = len, .data = data };
}

void
rt_table_properties_encode(const struct rt_table_properties *properties,
    struct rt_buf *out)
{
	const struct rt_table_info *info = &properties->info;
	Riptide__TableProperties message = RIPTIDE__TABLE_PROPERTIES__INIT;
	uint8_t uuid[RT_UUID_BYTES];

#define SET(field, value) \
	(message.has_##field = 1, message.field = (value))
	memcpy(uuid, properties->database_uuid, sizeof(uuid));
	SET(database_uuid, binary(uuid, sizeof(uuid)));
	SET(unique_id, info->unique_id);
	SET(smallest, binary(info->smallest.data, info->smallest.len));
	SET(largest, binary(info->largest.data, info->largest.len));
	SET(min_seq, info->min_seq);
	SET(max_seq, info->max_seq);
	SET(entries, info->entries);
	SET(tombstones, info->tombstones);
	if (info->expire_min_ms != 0)
		SET(expire_min_ms, info->expire_min_ms);
	if (info->expire_max_ms != 0)
		SET(expire_max_ms, info->expire_max_ms);
	SET(payload, info->payload);
	SET(keys, properties->keys);
	SET(blocks, properties->blocks);
	SET(block_bytes_max, properties->block_bytes_max);
	SET(raw_bytes, properties->raw_bytes);
	SET(compression, properties->compression);
	SET(block_bytes, properties->block_bytes);
	SET(bloom_bits_per_key, properties->bloom_bits_per_key);
	if (properties->counts.size != 0) {
		SET(counts_offset, properties->counts.offset);
		SET(counts_size, properties->counts.size);
	}
#undef SET
	rt_buf_reserve(out,
	    riptide__table_properties__get_packed_size(&message));
	out->len += riptide__table_properties__pack(&message,
	    out->data + out->len);
}

static bool
is_consistent(const Riptide__TableProperties *message)
{
	struct rt_slice smallest =
	    rt_slice(message->smallest.data, message->smallest.len);
	struct rt_slice largest =
	    rt_slice(message->largest.data, message->largest.len);

	return message->has_database_uuid &&
	    message->database_uuid.len == RT_UUID_BYTES &&
	    message->has_unique_id && message->has_smallest &&
	    message->has_largest && smallest.len >= RT_KEY_PREFIX_BYTES &&
	    smallest.len <= RT_STORE_KEY_BYTES_MAX &&
	    largest.len >= RT_KEY_PREFIX_BYTES &&
	    largest.len <= RT_STORE_KEY_BYTES_MAX &&
	    rt_slice_compare(smallest, largest) <= 0 &&
	    message->min_seq >= 1 && message->min_seq <= message->max_seq &&
	    message->max_seq <= RT_SEQ_MAX && message->entries >= 1 &&
	    message->tombstones <= message->entries && message->blocks >= 1 &&
	    message->block_bytes_max >= 1 &&
	    message->block_bytes_max <= RT_BLOCK_BYTES_MAX;
}

enum rt_code
rt_table_properties_decode(struct rt_table_properties *properties,
    struct rt_slice section, struct rt_err *err)
{
	struct rt_table_info *info = &properties->info;
	Riptide__TableProperties *message = NULL;
	enum rt_code code = RT_OK;

	*properties = (struct rt_table_properties){ .keys = 0 };
	if (section.len <= RT_TABLE_PROPERTIES_BYTES_MAX)
		message = riptide__table_properties__unpack(NULL, section.len,
		    section.data);
	if (message == NULL || !is_consistent(message)) {
		code = rt_err_set(err, RT_EDAMAGED, "properties: malformed");
		goto out;
	}
	memcpy(properties->database_uuid, message->database_uuid.data,
	    RT_UUID_BYTES);
	info->unique_id = message->unique_id;
	rt_buf_append(&info->smallest, message->smallest.data,
	    message->smallest.len);
	rt_buf_append(&info->largest, message->largest.data,
	    message->largest.len);
	info->min_seq = message->min_seq;
	info->max_seq = message->max_seq;
	info->entries = message->entries;
	info->tombstones = message->tombstones;
	info->expire_min_ms = message->expire_min_ms;
	info->expire_max_ms = message->expire_max_ms;
	info->payload = message->payload;
	properties->keys = message->keys;
	properties->blocks = message->blocks;
	properties->block_bytes_max = message->block_bytes_max;
	properties->raw_bytes = message->raw_bytes;
	properties->compression = message->compression;
	properties->block_bytes = message->block_bytes;
	properties->bloom_bits_per_key = message->bloom_bits_per_key;
	properties->counts.offset = message->counts_offset;
	properties->counts.size = message->counts_size;
out:
	riptide__table_properties__free_unpacked(message, NULL);
	return code;
}
