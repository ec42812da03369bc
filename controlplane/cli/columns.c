/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/columns.h"

#define COLUMN(k, t, c)                               \
	{                                             \
		.key = (k), .title = (t), .cell = (c) \
	}
#define WIDE(k, t, c)                                               \
	{                                                           \
		.key = (k), .title = (t), .cell = (c), .wide = true \
	}
#define COLUMNS_END         \
	{                   \
		.key = NULL \
	}

static const struct column node[] = {
	COLUMN("name", "name", CELL_TEXT),
	COLUMN("role", "role", CELL_TEXT),
	COLUMN("address", "address", CELL_TEXT),
	COLUMN("version", "version", CELL_TEXT),
	COLUMN("pid", "process", CELL_NUMBER),
	COLUMN("started_at", "started", CELL_TEXT),
	COLUMN("uptime_s", "up for", CELL_SECONDS),
	COLUMN("config_file", "configuration", CELL_TEXT),
	COLUMN("state_directory", "state directory", CELL_TEXT),
	COLUMN("restart_counter", "restart counter", CELL_NUMBER),
	COLUMN("ports", "ports", CELL_NUMBER),
	COLUMN("workers", "workers", CELL_NUMBER),
	COLUMN("insecure_peers", "insecure peers", CELL_NUMBER),
	COLUMN("forward_only", "forwards only", CELL_YES),
	COLUMN("rows", "rows of the file", CELL_NUMBER),
	COLUMN("rows_applied", "rows in the tables", CELL_NUMBER),
	COLUMN("rows_refused", "rows refused", CELL_NUMBER),
	COLUMN("rows_unresolved", "rows without a next hop", CELL_NUMBER),
	COLUMN("tables_filled", "tables filled", CELL_YES),
	COLUMN("bindings", "bindings", CELL_NUMBER),
	COLUMN("bindings_max", "bindings at most", CELL_NUMBER),
	COLUMN("nodes", "mobile nodes", CELL_NUMBER),
	COLUMN("nodes_max", "mobile nodes at most", CELL_NUMBER),
	COLUMN("tunnels", "tunnels", CELL_NUMBER),
	COLUMN("engine_memory_bytes", "engine memory", CELL_BYTES),
	COLUMN("route_optimisation", "route optimisation", CELL_TEXT),
	COLUMN("pairs", "pairs", CELL_NUMBER),
	COLUMN("pairs_active", "pairs that go direct", CELL_NUMBER),
	COLUMN("pairs_max", "pairs at most", CELL_NUMBER),
	COLUMN("direct_tunnels", "direct tunnels", CELL_NUMBER),
	COLUMN("pair_memory_bytes", "memory of pairs", CELL_BYTES),
	COLUMN("mbufs_in_use", "packet buffers in use", CELL_NUMBER),
	COLUMN("transactions_pending", "pending transactions", CELL_NUMBER),
	COLUMN("transactions_high", "refuses new ones above", CELL_NUMBER),
	COLUMN("busy", "busy", CELL_YES),
	COLUMN("updates_failed", "updates refused", CELL_NUMBER),
	COLUMNS_END,
};

static const struct column bindings[] = {
	COLUMN("mn", "MN", CELL_TEXT),
	COLUMN("state", "STATE", CELL_TEXT),
	COLUMN("prefixes", "PREFIXES", CELL_LIST),
	COLUMN("peer", "PEER", CELL_TEXT),
	COLUMN("proxy_coa", "PROXY-COA", CELL_TEXT),
	WIDE("lma", "LMA", CELL_TEXT),
	COLUMN("port", "PORT", CELL_TEXT),
	WIDE("vlan", "VLAN", CELL_NUMBER),
	COLUMN("mac", "MAC", CELL_TEXT),
	WIDE("tunnel", "TUNNEL", CELL_NUMBER),
	COLUMN("lifetime_s", "LIFETIME", CELL_SECONDS),
	COLUMN("expires_in_ms", "EXPIRES", CELL_DISTANCE),
	WIDE("next_event_in_ms", "NEXT EVENT", CELL_DISTANCE),
	WIDE("sequence", "SEQUENCE", CELL_NUMBER),
	WIDE("timestamp", "TIMESTAMP", CELL_TEXT),
	WIDE("tries", "TRIES", CELL_NUMBER),
	WIDE("access_technology", "ACCESS", CELL_TEXT),
	WIDE("handoff_indicator", "HANDOFF", CELL_TEXT),
	WIDE("link_local", "LINK-LOCAL", CELL_TEXT),
	WIDE("pbu_pba_us", "PBU-PBA MS", CELL_MICROS),
	{.key = "last_status", .title = "STATUS", .cell = CELL_TEXT, .suffix = "last_status_name"},
	COLUMNS_END,
};

