/* SPDX-License-Identifier: BSD-3-Clause */
/* In-order switch-over at a MAG (RO-077, wire-formats G.6.13): the marker behind the last packet over the anchor. */
#include <string.h>

#include "pmip/prefix_pool.h"
#include "ro/internal.h"

#define MARKER_LENGTH_MAX 64

static struct in6_addr marker_end(uint64_t prefix)
{
	static const uint8_t interface[8] = {0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x52, 0x13};
	struct in6_addr address = prefix_from_id(prefix).prefix;

	memcpy(address.s6_addr + 8, interface, sizeof(interface));
	return address;
}

/* One for the packets from @from to @to. */
static void send_one(struct ro *ro, const struct association *a, uint32_t tunnel, uint64_t from, uint64_t to)
{
	const struct ro_fixed fixed = {.code = RO_MARKER,
		.experimental = !ro->config.native,
		.experiment_id = ro->config.experiment_id,
		.sequence = a->sequence,
		.association = a->id};
	uint8_t bytes[MARKER_LENGTH_MAX];
	struct mh_datagram datagram = {.source = marker_end(from), .destination = marker_end(to), .bytes = bytes};

	datagram.length = ro_encode(&fixed, NULL, bytes, sizeof(bytes), &datagram.source, &datagram.destination);
	if (datagram.length == 0)
		return;
	ro->stats.sent[RO_MARKER]++;
	ro->host->ops->send_inner(ro->host, tunnel, &datagram);
}

static void send_from(struct ro *ro, struct association *a, unsigned own)
{
	const struct fwd_update fence = {.op = FWD_OP_nop};
	const struct side *side = &a->sides[own], *other = &a->sides[1 - own];
	struct ro_session session;
	uint32_t tunnel;

	if (a->halves[own] == 0 || a->local || !ro->ops->find_by_prefix(ro->context, side->prefixes[0], &session) ||
		!session.in_order)
		return;
	tunnel = ro->ops->tunnel_acquire(ro->context, &session.lma);
	if (tunnel == INDEX_NONE)
		return;
	ro->ops->tunnel_release(ro->context, tunnel); /* the session itself uses it */
	ro->host->ops->update(ro->host, &fence);
	for (unsigned i = 0; i < side->prefix_count; i++)
		for (unsigned j = 0; j < other->prefix_count; j++)
			send_one(ro, a, tunnel, side->prefixes[i], other->prefixes[j]);
	ro->host->ops->commit(ro->host, 0, COMMIT_AFTER_RECLAIM);
}

void markers_send(struct ro *ro, struct association *a)
{
	if (!a->marker_due)
		return;
	a->marker_due = false;
	send_from(ro, a, 0);
	send_from(ro, a, 1);
}
