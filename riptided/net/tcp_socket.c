#include "riptided/net/tcp_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRIES_MAX 50
#define TRY_NS (10 * 1000 * 1000)

bool
rtd_tcp_may_try_again(int os_errno, unsigned *tries)
{
	const struct timespec pause = { .tv_nsec = TRY_NS };

	if (os_errno != EADDRINUSE || ++*tries == TRIES_MAX)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int
bind_one(const struct addrinfo *address)
{
	int on = 1, saved;
	int fd = socket(address->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool
is_unavailable(int os_errno)
{
	return os_errno == EADDRNOTAVAIL || os_errno == EAFNOSUPPORT ||
	    os_errno == EPROTONOSUPPORT || os_errno == ENOPROTOOPT;
}

static const char *
host_of(const char *word)
{
	if (strcmp(word, "*") == 0)
		return "0.0.0.0";
	return strcmp(word, "::*") == 0 ? "::" : word;
}

/* *fd: -1 after RT_OK: the address is not there and may be missing. */
static enum rt_code
bind_host(const char *option, const char *word, int64_t port, int *fd,
    char name[RTD_TCP_NAME_BYTES], struct rt_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	bool optional = word[0] == '-';
	const char *host = word + (optional ? 1 : 0);
	struct addrinfo *found;
	unsigned tries = 0;
	char service[8];
	int status;

	*fd = -1;
	snprintf(name, RTD_TCP_NAME_BYTES, "%s port %d", host, (int)port);
	snprintf(service, sizeof(service), "%d", (int)port);
	status = getaddrinfo(host_of(host), service, &hints, &found);
	if (status != 0 && optional)
		return RT_OK;
	if (status != 0)
		return rt_err_set(err, RT_ECONFIG, "%s: %s: %s", option,
		    host_of(host), gai_strerror(status));
	do
		*fd = bind_one(found);
	while (*fd < 0 && rtd_tcp_may_try_again(errno, &tries));
	freeaddrinfo(found);
	if (*fd >= 0 || (optional && is_unavailable(errno)))
		return RT_OK;
	rt_err_set_errno(err, errno, "%s", name);
	if (err != NULL)
		err->code = RT_EADDRESS;
	return RT_EADDRESS;
}

/* The next word, and *at behind it; NULL: there is none, or it is too long. */
static const char *
next_word(const char **at, char word[RTD_TCP_ADDRESS_BYTES], size_t *len)
{
	*at += strspn(*at, " \t");
	*len = strcspn(*at, " \t");
	if (*len == 0 || *len >= RTD_TCP_ADDRESS_BYTES)
		return NULL;
	memcpy(word, *at, *len);
	word[*len] = '\0';
	*at += *len;
	return word;
}

enum rt_code
rtd_tcp_bind(const char *option, const char *hosts, int64_t port,
    void (*bound)(void *arg, int fd, const char *name), void *arg,
    struct rt_err *err)
{
	char word[RTD_TCP_ADDRESS_BYTES], name[RTD_TCP_NAME_BYTES];
	size_t len, count = 0;
	enum rt_code code;
	int fd;

	if (port == 0)
		return RT_OK;
	while (next_word(&hosts, word, &len) != NULL &&
	    count++ < RTD_TCP_ADDRESSES_MAX) {
		code = bind_host(option, word, port, &fd, name, err);
		if (code != RT_OK)
			return code;
		if (fd >= 0)
			bound(arg, fd, name);
	}
	if (len == 0)
		return RT_OK;
	return rt_err_set(err, RT_ECONFIG, "%s: allowed: up to %d addresses",
	    option, RTD_TCP_ADDRESSES_MAX);
}
