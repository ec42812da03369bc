/* SPDX-License-Identifier: BSD-3-Clause */
#include "owner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

#include "node/hash_index.h"

struct tunnel_entry {
	struct fwd_tunnel tunnel;
	enum presence presence;
	uint32_t users;
	uint64_t removed_seq; /* 0: never */
};

struct endpoint_entry {
	uint64_t id;
	struct forward forward;
	enum presence presence;
};

struct link_entry {
	struct fwd_link link;
	uint32_t node;
	enum presence presence;
};

struct waiting {
	struct fwd_update update;
	uint64_t apply_ns, reclaim_ns;
};

struct owner {
	struct sim_random *random;
	const struct owner_faults *faults;
	void (*violation)(void *context, const char *what);
	void *context;

	struct tunnel_entry *tunnels;
	uint32_t *generations; /* of nodes */
	uint32_t tunnel_size, node_size;
	struct endpoint_entry *endpoints;
	uint32_t endpoint_slots, endpoint_size;
	struct hash_index by_id;
	struct link_entry *links;
	uint32_t link_slots, link_size;
	struct hash_index by_mac;
	struct pair_store *pairs;
	uint64_t pair_version;
	unsigned refuse_pair;
	uint32_t tunnel_count, endpoint_count, link_count, pair_count;

	/* Updates first..last-1 by sequence number; those below applied wait for their grace period. */
	struct waiting *ring;
	uint64_t ring_size, first, applied, last, reclaimed;
	uint64_t latest_ns;
	struct door_failure *failures;
	unsigned failure_count, failure_size;
};

static void *grow(void *array, uint32_t *size, uint32_t wanted, size_t item)
{
	uint32_t larger = *size > 0 ? *size : 16;

	if (wanted <= *size)
		return array;
	while (larger < wanted)
		larger *= 2;
	array = realloc(array, larger * item);
	if (array == NULL)
		abort();
	memset((char *)array + *size * item, 0, (larger - *size) * item);
	*size = larger;
	return array;
}

static void complain(struct owner *f, const struct fwd_update *update, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s of index %u (seq %llu): %s", fwd_op_name((enum fwd_op)update->op),
		update->index, (unsigned long long)update->seq, what);
	f->violation(f->context, text);
}

struct owner *owner_create(struct sim_random *random, const struct owner_faults *faults,
	void (*violation)(void *context, const char *what), void *context)
{
	struct owner *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	f->random = random;
	f->faults = faults;
	f->violation = violation;
	f->context = context;
	f->first = f->applied = f->last = 1;
	f->pairs = pair_store_create();
	return f;
}

void owner_destroy(struct owner *f)
{
	if (f == NULL)
		return;
	hash_index_fini(&f->by_id);
	hash_index_fini(&f->by_mac);
	pair_store_destroy(f->pairs);
	free(f->tunnels);
	free(f->generations);
	free(f->endpoints);
	free(f->links);
	free(f->ring);
	free(f->failures);
	free(f);
}

/* ---- the door ---- */

static struct waiting *waiting_at(const struct owner *f, uint64_t seq)
{
	return &f->ring[seq % f->ring_size];
}

static void ring_grow(struct owner *f)
{
	uint64_t size = f->ring_size > 0 ? f->ring_size * 2 : 64;
	struct waiting *ring;

	if (f->last - f->first < f->ring_size)
		return;
	ring = calloc(size, sizeof(*ring));
	if (ring == NULL)
		abort();
	for (uint64_t seq = f->first; seq < f->last; seq++)
		ring[seq % size] = *waiting_at(f, seq);
	free(f->ring);
	f->ring = ring;
	f->ring_size = size;
}

uint64_t owner_push(struct owner *f, uint64_t now_ns, const struct fwd_update *update)
{
	const struct owner_faults *faults = f->faults;
	struct waiting *waiting;
	uint64_t at_ns;

	if (faults->room != 0 && f->last - f->applied >= faults->room)
		return 0;
	ring_grow(f);
	waiting = waiting_at(f, f->last);
	waiting->update = *update;
	waiting->update.seq = f->last;
	at_ns = now_ns + sim_random_between(f->random, faults->apply_min_us, faults->apply_max_us) * 1000;
	if (at_ns > f->latest_ns)
		f->latest_ns = at_ns;
	waiting->apply_ns = f->latest_ns;
	return f->last++;
}

uint64_t owner_applied(const struct owner *f)
{
	return f->applied - 1;
}

uint64_t owner_reclaimed(const struct owner *f)
{
	return f->reclaimed;
}

