#include "riptided/wal/wal_reader.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/os/path.h"
#include "riptided/wal/wal_format.h"
#include "tests/support/runner.h"
#include "tests/unit/riptided/wal/logs.h"

static struct rtt_scratch scratch;
static struct rtd_wal_replay replay;
static struct rt_err err;

/* Where each record of the log under test ends. */
#define RECORDS 30

static void
begin(void)
{
	rtt_scratch_init(&scratch);
	rtt_replay_init(&replay, rt_fs_posix(), scratch.fd);
	memset(&err, 0, sizeof(err));
}

static void
end(void)
{
	rtt_scratch_fini(&scratch);
}

/* Segments of RECORDS records each, all durable, ended cleanly. Returns the
 * last one's final length. */
static uint64_t
make_log(unsigned segments)
{
	struct rtd_wal *wal = rtt_wal_reopen(rt_fs_posix(), scratch.fd,
	    &replay, RT_FSYNC_ALWAYS);
	uint64_t seq = 0, bytes;

	for (unsigned i = 0; i < segments; i++) {
		if (i > 0)
			rtd_wal_rotate(wal);
		for (unsigned j = 0; j < RECORDS / 3; j++) {
			seq = rtt_wal_put(wal, seq + 1, 3);
			rtt_wait_durable(wal, seq);
		}
	}
	ck_assert(rtd_wal_close(wal, NULL, &bytes, &err) == RT_OK);
	return bytes;
}

static uint64_t
record_end(uint64_t first_seq, uint64_t seq)
{
	uint64_t at = RTD_WAL_RECORDS_AT;

	for (; first_seq <= seq; first_seq++)
		at += RTD_WAL_RECORD_HEADER_BYTES +
		    rtt_payload_bytes(first_seq);
	return at;
}

START_TEST(every_truncation_leaves_a_prefix)
{
	struct rt_buf bytes;
	uint64_t length, seq = 0;

	begin();
	length = make_log(1);
	bytes = rtt_read(scratch.fd, 1);
	for (uint64_t len = 0; len < length; len++) {
		bytes.len = len;
		rtt_write(scratch.fd, 1, &bytes);
		while (seq < RECORDS && record_end(1, seq + 1) <= len)
			seq++;
		ck_assert_msg(rtt_replay(&replay, &err) == RT_OK, "%s",
		    err.text);
		ck_assert_uint_eq(replay.last_seq, seq);
		/* Cut: the second replay finds nothing torn. */
		ck_assert(rtt_replay(&replay, &err) == RT_OK);
		ck_assert_uint_eq(replay.torn_segment, 0);
		ck_assert_uint_eq(replay.last_seq, seq);
	}
	rt_buf_fini(&bytes);
	end();
}
END_TEST

/* There the bytes behind the log may be an older one's; a header that the
 * file's end cuts short is ours. */
