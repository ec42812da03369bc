/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "log.h"
#include "pmip/heartbeat.h"

#define FILE_NAME      "restart-counter"
#define TEMPORARY_NAME ".restart-counter.new"
#define TEXT_MAX       16 /* ten digits, newline, and room to see what is too long */

/* @directory and what is missing above it. */
static int make_directories(const char *directory)
{
	char path[PATH_MAX];
	size_t length = strlen(directory);

	if (length == 0)
		return -EINVAL;
	if (length >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, directory, length + 1);
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

int state_directory_lock(const char *directory)
{
	int error = make_directories(directory), fd;

	if (error != 0)
		return error;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return error;
}

/* A decimal number and a newline, nothing else. */
static int parse_counter(const char *text, size_t length, uint32_t *counter)
{
	uint64_t value = 0;

	if (length < 2 || text[length - 1] != '\n')
		return -EBADMSG;
	for (size_t i = 0; i < length - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EBADMSG;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > UINT32_MAX)
			return -EBADMSG;
	}
	*counter = (uint32_t)value;
	return 0;
}

/* 0 if there is no file yet. */
static int read_counter(int directory, uint32_t *counter)
{
	char text[TEXT_MAX];
	ssize_t n;
	int fd = openat(directory, FILE_NAME, O_RDONLY | O_CLOEXEC);

	*counter = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	do
		n = read(fd, text, sizeof(text));
	while (n < 0 && errno == EINTR);
	close(fd);
	return n < 0 ? -EIO : parse_counter(text, (size_t)n, counter);
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_counter(int directory, uint32_t counter)
{
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%" PRIu32 "\n", counter);
	int fd, error;

	fd = openat(directory, TEMPORARY_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	error = write_all(fd, text, (size_t)length);
	if (close(fd) < 0 && error == 0)
		error = -errno;
	if (error == 0 && renameat(directory, TEMPORARY_NAME, directory, FILE_NAME) < 0)
		error = -errno;
	if (error != 0)
		unlinkat(directory, TEMPORARY_NAME, 0);
	else if (fsync(directory) < 0)
		error = -errno;
	return error;
}

static void report(const char *directory, const char *what, int error)
{
	char text[128];

	log_error("restart_counter", "directory=%s step=%s error=%s hint=\"%s\"",
		log_quote(directory, strlen(directory), text, sizeof(text)), what, strerrorname_np(-error),
		error == -EBADMSG ? "the file restart-counter is not a number: write a higher one than was ever used"
				  : "the state directory must be writable");
}

int restart_counter_next(const char *directory, uint32_t *counter)
{
	uint32_t last;
	int error, fd;

	error = make_directories(directory);
	if (error != 0) {
		report(directory, "create", error);
		return error;
	}
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		report(directory, "open", error);
		return error;
	}
	error = read_counter(fd, &last);
	if (error != 0) {
		report(directory, "read", error);
	} else {
		error = write_counter(fd, last + 1);
		if (error != 0)
			report(directory, "write", error);
		else
			*counter = last + 1;
	}
	close(fd);
	return error;
}
