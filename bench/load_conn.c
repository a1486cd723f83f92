#include "bench/load_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"

#define HELLO_BYTES 4096

/* -- connecting -- */

static enum rt_code
connect_unix(int *fd, const char *path, struct rt_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return rt_err_set(err, RT_ELIMIT, "%s: too long", path);
	strcpy(address.sun_path, path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || connect(*fd, (struct sockaddr *)&address,
		sizeof(address)) < 0)
		return rt_err_set_errno(err, errno, "connect to %s", path);
	return RT_OK;
}

static enum rt_code
connect_tcp(int *fd, const char *host, uint64_t port, struct rt_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	char service[24];
	int on = 1, failed, wrong = 0;

	snprintf(service, sizeof(service), "%llu", (unsigned long long)port);
	failed = getaddrinfo(host, service, &hints, &list);
	if (failed != 0)
		return rt_err_set(err, RT_EADDRESS, "%s: %s", host,
		    gai_strerror(failed));
	for (const struct addrinfo *at = list; at != NULL && *fd < 0;
	     at = at->ai_next) {
		*fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (*fd >= 0 && connect(*fd, at->ai_addr, at->ai_addrlen) < 0) {
			wrong = errno;
			close(*fd);
			*fd = -1;
		}
	}
	freeaddrinfo(list);
	if (*fd < 0)
		return rt_err_set_errno(err, wrong, "connect to %s:%s", host,
		    service);
	setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return RT_OK;
}

