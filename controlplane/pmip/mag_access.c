/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <string.h>

#include "access/discovery.h"
#include "log.h"

/* RFC 4861 section 10 */
#define MAX_INITIAL_RTR_ADVERTISEMENTS    3
#define MAX_INITIAL_RTR_ADVERT_INTERVAL_S 16
#define FINAL_RTR_ADVERTISEMENTS          3

#define FINAL_INTERVAL_MS 1000
#define RS_ANSWER_MIN_MS  500  /* between advertisements to one MN that asks again and again */
#define AWAITED_RS_MS     5000 /* a host solicits within RTR_SOLICITATION_INTERVAL after its first packets */
#define QUERY_RESPONSE_MS 100

_Static_assert(DISCOVERY_PREFIXES_MAX >= 2 * PROXY_PREFIXES_MAX, "old and new prefixes in one advertisement");

static const struct in6_addr all_nodes = {.s6_addr = {0xff, 0x02, [15] = 1}};

/* A frame goes to the MN's own link-layer address, whatever its IPv6 destination: nobody else hears it. */
static void send_frame(struct mag *mag, const struct attachment *a, const uint8_t *bytes, uint16_t length)
{
	struct access_frame frame = {.link = a->link, .bytes = bytes, .length = length};

	memcpy(frame.mac, a->mac, 6);
	mag->host->ops->send_frame(mag->host, &frame);
}

static const struct in6_addr *destination_of(const struct attachment *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(&a->link_local) ? &all_nodes : &a->link_local;
}

static unsigned add_prefixes(struct discovery_prefix *to, unsigned n, const struct prefix_set *set,
	const struct prefix_set *except, uint32_t valid_s, uint32_t preferred_s)
{
	const struct home_network_prefix *list = prefix_set_list(set);

	for (unsigned i = 0; i < set->count && n < DISCOVERY_PREFIXES_MAX; i++)
		if (except == NULL || !prefix_set_has(except, &list[i]))
			to[n++] = (struct discovery_prefix){list[i].prefix, valid_s, preferred_s};
	return n;
}

static void send_advertisement(
	struct mag *mag, struct attachment *a, const struct discovery_prefix *prefixes, unsigned count, bool is_router)
{
	uint8_t buffer[DISCOVERY_LENGTH_MAX];
	const struct mag_config *config = &mag->config;
	uint16_t mtu = config->access_mtu_bytes < config->tunnel_mtu_bytes ? config->access_mtu_bytes
									   : config->tunnel_mtu_bytes;
	struct router_advertisement ra = {.source = a->router_link_local,
		.destination = *destination_of(a),
		.router_lifetime_s = is_router ? (uint16_t)config->router_lifetime_s : 0,
		.mtu_bytes = is_router ? mtu : 0,
		.prefixes = prefixes,
		.prefix_count = count};

	memcpy(ra.link_layer, config->fixed_link_layer, 6);
	send_frame(mag, a, buffer, router_advertisement_encode(buffer, &ra));
	mag->stats.ra_sent++;
	a->ra_ms = mag_ms(mag);
}

static void finals_sent(struct attachment *a)
{
	if (a->finals > 0 && --a->finals == 0)
		prefix_set_clear(&a->withdrawn);
}

void access_advertise(struct mag *mag, struct attachment *a)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];
	unsigned n = add_prefixes(
		prefixes, 0, &a->prefixes, NULL, mag->config.prefix_valid_s, mag->config.prefix_preferred_s);

	if (a->finals > 0)
		n = add_prefixes(prefixes, n, &a->withdrawn, &a->prefixes, 0, 0);
	send_advertisement(mag, a, prefixes, n, true);
	a->advertised = true;
	finals_sent(a);
}

