/* SPDX-License-Identifier: BSD-3-Clause */
#include "domain.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "endpoint.h"

#include "node/hash_index.h"

#define PAIR_USERS 4 /* of tunnels to LMAs: one to return packets, those before until they are given back */

static uint64_t id_of(const struct home_network_prefix *prefix)
{
	return endpoint_id_ipv6(prefix->prefix.s6_addr);
}

/* Nothing is on its way through the gateway's door: its tables are what its engine wants. */
static bool is_settled(const struct gateway *gateway)
{
	struct transactions_stats stats;

	transactions_stats(gateway->transactions, &stats);
	return owner_is_settled(gateway->owner) && stats.pending == 0;
}

/* What was refused leaves gaps that no engine can close at once. */
static bool has_refusals(const struct domain *domain)
{
	return domain->config.faults.owner.refuse_ppm != 0;
}

/* ---- the prefixes of one gateway ---- */

struct id_set {
	struct hash_index index;
	uint64_t *ids;
	uint32_t count, size;
};

static void id_set_add(struct id_set *set, const struct gateway *gateway, uint64_t id)
{
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&set->index, endpoint_hash(id), &at)) != HASH_NONE;)
		if (set->ids[i] == id)
			domain_fail(
				gateway->domain, "%s has prefix %016llx twice", gateway->name, (unsigned long long)id);
	if (set->count == set->size) {
		set->size = set->size > 0 ? set->size * 2 : 64;
		set->ids = realloc(set->ids, set->size * sizeof(*set->ids));
	}
	if (set->ids == NULL || hash_index_reserve(&set->index, 1) != 0)
		abort();
	set->ids[set->count] = id;
	hash_index_insert(&set->index, endpoint_hash(id), set->count++);
}

static void id_set_fini(struct id_set *set)
{
	hash_index_fini(&set->index);
	free(set->ids);
}

/* What it has for route optimisation. */
static struct ro_stats ro_of(const struct gateway *gateway)
{
	struct ro_stats stats = {.pairs = 0};

	if (gateway->ro != NULL)
		ro_stats(gateway->ro, &stats);
	return stats;
}

/* ---- tunnels: users are counted right, and the tables have the same ---- */

static bool tunnel_next(const struct gateway *gateway, uint32_t from, struct tunnel_view *view)
{
	return gateway->lma != NULL ? lma_tunnel_next(gateway->lma, from, view)
				    : mag_tunnel_next(gateway->mag, from, view);
}

/* @moving: bindings that may hold a second tunnel, because they are on their way from one to the other. */
static void check_tunnels(
	const struct gateway *gateway, const struct ro_stats *ro, const uint32_t *users, uint32_t moving, bool settled)
{
	struct tunnel_view view;
	uint32_t count = 0, total = 0, expected = 0;

	for (uint32_t from = 0; tunnel_next(gateway, from, &view); from = view.index + 1) {
		const struct fwd_tunnel *tunnel = owner_tunnel(gateway->owner, view.index);

		if (view.users < users[view.index] || view.users > users[view.index] + moving)
			domain_fail(gateway->domain, "%s counts %u users of tunnel %u, which has %u", gateway->name,
				view.users, view.index, users[view.index]);
		if (settled && tunnel == NULL && !has_refusals(gateway->domain))
			domain_fail(gateway->domain, "%s: tunnel %u is not in the tables", gateway->name, view.index);
		if (settled && tunnel != NULL && memcmp(&tunnel->remote, &view.remote, 16) != 0)
			domain_fail(gateway->domain, "%s: tunnel %u goes elsewhere", gateway->name, view.index);
		count++;
		total += view.users;
	}
	for (uint32_t i = 0; i < TUNNELS_MAX; i++)
		expected += users[i];
	if (total < expected || total > expected + moving)
		domain_fail(gateway->domain, "%s: %u users of tunnels, should be %u", gateway->name, total, expected);
	if (settled && owner_tunnel_count(gateway->owner) > count + ro->tunnels)
		domain_fail(gateway->domain, "%s: the tables have %u tunnels, the engine %u", gateway->name,
			owner_tunnel_count(gateway->owner), count);
}

static void check_indexes(const struct gateway *gateway, uint32_t nodes, bool settled)
{
	struct transactions_stats stats;

	transactions_stats(gateway->transactions, &stats);
	if (stats.indexes_used[INDEX_NODE] < nodes)
		domain_fail(gateway->domain, "%s: %u nodes share %u indexes", gateway->name, nodes,
			stats.indexes_used[INDEX_NODE]);
	if (settled && owner_next(gateway->owner) == UINT64_MAX && stats.indexes_used[INDEX_NODE] != nodes)
		domain_fail(gateway->domain, "%s: %u nodes hold %u indexes", gateway->name, nodes,
			stats.indexes_used[INDEX_NODE]);
}