static enum rt_code
send_all(int fd, const char *text, size_t len, struct rt_err *err)
{
	while (len > 0) {
		ssize_t put = send(fd, text, len, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return rt_err_set_errno(err, errno, "send");
		text += put;
		len -= (size_t)put;
	}
	return RT_OK;
}

/* Wait for one reply, which must not be an error. */
static enum rt_code
await_reply(struct rtb_load_conn *conn, const char *what, struct rt_err *err)
{
	uint8_t bytes[HELLO_BYTES];
	size_t len = 0;

	for (;;) {
		ssize_t got = recv(conn->fd, bytes + len, sizeof(bytes) - len,
		    0);
		struct rt_slice data;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return rt_err_set_errno(err, got == 0 ? EPIPE : errno,
			    "%s: no reply", what);
		data = rt_slice(bytes, len + (size_t)got);
		switch (rtb_reply_next(&conn->reader, &data)) {
		case RTB_REPLY_MORE:
			memmove(bytes, data.data, data.len);
			len = data.len;
			break;
		case RTB_REPLY_ERROR:
			return rt_err_set(err, RT_EINVAL, "%s: %s", what,
			    conn->reader.error);
		case RTB_REPLY_BAD:
			return rt_err_set(err, RT_EINVAL,
			    "%s: the reply is not RESP", what);
		default:
			return RT_OK;
		}
	}
}

static enum rt_code
ask(struct rtb_load_conn *conn, const char *text, size_t len, const char *what,
    struct rt_err *err)
{
	enum rt_code code = send_all(conn->fd, text, len, err);

	return code == RT_OK ? await_reply(conn, what, err) : code;
}

static enum rt_code
introduce(struct rtb_load_conn *conn, const struct rtb_load_options *options,
    struct rt_err *err)
{
	static const char hello[] = "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n";
	enum rt_code code = RT_OK;

	if (options->password != NULL) {
		char *text = NULL;
		int len = asprintf(&text, "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n",
		    strlen(options->password), options->password);

		rt_assert(len >= 0);
		code = ask(conn, text, (size_t)len, "AUTH", err);
		free(text);
	}
	if (code == RT_OK && options->resp3)
		code = ask(conn, hello, sizeof(hello) - 1, "HELLO 3", err);
	return code;
}

enum rt_code
rtb_load_conn_open(struct rtb_load_conn *conn,
    const struct rtb_load_options *options, struct rt_err *err)
{
	enum rt_code code;

	*conn = (struct rtb_load_conn){ .fd = -1 };
	/* An operation may be two commands. */
	conn->sent = rt_alloc_zero(2 * (size_t)options->pipeline,
	    sizeof(conn->sent[0]));
	code = options->unixsocket != NULL
	    ? connect_unix(&conn->fd, options->unixsocket, err)
	    : connect_tcp(&conn->fd, options->host, options->port, err);
	if (code == RT_OK)
		code = introduce(conn, options, err);
	if (code == RT_OK && fcntl(conn->fd, F_SETFL, O_NONBLOCK) < 0)
		code = rt_err_set_errno(err, errno, "fcntl");
	return code;
}

void
rtb_load_conn_close(struct rtb_load_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	rt_buf_fini(&conn->out);
	rt_buf_fini(&conn->in);
	free(conn->sent);
	conn->sent = NULL;
}

/* -- commands -- */

static void
put_words(struct rt_buf *out, const char *words)
{
	rt_buf_append(out, words, strlen(words));
}

static void
put_key(struct rt_buf *out, uint64_t number)
{
	uint8_t key[RTB_KEY_BYTES];

	put_words(out, "$16\r\n");
	rt_buf_append_slice(out, rtb_key(key, number, false));
	put_words(out, "\r\n");
}

static void
put_value(struct rt_buf *out, struct rt_slice value)
{
	char digits[RT_I64_DIGITS_MAX];
	size_t len = rt_format_i64(digits, (int64_t)value.len);

	rt_buf_append_byte(out, '$');
	rt_buf_append(out, digits, len);
	put_words(out, "\r\n");
	rt_buf_append_slice(out, value);
	put_words(out, "\r\n");
}

static void
put_get(struct rt_buf *out, uint64_t number)
{
	put_words(out, "*2\r\n$3\r\nGET\r\n");
	put_key(out, number);
}

static void
put_set(struct rt_buf *out, struct rtb_load_maker *maker, uint64_t number)
{
	put_words(out, "*3\r\n$3\r\nSET\r\n");
	put_key(out, number);
	put_value(out, rtb_values_next(&maker->values));
}

static void
put_scan(struct rt_buf *out, uint64_t number)
{
	rt_buf_printf(out, "*%d\r\n$4\r\nMGET\r\n", RTB_SCAN_KEYS + 1);
	for (unsigned i = 0; i < RTB_SCAN_KEYS; i++)
		put_key(out, number + i);
}

/* Counters are keys of their own, so that none of them holds a value. */
static void
put_incr(struct rt_buf *out, uint64_t number)
{
	uint8_t key[RTB_KEY_BYTES];

	put_words(out, "*2\r\n$4\r\nINCR\r\n$16\r\n");
	rtb_key(key, number, false);
	key[0] = 'c';
	rt_buf_append(out, key, sizeof(key));
	put_words(out, "\r\n");
}

static void
note_sent(struct rtb_load_conn *conn, enum rtb_op op, bool is_half,
    uint64_t due_ns)
{
	conn->sent[conn->sent_count++] = (struct rtb_load_sent){
		.op = op,
		.is_half = is_half,
		.due_ns = due_ns,
	};
}

void
rtb_load_conn_add(struct rtb_load_conn *conn, struct rtb_load_maker *maker,
    uint64_t due_ns)
{
	enum rtb_op op = rtb_load_mix_draw(&maker->options->mix,
	    &maker->random);
	struct rt_buf *out = &conn->out;
	uint64_t number = op == RTB_OP_INSERT
	    ? rtb_key_draw_insert(&maker->draw)
	    : rtb_key_draw_next(&maker->draw);

	switch (op) {
	case RTB_OP_GET:
		put_get(out, number);
		break;
	case RTB_OP_SET:
	case RTB_OP_INSERT:
		put_set(out, maker, number);
		break;
	case RTB_OP_CHANGE:
		put_get(out, number);
		note_sent(conn, op, true, due_ns);
		put_set(out, maker, number);
		break;
	case RTB_OP_SCAN:
		put_scan(out, number);
		break;
	case RTB_OP_INCR:
		put_incr(out, number);
		break;
	case RTB_OP_DEL:
		put_words(out, "*2\r\n$3\r\nDEL\r\n");
		put_key(out, number);
		break;
	case RTB_OP_PING:
	case RTB_OPS:
		put_words(out, "*1\r\n$4\r\nPING\r\n");
		break;
	}
	note_sent(conn, op, false, due_ns);
}

/* -- sending and receiving -- */

enum rt_code
rtb_load_conn_send(struct rtb_load_conn *conn, struct rtb_load_counts *counts,
    struct rt_err *err)
{
	while (conn->out_at < conn->out.len) {
		ssize_t put = send(conn->fd, conn->out.data + conn->out_at,
		    conn->out.len - conn->out_at, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			break;
		if (put < 0)
			return rt_err_set_errno(err, errno, "send");
		conn->out_at += (size_t)put;
		counts->bytes_out += (uint64_t)put;
	}
	conn->wants_write = conn->out_at < conn->out.len;
	if (!conn->wants_write) {
		rt_buf_clear(&conn->out);
		conn->out_at = 0;
	}
	return RT_OK;
}

static void
count_reply(struct rtb_load_conn *conn, enum rtb_reply kind, uint64_t now_ns,
    struct rtb_load_counts *counts)
{
	const struct rtb_load_sent *sent = &conn->sent[conn->sent_done++];

	if (kind == RTB_REPLY_ERROR) {
		counts->errors++;
		memcpy(counts->error, conn->reader.error,
		    sizeof(counts->error));
	} else if (sent->op == RTB_OP_GET) {
		counts->hits += kind == RTB_REPLY_VALUE;
		counts->misses += kind == RTB_REPLY_NIL;
	}
	if (sent->is_half)
		return;
	counts->done[sent->op]++;
	rtb_histogram_add(&counts->times[sent->op],
	    now_ns > sent->due_ns ? now_ns - sent->due_ns : 0, 1);
}

static enum rt_code
count_replies(struct rtb_load_conn *conn, struct rt_slice *data,
    struct rtb_load_counts *counts, struct rt_err *err)
{
	uint64_t now_ns = rtb_now_ns();
	enum rtb_reply kind;

	while ((kind = rtb_reply_next(&conn->reader, data)) !=
	    RTB_REPLY_MORE) {
		if (kind == RTB_REPLY_BAD ||
		    conn->sent_done == conn->sent_count)
			return rt_err_set(err, RT_EINVAL,
			    "what the server sent is not a reply");
		count_reply(conn, kind, now_ns, counts);
	}
	return RT_OK;
}

enum rt_code
rtb_load_conn_receive(struct rtb_load_conn *conn, struct rt_buf *memory,
    struct rtb_load_counts *counts, bool *idle, struct rt_err *err)
{
	struct rt_slice data;
	enum rt_code code;
	ssize_t got;

	*idle = false;
	/* What was left of a line comes first. */
	rt_buf_clear(memory);
	rt_buf_append_slice(memory, rt_buf_slice(&conn->in));
	got = recv(conn->fd, memory->data + memory->len,
	    memory->cap - memory->len, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return RT_OK;
	if (got < 0)
		return rt_err_set_errno(err, errno, "receive");
	if (got == 0)
		return rt_err_set(err, RT_EIO,
		    "the server closed the connection");
	counts->bytes_in += (uint64_t)got;
	data = rt_slice(memory->data, memory->len + (size_t)got);
	code = count_replies(conn, &data, counts, err);
	rt_buf_clear(&conn->in);
	rt_buf_append_slice(&conn->in, data);
	if (conn->in.len >= memory->cap / 2)
		return rt_err_set(err, RT_EINVAL,
		    "a line of a reply is too long");
	*idle = conn->sent_done == conn->sent_count;
	if (*idle)
		conn->sent_done = conn->sent_count = 0;
	return code;
}

void
rtb_load_counts_merge(struct rtb_load_counts *into,
    const struct rtb_load_counts *from)
{
	for (size_t op = 0; op < RTB_OPS; op++) {
		rtb_histogram_merge(&into->times[op], &from->times[op]);
		into->done[op] += from->done[op];
	}
	into->hits += from->hits;
	into->misses += from->misses;
	into->errors += from->errors;
	if (from->errors != 0)
		memcpy(into->error, from->error, sizeof(into->error));
	into->bytes_out += from->bytes_out;
	into->bytes_in += from->bytes_in;
}
