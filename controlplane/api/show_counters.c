/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "door.h"
#include "liveness.h"

#include "api/walk.h"
#include "net/net.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/probe.h"
#include "ro/ro.h"

/* What the workers count: stages, drops, punts, themselves; and what the engines count: messages. */

static double ratio(uint64_t a, uint64_t b)
{
	return b != 0 ? (double)a / (double)b : 0;
}

int show_stages_step(struct walk *walk, json_t **row)
{
	const struct worker_stats *stats = walk_stats(walk);
	enum stage stage = (enum stage)walk->place.at;
	const struct stage_counter *counter;
	struct row out;

	*row = NULL;
	if (stats == NULL)
		return -ENOMEM;
	if (walk->place.at >= STAGE_COUNT)
		return 0;
	walk->place.at++;
	if (!filter_name_pattern(&walk->request->filter, stage_name(stage)))
		return 1;
	counter = &stats->stages[stage];
	row_start(&out);
	row_text(&out, "name", stage_name(stage));
	row_number(&out, "calls", counter->calls);
	row_number(&out, "packets", counter->packets);
	row_number(&out, "cycles", counter->cycles);
	row_real(&out, "packets_per_call", ratio(counter->packets, counter->calls));
	row_real(&out, "cycles_per_packet", ratio(counter->cycles, counter->packets));
	row_real(&out, "ns_per_packet",
		ratio(counter->cycles, counter->packets) * ratio(1000000000, walk->sources->tsc_hz));
	row_text(&out, "help", stage_help(stage));
	return row_finish(&out, row);
}

/* A named counter as a row, unless it is zero and nobody asked for zeroes. */
static int counter_row(const struct walk *walk, const char *name, uint64_t count, const char *help, json_t **row)
{
	const struct filter *filter = &walk->request->filter;
	struct row out;

	if ((count == 0 && !filter->all) || !filter_name_pattern(filter, name))
		return 1;
	row_start(&out);
	row_text(&out, "name", name);
	row_number(&out, "count", count);
	row_text(&out, "help", help);
	return row_finish(&out, row);
}

int show_drops_step(struct walk *walk, json_t **row)
{
	const struct worker_stats *stats = walk_stats(walk);
	enum drop_reason reason = (enum drop_reason)walk->place.at;

	*row = NULL;
	if (stats == NULL)
		return -ENOMEM;
	if (walk->place.at >= DROP_COUNT)
		return 0;
	walk->place.at++;
	return counter_row(walk, drop_reason_name(reason), stats->drops[reason], drop_reason_help(reason), row);
}

int show_punts_step(struct walk *walk, json_t **row)
{
	const struct worker_stats *stats = walk_stats(walk);
	enum punt_reason reason = (enum punt_reason)walk->place.at;

	*row = NULL;
	if (stats == NULL)
		return -ENOMEM;
	if (walk->place.at >= PUNT_COUNT)
		return 0;
	walk->place.at++;
	return counter_row(walk, punt_reason_name(reason), stats->punts[reason], punt_reason_help(reason), row);
}

int show_workers_step(struct walk *walk, json_t **row)
{
	const struct filter *filter = &walk->request->filter;
	const struct config_dataplane *dataplane = &walk->sources->config->dataplane;
	const struct door *door = walk->sources->door;
	unsigned worker = (unsigned)walk->place.at;
	struct worker_stats stats;
	struct row out;

	*row = NULL;
	if (door == NULL || walk->place.at >= door->config.workers)
		return 0;
	walk->place.at++;
	if ((filter->given & FILTER_BIT(worker)) && filter->worker != worker)
		return 1;
	counters_of_worker(door, walk->baseline, worker, &stats);
	row_start(&out);
	row_number(&out, "worker", worker);
	row_json(&out, "core",
		worker < dataplane->worker_count ? json_integer(dataplane->workers[worker]) : json_null());
	row_number(&out, "socket", door->config.socket_of[worker]);
	row_number(&out, "packets", stats.stages[STAGE_rx].packets);
	row_number(&out, "loops", stats.loops);
	row_number(&out, "empty_loops", stats.empty_loops);
	row_number(&out, "sleeps", stats.sleeps);
	row_number(&out, "updates", stats.updates);
	row_number(&out, "events", stats.events);
	row_number(&out, "events_lost", stats.events_lost);
	row_number(&out, "handed_over", stats.handed_over);
	row_number(&out, "spread_out", stats.spread_out);
	row_number(&out, "spread_in", stats.spread_in);
	row_number(&out, "held", stats.held);
#define RELEASED(name, help) row_number(&out, "released_" #name, stats.released[HOLD_##name]);
	HOLD_ENDS(RELEASED)
#undef RELEASED
	return row_finish(&out, row);
}

