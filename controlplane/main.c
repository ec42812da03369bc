/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * hawser: start-up and end of a gateway. The one file that sees both planes.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bindings_file.h"
#include "daemon.h"
#include "dataplane.h"
#include "log.h"

#include "config/config.h"

#define EXIT_CONFIG   2
#define DRAIN_MS      500
#define MEBIBYTE      (UINT64_C(1) << 20)
#define SPARE_INDEXES 1024 /* released, but not reclaimed yet */

static void usage(FILE *out)
{
	fputs("usage: hawser -c FILE [--forward-only BINDINGS] [--check]\n"
	      "\n"
	      "Runs a Proxy Mobile IPv6 gateway, as LMA or MAG as the file says.\n"
	      "\n"
	      "  -c, --config FILE  configuration (YAML); see config/REFERENCE.md\n"
	      "      --forward-only BINDINGS\n"
	      "                     no signalling: forward what this file (CSV) says, for measuring with a traffic\n"
	      "                     generator; see below\n"
	      "      --check        check the files, compute the memory they need, start nothing\n"
	      "      --version      print the version\n"
	      "  -h, --help         print this text\n"
	      "\n"
	      "Rows of BINDINGS, peers and ports by their names in FILE; # begins a comment line:\n"
	      "  LMA:  binding,PREFIX/64,MAG\n"
	      "  MAG:  binding,PREFIX/64,LMA,PORT[.VLAN],MAC-OF-NODE\n"
	      "        pair,PREFIX/64,OTHER-PREFIX/64,OTHER-MAG   direct path of a node here; "
	      "route-optimisation.enabled\n"
	      "  both: neighbour,ADDRESS,PORT,MAC                 a next hop that need not answer solicitations\n"
	      "\n"
	      "Exit codes: 0 ended by SIGTERM or SIGINT, 1 could not start, 2 wrong configuration or arguments.\n",
		out);
}

struct arguments {
	const char *file;
	const char *bindings;
	bool check;
};

/* -1: go on; else the exit code. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"forward-only", required_argument, NULL, 'f'},
		{"check", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c': arguments->file = optarg; break;
		case 'f': arguments->bindings = optarg; break;
		case 'k': arguments->check = true; break;
		case 'v': puts("hawser " HAWSER_VERSION); return 0;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return EXIT_CONFIG;
		}
	}
	if (arguments->file == NULL || optind != argc) {
		usage(stderr);
		return EXIT_CONFIG;
	}
	return -1;
}

static void print_check(const struct config *config, const struct bindings *bindings)
{
	uint64_t tables, mbufs;

	config_memory(config, &tables, &mbufs);
	printf("%s: ok: role %s, %u ports, %u peers, %u mobile nodes\n", config->file, role_name(config->role),
		config->port_count, config->peer_count, config->node_count);
	if (bindings != NULL)
		printf("%s: ok: %u bindings of %u nodes, %u pairs, %u neighbours\n", bindings->file,
			bindings->binding_count, bindings->node_count, bindings->pair_count, bindings->neighbour_count);
	printf("memory: tables %" PRIu64 " MB, packet buffers %" PRIu64 " MB\n", (tables + MEBIBYTE - 1) / MEBIBYTE,
		(mbufs + MEBIBYTE - 1) / MEBIBYTE);
}

/* ---- the data plane's view of the configuration; arrays live as long as the process ---- */

struct plan {
	struct dataplane_config config;
	struct dataplane_port ports[PORTS_MAX];
	struct dataplane_address *addresses;
	struct in6_addr *peers;
	struct dataplane_pool *pools;
	struct dataplane_pool *pair_prefixes;
};

static void plan_free(struct plan *plan)
{
	free(plan->addresses);
	free(plan->peers);
	free(plan->pools);
	free(plan->pair_prefixes);
}