/* ---- LMA ---- */

/* A settled binding: its prefixes are forwarded to its proxy-CoA, and blocked in the delete wait. */
static void check_binding(const struct gateway *gateway, const struct binding_view *view)
{
	struct domain *domain = gateway->domain;
	const struct fwd_tunnel *tunnel = owner_tunnel(gateway->owner, view->tunnel);
	bool is_blocked = view->state == BINDING_DELETING;

	if (view->state == BINDING_PENDING)
		domain_fail(domain, "%s: binding %u waits for nothing", gateway->name, view->index);
	if (tunnel == NULL || memcmp(&tunnel->remote, &view->proxy_coa, 16) != 0)
		domain_fail(
			domain, "%s: binding %u has another tunnel than its proxy-CoA's", gateway->name, view->index);
	for (unsigned i = 0; i < view->prefix_count; i++) {
		const struct forward *forward = owner_endpoint(gateway->owner, id_of(&view->prefixes[i]));

		if (forward == NULL)
			domain_fail(domain, "%s: binding %u is not forwarded", gateway->name, view->index);
		if (forward->tunnel != view->tunnel || forward->node != view->index ||
			forward->generation != view->generation)
			domain_fail(domain, "%s: binding %u is forwarded elsewhere", gateway->name, view->index);
		if (!has_refusals(domain) && ((forward->flags & FORWARD_BLOCKED) != 0) != is_blocked)
			domain_fail(domain, "%s: binding %u, %s, is %s", gateway->name, view->index,
				binding_state_name(view->state), is_blocked ? "not blocked" : "blocked");
	}
}

static void check_lma(const struct gateway *gateway)
{
	uint32_t users[TUNNELS_MAX] = {0}, count = 0, moving = 0;
	bool settled = is_settled(gateway);
	struct id_set prefixes = {.count = 0};
	struct ro_stats ro = ro_of(gateway);
	struct binding_view view;

	for (uint32_t from = 0; lma_binding_next(gateway->lma, from, &view); from = view.index + 1) {
		for (unsigned i = 0; i < view.prefix_count; i++)
			id_set_add(&prefixes, gateway, id_of(&view.prefixes[i]));
		if (view.tunnel < TUNNELS_MAX)
			users[view.tunnel]++;
		if (settled)
			check_binding(gateway, &view);
		moving += view.state == BINDING_PENDING;
		count++;
	}
	if (gateway->ro != NULL) /* where each was before, and what the MAGs that both nodes of a pair left return */
		moving += count + 2 * ro.pairs;
	/* No forwarding state outlives its binding. */
	if (settled && owner_endpoint_count(gateway->owner) != prefixes.count)
		domain_fail(gateway->domain, "%s forwards %u prefixes, bindings have %u", gateway->name,
			owner_endpoint_count(gateway->owner), prefixes.count);
	check_tunnels(gateway, &ro, users, moving, settled);
	check_indexes(gateway, count, settled);
	id_set_fini(&prefixes);
}

/* ---- MAG ---- */

static void check_attachment(const struct gateway *gateway, const struct attachment_view *view)
{
	struct domain *domain = gateway->domain;

	for (unsigned i = 0; i < view->prefix_count; i++) {
		const struct forward *forward = owner_endpoint(gateway->owner, id_of(&view->prefixes[i]));

		if (forward == NULL)
			domain_fail(domain, "%s: node %u is not forwarded", gateway->name, view->index);
		if (forward->tunnel != view->tunnel || forward->node != view->index || forward->link != view->link ||
			forward->generation != view->generation || memcmp(forward->mac, view->mac, 6) != 0)
			domain_fail(domain, "%s: node %u is forwarded elsewhere", gateway->name, view->index);
	}
	if (!has_refusals(domain) && owner_link(gateway->owner, view->link, view->mac, NULL) != view->index)
		domain_fail(domain, "%s: node %u is not in the link table", gateway->name, view->index);
}