/* ---- messages ---- */

/* All counters of a role are built at once: an array of small rows. */
struct counters_out {
	const struct walk *walk;
	json_t *rows;
	bool failed;
};

static void add(struct counters_out *out, const char *name, uint64_t count, const char *help)
{
	json_t *row = NULL;

	if (counter_row(out->walk, name, count, help, &row) < 0)
		out->failed = true;
	else if (row != NULL && json_array_append_new(out->rows, row) != 0)
		out->failed = true;
}

/* One row per status that was seen; with `all` also those that have a name. */
static void add_statuses(struct counters_out *out, const char *stem, const uint64_t counts[256],
	const char *(*status_name)(uint8_t status))
{
	char name[96];

	for (unsigned status = 0; status < 256; status++) {
		const char *word = status_name((uint8_t)status);

		if (counts[status] == 0 && strcmp(word, "unknown") == 0)
			continue;
		snprintf(name, sizeof(name), "%s_%u", stem, status);
		add(out, name, counts[status], word);
	}
}

static void lma_messages(struct counters_out *out, const struct lma *lma)
{
	struct lma_stats stats;

	lma_stats(lma, &stats);
	add(out, "pbu_received", stats.pbu_received, "PBUs from configured MAGs");
	add(out, "pbu_duplicate", stats.pbu_duplicate, "PBUs received again, answered as before");
	add(out, "pbu_ignored", stats.pbu_ignored, "PBUs that got no answer");
	add(out, "pbu_held", stats.pbu_held, "PBUs that waited for the old MAG's de-registration");
	add_statuses(out, "pba_sent", stats.pba_sent, mh_status_name);
	add(out, "registrations", stats.registrations, "new bindings");
	add(out, "refreshes", stats.refreshes, "lifetimes extended");
	add(out, "handovers", stats.handovers, "bindings moved to another MAG");
	add(out, "deregistrations", stats.deregistrations, "bindings ended by their MAG");
	add(out, "expiries", stats.expiries, "bindings whose lifetime ended");
	add(out, "purged", stats.purged, "bindings of MAGs that were lost");
	add(out, "cleared", stats.cleared, "bindings removed by the operator");
	add(out, "wrong_tunnel", stats.wrong_tunnel, "reports of packets from a MAG where the binding is not");
	add(out, "upn_sent", stats.upn_sent, "update notifications: MAGs asked to register a mobile node again");
	add(out, "upn_retransmitted", stats.upn_retransmitted, "update notifications sent again");
	add(out, "upn_unanswered", stats.upn_unanswered, "update notifications given up");
	add(out, "upn_limited", stats.upn_limited, "update notifications not sent: over the limit");
	add(out, "upn_unsupported", stats.upn_unsupported, "MAGs that do not know update notifications");
	add_statuses(out, "upa_received", stats.upa_received, upa_status_name);
	add(out, "upa_ignored", stats.upa_ignored, "acknowledgements that fit no update notification");
}

