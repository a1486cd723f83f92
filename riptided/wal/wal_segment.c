#include "riptided/wal/wal_segment.h"

#include <string.h>

#include "libcommon/base/crc32c.h"

#define WINDOW_BYTES (1u << 20)
/* A payload from here on does not pass through the window. */
#define LARGE_BYTES RT_BULK_BYTES_MIN

/* len bytes at offset, within the limit, as long as no other call is made.
 * len is at most a window's. */
static enum rt_code
peek(struct rtd_wal_segment *seg, uint64_t offset, size_t len,
    const uint8_t **out, struct rt_err *err)
{
	struct rt_buf *window = &seg->window;
	size_t want = WINDOW_BYTES;
	enum rt_code code;

	/* There may be no window yet to point into. */
	if (len == 0) {
		*out = NULL;
		return RT_OK;
	}
	if (offset < seg->window_at ||
	    offset + len > seg->window_at + window->len) {
		if (want > seg->limit - offset)
			want = (size_t)(seg->limit - offset);
		rt_buf_clear(window);
		rt_buf_reserve(window, want);
		code = rt_fs_read_exact(seg->fs, seg->fd, window->data, want,
		    offset, err);
		if (code != RT_OK)
			return code;
		window->len = want;
		seg->window_at = offset;
	}
	*out = window->data + (offset - seg->window_at);
	return RT_OK;
}

enum rt_code
rtd_wal_segment_open(struct rtd_wal_segment *seg, struct rt_fs *fs, int dir,
    const char *name, struct rt_err *err)
{
	const uint8_t *bytes;
	enum rt_code code;
	size_t len;

	*seg = (struct rtd_wal_segment)RTD_WAL_SEGMENT_INIT;
	seg->fs = fs;
	code = rt_fs_open_read(fs, dir, name, &seg->fd, err);
	if (code == RT_OK)
		code = rt_fs_size(fs, seg->fd, &seg->size, err);
	if (code != RT_OK)
		return code;
	seg->limit = seg->size;
	seg->offset = RTD_WAL_RECORDS_AT;
	len = seg->size < RTD_WAL_RECORDS_AT ? (size_t)seg->size :
	    RTD_WAL_RECORDS_AT;
	code = peek(seg, 0, len, &bytes, err);
	if (code == RT_OK)
		code = rtd_wal_segment_header_decode(bytes, len, &seg->header,
		    err);
	if (code != RT_OK)
		return code;
	seg->seed = rtd_wal_seed(seg->header.salt);
	return RT_OK;
}

void
rtd_wal_segment_close(struct rtd_wal_segment *seg)
{
	if (seg->fd >= 0)
		rt_fs_close(seg->fs, &seg->fd, NULL);
	rt_buf_fini(&seg->window);
	rt_bulk_unref(seg->bulk);
	seg->bulk = NULL;
}

/* Whether the checksum of a big record holds, before memory is taken for a
 * length that may be nonsense. */
static enum rt_code
check_in_pieces(struct rtd_wal_segment *seg, uint64_t at, uint32_t crc,
    const struct rtd_wal_record_header *header, struct rt_err *err)
{
	uint64_t end = at + header->length;
	const uint8_t *bytes;

	while (at < end) {
		size_t len = end - at < WINDOW_BYTES ? (size_t)(end - at) :
		    WINDOW_BYTES;
		enum rt_code code = peek(seg, at, len, &bytes, err);

		if (code != RT_OK)
			return code;
		crc = rt_crc32c(crc, bytes, len);
		at += len;
	}
	return crc == header->crc32c ? RT_OK : RT_ENOTFOUND;
}

/* The payload at `at`, whose checksum holds, in a bulk of its own: replay may
 * keep large values where they are. */
static enum rt_code
read_large(struct rtd_wal_segment *seg, uint64_t at,
    struct rtd_wal_record *record, struct rt_err *err)
{
	size_t len = record->header.length;

	rt_bulk_unref(seg->bulk);
	seg->bulk = record->bulk = rt_bulk_new(len);
	if (record->bulk == NULL)
		return rt_err_set(err, RT_EIO,
		    "no memory for a record of %zu bytes", len);
	record->payload = rt_slice(record->bulk->data, len);
	return rt_fs_read_exact(seg->fs, seg->fd, record->bulk->data, len, at,
	    err);
}

static enum rt_code
read_small(struct rtd_wal_segment *seg, uint64_t at,
    struct rtd_wal_record *record, struct rt_err *err)
{
	const uint8_t *bytes;
	enum rt_code code = peek(seg, at, RTD_WAL_RECORD_HEADER_BYTES +
	    record->header.length, &bytes, err);

	record->bulk = NULL;
	if (code == RT_OK)
		record->payload = rt_slice(bytes + RTD_WAL_RECORD_HEADER_BYTES,
		    record->header.length);
	return code;
}

