/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "endpoint.h"

#include "mh/mh.h"
#include "node/hash_index.h"

/*
 * Hashes of what mobile nodes are found by. With a random @seed nobody outside can choose keys that collide.
 *
 * Threads: pure functions, any thread.
 */

static inline uint64_t hash_mn_id(const struct mn_id *id, uint64_t seed)
{
	return hash_bytes(id->data, id->length, seed ^ id->subtype);
}

/* @prefix: endpoint.h */
static inline uint64_t hash_prefix(uint64_t prefix, uint64_t seed)
{
	return endpoint_hash(prefix ^ seed);
}