static void mag_messages(struct counters_out *out, const struct mag *mag)
{
	struct mag_stats stats;

	mag_stats(mag, &stats);
	add(out, "attaches", stats.attaches, "mobile nodes that came");
	add(out, "detaches", stats.detaches, "mobile nodes that left");
	add(out, "refused", stats.refused, "mobile nodes that policy or their LMA refused");
	add(out, "pbu_sent", stats.pbu_sent, "PBUs, with those sent again");
	add(out, "pbu_retransmitted", stats.pbu_retransmitted, "PBUs sent again");
	add_statuses(out, "pba_received", stats.pba_received, mh_status_name);
	add(out, "pba_ignored", stats.pba_ignored, "PBAs that fit no outstanding PBU");
	add(out, "upn_received", stats.upn_received,
		"update notifications: wishes that we register a mobile node again");
	add(out, "upn_duplicate", stats.upn_duplicate, "update notifications received again, answered as before");
	add_statuses(out, "upa_sent", stats.upa_sent, upa_status_name);
	add(out, "ra_sent", stats.ra_sent, "router advertisements to mobile nodes");
	add(out, "rs_received", stats.rs_received, "router solicitations of mobile nodes");
	add(out, "access_ns_received", stats.ns_received, "neighbour solicitations of mobile nodes");
	add(out, "access_na_received", stats.na_received, "neighbour advertisements of mobile nodes");
	add(out, "access_ns_sent", stats.ns_sent, "probes whether a mobile node is there");
	add(out, "discovery_malformed", stats.discovery_malformed,
		"discovery packets of mobile nodes that were no good");
}

static void net_messages(struct counters_out *out, const struct net *net)
{
	static const char *const errors[] = {NULL, "destination_unreachable_sent", "packet_too_big_sent",
		"time_exceeded_sent", "parameter_problem_sent"};
	struct net_stats stats;

	net_stats(net, &stats);
	add(out, "echo_replies", stats.echo_replies, "ICMPv6 echo replies");
	add(out, "ns_sent", stats.ns_sent, "neighbour solicitations for next hops");
	add(out, "ns_received", stats.ns_received, "neighbour solicitations for own addresses");
	add(out, "na_sent", stats.na_sent, "neighbour advertisements of own addresses");
	add(out, "na_received", stats.na_received, "neighbour advertisements of next hops");
	add(out, "malformed", stats.malformed, "punted packets that were no good");
	for (unsigned type = 1; type <= 4; type++)
		add(out, errors[type], stats.errors_sent[type], "ICMPv6 errors");
	add(out, "errors_limited", stats.errors_limited, "ICMPv6 errors over the rate limit");
	add(out, "waiting_dropped", stats.waiting_dropped, "packets whose next hop was not resolved");
	add(out, "path_mtu_updates", stats.path_mtu_updates, "tunnels whose path MTU changed");
	add(out, "ro_errors_sent", stats.pair_errors_sent, "RO Errors: a MAG told that we have no state for a pair");
	add(out, "ro_errors_limited", stats.pair_errors_limited, "RO Errors over the limit of the pair or the MAG");
	add(out, "ro_errors_received", stats.pair_errors_received, "RO Errors of MAGs about pairs");
	add(out, "ro_paths_broken", stats.direct_broken, "MAGs that a router or the next hop could not reach");
	add(out, "echo_requests", stats.echo_requests, "ICMPv6 echo requests to MAGs of silent pairs");
	add(out, "echo_answers", stats.echo_answers, "ICMPv6 echo replies of peers");
}

static void liveness_messages(struct counters_out *out, const struct liveness *liveness)
{
	struct probe_stats stats;

	liveness_stats(liveness, &stats);
	add(out, "ro_errors_believed", stats.errors, "RO Errors that took a pair back to its anchor");
	add(out, "ro_errors_refuted", stats.refuted, "RO Errors about pairs that just received something direct");
	add(out, "ro_paths_silent", stats.silent, "pairs that began to send direct without receiving");
	add(out, "ro_probes_sent", stats.asked, "questions to MAGs of silent pairs: heartbeats or echo requests");
	add(out, "ro_probes_lost", stats.lost, "MAGs that answered none of three such questions");
}

