/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "mh/mh.h"

/*
 * Messages of route optimisation between MAGs (draft-abeille-netlmm-proxymip6ro, wire-formats G.1, G.2, G.6): RO Init,
 * RO Setup, RO Report, their Acks, and the in-order marker. Two profiles of the same bodies: `exp` is MH type 11 and
 * option 18 with an 8-octet shim (RFC 5096), `native` has unassigned numbers from a base on. A decoded message says
 * its profile in fixed.ro, an option in struct ro_option; answers use the profile of the request.
 *
 * Threads: any; the native bases are set once before the first message and const afterwards.
 */
#define RO_MAGIC               0x524f /* "RO" */
#define RO_VERSION             1
#define RO_NATIVE_BASE_DEFAULT 239

/* X(code, NAME, "word"); an even code acknowledges the one before it */
#define RO_MESSAGES(X)                    \
	X(1, INIT, "RO Init")             \
	X(2, INIT_ACK, "RO Init Ack")     \
	X(3, SETUP, "RO Setup")           \
	X(4, SETUP_ACK, "RO Setup Ack")   \
	X(5, REPORT, "RO Report")         \
	X(6, REPORT_ACK, "RO Report Ack") \
	X(11, MARKER, "RO Marker")

enum ro_message_code {
#define RO_MESSAGE_ENUM(number, name, word) RO_##name = number,
	RO_MESSAGES(RO_MESSAGE_ENUM)
#undef RO_MESSAGE_ENUM
};

#define RO_CODE_MAX 11

/* Flags of all RO messages. */
#define RO_FLAG_P 0x80 /* proxy mode; else direct */
#define RO_FLAG_C 0x40 /* sender is or wants to be the controller */
#define RO_FLAG_E 0x20 /* early state activation */
#define RO_FLAG_H 0x10 /* handover: update of an existing association */

/* Code of RO Init and RO Setup. X(number, NAME, "word") */
#define RO_REASONS(X)                        \
	X(0, UNSPECIFIED, "unspecified")     \
	X(1, NEW_FLOW, "new-data-flow")      \
	X(2, HANDOVER_A, "handover-of-mn-a") \
	X(3, HANDOVER_B, "handover-of-mn-b") \
	X(4, REFRESH, "refresh")             \
	X(5, TEAR_DOWN, "tear-down")

enum ro_reason {
#define RO_REASON_ENUM(number, name, word) RO_REASON_##name = number,
	RO_REASONS(RO_REASON_ENUM)
#undef RO_REASON_ENUM
};

/* Code of Acks and of RO Report (wire-formats G.4, G.6.6). X(number, NAME, "word") */
#define RO_STATUSES(X)                                             \
	X(0, ACTIVE, "active")                                     \
	X(1, CREATED, "created-activation-pending")                \
	X(2, REFRESHED, "already-present-refreshed")               \
	X(3, SUPERSEDED, "crossed-request-superseded")             \
	X(4, REDUCED_LIFETIME, "active-with-reduced-lifetime")     \
	X(5, REMOVED, "removed")                                   \
	X(6, IDLE, "present-no-direct-packet-since-refresh")       \
	X(128, UNSPECIFIED, "unspecified")                         \
	X(129, PROHIBITED, "administratively-prohibited")          \
	X(130, NO_RESOURCES, "insufficient-resources")             \
	X(131, NOT_ATTACHED, "mn-a-not-attached")                  \
	X(132, UNRESOLVED, "mn-b-cannot-be-resolved")              \
	X(133, MODE, "mode-not-supported")                         \
	X(134, CONTROLLER_REFUSED, "controller-role-refused")      \
	X(135, OUT_OF_WINDOW, "sequence-or-stamp-out-of-window")   \
	X(136, PREFIX, "prefix-does-not-belong-to-mn")             \
	X(137, NO_SECURITY_ASSOCIATION, "no-security-association") \
	X(138, TUNNEL, "tunnel-setup-failed")                      \
	X(139, UNKNOWN, "unknown-association")                     \
	X(140, MALFORMED, "malformed-or-option-missing")           \
	X(141, TIMED_OUT, "peer-timed-out")                        \
	X(142, ROLLED_BACK, "early-activation-rolled-back")        \
	X(143, NOT_AUTHORISED, "sender-not-authorised")

enum ro_status {
#define RO_STATUS_ENUM(number, name, word) RO_STATUS_##name = number,
	RO_STATUSES(RO_STATUS_ENUM)
#undef RO_STATUS_ENUM
};

#define RO_FAILED(status) ((status) >= RO_STATUS_UNSPECIFIED)

