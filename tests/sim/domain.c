/* SPDX-License-Identifier: BSD-3-Clause */
#include "domain.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events.h"
#include "network.h"

#define ARROW_TEXT_MAX   72
#define ARROWS_KEPT      1024 /* for expect_arrows() */
#define ARROWS_SHOWN     24   /* of a failure */
#define CHECK_SMALL      64   /* nodes: check after every event */
#define CHECK_EVERY      4096 /* events, in a domain that is larger */
#define FINISH_BEYOND_MS 120000

struct arrows {
	char kept[ARROWS_KEPT][ARROW_TEXT_MAX];
	unsigned count; /* may exceed ARROWS_KEPT */
	struct {
		uint64_t at_ns;
		char text[ARROW_TEXT_MAX];
	} last[ARROWS_SHOWN];
	uint64_t total;
};

static void print_arrow(const struct arrows *arrows, uint64_t number)
{
	print_error("  %12.6f s  %s\n", (double)arrows->last[number % ARROWS_SHOWN].at_ns / 1e9,
		arrows->last[number % ARROWS_SHOWN].text);
}

/* ---- arrows ---- */

void domain_record(struct domain *domain, enum arrow_kind kind, const char *from, const char *label, const char *to)
{
	struct arrows *arrows = domain->arrows;
	char *text = arrows->last[arrows->total % ARROWS_SHOWN].text;

	arrows->last[arrows->total % ARROWS_SHOWN].at_ns = domain->now_ns;
	snprintf(text, ARROW_TEXT_MAX, "%s -%s-> %s", from, label, to);
	if (sim_traces())
		print_arrow(arrows, arrows->total);
	arrows->total++;
	if ((kind & domain->arrow_kinds) == 0)
		return;
	if (arrows->count < ARROWS_KEPT)
		memcpy(arrows->kept[arrows->count], text, ARROW_TEXT_MAX);
	arrows->count++;
}

void domain_forget_arrows(struct domain *domain)
{
	domain->arrows->count = 0;
}

unsigned domain_arrows(const struct domain *domain)
{
	return domain->arrows->count;
}

unsigned domain_count_arrows(const struct domain *domain, const char *arrow)
{
	unsigned count = 0;

	for (unsigned i = 0; i < domain->arrows->count && i < ARROWS_KEPT; i++)
		count += strcmp(domain->arrows->kept[i], arrow) == 0;
	return count;
}

void domain_expect_arrows(struct domain *domain, const char *file, int line, const char *const *expected)
{
	const struct arrows *arrows = domain->arrows;
	unsigned count = 0;
	bool same = true;

	while (expected[count] != NULL)
		count++;
	same = count == arrows->count;
	for (unsigned i = 0; same && i < count; i++)
		same = strcmp(expected[i], arrows->kept[i]) == 0;
	if (!same) {
		print_error("%s:%d: expected and sent:\n", file, line);
		for (unsigned i = 0; i < count || i < arrows->count; i++)
			print_error("  %-36s %s\n", i < count ? expected[i] : "-",
				i < arrows->count && i < ARROWS_KEPT ? arrows->kept[i] : "-");
		domain_fail(domain, "other arrows than expected");
	}
	domain_forget_arrows(domain);
}

static char context_text[128];

void domain_context(const char *text)
{
	snprintf(context_text, sizeof(context_text), "%s", text != NULL ? text : "");
}

void domain_fail(struct domain *domain, const char *format, ...)
{
	const struct arrows *arrows = domain->arrows;
	uint64_t from = arrows->total > ARROWS_SHOWN ? arrows->total - ARROWS_SHOWN : 0;
	static bool fails; /* what is printed may find more */
	va_list list;
	char text[512];

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (context_text[0] != 0)
		print_error("with %s:\n", context_text);
	print_error("seed %" PRIu64 " (again with --seed %" PRIu64 "), at %.6f s, event %" PRIu64 ": %s\n",
		domain->seed, domain->seed, (double)domain->now_ns / 1e9, domain->events, text);
	for (uint64_t i = from; i < arrows->total; i++)
		print_arrow(arrows, i);
	if (!fails) {
		fails = true;
		domain_print(domain);
	}
	_fail(__FILE__, __LINE__);
	abort(); /* _fail() does not come back, but does not say so */
}

/* ---- gateways ---- */

struct gateway *domain_lma(struct domain *domain, unsigned number)
{
	return &domain->gateways[number];
}

struct gateway *domain_mag(struct domain *domain, unsigned number)
{
	return &domain->gateways[domain->config.lmas + number];
}

struct gateway *domain_gateway_at(struct domain *domain, const struct in6_addr *address)
{
	for (unsigned i = 0; i < domain->gateway_count; i++)
		if (memcmp(&domain->gateways[i].address, address, 16) == 0)
			return &domain->gateways[i];
	return NULL;
}

static void gateways_create(struct domain *domain)
{
	domain->gateway_count = domain->config.lmas + domain->config.mags;
	domain->gateways = calloc(domain->gateway_count, sizeof(*domain->gateways));
	if (domain->gateways == NULL)
		abort();
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		struct gateway *gateway = &domain->gateways[i];
		bool is_lma = i < domain->config.lmas;
		unsigned number = is_lma ? i : i - domain->config.lmas;

		gateway->domain = domain;
		gateway->role = is_lma ? ROLE_LMA : ROLE_MAG;
		snprintf(gateway->name, sizeof(gateway->name), "%s%u", is_lma ? "LMA" : "MAG", number + 1);
		gateway->address = (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, is_lma ? 1 : 2,
							     (uint8_t)(number >> 8), (uint8_t)number, [15] = 1}};
	}
	for (unsigned i = 0; i < domain->gateway_count; i++)
		gateway_start(&domain->gateways[i]);
}

