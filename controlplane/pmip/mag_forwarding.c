/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "log.h"

/* kind 4 bits, epoch 8, generation 20, index 32 */
#define COOKIE_GENERATION UINT32_C(0xfffff)

uint64_t transaction_cookie(struct mag *mag, struct attachment *a, enum mag_transaction kind)
{
	if (kind == TRANSACTION_REMOVE)
		mag->removals++;
	if (kind == TRANSACTION_INSTALL)
		a->pending++;
	return (uint64_t)kind << 60 | (uint64_t)a->epoch << 52 | (uint64_t)(a->generation & COOKIE_GENERATION) << 32 |
	       a->index;
}

static void update(struct mag *mag, const struct fwd_update *u)
{
	mag->host->ops->update(mag->host, u);
}

static void commit(struct mag *mag, struct attachment *a, enum mag_transaction kind)
{
	mag->host->ops->commit(mag->host, kind == TRANSACTION_NONE ? 0 : transaction_cookie(mag, a, kind), 0);
}

static void endpoint_update(
	struct mag *mag, const struct attachment *a, enum fwd_op op, const struct home_network_prefix *prefix)
{
	struct fwd_update u = {.op = (uint8_t)op, .index = a->index};

	u.body.endpoint.id = endpoint_id_ipv6(prefix->prefix.s6_addr);
	if (op != FWD_OP_endpoint_remove) {
		u.body.endpoint.forward = (struct forward){.action = FORWARD_LOCAL,
			.flags = a->local_routing ? FORWARD_LOCAL_ROUTING : 0,
			.link = a->link,
			.tunnel = a->tunnel,
			.node = a->index,
			.generation = a->generation};
		memcpy(u.body.endpoint.forward.mac, a->mac, 6);
	}
	update(mag, &u);
}

static void endpoints_update(struct mag *mag, const struct attachment *a, enum fwd_op op)
{
	const struct home_network_prefix *list = prefix_set_list(&a->prefixes);

	for (unsigned i = 0; i < a->prefixes.count; i++)
		endpoint_update(mag, a, op, &list[i]);
}

static void link_update(struct mag *mag, const struct attachment *a, enum fwd_op op, enum link_state state)
{
	struct fwd_update u = {.op = (uint8_t)op, .index = a->index};

	u.body.link.link = a->link;
	u.body.link.state = (uint8_t)state;
	memcpy(u.body.link.mac, a->mac, 6);
	update(mag, &u);
}

void forwarding_link(struct mag *mag, const struct attachment *a, enum link_state state)
{
	link_update(mag, a, FWD_OP_link_insert, state);
}

uint64_t forwarding_session(const struct attachment *a)
{
	return a->prefixes.count > 0 ? endpoint_id_ipv6(prefix_set_list(&a->prefixes)->prefix.s6_addr) : ENDPOINT_NONE;
}

/* Of one that forwards, or ENDPOINT_NONE. */
static uint64_t session_of(const struct attachment *a)
{
	return a->installed && a->state != ATTACHMENT_DEREGISTERING ? forwarding_session(a) : ENDPOINT_NONE;
}

static void tell(struct mag *mag, uint64_t prefix, enum mag_session_change change)
{
	if (mag->changed != NULL)
		mag->changed(mag->changed_context, &mag->now, prefix, change);
}

static void tell_end(struct mag *mag, struct attachment *a)
{
	uint64_t told = a->told;

	a->told = ENDPOINT_NONE;
	if (told != ENDPOINT_NONE)
		tell(mag, told, MAG_SESSION_DOWN);
}

void forwarding_tell(struct mag *mag, struct attachment *a)
{
	uint64_t session = session_of(a);

	if (session == a->told)
		return;
	tell_end(mag, a);
	a->told = session;
	if (session != ENDPOINT_NONE)
		tell(mag, session, MAG_SESSION_UP);
}

void forwarding_tell_kept(struct mag *mag, uint64_t session)
{
	if (session != ENDPOINT_NONE)
		tell(mag, session, MAG_SESSION_KEPT);
}

int forwarding_install(struct mag *mag, struct attachment *a)
{
	a->tunnel = tunnels_acquire(mag->tunnels, &node_lma(mag, a)->address);
	if (a->tunnel == INDEX_NONE)
		return -ENOSPC;
	a->installed = true;
	forwarding_link(mag, a, LINK_KNOWN);
	endpoints_update(mag, a, FWD_OP_endpoint_insert);
	access_advertise(mag, a);
	node_set_state(mag, a, ATTACHMENT_INSTALLING);
	commit(mag, a, TRANSACTION_INSTALL);
	forwarding_tell(mag, a);
	return 0;
}

/* Endpoints of @from that are not in @than. */
static void endpoints_except(struct mag *mag, const struct attachment *a, enum fwd_op op, const struct prefix_set *from,
	const struct prefix_set *than)
{
	const struct home_network_prefix *list = prefix_set_list(from);

	for (unsigned i = 0; i < from->count; i++)
		if (!prefix_set_has(than, &list[i]))
			endpoint_update(mag, a, op, &list[i]);
}