/* "unknown" for what has no name; never NULL. */
const char *ro_message_name(uint8_t code);
const char *ro_reason_name(uint8_t reason);
const char *ro_status_name(uint8_t status);

/* Unassigned numbers of the native profile: @mh_base 23..244, @option_base 70..249. Once, before the first message. */
int ro_native_bases(uint8_t mh_base, uint8_t option_base);
/* MH type of @code in a profile. */
uint8_t ro_mh_type(uint8_t code, bool experimental);
/* Is @type one that RO messages may have? */
bool ro_mh_type_is(uint8_t type);

/* ---- options ---- */

enum ro_option_code {
	RO_OPTION_LOCAL_RO = 1,
	RO_OPTION_MN_CN_PAIR = 2,
	RO_OPTION_PMAG_ADDRESS = 3,
	RO_OPTION_PMAG_ID = 4,
	RO_OPTION_TUNNEL = 5,
	RO_OPTION_AUTHORISATION = 6,
	RO_OPTION_COUNT,
};

/* One of them, in either profile: @data are the @length octets that follow Type and Length in the native one. */
struct ro_option {
	uint8_t code;
	bool experimental;
	uint32_t experiment_id;
	uint8_t length;
	const uint8_t *data;
};

/* Type of @code in the native profile. */
uint8_t ro_option_type(uint8_t code);
/* False: another option, somebody else's experiment, or a length that this option cannot have. */
bool ro_option(const struct mh_option *option, struct ro_option *out);

#define RO_MAC_LENGTH 12

struct ro_authorisation {
	uint8_t key_id;
	uint8_t mac[RO_MAC_LENGTH];
};

struct ro_pair_option {
	uint8_t prefix_length;
	bool has_ipv4;
	struct in6_addr prefix, proxy_coa;
	uint8_t ipv4_home[4], ipv4_proxy_coa[4];
};

bool ro_option_local_ro(const struct ro_option *option, uint8_t *lri);
bool ro_option_pair(const struct ro_option *option, struct ro_pair_option *pair);
bool ro_option_authorisation(const struct ro_option *option, struct ro_authorisation *authorisation);
/* The Association ID behind the authorisation of a PBU between MAGs; false: it is not one of those. */
bool ro_option_association(const struct ro_option *option, uint32_t *association);

/* ---- bodies ---- */

#define RO_PREFIXES_MAX 8 /* of one MN in a message */

/* An IPv4 home address with the length of its subnet (option 36); length 0: none. */
struct ro_ipv4_home {
	uint8_t address[4];
	uint8_t length;
};

/* May an MN have it? A unicast address that is routed, in a subnet with a length. */
bool ro_ipv4_home_is_valid(const struct ro_ipv4_home *home);

/* An MN as a message names it. */
struct ro_tuple {
	struct mn_id id; /* points into the message */
	struct home_network_prefix prefixes[RO_PREFIXES_MAX];
	uint8_t prefix_count;
	struct ro_ipv4_home ipv4; /* the first one that an MN can have: others are no reason to refuse a message */
	bool has_mag, has_lma;
	struct in6_addr mag; /* option 51 */
	struct in6_addr lma; /* option 41 */
};

/* The options of an RO message. Tuple 0 is the MN of the receiving side (A), 1 the other (B). */
struct ro_body {
	struct ro_tuple tuples[2];
	uint8_t tuple_count; /* as on the wire; more than 2: malformed */
	bool has_stamp, has_authorisation, has_tunnel;
	bool is_malformed; /* an option that opens no tuple, stands twice, or more prefixes than are kept */
	uint8_t tunnel_mode;
	uint64_t stamp; /* 48.16 */
	struct ro_authorisation authorisation;
};

void ro_body_parse(const struct mh_message *message, struct ro_body *body);

struct ro_fixed {
	uint8_t code; /* enum ro_message_code */
	bool experimental;
	uint32_t experiment_id;
	uint16_t sequence;
	uint8_t flags;
	uint8_t value; /* reason, result or status */
	uint16_t lifetime_s;
	uint32_t association;
};

struct ro_fixed ro_fixed_of(const struct mh_message *message);

/* One option in the profile of @fixed; @data are its octets in the native profile, at most 50. */
void ro_write_option(
	struct mh_writer *writer, const struct ro_fixed *fixed, uint8_t code, const void *data, uint8_t length);

/*
 * Write a whole message: fixed part, both tuples, stamp, authorisation. Returns octets, or 0 if it did not fit. A
 * marker has no body: NULL.
 */
uint16_t ro_encode(const struct ro_fixed *fixed, const struct ro_body *body, void *buffer, size_t size,
	const struct in6_addr *source, const struct in6_addr *destination);
