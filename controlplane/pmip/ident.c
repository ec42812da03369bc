/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/ident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ident_set(struct ident *ident, uint8_t kind, const uint8_t *data, uint8_t length)
{
	uint8_t *heap;

	if (length <= IDENT_INLINE) {
		if (length > 0)
			memcpy(ident->bytes, data, length);
	} else {
		heap = malloc(length);
		if (heap == NULL)
			return -ENOMEM;
		memcpy(heap, data, length);
		memcpy(ident->bytes, &heap, sizeof(heap));
	}
	ident->kind = kind;
	ident->length = length;
	return 0;
}

static uint8_t *heap_of(const struct ident *ident)
{
	uint8_t *heap;

	memcpy(&heap, ident->bytes, sizeof(heap));
	return heap;
}

void ident_clear(struct ident *ident)
{
	if (ident->length > IDENT_INLINE)
		free(heap_of(ident));
	memset(ident, 0, sizeof(*ident));
}

const uint8_t *ident_data(const struct ident *ident)
{
	return ident->length > IDENT_INLINE ? heap_of(ident) : ident->bytes;
}

bool ident_equals(const struct ident *ident, uint8_t kind, const uint8_t *data, uint8_t length)
{
	return ident->kind == kind && ident->length == length &&
	       (length == 0 || memcmp(ident_data(ident), data, length) == 0);
}

uint32_t ident_heap_bytes(const struct ident *ident)
{
	return ident->length > IDENT_INLINE ? ident->length : 0;
}
