/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_interface.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

static int set_flags(int fd, struct ifreq *request)
{
	if (ioctl(fd, SIOCGIFFLAGS, request) != 0)
		return -errno;
	request->ifr_flags |= IFF_UP | IFF_PROMISC;
	return ioctl(fd, SIOCSIFFLAGS, request) == 0 ? 0 : -errno;
}

/* The kernel shall not answer beside us. A kernel without IPv6 has no such file: fine. */
static int disable_ipv6(const char *name)
{
	char path[64 + IFNAMSIZ];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (write(fd, "1\n", 2) != 2)
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * Packets merged by the kernel would not fit our buffers. Best effort: a device without the switch does not merge, and
 * one that keeps on merging shows as rx errors of the port.
 */
static void disable_offload(int fd, struct ifreq *request, uint32_t command)
{
	struct ethtool_value value = {.cmd = command, .data = 0};

	/* cppcheck-suppress autoVariables ; taken back below */
	request->ifr_data = (char *)&value;
	(void)ioctl(fd, SIOCETHTOOL, request);
	request->ifr_data = NULL;
}

static int prepare(int fd, const char *name, uint16_t mtu_bytes, const char **cause)
{
	struct ifreq request = {0};
	int rc;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	*cause = "no such interface";
	if (strlen(name) >= IFNAMSIZ || ioctl(fd, SIOCGIFMTU, &request) != 0)
		return -ENODEV;
	*cause = "MTU of the interface is smaller than that of the port";
	if (request.ifr_mtu < mtu_bytes)
		return -EMSGSIZE;
	*cause = "IPv6 of the kernel cannot be switched off on the interface";
	rc = disable_ipv6(name);
	if (rc != 0)
		return rc;
	disable_offload(fd, &request, ETHTOOL_SGRO);
	*cause = "the interface cannot be set up and promiscuous";
	return set_flags(fd, &request);
}

int kernel_interface_prepare(const char *name, uint16_t mtu_bytes, const char **cause)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*cause = "no socket";
	if (fd < 0)
		return -errno;
	rc = prepare(fd, name, mtu_bytes, cause);
	close(fd);
	return rc;
}
