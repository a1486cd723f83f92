/* listener: the sockets that clients come in by. Thread: loop. */
#ifndef RIPTIDED_NET_LISTENER_H
#define RIPTIDED_NET_LISTENER_H

#include <event2/event.h>

#include "libcommon/base/err.h"
#include "libcommon/daemon/config.h"
#include "riptided/net/door.h"
#include "riptided/net/inherited.h"

struct rtd_listener;

/* Bind what bind, port, tls-port and unixsocket say; nobody can connect yet. A socket
 * file that nobody answers on is replaced. Where sockets of a kind (TCP, TLS,
 * unix) are inherited, they stand for that option, whose address is not looked
 * at; they are the listener's from here on, and inherited is empty.
 * RT_EADDRESS: in use, or not to be had; RT_ECONFIG: nothing to listen on, not
 * an address, or inherited though the option says that there is none. */
RT_MUST_USE enum rt_code rtd_listener_bind(struct rtd_listener **out,
    const struct rt_config *config, struct rtd_inherited *inherited,
    struct rt_err *err);

/* Whether other machines may reach it. */
bool rtd_listener_is_open(const struct rtd_listener *listener);

/* Let clients connect. accepted owns fd; door lives as long as the listener.
 * Those of inherited sockets wait for rtd_listener_admit(). */
RT_MUST_USE enum rt_code rtd_listener_start(struct rtd_listener *listener,
    struct event_base *base, int backlog,
    void (*accepted)(void *arg, int fd, const struct rtd_door *door),
    void *arg, struct rt_err *err);

/* Take in those who wait at inherited sockets, and who comes there from now on.
 * May be called again. */
void rtd_listener_admit(struct rtd_listener *listener);

/* Ten times a second: accept again after an error that made it pause. */
void rtd_listener_tick(struct rtd_listener *listener);

/* Close all and remove the socket file. NULL is accepted. */
void rtd_listener_free(struct rtd_listener *listener);

#endif
