/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <netinet/in.h>

#include "bounds.h"

/*
 * The configuration: what a YAML file says, checked. Every key is a row of the schema table in schema.c (path, type,
 * range, unit, default, help); the loader, `--check`, the JSON schema, `show config` and the reference section of the
 * documentation all come from that table.
 *
 * Threads: read once at start-up, const afterwards. Strings and arrays belong to the configuration.
 */

enum role { ROLE_LMA, ROLE_MAG, ROLE_COUNT };
enum port_kind { PORT_KERNEL, PORT_VDEV, PORT_PCI, PORT_KIND_COUNT };
/* core: towards LMAs and MAGs (signalling and tunnels); access: towards mobile nodes; outside: towards the Internet */
enum port_side { SIDE_CORE, SIDE_ACCESS, SIDE_OUTSIDE, SIDE_COUNT };
enum hugepages_mode { HUGEPAGES_AUTO, HUGEPAGES_ON, HUGEPAGES_OFF, HUGEPAGES_MODE_COUNT };
enum unknown_nodes { UNKNOWN_REFUSE, UNKNOWN_PROFILE, UNKNOWN_NODES_COUNT };
/*
 * What a peer is. By default the opposite of the own role: the two ends of PMIPv6 signalling. In a configuration that
 * was loaded it is PEER_LMA or PEER_MAG.
 */
enum peer_role { PEER_OPPOSITE, PEER_LMA, PEER_MAG, PEER_ROLE_COUNT };
enum ro_mode { RO_MODE_DIRECT, RO_MODE_PROXY, RO_MODE_COUNT };
enum ro_profile { RO_PROFILE_EXP, RO_PROFILE_NATIVE, RO_PROFILE_COUNT };
enum ro_trust { RO_TRUST_TOKEN, RO_TRUST_PEERS, RO_TRUST_COUNT };

struct config;
struct config_peer;

const char *role_name(enum role role);
/* Also before the configuration was loaded to the end. */
bool config_peer_is_lma(const struct config *config, const struct config_peer *peer);
const char *port_side_name(enum port_side side);

struct config_prefix {
	struct in6_addr address; /* of a port: with host bits; of routes, pools, MNs: without */
	uint8_t length;
	int line;
};

struct config_port {
	char *name;
	char *device; /* what follows the kind: interface, vdev arguments, PCI address */
	enum port_kind kind;
	enum port_side side;
	struct config_prefix *addresses;
	unsigned address_count;
	uint16_t mtu_bytes;
	uint16_t queues; /* 0: as many as workers, as far as the device has them */
	bool spread;
	uint16_t *vlans; /* access links of this port; none: one link, untagged */
	unsigned vlan_count;
	bool promiscuous;
	int line;
};

struct config_route {
	struct config_prefix prefix;
	struct in6_addr via;
	char *port;
	int line;
};

/*
 * The other end of signalling: an LMA for a MAG, a MAG for an LMA; with route optimisation also an LMA for an LMA and a
 * MAG for a MAG, which never register anything here.
 */
struct config_peer {
	char *name;
	struct in6_addr address;
	enum peer_role role;
	struct config_prefix *ro_prefixes; /* LMA at an LMA: where its MNs have their HNPs (wire-formats G.7) */
	unsigned ro_prefix_count;
	bool ro_allowed; /* false: route optimisation does not go by way of it */
	bool has_ro_key; /* shared by a MAG and its LMA, for RO Authorisation (G.6.5) */
	uint8_t ro_key_id;
	uint8_t ro_key[32]; /* secret */
	bool insecure;      /* accepted without protection: required as long as there is none */
	bool heartbeat;     /* RFC 5847 */
	int line;
};

struct config_pool {
	char *name;
	struct config_prefix prefix; /* /64 home network prefixes are taken from it */
	int line;
};

/* Policy of one MN, or the default profile. */
struct config_node {
	char *id; /* NAI; NULL in the default profile: made from the MAC by id_format */
	bool has_mac;
	uint8_t mac[6];
	char *lma;                      /* MAG: name of a peer; NULL: the first */
	char *pool;                     /* LMA: pool for dynamic prefixes; NULL: the first */
	struct config_prefix *prefixes; /* LMA: static HNPs */
	unsigned prefix_count;
	char **mags; /* LMA: names of the peers that may register it; none: all */
	unsigned mag_count;
	unsigned dynamic_prefixes; /* LMA: how many HNPs are assigned to it when it asks with ALL_ZERO, without static
				      ones */
	bool proxy_registration;   /* LMA: false -> 152 */
	int local_routing;         /* MAG: -1 as EnableMAGLocalRouting, 0, 1 */
	int route_optimisation;    /* -1 as the domain, 0 deny, 1 allow */
	int in_order;              /* MAG: -1 as the domain, 0, 1; RO-077 */
	uint32_t lifetime_s;       /* MAG: requested; 0: the MAG's default */
	int line;
};

