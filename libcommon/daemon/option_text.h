/* option_text: the options whose text has a grammar of its own. config checks
 * them with these; the rooms that use the values read them with the same.
 * Thread: any. */
#ifndef LIBCOMMON_DAEMON_OPTION_TEXT_H
#define LIBCOMMON_DAEMON_OPTION_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/slice.h"

/* unixsocketperm: three or four octal digits, at most 0777. */
bool rt_option_text_mode(const char *text, unsigned *mode);

/* compaction-window: "HH:MM-HH:MM", local time. Minutes of the day, 0 to 1439;
 * from > to spans midnight; both alike is the whole day. */
struct rt_option_window {
	unsigned from_min, to_min;
};

bool rt_option_text_window(const char *text, struct rt_option_window *out);

/* --budget: a number with s, m, h or d behind it, or of seconds; 1 s to a year. */
bool rt_option_text_duration(const char *text, uint64_t *seconds);

/* tls-protocols: TLSv1.2 and TLSv1.3 in any order and case; empty: both.
 * What is older is broken, and not there. */
struct rt_option_tls_versions {
	bool v1_2, v1_3;
};

bool rt_option_text_tls_versions(const char *text,
    struct rt_option_tls_versions *out);

/* client-output-buffer-limit: any number of "class hard soft seconds", class
 * one of normal, replica (also slave), pubsub. 0: no limit. Classes that text
 * does not name are left as they are in out. */
enum rt_option_client_class {
	RT_CLIENT_NORMAL,
	RT_CLIENT_REPLICA,
	RT_CLIENT_PUBSUB,
	RT_CLIENT_CLASSES
};

struct rt_option_output_limit {
	uint64_t hard_bytes, soft_bytes, soft_s;
};

bool rt_option_text_output_limits(const char *text,
    struct rt_option_output_limit out[RT_CLIENT_CLASSES]);

/* notify-keyspace-events: letters, each a bit; A stands for all classes but m
 * and n. Classes of types that do not exist are taken, too. */
#define RT_EVENT_KEYSPACE 0x0001	/* K */
#define RT_EVENT_KEYEVENT 0x0002	/* E */
#define RT_EVENT_GENERIC 0x0004		/* g */
#define RT_EVENT_STRING 0x0008		/* $ */
#define RT_EVENT_LIST 0x0010		/* l */
#define RT_EVENT_SET 0x0020		/* s */
#define RT_EVENT_HASH 0x0040		/* h */
#define RT_EVENT_ZSET 0x0080		/* z */
#define RT_EVENT_EXPIRED 0x0100		/* x */
#define RT_EVENT_EVICTED 0x0200		/* e */
#define RT_EVENT_STREAM 0x0400		/* t */
#define RT_EVENT_MODULE 0x0800		/* d */
#define RT_EVENT_KEY_MISS 0x1000	/* m */
#define RT_EVENT_NEW 0x2000		/* n */
#define RT_EVENT_ALL 0x0ffc		/* A */

bool rt_option_text_events(const char *text, unsigned *events);
/* The letters in Redis' order. */
#define RT_EVENTS_TEXT_BYTES 16
void rt_option_text_print_events(unsigned events,
    char out[RT_EVENTS_TEXT_BYTES]);

/* Take the next word, parted by blanks, off rest: bind, disable-command.
 * False when none is left. word borrows from rest. */
bool rt_option_text_next_word(struct rt_slice *rest, struct rt_slice *word);

#endif
