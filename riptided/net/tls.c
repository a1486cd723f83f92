/* OpenSSL reads the socket itself, a record at a time and never ahead, so that
 * what is not taken stays with the kernel (T1). It writes a record and keeps
 * what the socket did not take of it: until that is out the bytes of the record
 * count as not sent (T2). */
#include "riptided/net/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/invariant.h"

struct rtd_tls {
	SSL *ssl;
	const char *problem;
	bool wants_write;
};

struct rtd_tls *
rtd_tls_new(struct ssl_ctx_st *context, int fd)
{
	SSL *ssl = SSL_new(context);
	struct rtd_tls *tls;

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	tls = rt_alloc_zero(1, sizeof(*tls));
	tls->ssl = ssl;
	return tls;
}

void
rtd_tls_free(struct rtd_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

/* What OpenSSL says, as errno; 0: the end. */
static int
failed(struct rtd_tls *tls, int result)
{
	int os_errno = errno;
	unsigned long error;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_WRITE:
		tls->wants_write = true;
		return EAGAIN;
	case SSL_ERROR_WANT_READ:
		return EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return os_errno != 0 ? os_errno : ECONNRESET;
	default:
		break;
	}
	error = ERR_peek_error();
	tls->problem = ERR_reason_error_string(error);
	ERR_clear_error();
	return EPROTO;
}

static int
at_most_int(size_t len)
{
	return (int)(len < INT_MAX ? len : INT_MAX);
}

/* One record: what is behind it makes the socket readable again. */
ssize_t
rtd_tls_recv(struct rtd_tls *tls, void *out, size_t room)
{
	int got, error;

	rt_assert(room >= RTD_TLS_RECORD_BYTES);
	tls->wants_write = false;
	ERR_clear_error();
	errno = 0;
	got = SSL_read(tls->ssl, out, at_most_int(room));
	if (got > 0)
		return got;
	error = failed(tls, got);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* As much of one piece as the socket takes. */
static ssize_t
send_one(struct rtd_tls *tls, const char *data, size_t len)
{
	bool held_up = tls->wants_write;
	size_t put = 0;
	int one = 1, error;

	while (put < len && one > 0) {
		ERR_clear_error();
		errno = 0;
		one = SSL_write(tls->ssl, data + put, at_most_int(len - put));
		if (one > 0)
			put += (size_t)one;
	}
	if (put != 0 || len == 0)
		return (ssize_t)put;
	error = failed(tls, one);
	/* That is about receiving alone. */
	tls->wants_write = held_up;
	errno = error != 0 ? error : EPIPE;
	return -1;
}

ssize_t
rtd_tls_send(struct rtd_tls *tls, const struct iovec *pieces, size_t count)
{
	size_t put = 0;

	for (size_t i = 0; i < count; i++) {
		ssize_t one = send_one(tls, pieces[i].iov_base,
		    pieces[i].iov_len);

		if (one < 0)
			return put != 0 ? (ssize_t)put : -1;
		put += (size_t)one;
		if ((size_t)one < pieces[i].iov_len)
			break;
	}
	return (ssize_t)put;
}

bool
rtd_tls_is_open(const struct rtd_tls *tls)
{
	return SSL_is_init_finished(tls->ssl) != 0;
}

bool
rtd_tls_wants_write(const struct rtd_tls *tls)
{
	return tls->wants_write;
}

const char *
rtd_tls_problem(const struct rtd_tls *tls)
{
	return tls->problem != NULL ? tls->problem : "unknown";
}

void
rtd_tls_say_goodbye(struct rtd_tls *tls)
{
	ERR_clear_error();
	if (SSL_is_init_finished(tls->ssl))
		(void)SSL_shutdown(tls->ssl);
	ERR_clear_error();
}
