/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/prefix_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int prefix_set_assign(struct prefix_set *set, const struct home_network_prefix *prefixes, unsigned count)
{
	struct home_network_prefix *many = NULL;

	if (count > 1) {
		many = malloc(count * sizeof(*many));
		if (many == NULL)
			return -ENOMEM;
		memcpy(many, prefixes, count * sizeof(*many));
	}
	if (count == 1)
		set->one = prefixes[0];
	free(set->many);
	set->many = many;
	set->count = (uint8_t)count;
	return 0;
}

void prefix_set_clear(struct prefix_set *set)
{
	free(set->many);
	*set = (struct prefix_set){0};
}

bool prefix_set_has(const struct prefix_set *set, const struct home_network_prefix *prefix)
{
	const struct home_network_prefix *list = prefix_set_list(set);

	for (unsigned i = 0; i < set->count; i++)
		if (list[i].length == prefix->length && memcmp(&list[i].prefix, &prefix->prefix, 16) == 0)
			return true;
	return false;
}

bool prefix_set_is(const struct prefix_set *set, const struct home_network_prefix *prefixes, unsigned count)
{
	if (set->count != count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!prefix_set_has(set, &prefixes[i]))
			return false;
	return true;
}
