/* address: socket addresses, as people and the checks see them. Thread: any. */
#ifndef RIPTIDED_NET_ADDRESS_H
#define RIPTIDED_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* "127.0.0.1:50312", "[::1]:1", "?:0". */
void rtd_address_name(const struct sockaddr_storage *address, char *out,
    size_t out_bytes);

/* Can only this machine be behind it? True for what is no IP address. */
bool rtd_address_is_loopback(const struct sockaddr_storage *address);

#endif