static void plan_ports(struct plan *plan, const struct config *config)
{
	uint16_t link = 0;

	for (unsigned i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		plan->ports[i] = (struct dataplane_port){
			.name = port->name,
			.kind = port->kind == PORT_KERNEL ? DATAPLANE_KERNEL
				: port->kind == PORT_PCI  ? DATAPLANE_PCI
							  : DATAPLANE_VDEV,
			.device = port->device,
			.side = port->side == SIDE_CORE     ? DATAPLANE_CORE
				: port->side == SIDE_ACCESS ? DATAPLANE_ACCESS
							    : DATAPLANE_OUTSIDE,
			.mtu_bytes = port->mtu_bytes,
			.queues = port->queues,
			.spread = port->spread,
			.promiscuous = port->promiscuous,
			.vlans = port->vlans,
			.vlan_count = port->vlan_count,
			.first_link = link,
		};
		if (port->side == SIDE_ACCESS)
			link = (uint16_t)(link + (port->vlan_count ? port->vlan_count : 1));
	}
	plan->config.ports = plan->ports;
	plan->config.port_count = config->port_count;
}

static int plan_arrays(struct plan *plan, const struct config *config)
{
	unsigned addresses = 0;

	for (unsigned i = 0; i < config->port_count; i++)
		addresses += config->ports[i].address_count;
	plan->addresses = calloc(addresses + 1, sizeof(*plan->addresses));
	plan->peers = calloc(config->peer_count + 1, sizeof(*plan->peers));
	plan->pools = calloc(config->lma.pool_count + 1, sizeof(*plan->pools));
	if (plan->addresses == NULL || plan->peers == NULL || plan->pools == NULL)
		return -1;
	for (unsigned i = 0; i < config->port_count; i++)
		for (unsigned j = 0; j < config->ports[i].address_count; j++)
			plan->addresses[plan->config.address_count++] = (struct dataplane_address){
				.address = config->ports[i].addresses[j].address, .port = (uint16_t)i};
	for (unsigned i = 0; i < config->peer_count; i++)
		plan->peers[i] = config->peers[i].address;
	for (unsigned i = 0; i < config->lma.pool_count; i++)
		plan->pools[i] = (struct dataplane_pool){
			config->lma.pools[i].prefix.address, config->lma.pools[i].prefix.length};
	plan->config.addresses = plan->addresses;
	plan->config.peers = plan->peers;
	plan->config.peer_count = config->peer_count;
	plan->config.pools = plan->pools;
	plan->config.pool_count = config->lma.pool_count;
	return 0;
}

/*
 * Where the other MN of a pair may be: behind a peer LMA, or, at a MAG, wherever MNs are that may take part. 0 or -1.
 */
static int plan_pair_prefixes(struct plan *plan, const struct config *config)
{
	unsigned count = config->ro.eligible_count + 1, n = 0;

	for (unsigned i = 0; i < config->peer_count; i++)
		count += config->peers[i].ro_prefix_count;
	plan->pair_prefixes = calloc(count, sizeof(*plan->pair_prefixes));
	if (plan->pair_prefixes == NULL)
		return -1;
	for (unsigned i = 0; config->role == ROLE_LMA && i < config->peer_count; i++)
		for (unsigned j = 0; j < config->peers[i].ro_prefix_count; j++)
			plan->pair_prefixes[n++] = (struct dataplane_pool){
				config->peers[i].ro_prefixes[j].address, config->peers[i].ro_prefixes[j].length};
	for (unsigned i = 0; config->role == ROLE_MAG && i < config->ro.eligible_count; i++)
		plan->pair_prefixes[n++] =
			(struct dataplane_pool){config->ro.eligible[i].address, config->ro.eligible[i].length};
	if (config->role == ROLE_MAG && n == 0)
		n = 1; /* ::/0 */
	plan->config.pair_prefixes = plan->pair_prefixes;
	plan->config.pair_prefix_count = n;
	return 0;
}

/* Home network prefixes: static ones are known, of the others as many as an MN gets; a MAG learns them from its LMAs.
 */
static uint32_t plan_endpoints(const struct config *config)
{
	uint64_t endpoints;

	if (config->role == ROLE_MAG)
		return config->mag.max_nodes * 2 + SPARE_INDEXES;
	endpoints = (uint64_t)config->lma.max_bindings *
		    (config->default_profile.dynamic_prefixes > 1 ? config->default_profile.dynamic_prefixes : 1);
	for (unsigned i = 0; i < config->node_count; i++)
		endpoints += config->nodes[i].prefix_count + config->nodes[i].dynamic_prefixes;
	endpoints += SPARE_INDEXES;
	return endpoints < UINT32_MAX / 2 ? (uint32_t)endpoints : UINT32_MAX / 2;
}

