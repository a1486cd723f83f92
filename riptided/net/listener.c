#include "riptided/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/net/address.h"
#include "riptided/net/tcp_socket.h"

/* Each address with and without TLS, a unix socket, and what is inherited. */
#define BOUND_MAX (2 * RTD_TCP_ADDRESSES_MAX + 1)
#define SOCKETS_MAX (BOUND_MAX + RTD_INHERITED_MAX)
/* So that others are served between two herds of new clients. */
#define ACCEPTS_PER_TURN 256
#define LOG_INTERVAL_MS 60000

struct listening {
	struct rtd_listener *listener;
	int fd;
	struct event *event;
	bool is_inherited;		/* others open, listen and close it */
	struct rtd_door door;
	char name[RTD_TCP_NAME_BYTES];	/* for people */
};

struct rtd_listener {
	struct listening sockets[SOCKETS_MAX];
	unsigned count;
	char *unix_path;		/* NULL until the file is ours */
	int reserve_fd;			/* given up to refuse politely */
	bool paused;
	bool admits;			/* clients of inherited sockets */
	void (*accepted)(void *arg, int fd, const struct rtd_door *door);
	void *arg;
};

static enum rt_code
address_error(struct rt_err *err, int os_errno, const char *name)
{
	rt_err_set_errno(err, os_errno, "%s", name);
	if (err != NULL)
		err->code = RT_EADDRESS;
	return RT_EADDRESS;
}

static void
add_socket(struct rtd_listener *listener, int fd, const char *name,
    struct rtd_door door)
{
	struct listening *socket = &listener->sockets[listener->count++];

	*socket = (struct listening){ .listener = listener, .fd = fd,
		.door = door };
	snprintf(socket->name, sizeof(socket->name), "%s", name);
}

/* -- TCP -- */

/* Where sockets go that belong to an option. */
struct binding {
	struct rtd_listener *listener;
	bool tls;
};

static void
on_bound(void *arg, int fd, const char *name)
{
	const struct binding *binding = arg;

	add_socket(binding->listener, fd, name,
	    (struct rtd_door){ .tls = binding->tls });
}

static enum rt_code
bind_hosts(struct rtd_listener *listener, const char *hosts, int64_t port,
    bool tls, struct rt_err *err)
{
	struct binding binding = { .listener = listener, .tls = tls };

	return rtd_tcp_bind("bind", hosts, port, on_bound, &binding, err);
}

/* -- the unix socket -- */

/* 0: nobody listens there. */
static int
knock(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return errno;
	result = connect(fd, (const struct sockaddr *)address,
	    sizeof(*address)) == 0 || errno != ECONNREFUSED ? EADDRINUSE : 0;
	close(fd);
	return result;
}

/* Remove a socket file that a dead process has left. */
static enum rt_code
remove_stale(const struct sockaddr_un *address, struct rt_err *err)
{
	struct stat status;
	unsigned tries = 0;
	int result;

	if (lstat(address->sun_path, &status) != 0)
		return errno == ENOENT ? RT_OK
		    : address_error(err, errno, address->sun_path);
	if (!S_ISSOCK(status.st_mode))
		return rt_err_set(err, RT_EADDRESS,
		    "unixsocket: %s is there and is not a socket",
		    address->sun_path);
	do
		result = knock(address);
	while (result != 0 && rtd_tcp_may_try_again(result, &tries));
	if (result != 0)
		return address_error(err, result, address->sun_path);
	if (unlink(address->sun_path) != 0)
		return address_error(err, errno, address->sun_path);
	return RT_OK;
}

