/* inherited: listening sockets that a service manager has opened for us, by the
 * protocol of systemd (sd_listen_fds(3)). They outlive us: who connects between
 * two of our lives waits in their queue. Thread: main. */
#ifndef RIPTIDED_NET_INHERITED_H
#define RIPTIDED_NET_INHERITED_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/err.h"

#define RTD_INHERITED_MAX 33
#define RTD_INHERITED_NAME_BYTES 128

enum rtd_inherited_kind {
	RTD_INHERITED_TCP,
	RTD_INHERITED_TLS,	/* TCP whose FileDescriptorName is tls */
	RTD_INHERITED_UNIX
};

struct rtd_inherited_socket {
	int fd;
	enum rtd_inherited_kind kind;
	uint16_t port;		/* 0: unix */
	char name[RTD_INHERITED_NAME_BYTES];	/* address, or path */
};

/* Inert when zeroed. */
struct rtd_inherited {
	struct rtd_inherited_socket sockets[RTD_INHERITED_MAX];
	unsigned count;
};

/* Take what there is, which may be nothing: once, before a process is forked.
 * The descriptors are the caller's, also after an error. RT_ECONFIG: one is not
 * a listening stream socket, or there are too many. */
RT_MUST_USE enum rt_code rtd_inherited_take(struct rtd_inherited *inherited,
    struct rt_err *err);

/* The first of its kind; NULL: there is none. */
const struct rtd_inherited_socket *rtd_inherited_find(
    const struct rtd_inherited *inherited, enum rtd_inherited_kind kind);

void rtd_inherited_close(struct rtd_inherited *inherited);

#endif
