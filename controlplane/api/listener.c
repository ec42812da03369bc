/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"

#define BACKLOG 16

static int address_set(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Does somebody serve the socket at @path? 1 with its process (0: not known), 0: nobody, or negative errno. */
static int served(const char *path, pid_t *pid)
{
	struct sockaddr_un address;
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	int fd, result = 1;

	*pid = 0;
	if (address_set(&address, path) != 0)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		result = errno == ECONNREFUSED ? 0 : errno == EAGAIN ? 1 : -errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		*pid = peer.pid;
	close(fd);
	return result;
}

/* The path is free, or holds the socket of a dead process that may be replaced. */
static int path_check(const char *path, char *error, size_t error_size)
{
	struct stat status;
	pid_t pid;
	int result;

	if (lstat(path, &status) != 0) {
		if (errno == ENOENT)
			return 0;
		result = -errno;
		snprintf(error, error_size, "control socket %s: %s", path, strerror(-result));
		return result;
	}
	if (!S_ISSOCK(status.st_mode)) {
		snprintf(error, error_size,
			"control socket %s: there is a file of that name; remove it or choose another "
			"path",
			path);
		return -EEXIST;
	}
	result = served(path, &pid);
	if (result == 0)
		return 0;
	if (result < 0) {
		snprintf(error, error_size, "control socket %s: %s", path, strerror(-result));
		return result;
	}
	snprintf(error, error_size, "control socket %s: process %d serves it already; stop it or choose another path",
		path, (int)pid);
	return -EADDRINUSE;
}

/* The directory of @path, one level, as for /run/hawser. */
static int directory_make(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	int result;

	if (slash == NULL || slash == path)
		return 0;
	directory = strndup(path, (size_t)(slash - path));
	if (directory == NULL)
		return -ENOMEM;
	result = mkdir(directory, 0755) == 0 || errno == EEXIST ? 0 : -errno;
	free(directory);
	return result;
}

/* Bind and listen at @temporary, with the mode that the socket has to have when it gets its name. */
static int bind_at(struct listener *listener, const char *temporary, uint32_t mode)
{
	struct sockaddr_un address;
	struct stat status;
	int result = address_set(&address, temporary);

	if (result != 0)
		return result;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	unlink(temporary); /* of a process of our number that died in here */
	if (bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		goto fail_close;
	if (chmod(temporary, mode) != 0 || listen(listener->fd, BACKLOG) != 0 || stat(temporary, &status) != 0)
		goto fail_unlink;
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return 0;

fail_unlink:
	result = -errno;
	unlink(temporary);
	errno = -result;
fail_close:
	result = -errno;
	close(listener->fd);
	listener->fd = -1;
	return result;
}

int listener_open(struct listener *listener, const char *path, uint32_t mode, char *error, size_t error_size)
{
	char temporary[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int result;

	*listener = (struct listener){.fd = -1};
	if (path == NULL || path[0] == '\0') {
		snprintf(error, error_size, "control socket: no path");
		return -EINVAL;
	}
	if (strlen(path) > API_PATH_MAX) {
		snprintf(error, error_size, "control socket %s: longer than %d octets; choose a shorter path", path,
			API_PATH_MAX);
		return -ENAMETOOLONG;
	}
	snprintf(temporary, sizeof(temporary), "%s.%x", path, (unsigned)getpid());
	listener->path = strdup(path);
	if (listener->path == NULL) {
		snprintf(error, error_size, "control socket: no memory");
		return -ENOMEM;
	}
	result = directory_make(path);
	if (result == 0) {
		result = path_check(path, error, error_size);
		if (result != 0)
			goto fail;
		result = bind_at(listener, temporary, mode);
	}
	if (result == 0 && rename(temporary, path) != 0) {
		result = -errno;
		unlink(temporary);
	}
	if (result == 0)
		return 0;
	snprintf(error, error_size, "control socket %s: %s; does the directory exist, may we write there?", path,
		strerror(-result));
fail:
	listener_close(listener);
	return result;
}

void listener_close(struct listener *listener)
{
	struct stat status;

	if (listener->fd >= 0) {
		close(listener->fd);
		if (lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
			status.st_ino == listener->inode)
			unlink(listener->path);
	}
	free(listener->path);
	*listener = (struct listener){.fd = -1};
}