static enum rt_code
bind_unix(struct rtd_listener *listener, const struct rt_config *config,
    struct rt_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = config->unixsocket;
	char *end;
	unsigned long mode = strtoul(config->unixsocketperm, &end, 8);
	enum rt_code code;
	mode_t mask;
	int fd;

	if (config->unixsocketperm[0] == '\0' || *end != '\0' || mode > 0777)
		return rt_err_set(err, RT_ECONFIG, "unixsocketperm: \"%s\" is "
		    "not a mode, allowed: 0 to 777, octal",
		    config->unixsocketperm);
	if (strlen(path) >= sizeof(address.sun_path))
		return rt_err_set(err, RT_ECONFIG, "unixsocket: the path is "
		    "longer than %zu bytes", sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	code = remove_stale(&address, err);
	if (code != RT_OK)
		return code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return address_error(err, errno, path);
	/* The file has its final mode from its first moment. */
	mask = umask((mode_t)~mode & 0777);
	code = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0
	    ? RT_OK : address_error(err, errno, path);
	umask(mask);
	if (code != RT_OK) {
		close(fd);
		return code;
	}
	listener->unix_path = rt_strdup(path);
	add_socket(listener, fd, path,
	    (struct rtd_door){ .unix_path = listener->unix_path });
	return RT_OK;
}

/* -- inherited sockets -- */

/* An option that says "none" is not overruled by a socket: no port for TLS has
 * no certificate, and no port has a reason, too. */
static enum rt_code
check_inherited(const struct rt_config *config,
    const struct rtd_inherited *inherited, struct rt_err *err)
{
	const struct rtd_inherited_socket *tcp =
	    rtd_inherited_find(inherited, RTD_INHERITED_TCP);
	const struct rtd_inherited_socket *tls =
	    rtd_inherited_find(inherited, RTD_INHERITED_TLS);

	if (tcp != NULL && config->port == 0)
		return rt_err_set(err, RT_ECONFIG, "port is 0, but the service "
		    "manager hands over a socket for it: %s", tcp->name);
	if (tls != NULL && config->tls_port == 0)
		return rt_err_set(err, RT_ECONFIG, "tls-port is 0, but the "
		    "service manager hands over a socket for it: %s",
		    tls->name);
	return RT_OK;
}

static void
add_inherited(struct rtd_listener *listener, struct rtd_inherited *inherited)
{
	for (unsigned i = 0; i < inherited->count; i++) {
		const struct rtd_inherited_socket *from =
		    &inherited->sockets[i];
		struct listening *socket =
		    &listener->sockets[listener->count];

		add_socket(listener, from->fd, from->name,
		    (struct rtd_door){ .tls = from->kind == RTD_INHERITED_TLS });
		socket->is_inherited = true;
		if (from->kind == RTD_INHERITED_UNIX)
			socket->door.unix_path = socket->name;
		rt_log(RT_LOG_NOTICE, "net",
		    "listening on a socket of the service manager",
		    "address=%s tls=%d", socket->name, socket->door.tls);
	}
	inherited->count = 0;
}

static bool
is_ours(const struct rtd_inherited *inherited, enum rtd_inherited_kind kind)
{
	return rtd_inherited_find(inherited, kind) == NULL;
}

static enum rt_code
bind_all(struct rtd_listener *listener, const struct rt_config *config,
    const struct rtd_inherited *inherited, struct rt_err *err)
{
	enum rt_code code = check_inherited(config, inherited, err);

	if (code == RT_OK && is_ours(inherited, RTD_INHERITED_TCP))
		code = bind_hosts(listener, config->bind, config->port, false,
		    err);
	if (code == RT_OK && is_ours(inherited, RTD_INHERITED_TLS))
		code = bind_hosts(listener, config->bind, config->tls_port,
		    true, err);
	if (code == RT_OK && is_ours(inherited, RTD_INHERITED_UNIX) &&
	    config->unixsocket[0] != '\0')
		code = bind_unix(listener, config, err);
	return code;
}

enum rt_code
rtd_listener_bind(struct rtd_listener **out, const struct rt_config *config,
    struct rtd_inherited *inherited, struct rt_err *err)
{
	struct rtd_listener *listener = rt_alloc_zero(1, sizeof(*listener));
	enum rt_code code;

	listener->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	code = bind_all(listener, config, inherited, err);
	if (code == RT_OK)
		add_inherited(listener, inherited);
	if (code == RT_OK && listener->count == 0)
		code = rt_err_set(err, RT_ECONFIG, "there is nothing to listen "
		    "on: port and tls-port are 0 or no address of bind is "
		    "there, and no unixsocket is set");
	if (code != RT_OK) {
		rtd_listener_free(listener);
		return code;
	}
	*out = listener;
	return RT_OK;
}

bool
rtd_listener_is_open(const struct rtd_listener *listener)
{
	for (unsigned i = 0; i < listener->count; i++) {
		struct sockaddr_storage here = { 0 };
		socklen_t len = sizeof(here);

		if (getsockname(listener->sockets[i].fd,
			(struct sockaddr *)&here, &len) == 0 &&
		    !rtd_address_is_loopback(&here))
			return true;
	}
	return false;
}

/* -- accepting -- */

/* No descriptor is left: take the client in with the one kept for this, tell
 * it, and let it go. False: somebody else got the descriptor first. */
static bool
refuse_politely(struct rtd_listener *listener, int listen_fd, bool tls)
{
	static const char text[] = "-ERR max number of clients reached\r\n";
	int fd;

	if (listener->reserve_fd >= 0)
		close(listener->reserve_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		if (!tls &&
		    send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) >= 0)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
	listener->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "no descriptor is left for new clients", "");
	return fd >= 0;
}

