/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * An identifier as engines keep it: up to 255 opaque octets and what kind they are. Short ones lie in the structure,
 * longer ones on the heap. Zeroed memory is a valid, empty ident. A structure copy moves the ownership.
 *
 * Threads: the control core.
 */
#define IDENT_INLINE 30

struct ident {
	uint8_t kind; /* subtype of an MN identifier; 0 for link-layer ids */
	uint8_t length;
	uint8_t bytes[IDENT_INLINE]; /* the octets, or the pointer to them */
};

/* Fill an empty ident: 0 or -ENOMEM (it stays empty). */
int ident_set(struct ident *ident, uint8_t kind, const uint8_t *data, uint8_t length);
/* Free what it holds; empty again. */
void ident_clear(struct ident *ident);
const uint8_t *ident_data(const struct ident *ident);
bool ident_equals(const struct ident *ident, uint8_t kind, const uint8_t *data, uint8_t length);
/* Octets on the heap. */
uint32_t ident_heap_bytes(const struct ident *ident);