int forwarding_change(struct mag *mag, struct attachment *a, const struct home_network_prefix *prefixes, unsigned n)
{
	int result = prefix_set_assign(&a->withdrawn, prefix_set_list(&a->prefixes), a->prefixes.count);
	bool lost = false;

	if (result == 0)
		result = node_set_prefixes(mag, a, prefixes, n);
	if (result != 0)
		return result;
	a->finals = 3;
	endpoints_except(mag, a, FWD_OP_endpoint_remove, &a->withdrawn, &a->prefixes);
	endpoints_except(mag, a, FWD_OP_endpoint_insert, &a->prefixes, &a->withdrawn);
	for (unsigned i = 0; i < a->withdrawn.count; i++)
		lost |= !prefix_set_has(&a->prefixes, &prefix_set_list(&a->withdrawn)[i]);
	access_advertise(mag, a);
	node_set_state(mag, a, ATTACHMENT_INSTALLING);
	commit(mag, a, TRANSACTION_INSTALL);
	if (lost)
		tell_end(mag, a);
	forwarding_tell(mag, a);
	return 0;
}

void forwarding_uninstall(struct mag *mag, struct attachment *a, enum link_state state)
{
	if (a->installed)
		endpoints_update(mag, a, FWD_OP_endpoint_remove);
	forwarding_link(mag, a, state);
	if (a->installed)
		tunnels_release(mag->tunnels, a->tunnel);
	a->tunnel = INDEX_NONE;
	a->installed = false;
	a->epoch++; /* what is under way is not wanted any more */
	a->pending = 0;
}

void forwarding_remove(struct mag *mag, struct attachment *a)
{
	uint64_t cookie = transaction_cookie(mag, a, TRANSACTION_REMOVE);
	uint64_t told = a->told;

	if (a->installed)
		endpoints_update(mag, a, FWD_OP_endpoint_remove);
	link_update(mag, a, FWD_OP_link_remove, LINK_KNOWN);
	if (a->installed)
		tunnels_release(mag->tunnels, a->tunnel);
	if (a->advertised)
		access_withdraw(mag, a);
	log_info("node_removed", "mn=%s link=%u", node_name(a), a->link);
	node_destroy(mag, a);
	mag->host->ops->commit(mag->host, cookie, 0);
	if (told != ENDPOINT_NONE)
		tell(mag, told, MAG_SESSION_DOWN);
}

static enum link_state link_state_of(const struct attachment *a)
{
	if (a->installed)
		return LINK_KNOWN;
	return a->state == ATTACHMENT_REFUSED ? LINK_REFUSED : LINK_PENDING;
}

void forwarding_move(struct mag *mag, struct attachment *a, uint16_t link)
{
	link_update(mag, a, FWD_OP_link_remove, LINK_KNOWN);
	a->link = link;
	forwarding_link(mag, a, link_state_of(a));
	if (!a->installed) {
		commit(mag, a, TRANSACTION_NONE);
		return;
	}
	endpoints_update(mag, a, FWD_OP_endpoint_replace);
	access_advertise(mag, a);
	if (a->state == ATTACHMENT_ACTIVE)
		node_set_state(mag, a, ATTACHMENT_INSTALLING);
	commit(mag, a, TRANSACTION_INSTALL);
	if (a->told != ENDPOINT_NONE)
		tell(mag, a->told, MAG_SESSION_MOVED);
}

/* Undo what was refused; the LMA learns that there is no forwarding. */
static void install_failed(struct mag *mag, struct attachment *a, int error)
{
	node_note(mag, a, HISTORY_forwarding_failed, (uint8_t)-error);
	log_error("forwarding_failed", "mn=%s error=%s action=\"check table sizes and the route to the LMA\"",
		node_name(a), strerror(-error));
	forwarding_uninstall(mag, a, LINK_PENDING);
	commit(mag, a, TRANSACTION_NONE);
	forwarding_tell(mag, a);
	if (a->state != ATTACHMENT_DEREGISTERING)
		detach(mag, a, AFTER_REFUSE);
}

static void install_done(struct mag *mag, struct attachment *a)
{
	if (--a->pending > 0 || a->state != ATTACHMENT_INSTALLING)
		return;
	node_set_state(mag, a, ATTACHMENT_ACTIVE);
	access_schedule(mag, a);
	if (a->renew)
		signal_register(mag, a, HI_UNKNOWN);
}

static void remove_done(struct mag *mag, int error)
{
	mag->removals--;
	if (error != 0 && error != -ENOENT) /* what was never there need not go */
		log_warning("removal_failed", "error=%s", strerror(-error));
}

void mag_transaction_done(struct mag *mag, const struct engine_time *now, uint64_t cookie, int error)
{
	enum mag_transaction kind = (enum mag_transaction)(cookie >> 60);
	struct attachment *a = node_at(mag, (uint32_t)cookie);

	mag_enter(mag, now);
	if (kind == TRANSACTION_REMOVE) {
		remove_done(mag, error);
		return;
	}
	if (a == NULL || (cookie >> 32 & COOKIE_GENERATION) != (a->generation & COOKIE_GENERATION) ||
		(uint8_t)(cookie >> 52) != a->epoch)
		return;
	if (kind == TRANSACTION_LINK && error != 0 && a->tries <= 1)
		a->bound = false; /* the PBU was never sent */
	if (error != 0)
		install_failed(mag, a, error);
	else if (kind == TRANSACTION_INSTALL)
		install_done(mag, a);
}