START_TEST(a_header_cut_short_in_a_recycled_file_is_torn)
{
	struct rtd_wal_segment_header header;
	struct rt_buf bytes;
	uint64_t last;

	begin();
	make_log(1);
	bytes = rtt_read(scratch.fd, 1);
	ck_assert_int_eq(rtd_wal_segment_header_decode(bytes.data, bytes.len,
	    &header, &err), RT_OK);
	header.flags |= RTD_WAL_FLAG_RECYCLED;
	rtd_wal_segment_header_encode(bytes.data, &header);
	last = record_end(1, RECORDS - 1);
	for (uint64_t left = 0; left < RTD_WAL_RECORD_HEADER_BYTES; left++) {
		bytes.len = last + left;
		rtt_write(scratch.fd, 1, &bytes);
		ck_assert_msg(rtt_replay(&replay, &err) == RT_OK, "%s",
		    err.text);
		ck_assert_uint_eq(replay.last_seq, RECORDS - 1);
		ck_assert_uint_eq(replay.torn_bytes, left);
	}
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(a_truncation_below_the_clean_mark_is_damage)
{
	struct rt_buf bytes;
	uint64_t length;

	begin();
	length = make_log(1);
	bytes = rtt_read(scratch.fd, 1);
	replay.clean_wal = 1;
	replay.clean_wal_bytes = length;
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	for (uint64_t len = 0; len < length; len++) {
		bytes.len = len;
		rtt_write(scratch.fd, 1, &bytes);
		ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	}
	rt_fs_unlink(rt_fs_posix(), scratch.fd, "1.wal", NULL);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	rt_buf_fini(&bytes);
	end();
}
END_TEST

/* The last group of three and what follows it cannot be told from a torn
 * tail; before it every change is damage, or changes nothing. */
START_TEST(every_changed_byte_is_noticed_or_beyond_the_durable)
{
	static const uint8_t changes[] = { 0x01, 0x00, 0xff };
	struct rt_buf bytes;
	uint64_t length, window;

	begin();
	length = make_log(1);
	window = record_end(1, RECORDS - 3);
	bytes = rtt_read(scratch.fd, 1);
	replay.read_only = true;
	for (uint64_t at = 0; at < length; at++) {
		uint8_t was = bytes.data[at];

		for (size_t i = 0; i < RT_COUNTOF(changes); i++) {
			enum rt_code code;

			bytes.data[at] = changes[i] == 0x01 ?
			    was ^ 0x01 : changes[i];
			if (bytes.data[at] == was)
				continue;
			rtt_write(scratch.fd, 1, &bytes);
			code = rtt_replay(&replay, &err);
			if (at < RTD_WAL_RECORDS_AT)
				ck_assert(code == RT_OK &&
				    replay.last_seq == RECORDS);
			else if (at < window)
				ck_assert_msg(code == RT_EDAMAGED,
				    "change at %lu", (unsigned long)at);
			else
				ck_assert(code == RT_EDAMAGED ||
				    (code == RT_OK &&
				    replay.last_seq >= RECORDS - 3));
		}
		bytes.data[at] = was;
	}
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(every_changed_byte_of_a_middle_segment_is_damage)
{
	struct rt_buf bytes;
	uint64_t length;

	begin();
	make_log(3);
	length = record_end(RECORDS + 1, 2 * RECORDS);
	bytes = rtt_read(scratch.fd, 2);
	for (uint64_t at = RTD_WAL_RECORDS_AT; at < length; at++) {
		bytes.data[at] ^= 0x01;
		rtt_write(scratch.fd, 2, &bytes);
		ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
		bytes.data[at] ^= 0x01;
	}
	bytes.len = length - 1;
	rtt_write(scratch.fd, 2, &bytes);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(damage_is_named_with_its_place)
{
	struct rt_buf bytes;

	begin();
	make_log(1);
	bytes = rtt_read(scratch.fd, 1);
	bytes.data[record_end(1, 9) + 40] ^= 0xff;
	rtt_write(scratch.fd, 1, &bytes);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "wal/1.wal is damaged"));
	ck_assert_ptr_nonnull(strstr(err.text, "sequences 10 to 30"));
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(tolerant_keeps_what_precedes_damage_and_goes_on)
{
	struct rtd_wal *wal;
	struct rt_buf bytes;

	begin();
	make_log(3);
	bytes = rtt_read(scratch.fd, 2);
	bytes.data[record_end(RECORDS + 1, RECORDS + 4) + 40] ^= 0xff;
	rtt_write(scratch.fd, 2, &bytes);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	replay.tolerant = true;
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	ck_assert_int_eq(err.code, RT_EDAMAGED);
	ck_assert_uint_eq(replay.last_seq, RECORDS + 4);
	ck_assert_uint_eq(replay.torn_segment, 2);
	ck_assert_uint_eq(replay.last_segment, 3);
	/* What is written next follows the kept part, for strict readers. */
	wal = rtt_wal_reopen(rt_fs_posix(), scratch.fd, &replay,
	    RT_FSYNC_ALWAYS);
	rtt_wal_put(wal, replay.last_seq + 1, 5);
	ck_assert(rtd_wal_close(wal, NULL, NULL, &err) == RT_OK);
	replay.tolerant = false;
	ck_assert_msg(rtt_replay(&replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_eq(replay.last_seq, RECORDS + 9);
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(a_missing_segment_is_damage)
{
	begin();
	make_log(4);
	rt_fs_unlink(rt_fs_posix(), scratch.fd, "2.wal", NULL);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "wal/2.wal is missing"));
	replay.tolerant = true;
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	ck_assert_uint_eq(replay.last_seq, RECORDS);
	replay.tolerant = false;
	replay.floor = 3;
	replay.flushed_seq = 2 * RECORDS;
	ck_assert_msg(rtt_replay(&replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_eq(replay.last_seq, 4 * RECORDS);
	end();
}
END_TEST

START_TEST(swapped_and_duplicated_segments_are_damage)
{
	struct rt_buf two, three;

	begin();
	make_log(4);
	two = rtt_read(scratch.fd, 2);
	three = rtt_read(scratch.fd, 3);
	rtt_write(scratch.fd, 2, &three);
	rtt_write(scratch.fd, 3, &two);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	rtt_write(scratch.fd, 2, &two);
	rtt_write(scratch.fd, 3, &three);
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	rtt_write(scratch.fd, 5, &three);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "5.wal holds segment 3"));
	rt_buf_fini(&two);
	rt_buf_fini(&three);
	end();
}
END_TEST

START_TEST(a_segment_of_another_database_is_refused)
{
	static const uint8_t other[16] = "another database";

	begin();
	make_log(2);
	replay.database_uuid = other;
	replay.tolerant = true;
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "another database"));
	end();
}
END_TEST

START_TEST(an_older_manifest_put_back_is_refused)
{
	begin();
	make_log(2);
	replay.manifest_generation = 4;
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "generation 5"));
	ck_assert_ptr_nonnull(strstr(err.text, "generation 4"));
	end();
}
END_TEST

