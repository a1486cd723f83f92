#include "libcommon/daemon/option_text.h"

#include "libcommon/base/attr.h"
#include "libcommon/base/number.h"

bool
rt_option_text_next_word(struct rt_slice *rest, struct rt_slice *word)
{
	size_t at = 0, end;

	while (at < rest->len &&
	    (rest->data[at] == ' ' || rest->data[at] == '\t'))
		at++;
	end = at;
	while (end < rest->len && rest->data[end] != ' ' &&
	    rest->data[end] != '\t')
		end++;
	*word = rt_slice(rest->data + at, end - at);
	*rest = rt_slice(rest->data + end, rest->len - end);
	return word->len != 0;
}

bool
rt_option_text_mode(const char *text, unsigned *mode)
{
	size_t len = strlen(text);
	unsigned value = 0;

	if (len < 3 || len > 4)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '7')
			return false;
		value = value * 8 + (unsigned)(text[i] - '0');
	}
	if (value > 0777)
		return false;
	*mode = value;
	return true;
}

bool
rt_option_text_duration(const char *text, uint64_t *seconds)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const uint64_t year = 365 * UINT64_C(86400);
	uint64_t value = 0, unit = 1;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > year)
			return false;
	}
	for (size_t i = 0; i < RT_COUNTOF(units); i++)
		if (*text == units[i].letter) {
			unit = units[i].seconds;
			text++;
			break;
		}
	if (*text != '\0' || value == 0 || value > year / unit)
		return false;
	*seconds = value * unit;
	return true;
}

static unsigned
two_digits(const char *text)
{
	return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

/* "HH:MM" to minutes; text has five bytes at least. */
static bool
parse_minute_of_day(const char *text, unsigned *out)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
			return false;
	*out = two_digits(text) * 60 + two_digits(text + 3);
	return two_digits(text) < 24 && two_digits(text + 3) < 60;
}

bool
rt_option_text_window(const char *text, struct rt_option_window *out)
{
	struct rt_option_window window;

	if (strlen(text) != 11 || text[5] != '-' ||
	    !parse_minute_of_day(text, &window.from_min) ||
	    !parse_minute_of_day(text + 6, &window.to_min))
		return false;
	*out = window;
	return true;
}

bool
rt_option_text_tls_versions(const char *text,
    struct rt_option_tls_versions *out)
{
	struct rt_slice rest = rt_slice_cstr(text), word;
	struct rt_option_tls_versions found = { 0 };

	while (rt_option_text_next_word(&rest, &word)) {
		if (rt_slice_equal_nocase(word, "tlsv1.2"))
			found.v1_2 = true;
		else if (rt_slice_equal_nocase(word, "tlsv1.3"))
			found.v1_3 = true;
		else
			return false;
	}
	if (!found.v1_2 && !found.v1_3)
		found.v1_2 = found.v1_3 = true;
	*out = found;
	return true;
}

static bool
parse_class(struct rt_slice word, enum rt_option_client_class *class)
{
	static const struct {
		const char *name;
		enum rt_option_client_class class;
	} names[] = { { "normal", RT_CLIENT_NORMAL },
		{ "replica", RT_CLIENT_REPLICA }, { "slave", RT_CLIENT_REPLICA },
		{ "pubsub", RT_CLIENT_PUBSUB } };

	for (size_t i = 0; i < RT_COUNTOF(names); i++) {
		if (rt_slice_equal_nocase(word, names[i].name)) {
			*class = names[i].class;
			return true;
		}
	}
	return false;
}

bool
rt_option_text_output_limits(const char *text,
    struct rt_option_output_limit out[RT_CLIENT_CLASSES])
{
	struct rt_option_output_limit limits[RT_CLIENT_CLASSES];
	struct rt_slice rest = rt_slice_cstr(text), word;
	enum rt_option_client_class class;

	memcpy(limits, out, sizeof(limits));
	while (rt_option_text_next_word(&rest, &word)) {
		struct rt_option_output_limit limit;

		if (!parse_class(word, &class) ||
		    !rt_option_text_next_word(&rest, &word) ||
		    !rt_parse_bytes(word, &limit.hard_bytes) ||
		    !rt_option_text_next_word(&rest, &word) ||
		    !rt_parse_bytes(word, &limit.soft_bytes) ||
		    !rt_option_text_next_word(&rest, &word) ||
		    !rt_parse_u64(word, &limit.soft_s))
			return false;
		limits[class] = limit;
	}
	memcpy(out, limits, sizeof(limits));
	return true;
}

/* In the order in which they are printed. */
static const struct {
	char letter;
	unsigned event;
} event_letters[] = {
	{ 'A', RT_EVENT_ALL },
	{ 'g', RT_EVENT_GENERIC },
	{ '$', RT_EVENT_STRING },
	{ 'l', RT_EVENT_LIST },
	{ 's', RT_EVENT_SET },
	{ 'h', RT_EVENT_HASH },
	{ 'z', RT_EVENT_ZSET },
	{ 'x', RT_EVENT_EXPIRED },
	{ 'e', RT_EVENT_EVICTED },
	{ 't', RT_EVENT_STREAM },
	{ 'd', RT_EVENT_MODULE },
	{ 'n', RT_EVENT_NEW },
	{ 'K', RT_EVENT_KEYSPACE },
	{ 'E', RT_EVENT_KEYEVENT },
	{ 'm', RT_EVENT_KEY_MISS },
};

bool
rt_option_text_events(const char *text, unsigned *events)
{
	*events = 0;
	for (; *text != '\0'; text++) {
		size_t i = 0;

		while (i < RT_COUNTOF(event_letters) &&
		    event_letters[i].letter != *text)
			i++;
		if (i == RT_COUNTOF(event_letters))
			return false;
		*events |= event_letters[i].event;
	}
	return true;
}

void
rt_option_text_print_events(unsigned events, char out[RT_EVENTS_TEXT_BYTES])
{
	for (size_t i = 0; i < RT_COUNTOF(event_letters); i++) {
		unsigned event = event_letters[i].event;

		if ((events & event) != event)
			continue;
		*out++ = event_letters[i].letter;
		/* What was told together is not told one by one. */
		if (event == RT_EVENT_ALL)
			events &= ~event;
	}
	*out = '\0';
}
