/* SPDX-License-Identifier: BSD-3-Clause */
/* Other gateways: which are configured, which know nothing of route optimisation, and what their loss brings. */
#include <stdlib.h>

#include "endpoint.h"
#include "ro/internal.h"

#define NO_RO_FIRST_MS 300000
#define NO_RO_MAX_MS   3600000
#define WALK_SLOTS     4096 /* looked at in one turn */
#define WALK_PAIRS     128  /* ended in one turn */

static uint64_t address_hash(const struct in6_addr *address)
{
	return endpoint_hash(
		endpoint_load_be64(address->s6_addr) ^ endpoint_hash(endpoint_load_be64(address->s6_addr + 8)));
}

int peers_init(struct ro *ro)
{
	if (hash_index_reserve(&ro->by_peer, ro->config.peer_count) != 0)
		return -1;
	for (unsigned i = 0; i < ro->config.peer_count; i++)
		hash_index_insert(&ro->by_peer, address_hash(&ro->config.peers[i].address), i);
	if (hash_index_reserve(&ro->by_infrastructure, ro->config.peer_count + 1) != 0)
		return -1;
	for (unsigned i = 0; i <= ro->config.peer_count; i++) {
		const struct in6_addr *address =
			i < ro->config.peer_count ? &ro->config.peers[i].address : &ro->config.address;

		hash_index_insert(&ro->by_infrastructure, endpoint_hash(endpoint_load_be64(address->s6_addr)), i);
	}
	ro->peers = calloc(ro->config.peer_count + 1, sizeof(*ro->peers));
	return ro->peers != NULL ? 0 : -1;
}

void peers_fini(struct ro *ro)
{
	hash_index_fini(&ro->by_peer);
	hash_index_fini(&ro->by_infrastructure);
	free(ro->peers);
}

const struct ro_peer *peer_find(const struct ro *ro, const struct in6_addr *address)
{
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&ro->by_peer, address_hash(address), &at)) != HASH_NONE;)
		if (same_address(&ro->config.peers[index].address, address))
			return &ro->config.peers[index];
	return NULL;
}

struct peer_state *peer_state(const struct ro *ro, const struct in6_addr *address)
{
	const struct ro_peer *peer = peer_find(ro, address);

	return peer != NULL ? &ro->peers[peer - ro->config.peers] : NULL;
}

bool prefix_is_infrastructure(const struct ro *ro, uint64_t prefix)
{
	uint64_t hash = endpoint_hash(prefix);
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&ro->by_infrastructure, hash, &at)) != HASH_NONE;) {
		const struct in6_addr *address =
			index < ro->config.peer_count ? &ro->config.peers[index].address : &ro->config.address;

		if (endpoint_load_be64(address->s6_addr) == prefix)
			return true;
	}
	return false;
}

bool peer_is_mag(const struct ro *ro, const struct in6_addr *address)
{
	const struct ro_peer *peer = peer_find(ro, address);

	return peer != NULL && peer->role == RO_ROLE_MAG;
}

uint8_t check_mag(const struct ro *ro, const struct in6_addr *address)
{
	const struct ro_peer *peer = peer_find(ro, address);

	if (peer == NULL || peer->role != RO_ROLE_MAG)
		return RO_STATUS_NOT_AUTHORISED;
	return peer->denied ? RO_STATUS_PROHIBITED : RO_STATUS_ACTIVE;
}

bool peer_is_denied(const struct ro *ro, const struct in6_addr *address)
{
	const struct ro_peer *peer = peer_find(ro, address);

	return peer != NULL && peer->denied;
}

bool session_may(const struct ro *ro, const struct ro_session *session)
{
	return session->allowed && !peer_is_denied(ro, &session->mag) && !peer_is_denied(ro, &session->lma);
}

bool peer_has_no_ro(const struct ro *ro, const struct in6_addr *address)
{
	const struct peer_state *state = peer_state(ro, address);

	return state != NULL && state->no_ro_until_ms > ro_ms(ro);
}

/* ---- what depends on a peer ends ---- */

static void send_no_more(struct ro *ro, struct association *a)
{
	a->sides[0].tx = a->sides[1].tx = false;
	pair_note(ro, a, RO_EVENT_QUIET, 0);
	if (association_apply(ro, a))
		association_commit(ro, a);
}

/* One turn; a MAG goes through all pairs twice: packets first, then words. */
static uint32_t walk_on(struct ro *ro, struct peer_state *state, const struct in6_addr *peer)
{
	uint32_t ended = 0;

	for (unsigned slots = 0, pairs = 0; slots < WALK_SLOTS && pairs < WALK_PAIRS; slots++) {
		struct association *a;

		if (state->walk_at >= ro->top) {
			state->walk_at = 0;
			state->walk = state->walk == WALK_QUIET ? WALK_END : WALK_NONE;
			if (state->walk == WALK_NONE) {
				ro->walking--;
				break;
			}
		}
		a = &ro->slots[state->walk_at++];
		if (!pair_is_alive(a) || !pair_depends_on(a, peer))
			continue;
		pairs++;
		if (state->walk == WALK_QUIET) {
			send_no_more(ro, a);
		} else {
			pair_note(ro, a, RO_EVENT_PEER_LOST, 0);
			pair_end_by_loss(ro, a, peer, state->walk_cause);
			ended++;
		}
	}
	return ended;
}

static uint32_t walk_start(struct ro *ro, struct peer_state *state, const struct in6_addr *peer, uint8_t cause)
{
	if (state->walk == WALK_NONE)
		ro->walking++;
	state->walk = ro->config.role == RO_ROLE_MAG ? WALK_QUIET : WALK_END;
	state->walk_at = 0;
	state->walk_cause = cause;
	return walk_on(ro, state, peer);
}

bool peers_walk(struct ro *ro)
{
	for (unsigned i = 0; ro->walking > 0 && i < ro->config.peer_count; i++)
		if (ro->peers[i].walk != WALK_NONE)
			walk_on(ro, &ro->peers[i], &ro->config.peers[i].address);
	return ro->walking > 0;
}

uint32_t ro_peer_lost(struct ro *ro, const struct engine_time *now, const struct in6_addr *peer)
{
	struct peer_state *state = peer_state(ro, peer);

	ro->now = *now;
	return state != NULL ? walk_start(ro, state, peer, RO_STATUS_TIMED_OUT) : 0;
}

/* ---- peers that know nothing of it ---- */

bool ro_binding_error(struct ro *ro, const struct engine_time *now, const struct in6_addr *peer)
{
	struct peer_state *state = peer_state(ro, peer);

	ro->now = *now;
	if (state == NULL || state->outstanding == 0)
		return false;
	ro->stats.binding_errors++;
	if (state->no_ro_until_ms > ro_ms(ro))
		return true;
	state->no_ro_ms = state->no_ro_ms == 0 ? NO_RO_FIRST_MS : state->no_ro_ms * 2;
	if (state->no_ro_ms > NO_RO_MAX_MS)
		state->no_ro_ms = NO_RO_MAX_MS;
	state->no_ro_until_ms = ro_ms(ro) + state->no_ro_ms;
	walk_start(ro, state, peer, RO_STATUS_MODE);
	return true;
}

void peer_speaks(struct ro *ro, const struct ro_peer *peer)
{
	struct peer_state *state = &ro->peers[peer - ro->config.peers];

	state->no_ro_until_ms = 0;
	state->no_ro_ms = 0;
}
