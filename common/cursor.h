/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bounds-checked reader over bytes from outside. A read past the end returns zeroes and sets failed, which stays set:
 * read a whole structure, then check once. Any thread.
 */
struct cursor {
	const uint8_t *at, *end;
	bool failed;
};

static inline struct cursor cursor_over(const void *bytes, size_t n)
{
	return (struct cursor){bytes, (const uint8_t *)bytes + n, false};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next @n octets, or NULL (and failed) if there are fewer. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t n)
{
	const uint8_t *at = cursor->at;

	if (cursor->failed || cursor_left(cursor) < n) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += n;
	return at;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	const uint8_t *p = cursor_take(cursor, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *cursor)
{
	const uint8_t *p = cursor_take(cursor, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_be32(struct cursor *cursor)
{
	uint32_t high = cursor_be16(cursor);

	return high << 16 | cursor_be16(cursor);
}

static inline uint64_t cursor_be64(struct cursor *cursor)
{
	uint64_t high = cursor_be32(cursor);

	return high << 32 | cursor_be32(cursor);
}

/* Copy @n octets; zeroes on failure. */
static inline void cursor_copy(struct cursor *cursor, void *to, size_t n)
{
	const uint8_t *p = cursor_take(cursor, n);

	if (p != NULL)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
}