/* ---- the domain ---- */

static void set_default(uint32_t *value, uint32_t number)
{
	if (*value == 0)
		*value = number;
}

struct domain *domain_create(const struct domain_config *config)
{
	struct domain *domain = calloc(1, sizeof(*domain));

	if (domain == NULL)
		abort();
	domain->config = *config;
	set_default(&domain->config.lifetime_s, 600);
	set_default(&domain->config.nud_interval_ms, 5000);
	set_default(&domain->config.heartbeat_s, 5);
	set_default(&domain->config.high_water, 4096);
	set_default(&domain->config.pool_length, 40);
	domain->faults = config->faults;
	domain->seed = config->seed != 0 ? config->seed : sim_seed();
	domain->random.state = domain->seed;
	set_default(&domain->config.ro.max_pairs, 1024);
	domain->arrow_kinds = ARROW_SIGNALLING | ARROW_RO;
	domain->talks = talks_create();
	domain->queue = events_queue_create();
	domain->script = script_create();
	domain->arrows = calloc(1, sizeof(*domain->arrows));
	if (domain->arrows == NULL)
		abort();
	domain->now_ns = 1000000000; /* a monotonic clock is never at 0 */
	mobiles_create(domain);
	gateways_create(domain);
	return domain;
}

void domain_abandon(struct domain *domain)
{
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		gateway_stop(&domain->gateways[i]);
		policy_destroy(domain->gateways[i].policy);
		free(domain->gateways[i].ro_peers);
	}
	events_queue_destroy(domain->queue);
	script_destroy(domain->script);
	talks_destroy(domain->talks);
	free(domain->arrows);
	free(domain->gateways);
	free(domain->mobiles);
	free(domain);
}

static void check(struct domain *domain, const struct event *event)
{
	bool at_gateway = event->kind == EVENT_WAKE || event->kind == EVENT_UPLINK || event->kind == EVENT_RESOLVED;
	struct gateway *gateway = at_gateway ? &domain->gateways[event->gateway] : NULL;

	if (event->kind == EVENT_DATAGRAM)
		gateway = domain_gateway_at(domain, &event->destination);
	if (domain->config.nodes > CHECK_SMALL) {
		if (domain->events % CHECK_EVERY == 0)
			invariants_check_all(domain);
	} else {
		if (gateway != NULL)
			invariants_check(gateway);
		if (domain->config.ro.enabled)
			invariants_check_pairs(domain);
	}
}

static void step(struct domain *domain)
{
	struct event event;

	if (!events_queue_take(domain->queue, &event))
		return;
	if (domain->now_ns >= domain->disturbed_until_ns)
		domain->calm_ns += event.at_ns - domain->now_ns;
	domain->now_ns = event.at_ns;
	domain->events++;
	network_deliver(domain, &event);
	free(event.bytes);
	check(domain, &event);
}

void domain_run_us(struct domain *domain, uint64_t us)
{
	uint64_t end_ns = domain->now_ns + us * 1000;

	while (events_queue_next(domain->queue) <= end_ns)
		step(domain);
	domain->now_ns = end_ns;
	invariants_check_all(domain);
}

void domain_run(struct domain *domain, uint64_t ms)
{
	domain_run_us(domain, ms * 1000);
}

void domain_run_until(
	struct domain *domain, bool (*condition)(struct domain *domain, void *context), void *context, uint64_t ms)
{
	uint64_t end_ns = domain->now_ns + ms * 1000000;

	while (!condition(domain, context)) {
		if (events_queue_next(domain->queue) > end_ns)
			domain_fail(domain, "%" PRIu64 " ms were not enough", ms);
		step(domain);
	}
	invariants_check_all(domain);
}

struct awaited {
	const char *arrow;
};

static bool was_recorded(struct domain *domain, void *context)
{
	const struct awaited *awaited = context;

	return domain_count_arrows(domain, awaited->arrow) > 0;
}

void domain_run_until_arrow(struct domain *domain, const char *arrow, uint64_t ms)
{
	struct awaited awaited = {arrow};

	domain_run_until(domain, was_recorded, &awaited, ms);
}

static void schedule(struct domain *domain, enum event_kind kind, const struct mobile *mobile, uint64_t delay_us)
{
	struct event event = {.kind = kind,
		.at_ns = domain->now_ns + delay_us * 1000,
		.mobile = mobile->number,
		.epoch = mobile->epoch};

	events_queue_add(domain->queue, &event);
}

void domain_schedule_solicit(struct domain *domain, const struct mobile *mobile, uint64_t delay_us)
{
	schedule(domain, EVENT_SOLICIT, mobile, delay_us);
}

void domain_schedule_traffic(struct domain *domain, const struct mobile *mobile, uint64_t delay_us)
{
	schedule(domain, EVENT_TRAFFIC, mobile, delay_us);
}

void domain_finish(struct domain *domain)
{
	uint64_t probing_ms = domain->config.nud_interval_ms + 4000;
	unsigned talkers[2];

	memset(&domain->faults, 0, sizeof(domain->faults));
	for (unsigned i = 0; i < domain->gateway_count; i++)
		if (!domain->gateways[i].alive)
			gateway_start(&domain->gateways[i]);
	for (unsigned i = 0; talk_get(domain, i, talkers); i++)
		domain_hush(domain, i);
	for (unsigned i = 0; i < domain->config.nodes; i++)
		mobile_leave(domain, i);
	domain_run(domain, (uint64_t)domain->config.lifetime_s * 1000 + probing_ms + FINISH_BEYOND_MS);
	invariants_check_empty(domain);
	domain_abandon(domain);
}
