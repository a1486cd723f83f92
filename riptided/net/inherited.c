#include "riptided/net/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "build-config.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "riptided/net/address.h"

#ifdef HAVE_SYSTEMD

static enum rt_code
describe_unix(struct rtd_inherited_socket *inherited,
    const struct sockaddr_un *address)
{
	inherited->kind = RTD_INHERITED_UNIX;
	snprintf(inherited->name, sizeof(inherited->name), "%s%.*s",
	    address->sun_path[0] == '\0' ? "@" : "",
	    (int)sizeof(address->sun_path) - 1,
	    address->sun_path + (address->sun_path[0] == '\0' ? 1 : 0));
	return RT_OK;
}

static enum rt_code
describe(struct rtd_inherited_socket *inherited, const char *given,
    struct rt_err *err)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} address = { 0 };
	socklen_t len = sizeof(address);

	if (sd_is_socket(inherited->fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
	    getsockname(inherited->fd, (struct sockaddr *)&address.any,
		&len) != 0)
		return rt_err_set(err, RT_ECONFIG, "descriptor %d (%s) of the "
		    "service manager is not a listening stream socket",
		    inherited->fd, given);
	if (address.any.ss_family == AF_UNIX)
		return describe_unix(inherited, &address.local);
	if (address.any.ss_family != AF_INET &&
	    address.any.ss_family != AF_INET6)
		return rt_err_set(err, RT_ECONFIG, "descriptor %d (%s) of the "
		    "service manager is neither of TCP nor a unix socket",
		    inherited->fd, given);
	inherited->kind = strcmp(given, "tls") == 0 ? RTD_INHERITED_TLS
						    : RTD_INHERITED_TCP;
	inherited->port = ntohs(address.any.ss_family == AF_INET
		? address.v4.sin_port : address.v6.sin6_port);
	rtd_address_name(&address.any, inherited->name,
	    sizeof(inherited->name));
	return RT_OK;
}

static enum rt_code
add(struct rtd_inherited *inherited, int fd, const char *given,
    struct rt_err *err)
{
	struct rtd_inherited_socket *next =
	    &inherited->sockets[inherited->count++];
	int flags = fcntl(fd, F_GETFL);

	*next = (struct rtd_inherited_socket){ .fd = fd };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return rt_err_set_errno(err, errno,
		    "descriptor %d of the service manager", fd);
	return describe(next, given, err);
}

enum rt_code
rtd_inherited_take(struct rtd_inherited *inherited, struct rt_err *err)
{
	char **names = NULL;
	enum rt_code code = RT_OK;
	/* What we start must not think that they are its own. */
	int given = sd_listen_fds_with_names(1, &names);

	if (given < 0)
		code = rt_err_set(err, RT_ECONFIG, "LISTEN_FDS or "
		    "LISTEN_FDNAMES of the service manager: %s",
		    strerrordesc_np(-given));
	if (given > RTD_INHERITED_MAX)
		code = rt_err_set(err, RT_ECONFIG, "the service manager hands "
		    "over %d sockets, allowed: %d", given, RTD_INHERITED_MAX);
	for (int i = 0; i < given && code == RT_OK; i++)
		code = add(inherited, SD_LISTEN_FDS_START + i, names[i], err);
	for (int i = 0; i < given; i++)
		free(names[i]);
	free(names);
	return code;
}

#else

enum rt_code
rtd_inherited_take(struct rtd_inherited *inherited, struct rt_err *err)
{
	return RT_OK;
}

#endif

const struct rtd_inherited_socket *
rtd_inherited_find(const struct rtd_inherited *inherited,
    enum rtd_inherited_kind kind)
{
	for (unsigned i = 0; i < inherited->count; i++)
		if (inherited->sockets[i].kind == kind)
			return &inherited->sockets[i];
	return NULL;
}

void
rtd_inherited_close(struct rtd_inherited *inherited)
{
	for (unsigned i = 0; i < inherited->count; i++)
		close(inherited->sockets[i].fd);
	inherited->count = 0;
}