/* RFC 5213 section 9 and the timers of RFC 6275, 5847, 7077; by their names in the file under `variables`. */
struct config_variables {
	uint32_t min_delay_before_bce_delete_ms;       /* MinDelayBeforeBCEDelete */
	uint32_t max_delay_before_new_bce_assign_ms;   /* MaxDelayBeforeNewBCEAssign */
	uint32_t timestamp_validity_window_ms;         /* TimestampValidityWindow */
	bool enable_mag_local_routing;                 /* EnableMAGLocalRouting */
	bool timestamp_based_approach_in_use;          /* TimestampBasedApproachInUse */
	bool mobile_node_generated_timestamp_in_use;   /* MobileNodeGeneratedTimestampInUse */
	struct in6_addr fixed_mag_link_local_address;  /* FixedMAGLinkLocalAddressOnAllAccessLinks; RFC 6543 */
	uint8_t fixed_mag_link_layer_address[6];       /* FixedMAGLinkLayerAddressOnAllAccessLinks; RFC 6543 */
	uint32_t initial_bindack_timeout_ms;           /* INITIAL_BINDACK_TIMEOUT */
	uint32_t max_bindack_timeout_ms;               /* MAX_BINDACK_TIMEOUT */
	uint32_t update_notification_retransmit_count; /* MAX_UPDATE_NOTIFICATION_RETRANSMIT_COUNT */
	uint32_t update_notification_replay_ms;        /* MIN_DELAY_BETWEEN_UPDATE_NOTIFICATION_REPLAY */
	uint32_t heartbeat_interval_s;                 /* HEARTBEAT_INTERVAL */
	uint32_t missing_heartbeats_allowed;           /* MISSING_HEARTBEATS_ALLOWED */
};

struct config_lma {
	struct in6_addr address; /* LMAA: must be an address of a core port */
	struct config_pool *pools;
	unsigned pool_count;
	uint32_t max_bindings;
	uint32_t max_binding_lifetime_s;
	uint32_t prefix_hold_s;  /* an MN gets its old prefix back for so long after its binding ended */
	uint32_t restart_hold_s; /* after a start without state no dynamic allocation for so long; UINT32_MAX: as
				    MaxBindingLifetime */
	bool immediate_new_bce;  /* do not wait MaxDelayBeforeNewBCEAssign */
};

struct config_mag {
	struct in6_addr address; /* proxy-CoA: must be an address of a core port */
	uint32_t max_nodes;
	uint32_t binding_lifetime_s; /* requested */
	uint32_t refresh_percent;    /* of the granted lifetime */
	uint8_t access_technology;   /* ATT, number of RFC 5213 8.5 */
	uint32_t nud_interval_ms;    /* presence of an idle MN is probed so often */
	uint32_t nud_retransmit_ms;  /* between unanswered probes */
	uint32_t nud_probes;         /* unanswered ones until it counts as gone */
	uint32_t refused_hold_s;     /* how long a refused MAC stays refused */
	uint32_t router_lifetime_s;  /* in RAs */
	uint32_t prefix_valid_s;
	uint32_t prefix_preferred_s;
	uint32_t max_rtr_adv_interval_s;
	uint32_t shutdown_wait_ms; /* for PBAs of the de-registrations at the end */
};

struct config_tunnel {
	uint8_t hop_limit;
	int dscp; /* -1: copy */
};

struct config_limits {
	uint32_t icmp_errors_per_s;
	uint32_t icmp_burst;
	uint32_t punts_per_s; /* per worker and reason */
	uint32_t punt_burst;
	uint32_t source_punts_per_s; /* per worker and source */
	uint32_t resolve_queue;      /* packets kept per unresolved next hop */
	uint32_t neighbours;
	uint32_t routes;
};