START_TEST(a_segment_not_yet_begun_is_no_damage)
{
	struct rt_buf zeros = { 0 };
	struct rtd_wal *wal;

	begin();
	make_log(2);
	rt_buf_reserve(&zeros, 8192);
	memset(zeros.data, 0, 8192);
	for (zeros.len = 0; zeros.len <= 8192; zeros.len += 4096) {
		rtt_write(scratch.fd, 3, &zeros);
		ck_assert(rtt_replay(&replay, &err) == RT_OK);
		ck_assert_uint_eq(replay.last_seq, 2 * RECORDS);
		ck_assert_uint_eq(replay.last_segment, 3);
		ck_assert_uint_eq(replay.end_segment, 2);
	}
	wal = rtt_wal_reopen(rt_fs_posix(), scratch.fd, &replay, RT_FSYNC_NO);
	rtt_wal_put(wal, replay.last_seq + 1, 5);
	ck_assert(rtd_wal_close(wal, NULL, NULL, &err) == RT_OK);
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	ck_assert_uint_eq(replay.last_seq, 2 * RECORDS + 5);
	rt_buf_fini(&zeros);
	end();
}
END_TEST

START_TEST(the_header_of_another_segment_and_no_record_is_no_damage)
{
	struct rt_buf bytes;

	begin();
	make_log(2);
	bytes = rtt_read(scratch.fd, 2);
	memset(bytes.data + RTD_WAL_RECORDS_AT, 0,
	    bytes.len - RTD_WAL_RECORDS_AT);
	rtt_write(scratch.fd, 3, &bytes);
	ck_assert_msg(rtt_replay(&replay, &err) == RT_OK, "%s", err.text);
	ck_assert_uint_eq(replay.last_seq, 2 * RECORDS);
	ck_assert_uint_eq(replay.last_segment, 3);
	ck_assert_uint_eq(replay.end_segment, 2);
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(a_middle_segment_without_header_is_damage)
{
	struct rt_buf bytes;

	begin();
	make_log(3);
	bytes = rtt_read(scratch.fd, 2);
	bytes.data[20] ^= 0xff;
	rtt_write(scratch.fd, 2, &bytes);
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	bytes.data[RTD_WAL_SECOND_HEADER_AT + 20] ^= 0xff;
	rtt_write(scratch.fd, 2, &bytes);
	ck_assert_int_eq(rtt_replay(&replay, &err), RT_EDAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "2.wal has no whole header"));
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(a_tail_of_zeros_ends_the_log_quietly)
{
	struct rt_buf bytes;
	uint64_t length;

	begin();
	make_log(1);
	bytes = rtt_read(scratch.fd, 1);
	length = record_end(1, RECORDS);
	memset(bytes.data + length, 0, bytes.len - length);
	rtt_write(scratch.fd, 1, &bytes);
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	ck_assert_uint_eq(replay.last_seq, RECORDS);
	ck_assert_uint_eq(replay.torn_segment, 0);
	rt_buf_fini(&bytes);
	end();
}
END_TEST

START_TEST(an_empty_directory_is_an_empty_log)
{
	begin();
	replay.flushed_seq = 7;
	ck_assert(rtt_replay(&replay, &err) == RT_OK);
	ck_assert_uint_eq(replay.last_seq, 7);
	ck_assert_uint_eq(replay.last_segment, 0);
	ck_assert_uint_eq(replay.end_segment, 0);
	end();
}
END_TEST

RTT_MAIN("wal_reader", every_truncation_leaves_a_prefix,
    a_header_cut_short_in_a_recycled_file_is_torn,
    a_truncation_below_the_clean_mark_is_damage,
    every_changed_byte_is_noticed_or_beyond_the_durable,
    every_changed_byte_of_a_middle_segment_is_damage,
    damage_is_named_with_its_place,
    tolerant_keeps_what_precedes_damage_and_goes_on,
    a_missing_segment_is_damage, swapped_and_duplicated_segments_are_damage,
    a_segment_of_another_database_is_refused,
    an_older_manifest_put_back_is_refused,
    a_segment_not_yet_begun_is_no_damage,
    the_header_of_another_segment_and_no_record_is_no_damage,
    a_middle_segment_without_header_is_damage,
    a_tail_of_zeros_ends_the_log_quietly, an_empty_directory_is_an_empty_log)
