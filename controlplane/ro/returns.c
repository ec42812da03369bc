/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LMA: what the MAG that an MN left sends back here, because it still comes direct from the other MN's MAG (the return
 * rule, wire-formats G.6.2). For a while after a handover the workers take these packets of the pair from there.
 */
#include "ro/internal.h"

/* Of a MAG that the MN of side @i left: the tunnel to it, and until when. A MAG has other uses for the fields. */
static uint32_t *left_tunnel(struct association *a, unsigned i)
{
	return i == 0 ? &a->tunnel : &a->former;
}

static uint64_t *left_until(struct association *a, unsigned i)
{
	return i == 0 ? &a->linger_ms : &a->former_ms;
}

bool returns_end(struct ro *ro, struct association *a, unsigned i)
{
	const struct fwd_pair pair = {.forward.flags = FORWARD_PAIR_RX};
	uint32_t *tunnel = left_tunnel(a, i);

	if (*tunnel == INDEX_NONE)
		return false;
	association_emit(ro, a, 1 - i, FWD_OP_pair_remove, &pair);
	ro->ops->tunnel_release(ro->context, *tunnel);
	*tunnel = INDEX_NONE;
	*left_until(a, i) = 0;
	return true;
}

/* Pairs of the time when one of the sides had other prefixes as well. */
static void make_way(struct ro *ro, struct association *a)
{
	for (unsigned i = 0; i < a->sides[0].prefix_count; i++) {
		struct association *former;
		uint32_t at = 0;

		while ((former = association_of(ro, a->sides[0].prefixes[i], &at)) != NULL)
			if (former != a && association_overlaps(former, &a->sides[0], &a->sides[1]))
				returns_stop(ro, former);
	}
}

void returns_begin(struct ro *ro, struct association *a, unsigned i, const struct in6_addr *left)
{
	struct fwd_pair pair = {.forward = {.action = FORWARD_LOCAL,
					.flags = FORWARD_PAIR_RX,
					.link = LINK_NONE,
					.tunnel = INDEX_NONE,
					.node = INDEX_NONE},
		.check = {.former = INDEX_NONE}};
	uint32_t tunnel;

	if (IN6_IS_ADDR_UNSPECIFIED(left) || ro->ops->tunnel_acquire == NULL)
		return;
	make_way(ro, a);
	tunnel = ro->ops->tunnel_acquire(ro->context, left);
	returns_end(ro, a, i);
	if (tunnel != INDEX_NONE) {
		pair.check.tunnel = tunnel;
		association_emit(ro, a, 1 - i, FWD_OP_pair_insert, &pair);
		*left_tunnel(a, i) = tunnel;
		*left_until(a, i) = ro_ms(ro) + ro->config.rx_linger_ms;
		ro->stats.returns++;
	}
	/* By itself: without room for it the handover goes on all the same. */
	ro->host->ops->commit(ro->host, 0, 0);
	association_schedule(ro, a);
}

void returns_stop(struct ro *ro, struct association *a)
{
	bool ended;

	if (ro->config.role != RO_ROLE_LMA)
		return;
	ended = returns_end(ro, a, 0);
	if (returns_end(ro, a, 1) || ended)
		ro->host->ops->commit(ro->host, 0, 0);
}

void returns_fire(struct ro *ro, struct association *a)
{
	bool ended = false;

	for (unsigned i = 0; i < 2; i++)
		if (*left_until(a, i) != 0 && *left_until(a, i) <= ro_ms(ro))
			ended |= returns_end(ro, a, i);
	if (ended)
		ro->host->ops->commit(ro->host, 0, 0);
}