static void check_mag(const struct gateway *gateway)
{
	uint32_t users[TUNNELS_MAX] = {0}, count = 0;
	bool settled = is_settled(gateway);
	struct id_set prefixes = {.count = 0};
	struct ro_stats ro = ro_of(gateway);
	struct attachment_view view;

	for (uint32_t from = 0; mag_attachment_next(gateway->mag, from, &view); from = view.index + 1) {
		bool is_installed = view.tunnel != INDEX_NONE;

		count++;
		if (!is_installed)
			continue;
		for (unsigned i = 0; i < view.prefix_count; i++)
			id_set_add(&prefixes, gateway, id_of(&view.prefixes[i]));
		users[view.tunnel]++;
		if (settled)
			check_attachment(gateway, &view);
	}
	/* An endpoint is there only while its node is attached. */
	if (settled && owner_endpoint_count(gateway->owner) != prefixes.count)
		domain_fail(gateway->domain, "%s forwards %u prefixes, attached nodes have %u", gateway->name,
			owner_endpoint_count(gateway->owner), prefixes.count);
	if (settled && !has_refusals(gateway->domain) && owner_link_count(gateway->owner) != count)
		domain_fail(gateway->domain, "%s: %u nodes, %u in the link table", gateway->name, count,
			owner_link_count(gateway->owner));
	check_tunnels(gateway, &ro, users, ro.pairs * PAIR_USERS, settled);
	check_indexes(gateway, count, settled);
	id_set_fini(&prefixes);
}

/*
 * The LMA lost its state, and whoever names a prefix gets it (wire-formats B.10): also a node whose binding ended long
 * ago, while its MAG's clock was wrong, and whose prefix the LMA of before had given to another one. That one's MAG may
 * not have heard of the restart; it has 155 to expect, or the end of the lifetime.
 */
static bool knows_no_owner(const struct domain *domain, uint64_t id)
{
	const struct gateway *lma = domain_lma_of(domain, id);

	return lma != NULL && lma->restart_counter > 1 &&
	       domain->now_ns < lma->started_ns + domain->config.lifetime_s * UINT64_C(1000000000);
}

/* One prefix may be at two MAGs for the time of a handover, but never for two nodes. */
static void check_between(const struct gateway *gateway)
{
	struct domain *domain = gateway->domain;
	const struct forward *forward;
	uint32_t at = 0;
	uint64_t id;

	while (owner_endpoint_next(gateway->owner, &at, &id, &forward)) {
		for (unsigned i = domain->config.lmas; i < domain->gateway_count; i++) {
			const struct gateway *other = &domain->gateways[i];
			const struct forward *there =
				other->alive && other != gateway ? owner_endpoint(other->owner, id) : NULL;

			if (there != NULL && memcmp(there->mac, forward->mac, 6) != 0 && !knows_no_owner(domain, id))
				domain_fail(domain, "%s and %s forward prefix %016llx to two nodes", gateway->name,
					other->name, (unsigned long long)id);
		}
	}
}

void invariants_check(struct gateway *gateway)
{
	if (!gateway->alive)
		return;
	if (gateway->lma != NULL) {
		check_lma(gateway);
		return;
	}
	check_mag(gateway);
	check_between(gateway);
}

void invariants_check_all(struct domain *domain)
{
	for (unsigned i = 0; i < domain->gateway_count; i++)
		invariants_check(&domain->gateways[i]);
}

/* ---- mobile nodes ---- */

/* What is known of one node at a gateway. */
struct found {
	unsigned count;
	bool is_active;
	struct in6_addr proxy_coa;
	unsigned prefix_count;
	uint64_t ids[PROXY_PREFIXES_MAX];
};

static void take_prefixes(struct found *found, const struct home_network_prefix *prefixes, unsigned count)
{
	found->prefix_count = count;
	for (unsigned i = 0; i < count && i < PROXY_PREFIXES_MAX; i++)
		found->ids[i] = id_of(&prefixes[i]);
}

static void take_binding(void *context, const struct binding_view *view)
{
	struct found *found = context;

	found->count++;
	found->is_active = view->state == BINDING_ACTIVE;
	found->proxy_coa = view->proxy_coa;
	take_prefixes(found, view->prefixes, view->prefix_count);
}

static void take_attachment(void *context, const struct attachment_view *view)
{
	struct found *found = context;

	found->count++;
	found->is_active = view->state == ATTACHMENT_ACTIVE || view->state == ATTACHMENT_REFRESHING;
	take_prefixes(found, view->prefixes, view->prefix_count);
}

/* Of what its MAG told it nothing is left that is not its own. */
static bool heard_of_others(const struct mobile *mobile, const struct found *binding)
{
	for (unsigned i = 0; i < mobile->prefix_count; i++) {
		bool own = false;

		for (unsigned k = 0; k < binding->prefix_count; k++)
			own |= endpoint_id_ipv6(mobile->prefixes[i].s6_addr) == binding->ids[k];
		if (!own && mobile->heard_by[i] == mobile_source(mobile))
			return true;
	}
	return false;
}

