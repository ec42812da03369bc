/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The listening Unix socket as a file: made under a temporary name with its final mode, then renamed into place, so
 * that nobody ever meets it half made.
 *
 * Threads: one.
 */
struct listener {
	int fd; /* non-blocking, close-on-exec, listening; -1: closed */
	char *path;
	dev_t device; /* of the socket in the file system: at the end only our own is removed */
	ino_t inode;
};

/*
 * 0, or a negative errno with @error telling what is wrong and what to do: -EADDRINUSE (a living process serves the
 * path), -EEXIST (something else than a socket lies there), -ENAMETOOLONG, what the system said otherwise.
 */
int listener_open(struct listener *listener, const char *path, uint32_t mode, char *error, size_t error_size);
/* Closes, and removes the socket unless somebody replaced it. */
void listener_close(struct listener *listener);