unsigned owner_failures(struct owner *f, struct door_failure *failures, unsigned n)
{
	if (n > f->failure_count)
		n = f->failure_count;
	if (n == 0)
		return 0; /* there may be no list yet */
	memcpy(failures, f->failures, n * sizeof(*failures));
	f->failure_count -= n;
	memmove(f->failures, f->failures + n, f->failure_count * sizeof(*failures));
	return n;
}

void owner_allocated(struct owner *f, enum index_space space, uint32_t index)
{
	if (space != INDEX_NODE)
		return;
	f->generations = grow(f->generations, &f->node_size, index + 1, sizeof(*f->generations));
	f->generations[index]++;
}

/* ---- tunnels ---- */

static struct tunnel_entry *tunnel_at(struct owner *f, uint32_t index)
{
	f->tunnels = grow(f->tunnels, &f->tunnel_size, index + 1, sizeof(*f->tunnels));
	return &f->tunnels[index];
}

static int tunnel_insert(struct owner *f, const struct fwd_update *update, bool refuse)
{
	struct tunnel_entry *entry = tunnel_at(f, update->index);

	if (entry->presence == PRESENT) {
		complain(f, update, "it exists");
		return -EEXIST;
	}
	if (entry->removed_seq > f->reclaimed)
		complain(f, update, "its last removal is not reclaimed");
	entry->presence = refuse ? REFUSED : PRESENT;
	if (refuse)
		return -ENOSPC;
	entry->tunnel = update->body.tunnel;
	entry->users = 0;
	f->tunnel_count++;
	return 0;
}

static int tunnel_remove(struct owner *f, const struct fwd_update *update)
{
	struct tunnel_entry *entry = tunnel_at(f, update->index);
	enum presence was = entry->presence;

	entry->presence = ABSENT;
	if (was == ABSENT)
		complain(f, update, "there is none");
	if (was != PRESENT)
		return -ENOENT;
	if (entry->users > 0)
		complain(f, update, "it is still used");
	entry->removed_seq = update->seq;
	f->tunnel_count--;
	return 0;
}

/* ---- endpoints ---- */

static struct endpoint_entry *endpoint_find(const struct owner *f, uint64_t id)
{
	uint32_t slot;

	for (uint32_t at = 0; (slot = hash_index_next(&f->by_id, endpoint_hash(id), &at)) != HASH_NONE;)
		if (f->endpoints[slot].id == id)
			return &f->endpoints[slot];
	return NULL;
}

/* Slots are never given back: an id that was here once keeps its own. */
static struct endpoint_entry *endpoint_at(struct owner *f, uint64_t id)
{
	struct endpoint_entry *entry = endpoint_find(f, id);

	if (entry != NULL)
		return entry;
	f->endpoints = grow(f->endpoints, &f->endpoint_size, f->endpoint_slots + 1, sizeof(*f->endpoints));
	if (hash_index_reserve(&f->by_id, 1) != 0)
		abort();
	hash_index_insert(&f->by_id, endpoint_hash(id), f->endpoint_slots);
	entry = &f->endpoints[f->endpoint_slots++];
	entry->id = id;
	return entry;
}

static void use_tunnel(struct owner *f, uint32_t index, int change)
{
	if (index != INDEX_NONE)
		f->tunnels[index].users += (uint32_t)change;
}

static void use_forward(struct owner *f, const struct forward *forward, int change)
{
	use_tunnel(f, forward->tunnel, change);
	if ((forward->flags & FORWARD_FORMER) != 0)
		use_tunnel(f, forward->former, change);
}

static int check_tunnel(struct owner *f, const struct fwd_update *update, uint32_t index)
{
	enum presence presence = index != INDEX_NONE ? tunnel_at(f, index)->presence : ABSENT;

	if (presence == ABSENT)
		complain(f, update, "its tunnel does not exist");
	return presence == PRESENT ? 0 : -ENOENT;
}

/* 0, or -ENOENT if a tunnel of the endpoint was refused. */
static int check_forward(struct owner *f, const struct fwd_update *update)
{
	const struct forward *forward = &update->body.endpoint.forward;
	int error = 0;

	if (forward->node >= f->node_size || forward->generation != f->generations[forward->node])
		complain(f, update, "its node has another generation");
	if ((forward->flags & FORWARD_FORMER) != 0)
		error = check_tunnel(f, update, forward->former);
	return check_tunnel(f, update, forward->tunnel) != 0 ? -ENOENT : error;
}