struct config_dataplane {
	unsigned control_core;
	unsigned workers[WORKERS_MAX]; /* cores */
	unsigned worker_count;
	enum hugepages_mode hugepages;
	uint32_t memory_mb; /* 0: computed */
	uint32_t mbufs;     /* 0: computed */
	bool idle_sleep;    /* back-off of idle workers */
	bool node_counters;
	bool tunnel_counters;
};

/* Route optimisation between MAGs (draft-abeille); defaults are the draft's and wire-formats G.6. */
struct config_ro {
	bool enabled;
	enum ro_mode mode; /* LMA */
	enum ro_profile profile;
	uint32_t experiment_id;
	bool early_activation;                     /* RO-087 */
	enum ro_trust trust;                       /* direct mode: what a MAG believes, what an LMA issues; G.6.5 */
	bool allow;                                /* nodes without a policy of their own */
	bool in_order;                             /* MAG: RO-077 */
	uint32_t flush_deadline_ms, flush_packets; /* G.6.13: how long and how many direct packets are held back */
	bool pbu_for_setup;                        /* MAG, direct mode: RO-035 */
	struct config_prefix *eligible;            /* HNPs that may take part; none: all */
	unsigned eligible_count;
	uint16_t lifetime_s;
	uint8_t retries;
	uint32_t ack_timeout_ms, sequence_deadline_ms, pending_lifetime_ms, esa_confirm_ms, rx_linger_ms, tombstone_ms,
		hold_down_ms;
	uint32_t max_pairs;
	uint32_t node_pending, node_active, node_triggers_per_s; /* per MN; G.7 */
	bool detect;                                             /* let workers look for pairs */
	uint32_t detect_packets;   /* a pair is told of that sends so many, 0: does not matter... */
	uint64_t detect_bytes;     /* ...or so much, 0: does not matter... */
	uint32_t detect_window_ms; /* ...in this time */
	uint32_t detect_sample;    /* one packet of so many is looked at; a power of 2 */
	bool pair_counters;
	uint32_t heartbeat_interval_s; /* between peers of route optimisation; 0: as HEARTBEAT_INTERVAL */
};

struct config {
	char *file;
	enum role role;
	char *name;
	struct config_dataplane dataplane;
	struct config_port *ports;
	unsigned port_count;
	struct config_route *routes;
	unsigned route_count;
	struct config_peer *peers;
	unsigned peer_count;
	struct config_lma lma;
	struct config_mag mag;
	struct config_variables variables;
	struct config_tunnel tunnel;
	struct config_limits limits;
	struct config_ro ro;
	struct config_node *nodes;
	unsigned node_count;
	enum unknown_nodes unknown_nodes;
	struct config_node default_profile;
	char *id_format;   /* NAI of unknown nodes: %m is the MAC as 12 hex digits */
	char *socket_path; /* control socket */
	uint32_t socket_mode;
	char *state_directory;
	char *log_level;
};

/*
 * Read and check @file. Returns the configuration, or NULL after writing one line per mistake to @errors:
 *   FILE:LINE: KEY: VALUE: what is wrong; what is allowed
 * All mistakes that can be told apart are reported (the first hundred are listed), not only the first. What depends on
 * several keys is checked only when every value by itself is right. @errors is not flushed.
 */
struct config *config_load(const char *file, FILE *errors);
/* The same from text in memory; @file is the name in messages. */
struct config *config_parse(const char *text, size_t length, const char *file, FILE *errors);
void config_destroy(struct config *config);

/*
 * Checks that need the machine: that devices exist, cores are there. Same form of messages. 0, or -EINVAL.
 * Nothing is changed on the machine.
 */
int config_check_machine(const struct config *config, FILE *errors);

/* Does any mobile node of a MAG want the packets of its pairs in order (RO-077)? */
bool config_wants_order(const struct config *config);
/* Memory in octets that the configured sizes need: @fixed tables and rings, @mbufs packet buffers. */
void config_memory(const struct config *config, uint64_t *tables, uint64_t *mbufs);
/* Packet buffers that the rings of the ports and the workers can hold: fewer leave nothing to receive into. */
uint32_t config_mbufs_min(const struct config *config);
/* Entries in the table of a MAG for each pair: two halves, and room for several prefixes or the end of a path. */
#define CONFIG_PAIR_ENTRIES 4

/* A JSON schema (draft 2020-12) of the file, and the reference section of the documentation in Markdown. */
void config_write_json_schema(FILE *out);
void config_write_reference(FILE *out);