/* Pairs in the tables of a MAG, and what workers of either role tell of. */
static void plan_pairs(struct plan *plan, const struct config *config)
{
	const struct config_ro *ro = &config->ro;
	uint64_t entries = (uint64_t)ro->max_pairs * CONFIG_PAIR_ENTRIES;

	if (!ro->enabled)
		return;
	if (config->role == ROLE_MAG) {
		plan->config.pairs_max = ro->max_pairs;
		plan->config.pair_entries_max = entries < UINT32_MAX / 2 ? (uint32_t)entries : UINT32_MAX / 2;
		plan->config.pair_counters = ro->pair_counters;
		plan->config.hold_packets = config_wants_order(config) ? ro->flush_packets : 0;
		plan->config.hold_deadline_ms = ro->flush_deadline_ms;
	} else {
		plan->config.pair_entries_max = ro->max_pairs; /* what MAGs return after handovers */
	}
	if (!ro->detect)
		return;
	plan->config.pair_packets = ro->detect_packets;
	plan->config.pair_bytes = ro->detect_bytes;
	plan->config.pair_window_ms = ro->detect_window_ms;
	plan->config.pair_sample = ro->detect_sample;
}

/* Nobody would begin a pair that workers tell of, nor end what they hold back. */
static void plan_forward_only(struct plan *plan)
{
	plan->config.pair_packets = plan->config.pair_window_ms = plan->config.pair_sample = 0;
	plan->config.pair_bytes = 0;
	plan->config.hold_packets = 0;
}

static int plan_make(struct plan *plan, const struct config *config)
{
	uint32_t nodes = config->role == ROLE_LMA ? config->lma.max_bindings : config->mag.max_nodes;
	uint32_t on_link = config->limits.neighbours;

	memset(plan, 0, sizeof(*plan));
	plan->config = (struct dataplane_config){
		.role = config->role == ROLE_LMA ? DATAPLANE_LMA : DATAPLANE_MAG,
		.name = config->name,
		.control_core = config->dataplane.control_core,
		.worker_count = config->dataplane.worker_count,
		.hugepages = config->dataplane.hugepages == HUGEPAGES_ON    ? DATAPLANE_HUGEPAGES_ON
			     : config->dataplane.hugepages == HUGEPAGES_OFF ? DATAPLANE_HUGEPAGES_OFF
									    : DATAPLANE_HUGEPAGES_AUTO,
		.memory_mb = config->dataplane.memory_mb,
		.mbufs = config->dataplane.mbufs,
		.idle_sleep = config->dataplane.idle_sleep,
		.node_counters = config->dataplane.node_counters,
		.tunnel_counters = config->dataplane.tunnel_counters,
		.access_link_local = config->variables.fixed_mag_link_local_address,
		.nodes_max = nodes + SPARE_INDEXES,
		.endpoints_max = plan_endpoints(config),
		.tunnels_max = config->peer_count + SPARE_INDEXES,
		.neighbours_max = on_link,
		.routes_max = config->limits.routes + on_link + config->port_count * ADDRESSES_MAX,
		.punts_per_s = config->limits.punts_per_s,
		.punt_burst = config->limits.punt_burst,
		.source_punts_per_s = config->limits.source_punts_per_s,
	};
	memcpy(plan->config.access_mac, config->variables.fixed_mag_link_layer_address, 6);
	memcpy(plan->config.workers, config->dataplane.workers, sizeof(plan->config.workers));
	plan_ports(plan, config);
	plan_pairs(plan, config);
	if (config->ro.enabled && plan_pair_prefixes(plan, config) != 0)
		return -1;
	return plan_arrays(plan, config);
}

/* ---- signals ---- */

static volatile sig_atomic_t stop_wanted;

static void want_stop(int number)
{
	stop_wanted = 1;
}

/*
 * Clients of the control socket come and go. While the daemon runs it handles SIGTERM and SIGINT itself; before, they
 * are remembered, and afterwards a further one does not cut short the end.
 */