/* The record at `at`, whole, or RT_ENOTFOUND. */
static enum rt_code
read_record(struct rtd_wal_segment *seg, uint64_t at,
    struct rtd_wal_record *record, struct rt_err *err)
{
	struct rtd_wal_record_header *header = &record->header;
	const uint8_t *bytes;
	enum rt_code code;
	uint32_t crc;

	if (at > seg->limit || seg->limit - at < RTD_WAL_RECORD_HEADER_BYTES)
		return RT_ENOTFOUND;
	code = peek(seg, at, RTD_WAL_RECORD_HEADER_BYTES, &bytes, err);
	if (code != RT_OK)
		return code;
	if (!rtd_wal_record_header_decode(bytes, header) ||
	    header->length > seg->limit - at - RTD_WAL_RECORD_HEADER_BYTES)
		return RT_ENOTFOUND;
	crc = rtd_wal_record_header_crc(seg->seed, bytes);
	record->offset = at;
	if (header->length >= LARGE_BYTES) {
		code = check_in_pieces(seg, at + RTD_WAL_RECORD_HEADER_BYTES,
		    crc, header, err);
		if (code == RT_OK)
			code = read_large(seg,
			    at + RTD_WAL_RECORD_HEADER_BYTES, record, err);
	} else {
		code = read_small(seg, at, record, err);
	}
	if (code != RT_OK)
		return code;
	crc = rt_crc32c(crc, record->payload.data, record->payload.len);
	return crc == header->crc32c ? RT_OK : RT_ENOTFOUND;
}

enum rt_code
rtd_wal_segment_next(struct rtd_wal_segment *seg,
    struct rtd_wal_record *record, struct rt_err *err)
{
	enum rt_code code = read_record(seg, seg->offset, record, err);

	if (code == RT_OK)
		seg->offset += RTD_WAL_RECORD_HEADER_BYTES +
		    record->header.length;
	return code;
}

/* The distance to the first byte at which a record may begin: its tag is
 * there. Old records of a recycled file pass, and then fail by sequence. */
static size_t
skip_to_tag(const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (at + RTD_WAL_RECORD_HEADER_BYTES <= len) {
		/* The tag's first letter is the record's tenth byte. */
		const uint8_t *found = memchr(bytes + at + 9, 'R',
		    len - at - RTD_WAL_RECORD_HEADER_BYTES + 1);

		if (found == NULL)
			return len - RTD_WAL_RECORD_HEADER_BYTES + 1;
		at = (size_t)(found - bytes) - 9;
		if (found[1] == 'W' && found[2] == 'L')
			return at;
		at++;
	}
	return at;
}

/* How far to look from `at` without reading the file again, or once. */
static size_t
window_left(const struct rtd_wal_segment *seg, uint64_t at)
{
	uint64_t end = seg->window_at + seg->window.len;

	if (end > seg->limit)
		end = seg->limit;
	if (at < seg->window_at || at + RTD_WAL_RECORD_HEADER_BYTES > end)
		end = seg->limit - at < WINDOW_BYTES ? seg->limit :
		    at + WINDOW_BYTES;
	return (size_t)(end - at);
}

enum rt_code
rtd_wal_segment_search(struct rtd_wal_segment *seg, uint64_t from,
    uint64_t min_seq, struct rtd_wal_record *record, struct rt_err *err)
{
	uint64_t at = from;
	const uint8_t *bytes;
	enum rt_code code;

	while (at <= seg->limit &&
	    seg->limit - at >= RTD_WAL_RECORD_HEADER_BYTES) {
		size_t len = window_left(seg, at);
		struct rtd_wal_record_header header;
		size_t skip;

		code = peek(seg, at, len, &bytes, err);
		if (code != RT_OK)
			return code;
		skip = skip_to_tag(bytes, len);
		at += skip;
		if (skip + RTD_WAL_RECORD_HEADER_BYTES > len)
			continue;
		if (rtd_wal_record_header_decode(bytes + skip, &header) &&
		    header.first_seq >= min_seq) {
			code = read_record(seg, at, record, err);
			if (code != RT_ENOTFOUND) {
				seg->offset = at + RTD_WAL_RECORD_HEADER_BYTES +
				    record->payload.len;
				return code;
			}
		}
		at++;
	}
	return RT_ENOTFOUND;
}

enum rt_code
rtd_wal_segment_nonzero_end(struct rtd_wal_segment *seg, uint64_t from,
    uint64_t *end, struct rt_err *err)
{
	const uint8_t *bytes;

	*end = from;
	for (uint64_t at = from; at < seg->limit;) {
		size_t len = seg->limit - at < WINDOW_BYTES ?
		    (size_t)(seg->limit - at) : WINDOW_BYTES;
		enum rt_code code = peek(seg, at, len, &bytes, err);

		if (code != RT_OK)
			return code;
		at += len;
		for (size_t back = len; back > 0; back--) {
			if (bytes[back - 1] != 0) {
				*end = at - (len - back);
				break;
			}
		}
	}
	return RT_OK;
}