/* Prefixes that are not ours to advertise any more, old ones and those of the session. */
static void withdrawn_collect(struct attachment *a)
{
	struct home_network_prefix all[2 * PROXY_PREFIXES_MAX];
	const struct home_network_prefix *list = prefix_set_list(&a->withdrawn);
	unsigned n = a->prefixes.count;

	memcpy(all, prefix_set_list(&a->prefixes), n * sizeof(*all));
	for (unsigned i = 0; i < a->withdrawn.count && n < 2 * PROXY_PREFIXES_MAX; i++)
		if (!prefix_set_has(&a->prefixes, &list[i]))
			all[n++] = list[i];
	if (prefix_set_assign(&a->withdrawn, all, n) != 0)
		log_warning("no_memory", "mn=%s what=withdrawal", node_name(a));
}

static void send_withdrawal(struct mag *mag, struct attachment *a)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];
	unsigned n = add_prefixes(prefixes, 0, &a->withdrawn, NULL, 0, 0);

	send_advertisement(mag, a, prefixes, n, false);
	finals_sent(a);
	if (a->finals > 0)
		timer_start(&mag->wheel, &a->advertise, mag_ms(mag) + FINAL_INTERVAL_MS);
}

void access_withdraw(struct mag *mag, struct attachment *a)
{
	withdrawn_collect(a);
	a->advertised = false;
	a->finals = FINAL_RTR_ADVERTISEMENTS;
	send_withdrawal(mag, a);
}

static uint64_t random_between(struct mag *mag, uint64_t low, uint64_t high)
{
	return low + mag->host->ops->random(mag->host) % (high - low + 1);
}

/* RFC 4861 section 6.2.4 */
static void advertise_later(struct mag *mag, struct attachment *a)
{
	uint64_t max_ms = (uint64_t)mag->config.max_rtr_adv_interval_s * 1000;
	uint64_t min_ms = max_ms >= 9000 ? max_ms * 33 / 100 : max_ms * 3 / 4;
	uint64_t interval_ms = random_between(mag, min_ms, max_ms);

	if (a->initial_ras > 0 && interval_ms > MAX_INITIAL_RTR_ADVERT_INTERVAL_S * 1000)
		interval_ms = MAX_INITIAL_RTR_ADVERT_INTERVAL_S * 1000;
	timer_start(&mag->wheel, &a->advertise, mag_ms(mag) + interval_ms);
}

void access_schedule(struct mag *mag, struct attachment *a)
{
	a->initial_ras = MAX_INITIAL_RTR_ADVERTISEMENTS - 1; /* the first one left with the registration */
	advertise_later(mag, a);
}

static bool may_advertise(const struct attachment *a)
{
	return a->installed && (a->state == ATTACHMENT_ACTIVE || a->state == ATTACHMENT_REFRESHING);
}

void advertise_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct attachment *a = (struct attachment *)((char *)timer - offsetof(struct attachment, advertise));
	struct mag *mag = context;

	if (!a->installed) {
		if (a->finals > 0)
			send_withdrawal(mag, a);
	} else {
		if (may_advertise(a)) {
			if (a->initial_ras > 0)
				a->initial_ras--;
			access_advertise(mag, a);
		}
		advertise_later(mag, a);
	}
	mag->host->ops->commit(mag->host, 0, 0);
}

void access_probe(struct mag *mag, struct attachment *a)
{
	uint8_t buffer[DISCOVERY_LENGTH_MAX];
	const struct in6_addr *target = !IN6_IS_ADDR_UNSPECIFIED(&a->link_local) ? &a->link_local : &a->seen_address;
	uint16_t length;

	if (IN6_IS_ADDR_UNSPECIFIED(target)) {
		length = listener_query_encode(buffer, &a->router_link_local, QUERY_RESPONSE_MS);
	} else {
		length = neighbour_solicitation_encode(
			buffer, &a->router_link_local, target, mag->config.fixed_link_layer);
		mag->stats.ns_sent++;
	}
	send_frame(mag, a, buffer, length);
	mag->host->ops->commit(mag->host, 0, 0);
}

