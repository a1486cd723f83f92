/* tls: TLS on one accepted socket, called as recv and send are. The handshake
 * is part of the first receive. Thread: the loop's.
 *
 * T1 Nothing that was decrypted stays here: a receive takes whole records. So
 *    a socket without bytes has nothing more to give, as without TLS.
 * T2 What could not be sent is offered again, the same bytes first and in a
 *    first piece that is no shorter; there may be more, and elsewhere. */
#ifndef RIPTIDED_NET_TLS_H
#define RIPTIDED_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The largest record, and so the least room for a receive. */
#define RTD_TLS_RECORD_BYTES 16384
/* What OpenSSL keeps for a connection that is idle, about. */
#define RTD_TLS_MEMORY_BYTES 24576

struct rtd_tls;
struct ssl_ctx_st;

/* The socket stays the caller's. NULL: no memory. */
struct rtd_tls *rtd_tls_new(struct ssl_ctx_st *context, int fd);
/* NULL is accepted. */
void rtd_tls_free(struct rtd_tls *tls);

/* As recv(2): bytes, 0 at the end, or -1 with errno. EAGAIN: when the socket
 * can be read, or written if rtd_tls_wants_write(). EPROTO: the other side does
 * not speak TLS as we want it. room: RTD_TLS_RECORD_BYTES at least. */
ssize_t rtd_tls_recv(struct rtd_tls *tls, void *out, size_t room);

/* As writev(2), after the handshake. */
ssize_t rtd_tls_send(struct rtd_tls *tls, const struct iovec *pieces,
    size_t count);

/* The handshake is done. */
bool rtd_tls_is_open(const struct rtd_tls *tls);
/* The last receive was held up by a socket that takes no more. */
bool rtd_tls_wants_write(const struct rtd_tls *tls);
/* Words for the last EPROTO. */
const char *rtd_tls_problem(const struct rtd_tls *tls);

/* Tell the other side that no more will come; it may be lost. */
void rtd_tls_say_goodbye(struct rtd_tls *tls);

#endif