static bool heard_of(const struct mobile *mobile, uint64_t id)
{
	for (unsigned i = 0; i < mobile->prefix_count; i++)
		if (endpoint_id_ipv6(mobile->prefixes[i].s6_addr) == id)
			return true;
	return false;
}

/* Data for the prefix gets from the LMA to the node, and nowhere else. */
static bool is_forwarded(const struct mobile *mobile, const struct gateway *lma, const struct gateway *mag, uint64_t id)
{
	const struct forward *down = owner_endpoint(lma->owner, id);
	const struct forward *last = owner_endpoint(mag->owner, id);
	const struct fwd_tunnel *tunnel = down != NULL ? owner_tunnel(lma->owner, down->tunnel) : NULL;

	return tunnel != NULL && memcmp(&tunnel->remote, &mag->address, 16) == 0 &&
	       (down->flags & FORWARD_BLOCKED) == 0 && last != NULL && memcmp(last->mac, mobile->mac, 6) == 0;
}

bool mobile_is_served(struct domain *domain, unsigned number)
{
	const struct mobile *mobile = &domain->mobiles[number];
	const struct gateway *lma = domain_lma(domain, number % domain->config.lmas);
	const struct gateway *mag = mobile->mag >= 0 ? &domain->gateways[mobile->mag] : NULL;
	struct found binding = {.count = 0}, attachment = {.count = 0};
	struct mn_id id = mobile_id(mobile);

	if (mag == NULL || !mag->alive || !lma->alive)
		return false;
	lma_binding_find(lma->lma, &id, take_binding, &binding);
	mag_attachment_find(mag->mag, &id, take_attachment, &attachment);
	if (binding.count != 1 || !binding.is_active || attachment.count != 1 || !attachment.is_active ||
		memcmp(&binding.proxy_coa, &mag->address, 16) != 0 || binding.prefix_count == 0 ||
		binding.prefix_count != attachment.prefix_count || heard_of_others(mobile, &binding))
		return false;
	for (unsigned i = 0; i < binding.prefix_count; i++)
		if (!heard_of(mobile, binding.ids[i]) || !is_forwarded(mobile, lma, mag, binding.ids[i]))
			return false;
	return true;
}

bool everybody_is_served(struct domain *domain, void *context)
{
	(void)context;
	for (unsigned i = 0; i < domain->config.nodes; i++)
		if (domain->mobiles[i].mag >= 0 && !mobile_is_served(domain, i))
			return false;
	return true;
}

void invariants_check_converged(struct domain *domain)
{
	invariants_check_all(domain);
	for (unsigned i = 0; i < domain->config.nodes; i++) {
		const struct mobile *mobile = &domain->mobiles[i];
		struct mn_id id = mobile_id(mobile);

		if (mobile->mag >= 0 && !mobile_is_served(domain, i))
			domain_fail(domain, "%s is not served", mobile->name);
		for (unsigned k = domain->config.lmas; k < domain->gateway_count; k++) {
			struct found found = {.count = 0};

			if ((int)k == mobile->mag || !domain->gateways[k].alive)
				continue;
			mag_attachment_find(domain->gateways[k].mag, &id, take_attachment, &found);
			if (found.count != 0)
				domain_fail(domain, "%s still has %s", domain->gateways[k].name, mobile->name);
		}
	}
}

static void check_no_pairs(const struct gateway *gateway)
{
	struct ro_stats stats = ro_of(gateway);

	if (stats.pairs + stats.active + stats.tunnels + owner_pair_count(gateway->owner) != 0)
		domain_fail(gateway->domain, "%s: %u pairs, %u of them active, %u tunnels and %u entries are left",
			gateway->name, stats.pairs, stats.active, stats.tunnels, owner_pair_count(gateway->owner));
}