static int endpoint_insert(struct owner *f, const struct fwd_update *update, bool refuse)
{
	struct endpoint_entry *entry = endpoint_at(f, update->body.endpoint.id);
	int error = check_forward(f, update);

	if (entry->presence == PRESENT) {
		complain(f, update, "it exists");
		return -EEXIST;
	}
	if (error == 0 && refuse)
		error = -ENOSPC;
	entry->presence = error == 0 ? PRESENT : REFUSED;
	if (error != 0)
		return error;
	entry->forward = update->body.endpoint.forward;
	use_forward(f, &entry->forward, 1);
	f->endpoint_count++;
	return 0;
}

static int endpoint_replace(struct owner *f, const struct fwd_update *update, bool refuse)
{
	struct endpoint_entry *entry = endpoint_at(f, update->body.endpoint.id);
	int error = check_forward(f, update);

	if (entry->presence == ABSENT)
		complain(f, update, "there is none");
	if (entry->presence != PRESENT)
		return -ENOENT;
	if (error == 0 && refuse)
		error = -ENOSPC;
	if (error != 0)
		return error;
	use_forward(f, &update->body.endpoint.forward, 1);
	use_forward(f, &entry->forward, -1);
	entry->forward = update->body.endpoint.forward;
	return 0;
}

static int endpoint_remove(struct owner *f, const struct fwd_update *update)
{
	struct endpoint_entry *entry = endpoint_at(f, update->body.endpoint.id);
	enum presence was = entry->presence;

	entry->presence = ABSENT;
	if (was == ABSENT)
		complain(f, update, "there is none");
	if (was != PRESENT)
		return -ENOENT;
	use_forward(f, &entry->forward, -1);
	f->endpoint_count--;
	return 0;
}

/* ---- links ---- */

static uint64_t link_hash(uint16_t link, const uint8_t mac[6])
{
	return hash_bytes(mac, 6, link);
}

static struct link_entry *link_find(const struct owner *f, uint16_t link, const uint8_t mac[6])
{
	uint32_t slot;

	for (uint32_t at = 0; (slot = hash_index_next(&f->by_mac, link_hash(link, mac), &at)) != HASH_NONE;)
		if (f->links[slot].link.link == link && memcmp(f->links[slot].link.mac, mac, 6) == 0)
			return &f->links[slot];
	return NULL;
}

static struct link_entry *link_at(struct owner *f, const struct fwd_link *link)
{
	struct link_entry *entry = link_find(f, link->link, link->mac);

	if (entry != NULL)
		return entry;
	f->links = grow(f->links, &f->link_size, f->link_slots + 1, sizeof(*f->links));
	if (hash_index_reserve(&f->by_mac, 1) != 0)
		abort();
	hash_index_insert(&f->by_mac, link_hash(link->link, link->mac), f->link_slots);
	entry = &f->links[f->link_slots++];
	entry->link = *link;
	return entry;
}

static int link_insert(struct owner *f, const struct fwd_update *update, bool refuse)
{
	struct link_entry *entry = link_at(f, &update->body.link);

	if (entry->presence != PRESENT && refuse) {
		entry->presence = REFUSED;
		return -ENOSPC;
	}
	if (entry->presence != PRESENT)
		f->link_count++;
	entry->presence = PRESENT;
	entry->link = update->body.link;
	entry->node = update->index;
	return 0;
}

static int link_remove(struct owner *f, const struct fwd_update *update)
{
	struct link_entry *entry = link_at(f, &update->body.link);
	enum presence was = entry->presence;

	entry->presence = ABSENT;
	if (was == ABSENT)
		complain(f, update, "there is none");
	if (was != PRESENT)
		return -ENOENT;
	f->link_count--;
	return 0;
}

/* ---- pairs ---- */

static uint8_t half_of(const struct fwd_pair *pair)
{
	return pair->forward.flags & (FORWARD_PAIR_TX | FORWARD_PAIR_RX);
}

/* The tunnels that an entry is a user of; returns how many. */
static unsigned tunnels_of(const struct fwd_pair *pair, uint32_t tunnels[3])
{
	unsigned n = 0;

	if (pair->forward.action == FORWARD_TUNNEL)
		tunnels[n++] = pair->forward.tunnel;
	if (half_of(pair) == FORWARD_PAIR_RX)
		tunnels[n++] = pair->check.tunnel;
	if (half_of(pair) == FORWARD_PAIR_RX && pair->check.former != INDEX_NONE)
		tunnels[n++] = pair->check.former;
	return n;
}