static const struct column nodes[] = {
	COLUMN("mn", "MN", CELL_TEXT),
	COLUMN("state", "STATE", CELL_TEXT),
	COLUMN("prefixes", "PREFIXES", CELL_LIST),
	COLUMN("peer", "PEER", CELL_TEXT),
	COLUMN("port", "PORT", CELL_TEXT),
	WIDE("vlan", "VLAN", CELL_NUMBER),
	COLUMN("mac", "MAC", CELL_TEXT),
	WIDE("link_local", "LINK-LOCAL", CELL_TEXT),
	COLUMN("last_seen_ago_ms", "SEEN", CELL_AGO),
	COLUMN("up_packets", "UP PACKETS", CELL_NUMBER),
	COLUMN("up_bytes", "UP", CELL_BYTES),
	COLUMN("down_packets", "DOWN PACKETS", CELL_NUMBER),
	COLUMN("down_bytes", "DOWN", CELL_BYTES),
	COLUMNS_END,
};

static const struct column tunnels[] = {
	COLUMN("tunnel", "TUNNEL", CELL_NUMBER),
	COLUMN("peer", "PEER", CELL_TEXT),
	WIDE("type", "TYPE", CELL_TEXT),
	WIDE("local", "LOCAL", CELL_TEXT),
	COLUMN("remote", "REMOTE", CELL_TEXT),
	COLUMN("users", "USERS", CELL_NUMBER),
	COLUMN("mtu_bytes", "MTU", CELL_NUMBER),
	COLUMN("up_packets", "UP PACKETS", CELL_NUMBER),
	COLUMN("up_bytes", "UP", CELL_BYTES),
	COLUMN("down_packets", "DOWN PACKETS", CELL_NUMBER),
	COLUMN("down_bytes", "DOWN", CELL_BYTES),
	COLUMNS_END,
};

static const struct column peers[] = {
	COLUMN("name", "NAME", CELL_TEXT),
	COLUMN("role", "ROLE", CELL_TEXT),
	COLUMN("address", "ADDRESS", CELL_TEXT),
	COLUMN("protection", "PROTECTION", CELL_TEXT),
	COLUMN("heartbeat", "HEARTBEAT", CELL_TEXT),
	COLUMN("sessions", "SESSIONS", CELL_NUMBER),
	COLUMN("route_optimisation", "RO", CELL_TEXT),
	COLUMN("pairs", "PAIRS", CELL_NUMBER),
	COLUMN("missed", "MISSED", CELL_NUMBER),
	COLUMN("last_answer_ago_ms", "ANSWERED", CELL_AGO),
	COLUMN("restart_counter", "RESTARTS", CELL_NUMBER),
	COLUMNS_END,
};

static const struct column ports[] = {
	COLUMN("port", "PORT", CELL_TEXT),
	COLUMN("side", "SIDE", CELL_TEXT),
	COLUMN("up", "UP", CELL_YES),
	COLUMN("device", "DEVICE", CELL_TEXT),
	COLUMN("driver", "DRIVER", CELL_TEXT),
	COLUMN("mac", "MAC", CELL_TEXT),
	COLUMN("mtu_bytes", "MTU", CELL_NUMBER),
	COLUMN("rx_packets", "RX PACKETS", CELL_NUMBER),
	COLUMN("rx_bytes", "RX", CELL_BYTES),
	COLUMN("tx_packets", "TX PACKETS", CELL_NUMBER),
	COLUMN("tx_bytes", "TX", CELL_BYTES),
	COLUMN("rx_missed", "MISSED", CELL_NUMBER),
	WIDE("rx_errors", "RX ERRORS", CELL_NUMBER),
	WIDE("tx_errors", "TX ERRORS", CELL_NUMBER),
	COLUMN("rx_workers", "RX WORKERS", CELL_LIST),
	COLUMN("spread", "SPREAD", CELL_YES),
	COLUMN("tx_queue_of_worker", "TX QUEUES", CELL_LIST),
	COLUMNS_END,
};