static void set_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction remember = {.sa_handler = want_stop, .sa_flags = SA_RESTART};

	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGTERM, &remember, NULL);
	sigaction(SIGINT, &remember, NULL);
}

/* ---- what the daemon asks of the data plane ---- */

static unsigned tx_worker(void *context, uint16_t port)
{
	return dataplane_tx_worker(context, port);
}

static bool port_view(void *context, uint16_t port, struct port_view *view)
{
	return dataplane_port(context, port, view);
}

static unsigned mbufs_in_use(void *context)
{
	return dataplane_mbufs_in_use(context);
}

/* Takes @bindings over. */
static int run(const struct config *config, struct dataplane *dataplane, struct bindings *bindings)
{
	uint8_t macs[PORTS_MAX][6] = {{0}};
	struct daemon_dataplane side = {
		.door = dataplane_door(dataplane),
		.mbufs = dataplane_mempool(dataplane),
		.port_macs = (const uint8_t(*)[6])macs,
		.tsc_hz = dataplane_tsc_hz(),
		.context = dataplane,
		.tx_worker = tx_worker,
		.port = port_view,
		.mbufs_in_use = mbufs_in_use,
	};
	struct daemon *daemon;
	char error[256];

	for (unsigned i = 0; i < config->port_count; i++) {
		struct port_view view;

		if (dataplane_port(dataplane, (uint16_t)i, &view))
			memcpy(macs[i], view.mac, 6);
	}
	daemon = daemon_create(config, &side, bindings, error, sizeof(error));
	if (daemon == NULL) {
		log_error("start_failed", "cause=\"%s\"", error);
		return EXIT_FAILURE;
	}
	if (!stop_wanted)
		daemon_run(daemon);
	daemon_destroy(daemon);
	return EXIT_SUCCESS;
}

/* Takes @bindings over. */
static int start(const struct config *config, const struct dataplane_config *plan, struct bindings *bindings)
{
	struct dataplane_leaks leaks;
	struct dataplane *dataplane = NULL;
	char error[256] = "";
	int result = EXIT_FAILURE;

	if (dataplane_eal_start(plan, error, sizeof(error)) != 0) {
		log_error("start_failed", "cause=\"%s\"", error);
		bindings_destroy(bindings);
		return EXIT_FAILURE;
	}
	if (dataplane_create(plan, &dataplane, error, sizeof(error)) != 0 ||
		dataplane_start(dataplane, error, sizeof(error)) != 0) {
		log_error("start_failed", "cause=\"%s\"", error);
		bindings_destroy(bindings);
	} else {
		result = run(config, dataplane, bindings);
		dataplane_stop(dataplane, DRAIN_MS, &leaks);
		log_notice("stopped", "mbufs_after_start=%u mbufs_before_close=%u mbufs_after_close=%u",
			leaks.after_start, leaks.before_close, leaks.after_close);
	}
	if (dataplane != NULL)
		dataplane_destroy(dataplane);
	dataplane_eal_stop();
	return result;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	enum log_level level;
	struct bindings *bindings = NULL;
	struct config *config;
	struct plan plan;
	int result = read_arguments(argc, argv, &arguments);

	if (result >= 0)
		return result;
	config = config_load(arguments.file, stderr);
	if (config == NULL)
		return EXIT_CONFIG;
	result = EXIT_CONFIG;
	if (arguments.bindings != NULL) {
		bindings = bindings_load(config, arguments.bindings, stderr);
		if (bindings == NULL)
			goto out;
	}
	if (config_check_machine(config, stderr) != 0)
		goto out;
	if (arguments.check) {
		print_check(config, bindings);
		result = EXIT_SUCCESS;
		goto out;
	}
	if (log_level_parse(config->log_level, &level) == 0)
		log_set_level(level);
	set_signals();
	if (plan_make(&plan, config) == 0) {
		if (bindings != NULL)
			plan_forward_only(&plan);
		result = start(config, &plan.config, bindings);
		bindings = NULL;
	}
	plan_free(&plan);
out:
	bindings_destroy(bindings);
	config_destroy(config);
	return result;
}
