/* SPDX-License-Identifier: BSD-3-Clause */
#include "hold.h"

#include "endpoint.h"

#define PLACES   (HOLD_SETS * HOLD_WAYS)
#define WORD_LOG 6

void hold_init(struct hold *hold, uint32_t packets_max, uint64_t wait)
{
	hold->packets_max = packets_max;
	hold->wait = wait;
}

static struct hold_pair *set_of(struct hold *hold, union pair_key key)
{
	uint64_t hash = endpoint_hash(endpoint_hash(key.source) ^ key.destination);

	return &hold->pairs[hash % HOLD_SETS * HOLD_WAYS];
}

static bool is_of(const struct hold_pair *pair, union pair_key key)
{
	return pair->key.source == key.source && pair->key.destination == key.destination;
}

struct hold_pair *hold_find(struct hold *hold, union pair_key key)
{
	struct hold_pair *set = set_of(hold, key);

	for (unsigned way = 0; way < HOLD_WAYS; way++)
		if (is_of(&set[way], key))
			return &set[way];
	return NULL;
}

struct hold_pair *hold_start(struct hold *hold, union pair_key key, uint64_t now)
{
	struct hold_pair *pair = hold_find(hold, key), *set = set_of(hold, key);

	for (unsigned way = 0; pair == NULL && way < HOLD_WAYS; way++)
		if (set[way].key.source == 0)
			pair = &set[way];
	if (pair != NULL && pair->count == 0)
		*pair = (struct hold_pair){.key = key, .deadline = now + hold->wait};
	return pair;
}

bool hold_has_room(const struct hold *hold, const struct hold_pair *pair)
{
	return pair->count < hold->packets_max && hold->packets < HOLD_PACKETS_MAX;
}

void hold_append(struct hold *hold, struct hold_pair *pair, struct rte_mbuf *pkt)
{
	unsigned place = (unsigned)(pair - hold->pairs);

	pkt->next = NULL;
	if (pair->first == NULL)
		pair->first = pkt;
	else
		pair->last->next = pkt;
	pair->last = pkt;
	pair->count++;
	hold->packets++;
	hold->used[place >> WORD_LOG] |= UINT64_C(1) << (place & 63);
}

struct hold_pair *hold_next(struct hold *hold, unsigned *at)
{
	while (*at < PLACES) {
		uint64_t word = hold->used[*at >> WORD_LOG] >> (*at & 63);

		if (word != 0) {
			*at += (unsigned)__builtin_ctzll(word) + 1;
			return &hold->pairs[*at - 1];
		}
		*at = (*at & ~63u) + 64;
	}
	return NULL;
}

struct rte_mbuf *hold_take(struct hold *hold, struct hold_pair *pair)
{
	unsigned place = (unsigned)(pair - hold->pairs);
	struct rte_mbuf *first = pair->first;

	hold->packets -= pair->count;
	*pair = (struct hold_pair){.count = 0};
	hold->used[place >> WORD_LOG] &= ~(UINT64_C(1) << (place & 63));
	return first;
}

uint16_t hold_unlink(struct rte_mbuf **first, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t taken = 0;

	while (taken < n && *first != NULL) {
		struct rte_mbuf *pkt = *first;

		*first = pkt->next;
		pkt->next = NULL;
		pkts[taken++] = pkt;
	}
	return taken;
}