static const struct column workers[] = {
	COLUMN("worker", "WORKER", CELL_NUMBER),
	COLUMN("core", "CORE", CELL_NUMBER),
	COLUMN("socket", "SOCKET", CELL_NUMBER),
	COLUMN("packets", "PACKETS", CELL_NUMBER),
	COLUMN("loops", "LOOPS", CELL_NUMBER),
	COLUMN("empty_loops", "EMPTY", CELL_NUMBER),
	COLUMN("sleeps", "SLEEPS", CELL_NUMBER),
	COLUMN("updates", "UPDATES", CELL_NUMBER),
	COLUMN("events", "EVENTS", CELL_NUMBER),
	COLUMN("events_lost", "EVENTS LOST", CELL_NUMBER),
	COLUMN("handed_over", "HANDED OVER", CELL_NUMBER),
	COLUMN("spread_out", "SPREAD OUT", CELL_NUMBER),
	COLUMN("spread_in", "SPREAD IN", CELL_NUMBER),
	COLUMN("held", "HELD", CELL_NUMBER),
	COLUMN("released_deadline", "NO MARKER", CELL_NUMBER),
	COLUMN("released_overflow", "OVERFLOW", CELL_NUMBER),
	COLUMNS_END,
};

static const struct column stages[] = {
	COLUMN("name", "STAGE", CELL_TEXT),
	COLUMN("calls", "CALLS", CELL_NUMBER),
	COLUMN("packets", "PACKETS", CELL_NUMBER),
	COLUMN("packets_per_call", "PER CALL", CELL_REAL),
	COLUMN("cycles_per_packet", "CYCLES", CELL_REAL),
	COLUMN("ns_per_packet", "NS", CELL_REAL),
	COLUMN("help", "WHAT", CELL_TEXT),
	COLUMNS_END,
};

/* drops, punts, messages */
static const struct column counters[] = {
	COLUMN("name", "NAME", CELL_TEXT),
	COLUMN("count", "COUNT", CELL_NUMBER),
	COLUMN("help", "WHAT", CELL_TEXT),
	COLUMNS_END,
};

static const struct column neighbours[] = {
	COLUMN("address", "ADDRESS", CELL_TEXT),
	COLUMN("port", "PORT", CELL_TEXT),
	COLUMN("state", "STATE", CELL_TEXT),
	COLUMN("mac", "MAC", CELL_TEXT),
	COLUMN("waiting", "WAITING", CELL_NUMBER),
	COLUMN("confirmed_ago_ms", "CONFIRMED", CELL_AGO),
	COLUMNS_END,
};

static const struct column routes[] = {
	COLUMN("prefix", "PREFIX", CELL_TEXT),
	COLUMN("via", "VIA", CELL_TEXT),
	COLUMN("port", "PORT", CELL_TEXT),
	COLUMN("origin", "ORIGIN", CELL_TEXT),
	COLUMNS_END,
};

static const struct column pools[] = {
	COLUMN("name", "NAME", CELL_TEXT),
	COLUMN("prefix", "PREFIX", CELL_TEXT),
	COLUMN("used", "USED", CELL_NUMBER),
	COLUMN("held", "HELD", CELL_NUMBER),
	COLUMN("total", "TOTAL", CELL_NUMBER),
	COLUMN("used_percent", "USED %", CELL_REAL),
	COLUMNS_END,
};

