/* tcp_socket: sockets bound to the addresses that an option names, not yet
 * listening. Thread: main, before the sandbox (names are looked up). */
#ifndef RIPTIDED_NET_TCP_SOCKET_H
#define RIPTIDED_NET_TCP_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/err.h"

#define RTD_TCP_ADDRESSES_MAX 16
#define RTD_TCP_ADDRESS_BYTES 256
/* "HOST port N", for people. */
#define RTD_TCP_NAME_BYTES (RTD_TCP_ADDRESS_BYTES + 16)

/* Bind each word of hosts: a host, "*" or "::*" for all, "-" in front when it
 * may be missing. port 0: none is bound. bound owns fd; what it was given before
 * an error stays its own. option: the name of hosts, for errors. RT_EADDRESS: in
 * use, or not to be had; RT_ECONFIG: not an address, or too many. */
RT_MUST_USE enum rt_code rtd_tcp_bind(const char *option, const char *hosts,
    int64_t port, void (*bound)(void *arg, int fd, const char *name), void *arg,
    struct rt_err *err);

/* A daemon that was killed has its sockets until the kernel is through with it,
 * so an address may be in use for an instant: after a pause, whether it is worth
 * another try. *tries: 0 before the first. */
bool rtd_tcp_may_try_again(int os_errno, unsigned *tries);

#endif