static void answer_rs(struct mag *mag, struct attachment *a)
{
	bool returned = a->awaited_rs_ms < mag_ms(mag);

	a->awaited_rs_ms = 0;
	if (a->state == ATTACHMENT_DETACHED) {
		attach_again(mag, a, HISTORY_attach_rs);
		return;
	}
	if (!may_advertise(a))
		return; /* its registration will answer */
	if (mag_ms(mag) - a->ra_ms >= RS_ANSWER_MIN_MS) {
		access_advertise(mag, a);
		mag->host->ops->commit(mag->host, 0, 0);
	}
	if (returned)
		signal_assert(mag, a);
}

/* The subnet-router anycast address of one of the session's prefixes (RFC 4291 section 2.6.1). */
static bool is_subnet_router(const struct attachment *a, const struct in6_addr *target)
{
	struct home_network_prefix prefix = {.prefix = *target, .length = 64};

	return may_advertise(a) && prefix_set_has(&a->prefixes, &prefix);
}

static void answer_ns(struct mag *mag, const struct attachment *a, const struct discovery_message *message)
{
	uint8_t buffer[DISCOVERY_LENGTH_MAX];
	bool unicast = memcmp(&message->target, &a->router_link_local, sizeof(message->target)) == 0;
	bool detection = IN6_IS_ADDR_UNSPECIFIED(&message->source);
	uint16_t length;

	if (!unicast && !is_subnet_router(a, &message->target))
		return; /* the MN's own addresses, and those of nobody here */
	if (!unicast && detection)
		return; /* anycast addresses are not unique */
	length = neighbour_advertisement_encode(buffer, &message->target, detection ? &all_nodes : &message->source,
		&message->target, mag->config.fixed_link_layer, !detection, unicast);
	send_frame(mag, a, buffer, length);
	mag->host->ops->commit(mag->host, 0, 0);
}

static void count(struct mag *mag, enum discovery_kind kind)
{
	switch (kind) {
	case DISCOVERY_KIND_RS: mag->stats.rs_received++; break;
	case DISCOVERY_KIND_NS: mag->stats.ns_received++; break;
	case DISCOVERY_KIND_NA: mag->stats.na_received++; break;
	case DISCOVERY_KIND_OTHER:
	case DISCOVERY_KIND_COUNT: break;
	}
}

/* Ours is never the MN's. */
static void learn_address(struct attachment *a, const struct in6_addr *source)
{
	if (IN6_IS_ADDR_UNSPECIFIED(source) || memcmp(source, &a->router_link_local, sizeof(*source)) == 0)
		return;
	if (IN6_IS_ADDR_LINKLOCAL(source))
		a->link_local = *source;
	else
		a->seen_address = *source;
}

static struct attachment *sender(struct mag *mag, uint16_t link, const uint8_t mac[6], bool solicits)
{
	enum history_event cause = solicits ? HISTORY_attach_rs : HISTORY_attach_packet;
	struct attachment *a = node_by_mac(mag, mac);
	int error;

	if (a != NULL && a->link == link) {
		presence_seen(mag, a);
		return a;
	}
	a = attach(mag, link, mac, cause, &error);
	if (a != NULL && cause == HISTORY_attach_packet)
		a->awaited_rs_ms = mag_ms(mag) + AWAITED_RS_MS;
	return a;
}

void mag_discovery(struct mag *mag, const struct engine_time *now, uint16_t link, const uint8_t source_mac[6],
	const uint8_t *bytes, uint16_t length)
{
	struct discovery_message message;
	struct attachment *a;

	mag_enter(mag, now);
	if (discovery_parse(&message, bytes, length) != DISCOVERY_ERROR_NONE) {
		mag->stats.discovery_malformed++;
		return;
	}
	count(mag, message.kind);
	a = sender(mag, link, source_mac, message.kind == DISCOVERY_KIND_RS);
	if (a == NULL || a->state == ATTACHMENT_REFUSED)
		return;
	learn_address(a, &message.source);
	if (message.kind == DISCOVERY_KIND_RS)
		answer_rs(mag, a);
	else if (message.kind == DISCOVERY_KIND_NS && a->state != ATTACHMENT_DETACHED)
		answer_ns(mag, a, &message);
}
