/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon_internal.h"

#include <errno.h>
#include <string.h>

#include "descriptors.h"
#include "liveness.h"
#include "format.h"
#include "log.h"
#include "object_counters.h"
#include "packet_io.h"

#include "net/net.h"
#include "node/events.h"
#include "pmip/mag.h"

/* Jitter, first sequence numbers: xorshift64*, seeded by the kernel. Nothing that must be secret. */
static uint64_t host_random(void *context)
{
	struct daemon *d = context;

	d->random_state ^= d->random_state >> 12;
	d->random_state ^= d->random_state << 25;
	d->random_state ^= d->random_state >> 27;
	return d->random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- the door for transactions ---- */

static uint64_t push_update(void *context, const struct fwd_update *update)
{
	struct daemon *d = context;

	return door_update_push(d->dataplane->door, update);
}

static uint64_t applied(void *context)
{
	struct daemon *d = context;

	return door_applied(d->dataplane->door);
}

static uint64_t reclaimed(void *context)
{
	struct daemon *d = context;

	return door_reclaimed(d->dataplane->door);
}

static unsigned failures(void *context, struct door_failure *list, unsigned n)
{
	struct daemon *d = context;

	return door_failure_poll(d->dataplane->door, list, n);
}

static void send_datagram(void *context, const struct mh_datagram *datagram)
{
	struct daemon *d = context;
	int result = net_send_mh(d->net, &d->now, datagram);

	if (result != 0) {
		char peer[IP6_TEXT_MAX];

		log_warning("signalling_not_sent",
			"peer=%s error=\"%s\" action=\"check routes and the peer's address\"",
			ip6_format(&datagram->destination, peer), strerror(-result));
	}
}

static void send_inner(void *context, uint32_t tunnel, const struct mh_datagram *datagram)
{
	struct daemon *d = context;

	/* A tunnel that went away since has no packets to mark. */
	(void)net_send_mh_inner(d->net, tunnel, datagram);
}

static void send_access_frame(void *context, const struct access_frame *frame)
{
	struct daemon *d = context;

	packet_io_access_frame(d->io, frame);
}

static int tunnel_insert(void *context, struct fwd_update *update)
{
	struct daemon *d = context;

	return net_tunnel_insert(d->net, &d->now, update);
}

static void tunnel_remove(void *context, uint32_t tunnel)
{
	struct daemon *d = context;

	net_tunnel_remove(d->net, tunnel);
}

static void index_allocated(void *context, enum index_space space, uint32_t index)
{
	struct daemon *d = context;

	object_baselines_take(d->baselines, space, index);
	if (space == INDEX_NODE && d->activity != NULL)
		d->activity[index] = 0;
}

static void node_happened(
	void *context, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value)
{
	struct daemon *d = context;

	events_add(d->events, now->wall_ns, id, (enum history_event)event, value);
}

/* ---- the IPv6 host's way out ---- */

static void net_output(void *context, const struct net_output *output)
{
	struct daemon *d = context;

	packet_io_output(d->io, output);
}

static bool net_update(void *context, const struct fwd_update *update)
{
	struct daemon *d = context;

	return transactions_push(d->transactions, update);
}

static uint64_t net_updates_taken(void *context)
{
	struct daemon *d = context;

	return transactions_pushed(d->transactions);
}

static uint32_t net_descriptor(void *context, const struct tunnel_template *template)
{
	struct daemon *d = context;

	return descriptors_put(d->descriptors, template);
}

static void net_descriptor_release(void *context, uint32_t slot)
{
	struct daemon *d = context;

	descriptors_release(d->descriptors, slot, transactions_pushed(d->transactions));
}

static void net_tunnel_resolved(void *context, uint32_t tunnel, int error)
{
	struct daemon *d = context;

	transactions_tunnel_resolved(d->transactions, tunnel, error);
}

static bool net_access_node(void *context, const struct in6_addr *address, uint16_t *link, uint8_t mac[6])
{
	struct daemon *d = context;

	return d->mag != NULL && mag_locate(d->mag, address, link, mac);
}

/* ---- life ---- */

static void net_heard(void *context, const struct net_heard *heard)
{
	struct daemon *d = context;

	if (d->liveness != NULL && !d->stopping)
		liveness_heard(d->liveness, &d->now, heard);
}

int daemon_create_transport(struct daemon *d)
{
	static const struct transactions_door door = {push_update, applied, reclaimed, failures};
	static const struct transactions_host host = {send_datagram, send_access_frame, send_inner, tunnel_insert,
		tunnel_remove, index_allocated, node_happened, host_random};
	static const struct net_host_ops net_ops = {
		.output = net_output,
		.update = net_update,
		.updates_taken = net_updates_taken,
		.updates_reclaimed = reclaimed,
		.descriptor = net_descriptor,
		.descriptor_release = net_descriptor_release,
		.tunnel_resolved = net_tunnel_resolved,
		.access_node = net_access_node,
		.random = host_random,
		.heard = net_heard,
	};
	const struct transactions_config config = {
		.indexes = {[INDEX_NODE] = d->dataplane->door->config.nodes_max,
			[INDEX_TUNNEL] = d->dataplane->door->config.tunnels_max},
		.high_water = HIGH_WATER,
	};
	const struct packet_io_config io = {
		.door = d->dataplane->door,
		.mbufs = d->dataplane->mbufs,
		.config = d->config,
		.context = d->dataplane->context,
		.tx_worker = d->dataplane->tx_worker,
	};

	d->transactions = transactions_create(&config, &door, d, &host, d);
	d->descriptors = descriptors_create(d->dataplane->door);
	d->baselines = object_baselines_create(d->dataplane->door);
	d->io = packet_io_create(&io);
	d->net = net_create(d->config, d->dataplane->port_macs, &net_ops, d, &d->now);
	if (d->transactions == NULL || d->descriptors == NULL || d->baselines == NULL || d->io == NULL ||
		d->net == NULL)
		return -ENOMEM;
	return 0;
}