void invariants_check_empty(struct domain *domain)
{
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		const struct gateway *gateway = &domain->gateways[i];
		struct transactions_stats stats;
		struct attachment_view attachment;
		struct binding_view binding;

		transactions_stats(gateway->transactions, &stats);
		if (gateway->lma != NULL && lma_binding_next(gateway->lma, 0, &binding))
			domain_fail(domain, "%s: binding %u is left, %s", gateway->name, binding.index,
				binding_state_name(binding.state));
		if (gateway->mag != NULL && mag_attachment_next(gateway->mag, 0, &attachment))
			domain_fail(domain, "%s: node %u is left, %s", gateway->name, attachment.index,
				attachment_state_name(attachment.state));
		if (owner_tunnel_count(gateway->owner) + owner_endpoint_count(gateway->owner) +
				owner_link_count(gateway->owner) >
			0)
			domain_fail(domain, "%s: %u tunnels, %u endpoints and %u links are left", gateway->name,
				owner_tunnel_count(gateway->owner), owner_endpoint_count(gateway->owner),
				owner_link_count(gateway->owner));
		if (gateway->ro != NULL)
			check_no_pairs(gateway);
		if (stats.pending != 0 || stats.waiting_for_tunnel != 0)
			domain_fail(domain, "%s: %u transactions are left", gateway->name, stats.pending);
		if (stats.indexes_used[INDEX_NODE] != 0 || stats.indexes_used[INDEX_TUNNEL] != 0)
			domain_fail(domain, "%s: %u node and %u tunnel indexes are left", gateway->name,
				stats.indexes_used[INDEX_NODE], stats.indexes_used[INDEX_TUNNEL]);
	}
}

/* ---- for a failure ---- */

#define PRINTED_MAX 40

static void print_history(const struct history *history)
{
	for (unsigned i = 0; history_get(history, i) != NULL; i++)
		print_error(" %s:%u", history_event_name((enum history_event)history_get(history, i)->event),
			history_get(history, i)->value);
	print_error("\n");
}

static void print_pairs(const struct gateway *gateway)
{
	struct ro_view view;
	unsigned count = 0;

	for (uint32_t from = 0; ro_pair_next(gateway->ro, from, &view) && count++ < PRINTED_MAX;
		from = view.index + 1) {
		print_error("    pair %u: %s, %s, stamp %llu", view.index, ro_state_name(view.state), view.step,
			(unsigned long long)view.stamp);
		for (unsigned i = 0; i < 2; i++)
			print_error(", %.*s%s%s%s", view.sides[i].id.length, (const char *)view.sides[i].id.data,
				view.sides[i].ours ? " ours" : "", view.sides[i].tx ? " tx" : "",
				view.sides[i].rx ? " rx" : "");
		for (unsigned i = 0; i < 2; i++)
			for (unsigned k = 0; k < view.sides[i].prefix_count; k++)
				print_error("%s%04llx",
					k > 0   ? "+"
					: i > 0 ? " <-> "
						: ", ",
					(unsigned long long)view.sides[i].prefixes[k] & 0xff00ffff);
		print_error(", last failure %u%s%s\n", view.last_failure, view.controller ? ", controller" : "",
			view.local ? ", local" : "");
	}
}

static void print_gateway(const struct gateway *gateway)
{
	struct attachment_view attachment;
	struct transactions_stats stats;
	struct binding_view binding;
	unsigned count = 0;

	transactions_stats(gateway->transactions, &stats);
	print_error("  %s: %u transactions pending, %u wait for a tunnel\n", gateway->name, stats.pending,
		stats.waiting_for_tunnel);
	if (gateway->ro != NULL)
		print_pairs(gateway);
	for (uint32_t from = 0;
		gateway->lma != NULL && lma_binding_next(gateway->lma, from, &binding) && count++ < PRINTED_MAX;
		from = binding.index + 1) {
		print_error("    %.*s: %s, %u prefixes, last status %u:", binding.id.length,
			(const char *)binding.id.data, binding_state_name(binding.state), binding.prefix_count,
			binding.last_status);
		print_history(binding.history);
	}
	for (uint32_t from = 0;
		gateway->mag != NULL && mag_attachment_next(gateway->mag, from, &attachment) && count++ < PRINTED_MAX;
		from = attachment.index + 1) {
		print_error("    %.*s: %s, %u prefixes, last status %u:", attachment.id.length,
			(const char *)attachment.id.data, attachment_state_name(attachment.state),
			attachment.prefix_count, attachment.last_status);
		print_history(attachment.history);
	}
}

void domain_print(const struct domain *domain)
{
	for (unsigned i = 0; i < domain->config.nodes && i < PRINTED_MAX; i++) {
		const struct mobile *mobile = &domain->mobiles[i];

		print_error("  %s is at %s, %s router, %u prefixes\n", mobile->name,
			mobile->mag >= 0 ? domain->gateways[mobile->mag].name : "no MAG",
			mobile->has_router ? "has a" : "no", mobile->prefix_count);
	}
	traffic_print(domain);
	for (unsigned i = 0; i < domain->gateway_count; i++)
		if (domain->gateways[i].alive)
			print_gateway(&domain->gateways[i]);
}