/* Of route optimisation: per message, per status, and what became of it. */
static void ro_messages(struct counters_out *out, const struct ro *ro)
{
	static const struct {
		uint8_t code;
		const char *stem;
	} codes[] = {{RO_INIT, "ro_init"}, {RO_INIT_ACK, "ro_init_ack"}, {RO_SETUP, "ro_setup"},
		{RO_SETUP_ACK, "ro_setup_ack"}, {RO_REPORT, "ro_report"}, {RO_REPORT_ACK, "ro_report_ack"},
		{RO_MARKER, "ro_marker"}};
	struct ro_stats stats;
	char name[48];

	ro_stats(ro, &stats);
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		uint8_t code = codes[i].code;

		snprintf(name, sizeof(name), "%s_sent", codes[i].stem);
		add(out, name, stats.sent[code], ro_message_name(code));
		snprintf(name, sizeof(name), "%s_received", codes[i].stem);
		add(out, name, stats.received[code], ro_message_name(code));
		snprintf(name, sizeof(name), "%s_retransmitted", codes[i].stem);
		if (code % 2 != 0 && code != RO_MARKER) /* Acks are repeated with the request */
			add(out, name, stats.retransmitted[code], ro_message_name(code));
	}
	add_statuses(out, "ro_ack_status_sent", stats.acks_sent, ro_status_name);
	add_statuses(out, "ro_ack_status_received", stats.acks_received, ro_status_name);
	add_statuses(out, "ro_report_status_sent", stats.reports, ro_status_name);
	add(out, "ro_triggers", stats.triggers, "pairs that traffic or the operator asked for");
	add(out, "ro_triggers_limited", stats.triggers_limited, "triggers over the limit of a mobile node");
	add(out, "ro_setups", stats.setups, "pairs that became direct");
	add(out, "ro_handovers", stats.handovers, "direct paths that followed a mobile node");
	add(out, "ro_refreshes", stats.refreshes, "direct paths whose lifetime was extended");
	add(out, "ro_removals", stats.removals, "pairs that were removed");
	add(out, "ro_expiries", stats.expiries, "pairs whose lifetime or deadline was over");
	add(out, "ro_timeouts", stats.timeouts, "requests that nobody answered");
	add(out, "ro_duplicates", stats.duplicates, "requests received again, answered as before");
	add(out, "ro_acks_unmatched", stats.acks_unmatched, "acknowledgements that fit no request");
	add(out, "ro_not_a_peer", stats.not_a_peer, "messages of who is no peer of route optimisation");
	add(out, "ro_foreign_experiment", stats.foreign_experiment, "messages with another experiment identifier");
	add(out, "ro_value_mismatch", stats.value_mismatch, "peers that told something else than the binding cache");
	add(out, "ro_binding_errors", stats.binding_errors, "peers that do not know route optimisation");
	add(out, "ro_refused_limited", stats.limited, "Inits and hints refused: a mobile node has enough pairs");
	add(out, "ro_delayed", stats.delayed, "updates of a pair that had to wait");
	add(out, "ro_returns", stats.returns, "pairs taken from the MAG that a mobile node left");
	add(out, "ro_idle", stats.idle, "pairs removed because nobody used them");
	add(out, "ro_pairs_of_lost", stats.pairs_of_lost, "pairs that ended with a lost or restarted peer");
	add(out, "ro_errors_taken", stats.errors_taken, "pairs that ended by an RO Error");
	add(out, "ro_errors_ignored", stats.errors_ignored, "RO Errors about no pair that sends direct");
	add(out, "ro_pbus_sent", stats.pbus_sent, "PBUs in place of RO Setups");
	add(out, "ro_pbus_received", stats.pbus_received, "PBUs in place of RO Setups");
}

static void api_messages(struct counters_out *out, const struct api_stats *stats)
{
	add(out, "api_clients_accepted", stats->accepted, "clients of the control socket");
	add(out, "api_clients_refused", stats->refused, "clients over the limit");
	add(out, "api_clients_stalled", stats->stalled, "clients disconnected because they did not read");
	add(out, "api_requests", stats->requests, "request lines");
	add(out, "api_malformed", stats->malformed, "lines that were no request");
	add(out, "api_errors", stats->errors, "requests that were refused");
}

int show_messages_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;

	*row = NULL;
	if (walk->held == NULL) {
		struct counters_out out = {.walk = walk, .rows = json_array()};

		walk->held = out.rows;
		if (sources->lma != NULL)
			lma_messages(&out, sources->lma);
		if (sources->mag != NULL)
			mag_messages(&out, sources->mag);
		if (sources->ro != NULL)
			ro_messages(&out, sources->ro);
		if (sources->net != NULL)
			net_messages(&out, sources->net);
		if (sources->liveness != NULL)
			liveness_messages(&out, sources->liveness);
		if (walk->server != NULL)
			api_messages(&out, walk->server);
		if (out.failed || out.rows == NULL)
			return -ENOMEM;
	}
	return walk_held_step(walk, row);
}