static void use_tunnels(struct owner *f, const struct fwd_pair *pair, int change)
{
	uint32_t tunnels[3];

	for (unsigned n = tunnels_of(pair, tunnels); n > 0; n--)
		use_tunnel(f, tunnels[n - 1], change);
}

/* What a MAG may return that a node has left: nobody's node, it only says from where. */
static bool is_of_lma(const struct fwd_pair *pair)
{
	return half_of(pair) == FORWARD_PAIR_RX && pair->forward.link == LINK_NONE &&
	       pair->forward.action == FORWARD_LOCAL;
}

/* 0, or -ENOENT if a tunnel that it names was refused. */
static int check_pair(struct owner *f, const struct fwd_update *update)
{
	const struct fwd_pair *pair = &update->body.pair;
	const struct forward *forward = &pair->forward;
	uint32_t tunnels[3];
	int error = 0;

	if (pair->source == 0 || pair->destination == 0 || pair->source == pair->destination)
		complain(f, update, "it is no pair");
	if ((forward->flags & FORWARD_PAIR_RETURN) == 0 && !is_of_lma(pair) &&
		(forward->node >= f->node_size || forward->generation != f->generations[forward->node]))
		complain(f, update, "its node has another generation");
	if (forward->action != FORWARD_LOCAL && forward->action != FORWARD_TUNNEL)
		complain(f, update, "it goes nowhere");
	for (unsigned n = tunnels_of(pair, tunnels); n > 0; n--) {
		enum presence presence = tunnels[n - 1] == INDEX_NONE ? ABSENT : tunnel_at(f, tunnels[n - 1])->presence;

		if (presence == ABSENT)
			complain(f, update, "its tunnel does not exist");
		if (presence != PRESENT)
			error = -ENOENT;
	}
	return error;
}

static bool refuse_this_pair(struct owner *f)
{
	return f->refuse_pair > 0 && --f->refuse_pair == 0;
}

static int pair_set(struct owner *f, const struct fwd_update *update, uint64_t now_ns, bool refuse)
{
	const struct fwd_pair *pair = &update->body.pair;
	struct pair_record *record = pair_store_at(f->pairs, pair->source, pair->destination, half_of(pair));
	int error = check_pair(f, update);
	bool insert = update->op == FWD_OP_pair_insert;

	if (insert && record->presence == PRESENT)
		complain(f, update, "it exists");
	if (!insert && record->presence == ABSENT)
		complain(f, update, "there is none");
	if (!insert && (record->presence != PRESENT || record->index != update->index))
		return -ENOENT;
	if (refuse_this_pair(f) || (error == 0 && refuse))
		error = -ENOSPC;
	if (error != 0) {
		record->presence = insert ? REFUSED : record->presence;
		return error;
	}
	use_tunnels(f, pair, 1);
	if (insert)
		f->pair_count++;
	else
		use_tunnels(f, &record->pair, -1);
	*record = (struct pair_record){.pair = *pair, .index = update->index, .presence = PRESENT, .since_ns = now_ns};
	return 0;
}

static int pair_remove(struct owner *f, const struct fwd_update *update)
{
	const struct fwd_pair *pair = &update->body.pair;
	struct pair_record *record = pair_store_at(f->pairs, pair->source, pair->destination, half_of(pair));
	enum presence was = record->presence;

	if (was == PRESENT && record->index != update->index)
		return -ENOENT;
	record->presence = ABSENT;
	if (was == ABSENT)
		complain(f, update, "there is none");
	if (was != PRESENT)
		return -ENOENT;
	use_tunnels(f, &record->pair, -1);
	f->pair_count--;
	return 0;
}

static int apply_to_pair(struct owner *f, const struct fwd_update *update, uint64_t now_ns, bool refuse)
{
	uint8_t half = half_of(&update->body.pair);

	f->pair_version++;
	if (half != FORWARD_PAIR_TX && half != FORWARD_PAIR_RX) {
		complain(f, update, "it names not one half");
		return -EINVAL;
	}
	return update->op == FWD_OP_pair_remove ? pair_remove(f, update) : pair_set(f, update, now_ns, refuse);
}

void owner_refuse_pair(struct owner *f, unsigned n)
{
	f->refuse_pair = n;
}

/* ---- time ---- */