static const struct column pairs[] = {
	WIDE("pair", "PAIR", CELL_NUMBER),
	COLUMN("a", "A", CELL_TEXT),
	COLUMN("b", "B", CELL_TEXT),
	COLUMN("state", "STATE", CELL_TEXT),
	COLUMN("a_to_b", "A->B", CELL_TEXT),
	COLUMN("b_to_a", "B->A", CELL_TEXT),
	COLUMN("driver", "DRIVER", CELL_TEXT),
	COLUMN("controller", "CONTROLLER", CELL_TEXT),
	COLUMN("a_mag", "A MAG", CELL_TEXT),
	COLUMN("b_mag", "B MAG", CELL_TEXT),
	COLUMN("a_prefixes", "A PREFIXES", CELL_LIST),
	COLUMN("b_prefixes", "B PREFIXES", CELL_LIST),
	WIDE("a_ipv4_home", "A IPV4", CELL_TEXT),
	WIDE("b_ipv4_home", "B IPV4", CELL_TEXT),
	WIDE("a_lma", "A LMA", CELL_TEXT),
	WIDE("b_lma", "B LMA", CELL_TEXT),
	WIDE("association", "ASSOCIATION", CELL_NUMBER),
	WIDE("update", "UPDATE", CELL_TEXT),
	WIDE("step", "STEP", CELL_TEXT),
	WIDE("stamp", "STAMP", CELL_TEXT),
	WIDE("lifetime_s", "LIFETIME", CELL_SECONDS),
	COLUMN("expires_in_ms", "EXPIRES", CELL_DISTANCE),
	WIDE("held_down_in_ms", "HELD DOWN", CELL_DISTANCE),
	COLUMN("up_packets", "UP PACKETS", CELL_NUMBER),
	COLUMN("up_bytes", "UP", CELL_BYTES),
	COLUMN("down_packets", "DOWN PACKETS", CELL_NUMBER),
	COLUMN("down_bytes", "DOWN", CELL_BYTES),
	{.key = "last_failure", .title = "FAILURE", .cell = CELL_TEXT, .suffix = "last_failure_name", .wide = true},
	COLUMNS_END,
};

static const struct column pair_events[] = {
	COLUMN("at", "TIME", CELL_TEXT),
	COLUMN("ago_ms", "AGO", CELL_AGO),
	COLUMN("a", "A", CELL_TEXT),
	COLUMN("b", "B", CELL_TEXT),
	COLUMN("event", "EVENT", CELL_TEXT),
	COLUMN("detail", "DETAIL", CELL_TEXT),
	COLUMNS_END,
};

static const struct column events[] = {
	COLUMN("at", "TIME", CELL_TEXT),
	COLUMN("ago_ms", "AGO", CELL_AGO),
	COLUMN("mn", "MN", CELL_TEXT),
	WIDE("event", "EVENT", CELL_TEXT),
	COLUMN("text", "WHAT", CELL_TEXT),
	COLUMN("detail", "DETAIL", CELL_TEXT),
	COLUMNS_END,
};

/* The document of the configuration is laid flat: see show.c. */
static const struct column config[] = {
	COLUMN("key", "KEY", CELL_TEXT),
	COLUMN("value", "VALUE", CELL_TEXT),
	COLUMNS_END,
};

static const struct column variables[] = {
	COLUMN("name", "NAME", CELL_TEXT),
	COLUMN("value", "VALUE", CELL_TEXT),
	COLUMN("unit", "UNIT", CELL_TEXT),
	COLUMN("default", "DEFAULT", CELL_TEXT),
	COLUMN("source", "SOURCE", CELL_TEXT),
	COLUMNS_END,
};

static const struct column *const tables[OBJECT_COUNT] = {
	[OBJECT_node] = node,
	[OBJECT_bindings] = bindings,
	[OBJECT_nodes] = nodes,
	[OBJECT_tunnels] = tunnels,
	[OBJECT_peers] = peers,
	[OBJECT_ports] = ports,
	[OBJECT_workers] = workers,
	[OBJECT_stages] = stages,
	[OBJECT_drops] = counters,
	[OBJECT_punts] = counters,
	[OBJECT_messages] = counters,
	[OBJECT_neighbours] = neighbours,
	[OBJECT_routes] = routes,
	[OBJECT_pools] = pools,
	[OBJECT_events] = events,
	[OBJECT_pairs] = pairs,
	[OBJECT_pair_events] = pair_events,
	[OBJECT_config] = config,
	[OBJECT_variables] = variables,
};

const struct column *object_columns(enum object object)
{
	return tables[object];
}

bool object_is_record(enum object object)
{
	return object == OBJECT_node;
}