/* Have the events that the state wants: adding one again changes nothing. */
static void
set_events(struct rtd_listener *listener)
{
	for (unsigned i = 0; i < listener->count; i++) {
		struct listening *socket = &listener->sockets[i];

		if (listener->paused ||
		    (socket->is_inherited && !listener->admits))
			event_del(socket->event);
		else
			event_add(socket->event, NULL);
	}
}

static void
set_paused(struct rtd_listener *listener, bool paused)
{
	if (paused == listener->paused)
		return;
	listener->paused = paused;
	set_events(listener);
}

/* False: nothing more to accept now. */
static bool
accept_failed(struct listening *socket, int os_errno)
{
	if (os_errno == EAGAIN)
		return false;
	if ((os_errno == EMFILE || os_errno == ENFILE) &&
	    refuse_politely(socket->listener, socket->fd, socket->door.tls))
		return true;
	/* The one connection is gone; the next may be sound. */
	if (os_errno == ECONNABORTED || os_errno == EINTR ||
	    os_errno == EPROTO || os_errno == EPERM)
		return true;
	rt_log_limited(LOG_INTERVAL_MS, RT_LOG_WARNING, "net",
	    "accept failed", "error=\"%s\"", strerrordesc_np(os_errno));
	set_paused(socket->listener, true);
	return false;
}

static void
on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct listening *socket = arg;
	struct rtd_listener *listener = socket->listener;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			listener->accepted(listener->arg, fd, &socket->door);
		else if (!accept_failed(socket, errno))
			break;
	}
}

enum rt_code
rtd_listener_start(struct rtd_listener *listener, struct event_base *base,
    int backlog, void (*accepted)(void *arg, int fd,
	const struct rtd_door *door), void *arg, struct rt_err *err)
{
	listener->accepted = accepted;
	listener->arg = arg;
	for (unsigned i = 0; i < listener->count; i++) {
		struct listening *socket = &listener->sockets[i];

		/* The queue of an inherited one is set where it is made. */
		if (!socket->is_inherited && listen(socket->fd, backlog) != 0)
			return address_error(err, errno, socket->name);
		socket->event = event_new(base, socket->fd,
		    EV_READ | EV_PERSIST, on_acceptable, socket);
		rt_assert(socket->event != NULL);
	}
	set_events(listener);
	return RT_OK;
}

void
rtd_listener_admit(struct rtd_listener *listener)
{
	if (listener->admits)
		return;
	listener->admits = true;
	set_events(listener);
}

void
rtd_listener_tick(struct rtd_listener *listener)
{
	set_paused(listener, false);
}

void
rtd_listener_free(struct rtd_listener *listener)
{
	if (listener == NULL)
		return;
	for (unsigned i = 0; i < listener->count; i++) {
		if (listener->sockets[i].event != NULL)
			event_free(listener->sockets[i].event);
		close(listener->sockets[i].fd);
	}
	if (listener->unix_path != NULL)
		unlink(listener->unix_path);
	free(listener->unix_path);
	if (listener->reserve_fd >= 0)
		close(listener->reserve_fd);
	free(listener);
}