static int apply(struct owner *f, const struct fwd_update *update, uint64_t now_ns)
{
	bool refuse = sim_random_chance(f->random, f->faults->refuse_ppm);

	switch ((enum fwd_op)update->op) {
	case FWD_OP_nop: return 0;
	case FWD_OP_tunnel_insert: return tunnel_insert(f, update, refuse);
	case FWD_OP_tunnel_remove: return tunnel_remove(f, update);
	case FWD_OP_endpoint_insert: return endpoint_insert(f, update, refuse);
	case FWD_OP_endpoint_replace: return endpoint_replace(f, update, refuse);
	case FWD_OP_endpoint_remove: return endpoint_remove(f, update);
	case FWD_OP_link_insert: return link_insert(f, update, refuse);
	case FWD_OP_link_remove: return link_remove(f, update);
	case FWD_OP_pair_insert:
	case FWD_OP_pair_replace:
	case FWD_OP_pair_remove: return apply_to_pair(f, update, now_ns, refuse);
	default: complain(f, update, "no engine sends this"); return -EINVAL;
	}
}

static void apply_next(struct owner *f)
{
	struct waiting *waiting = waiting_at(f, f->applied);
	const struct owner_faults *faults = f->faults;
	int error = apply(f, &waiting->update, waiting->apply_ns);

	waiting->reclaim_ns = waiting->apply_ns +
			      sim_random_between(f->random, faults->reclaim_min_us, faults->reclaim_max_us) * 1000;
	f->applied++;
	if (error == 0)
		return;
	f->failures = grow(f->failures, &f->failure_size, f->failure_count + 1, sizeof(*f->failures));
	f->failures[f->failure_count++] =
		(struct door_failure){.seq = waiting->update.seq, .error = error, .op = waiting->update.op};
}

void owner_advance(struct owner *f, uint64_t now_ns)
{
	while (f->applied < f->last && waiting_at(f, f->applied)->apply_ns <= now_ns)
		apply_next(f);
	while (f->first < f->applied && waiting_at(f, f->first)->reclaim_ns <= now_ns)
		f->reclaimed = f->first++;
}

uint64_t owner_next(const struct owner *f)
{
	uint64_t apply_ns = f->applied < f->last ? waiting_at(f, f->applied)->apply_ns : UINT64_MAX;
	uint64_t reclaim_ns = f->first < f->applied ? waiting_at(f, f->first)->reclaim_ns : UINT64_MAX;

	return apply_ns < reclaim_ns ? apply_ns : reclaim_ns;
}

bool owner_is_settled(const struct owner *f)
{
	return f->applied == f->last;
}

/* ---- views ---- */

uint32_t owner_tunnel_count(const struct owner *f)
{
	return f->tunnel_count;
}

uint32_t owner_endpoint_count(const struct owner *f)
{
	return f->endpoint_count;
}

uint32_t owner_link_count(const struct owner *f)
{
	return f->link_count;
}

const struct fwd_tunnel *owner_tunnel(const struct owner *f, uint32_t index)
{
	return index < f->tunnel_size && f->tunnels[index].presence == PRESENT ? &f->tunnels[index].tunnel : NULL;
}

const struct forward *owner_endpoint(const struct owner *f, uint64_t id)
{
	const struct endpoint_entry *entry = endpoint_find(f, id);

	return entry != NULL && entry->presence == PRESENT ? &entry->forward : NULL;
}

uint32_t owner_link(const struct owner *f, uint16_t link, const uint8_t mac[6], enum link_state *state)
{
	const struct link_entry *entry = link_find(f, link, mac);

	if (entry == NULL || entry->presence != PRESENT)
		return INDEX_NONE;
	if (state != NULL)
		*state = (enum link_state)entry->link.state;
	return entry->node;
}

struct pair_record *owner_pair(const struct owner *f, uint64_t source, uint64_t destination, uint8_t half)
{
	struct pair_record *record = pair_store_find(f->pairs, source, destination, half);

	return record != NULL && record->presence == PRESENT ? record : NULL;
}

struct pair_record *owner_pair_next(const struct owner *f, uint32_t *at)
{
	return pair_store_next(f->pairs, at);
}

uint32_t owner_pair_count(const struct owner *f)
{
	return f->pair_count;
}

uint64_t owner_pair_version(const struct owner *f)
{
	return f->pair_version;
}

bool owner_endpoint_next(const struct owner *f, uint32_t *at, uint64_t *id, const struct forward **forward)
{
	while (*at < f->endpoint_slots) {
		const struct endpoint_entry *entry = &f->endpoints[(*at)++];

		if (entry->presence != PRESENT)
			continue;
		*id = entry->id;
		*forward = &entry->forward;
		return true;
	}
	return false;
}
