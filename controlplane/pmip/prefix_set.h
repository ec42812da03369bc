/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mh/mh.h"

/*
 * The home network prefixes of a mobility session: nearly always one, which lies inside; more are on the heap. All
 * zero is a valid empty set. The object must not be moved by copying its bytes. One thread.
 */
struct prefix_set {
	struct home_network_prefix *many; /* NULL: at most one */
	struct home_network_prefix one;
	uint8_t count;
};

static inline const struct home_network_prefix *prefix_set_list(const struct prefix_set *set)
{
	return set->many != NULL ? set->many : &set->one;
}

/* The set becomes the @count (at most PROXY_PREFIXES_MAX) prefixes; 0 or -ENOMEM (the set is as it was). */
int prefix_set_assign(struct prefix_set *set, const struct home_network_prefix *prefixes, unsigned count);
void prefix_set_clear(struct prefix_set *set);
bool prefix_set_has(const struct prefix_set *set, const struct home_network_prefix *prefix);
/* Same prefixes in any order; sets have no duplicates. */
bool prefix_set_is(const struct prefix_set *set, const struct home_network_prefix *prefixes, unsigned count);
