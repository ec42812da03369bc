/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

/*
 * Mobility Header codec (RFC 6275 section 6.1, RFC 5213 section 8; numbers from the IANA registries as of 2023).
 * Decoding keeps every option in order, also unknown ones, so that a message can be encoded again. Nothing is
 * allocated; a decoded message points into the bytes that were given.
 *
 * Threads: any, no state. Bytes come from outside: every read is bounds-checked.
 */

#define MH_LENGTH_MAX      2048 /* octets; Header Len is 8 bits in units of 8 octets */
#define MH_LENGTH_SEND_MAX 1232 /* never fragmented on a 1280 octet path */
#define MH_OPTIONS_MAX     64   /* options besides Pad1 and PadN that a message may have */
#define MH_PAYLOAD_PROTO   59
#define IPPROTO_MOBILITY   135

enum mh_type {
	MH_BRR = 0,
	MH_HOTI = 1,
	MH_COTI = 2,
	MH_HOT = 3,
	MH_COT = 4,
	MH_BU = 5,
	MH_BA = 6,
	MH_BE = 7,
	MH_EXPERIMENTAL = 11, /* RFC 5096: route optimisation, see ro.h */
	MH_HEARTBEAT = 13,
	MH_UPN = 19, /* Update Notification (RFC 7077) */
	MH_UPA = 20,
};

/* Flags of BU and PBU, as on the wire at @8 (wire-formats 0.3). */
#define BU_FLAG_A 0x8000
#define BU_FLAG_H 0x4000
#define BU_FLAG_L 0x2000
#define BU_FLAG_K 0x1000
#define BU_FLAG_M 0x0800
#define BU_FLAG_R 0x0400
#define BU_FLAG_P 0x0200
#define BU_FLAG_F 0x0100
#define BU_FLAG_T 0x0080
#define BU_FLAG_B 0x0040
#define BU_FLAG_S 0x0020
#define BU_FLAG_D 0x0010

/* Flags of BA and PBA at @7. */
#define BA_FLAG_K 0x80
#define BA_FLAG_R 0x40
#define BA_FLAG_P 0x20
#define BA_FLAG_T 0x10
#define BA_FLAG_B 0x08
#define BA_FLAG_S 0x04
#define BA_FLAG_D 0x02

#define HEARTBEAT_FLAG_U 0x02 /* unsolicited */
#define HEARTBEAT_FLAG_R 0x01 /* response */

/* Flags of UPN at @10. */
#define UPN_FLAG_A 0x8000 /* acknowledgement requested */
#define UPN_FLAG_D 0x4000 /* retransmission */

/* BA and PBA status (RFC 6275 6.1.8, RFC 5213 8.9 and the registry). X(number, NAME, "word") */
#define MH_STATUSES(X)                                                                                         \
	X(0, ACCEPTED, "accepted")                                                                             \
	X(1, ACCEPTED_PREFIX_DISCOVERY, "accepted-prefix-discovery-necessary")                                 \
	X(2, GRE_KEY_OPTION_NOT_REQUIRED, "gre-key-option-not-required")                                       \
	X(3, GRE_TUNNELING_BUT_TLV_HEADER_NOT_SUPPORTED, "gre-tunneling-but-tlv-header-not-supported")         \
	X(4, MCOA_NOTCOMPLETE, "mcoa-notcomplete")                                                             \
	X(5, MCOA_RETURNHOME_WO_NDP, "mcoa-returnhome-wo-ndp")                                                 \
	X(6, PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH, "pbu-accepted-tb-ignored-settingsmismatch")             \
	X(128, UNSPECIFIED, "reason-unspecified")                                                              \
	X(129, ADMINISTRATIVELY_PROHIBITED, "administratively-prohibited")                                     \
	X(130, INSUFFICIENT_RESOURCES, "insufficient-resources")                                               \
	X(131, HOME_REGISTRATION_UNSUPPORTED, "home-registration-not-supported")                               \
	X(132, NOT_HOME_SUBNET, "not-home-subnet")                                                             \
	X(133, NOT_HOME_AGENT, "not-home-agent-for-this-mobile-node")                                          \
	X(134, DAD_FAILED, "duplicate-address-detection-failed")                                               \
	X(135, SEQUENCE_OUT_OF_WINDOW, "sequence-number-out-of-window")                                        \
	X(136, EXPIRED_HOME_NONCE, "expired-home-nonce-index")                                                 \
	X(137, EXPIRED_CARE_OF_NONCE, "expired-care-of-nonce-index")                                           \
	X(138, EXPIRED_NONCES, "expired-nonces")                                                               \
	X(139, REGISTRATION_TYPE_CHANGE, "registration-type-change-disallowed")                                \
	X(140, MOBILE_ROUTER_NOT_PERMITTED, "mobile-router-operation-not-permitted")                           \
	X(141, INVALID_PREFIX, "invalid-prefix")                                                               \
	X(142, NOT_AUTHORIZED_FOR_PREFIX, "not-authorized-for-prefix")                                         \
	X(143, FORWARDING_SETUP_FAILED, "forwarding-setup-failed")                                             \
	X(144, MIPV6_ID_MISMATCH, "mipv6-id-mismatch")                                                         \
	X(145, MIPV6_MESG_ID_REQD, "mipv6-mesg-id-reqd")                                                       \
	X(146, MIPV6_AUTH_FAIL, "mipv6-auth-fail")                                                             \
	X(147, PERMANENT_HOME_KEYGEN_UNAVAILABLE, "permanent-home-keygen-token-unavailable")                   \
	X(148, CGA_VERIFICATION_FAILED, "cga-and-signature-verification-failed")                               \
	X(149, PERMANENT_HOME_KEYGEN_EXISTS, "permanent-home-keygen-token-exists")                             \
	X(150, NON_NULL_HOME_NONCE_EXPECTED, "non-null-home-nonce-index-expected")                             \
	X(151, SERVICE_AUTHORIZATION_FAILED, "service-authorization-failed")                                   \
	X(152, PROXY_REG_NOT_ENABLED, "proxy-reg-not-enabled")                                                 \
	X(153, NOT_LMA_FOR_THIS_MOBILE_NODE, "not-lma-for-this-mobile-node")                                   \
	X(154, MAG_NOT_AUTHORIZED_FOR_PROXY_REG, "mag-not-authorized-for-proxy-reg")                           \
	X(155, NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX, "not-authorized-for-home-network-prefix")               \
	X(156, TIMESTAMP_MISMATCH, "timestamp-mismatch")                                                       \
	X(157, TIMESTAMP_LOWER_THAN_PREV_ACCEPTED, "timestamp-lower-than-prev-accepted")                       \
	X(158, MISSING_HOME_NETWORK_PREFIX_OPTION, "missing-home-network-prefix-option")                       \
	X(159, BCE_PBU_PREFIX_SET_DO_NOT_MATCH, "bce-pbu-prefix-set-do-not-match")                             \
	X(160, MISSING_MN_IDENTIFIER_OPTION, "missing-mn-identifier-option")                                   \
	X(161, MISSING_HANDOFF_INDICATOR_OPTION, "missing-handoff-indicator-option")                           \
	X(162, MISSING_ACCESS_TECH_TYPE_OPTION, "missing-access-tech-type-option")                             \
	X(163, GRE_KEY_OPTION_REQUIRED, "gre-key-option-required")                                             \
	X(164, MCOA_MALFORMED, "mcoa-malformed")                                                               \
	X(165, MCOA_NON_MCOA_BINDING_EXISTS, "mcoa-non-mcoa-binding-exists")                                   \
	X(166, MCOA_UNKNOWN_COA, "mcoa-unknown-coa")                                                           \
	X(167, MCOA_PROHIBITED, "mcoa-prohibited")                                                             \
	X(168, MCOA_BULK_REGISTRATION_PROHIBITED, "mcoa-bulk-registration-prohibited")                         \
	X(169, MCOA_SIMULTANEOUS_HOME_AND_FOREIGN_PROHIBITED, "mcoa-simultaneous-home-and-foreign-prohibited") \
	X(170, NOT_AUTHORIZED_FOR_IPV4_MOBILITY_SERVICE, "not-authorized-for-ipv4-mobility-service")           \
	X(171, NOT_AUTHORIZED_FOR_IPV4_HOME_ADDRESS, "not-authorized-for-ipv4-home-address")                   \
	X(172, NOT_AUTHORIZED_FOR_IPV6_MOBILITY_SERVICE, "not-authorized-for-ipv6-mobility-service")           \
	X(173, MULTIPLE_IPV4_HOME_ADDRESS_ASSIGNMENT_NOT_SUPPORTED,                                            \
		"multiple-ipv4-home-address-assignment-not-supported")                                         \
	X(174, INVALID_CARE_OF_ADDRESS, "invalid-care-of-address")                                             \
	X(175, INVALID_MOBILE_NODE_GROUP_IDENTIFIER, "invalid-mobile-node-group-identifier")                   \
	X(176, REINIT_SA_WITH_HAC, "reinit-sa-with-hac")                                                       \
	X(177, NOT_AUTHORIZED_FOR_DELEGATED_MNP, "not-authorized-for-delegated-mnp")                           \
	X(178, REQUESTED_DMNP_IN_USE, "requested-dmnp-in-use")                                                 \
	X(179, CANNOT_MEET_QOS_SERVICE_REQUEST, "cannot-meet-qos-service-request")                             \
	X(180, CANNOT_SUPPORT_MULTIPATH_BINDING, "cannot-support-multipath-binding")

enum mh_status {
#define MH_STATUS_ENUM(number, name, word) MH_STATUS_##name = number,
	MH_STATUSES(MH_STATUS_ENUM)
#undef MH_STATUS_ENUM
};

/* Notification reasons of UPN (RFC 7077 section 4.1 and the registry). X(number, NAME, "word") */
#define UPN_REASONS(X)                                               \
	X(1, FORCE_REREGISTRATION, "force-reregistration")           \
	X(2, UPDATE_SESSION_PARAMETERS, "update-session-parameters") \
	X(3, VENDOR_SPECIFIC, "vendor-specific-reason")              \
	X(4, ANI_PARAMS_REQUESTED, "ani-params-requested")           \
	X(5, QOS_SERVICE_REQUEST, "qos-service-request")             \
	X(8, FLOW_MOBILITY, "flow-mobility")

enum upn_reason {
#define UPN_REASON_ENUM(number, name, word) UPN_REASON_##name = number,
	UPN_REASONS(UPN_REASON_ENUM)
#undef UPN_REASON_ENUM
};

/* Status of UPA (RFC 7077 section 4.2, RFC 7222 section 4.5 and the registry); below 128: done. X(number, NAME, "word")
 */
#define UPA_STATUSES(X)                                                                    \
	X(0, SUCCESS, "success")                                                           \
	X(128, FAILED_TO_UPDATE_SESSION_PARAMETERS, "failed-to-update-session-parameters") \
	X(129, MISSING_VENDOR_SPECIFIC_OPTION, "missing-vendor-specific-option")           \
	X(130, CANNOT_MEET_QOS_SERVICE_REQUEST, "cannot-meet-qos-service-request")         \
	X(131, UNSPECIFIED, "reason-unspecified")                                          \
	X(132, NOT_ATTACHED, "mobile-node-not-attached")

enum upa_status {
#define UPA_STATUS_ENUM(number, name, word) UPA_STATUS_##name = number,
	UPA_STATUSES(UPA_STATUS_ENUM)
#undef UPA_STATUS_ENUM
};

enum mh_option_type {
	MHO_PAD1 = 0,
	MHO_PADN = 1,
	MHO_BINDING_REFRESH_ADVICE = 2,
	MHO_ALTERNATE_CARE_OF_ADDRESS = 3,
	MHO_NONCE_INDICES = 4,
	MHO_BINDING_AUTHORIZATION_DATA = 5,
	MHO_MN_ID = 8,
	MHO_EXPERIMENTAL = 18,
	MHO_VENDOR_SPECIFIC = 19,
	MHO_HOME_NETWORK_PREFIX = 22,
	MHO_HANDOFF_INDICATOR = 23,
	MHO_ACCESS_TECHNOLOGY_TYPE = 24,
	MHO_MN_LINK_LAYER_ID = 25,
	MHO_LINK_LOCAL_ADDRESS = 26,
	MHO_TIMESTAMP = 27,
	MHO_RESTART_COUNTER = 28,
	MHO_IPV4_HOME_ADDRESS_REQUEST = 36,
	MHO_LMA_ADDRESS = 41,
	MHO_MN_GROUP_IDENTIFIER = 50,
	MHO_MAG_IPV6_ADDRESS = 51,
};

/* RFC 5213 section 8.4 */
enum handoff_indicator {
	HI_RESERVED = 0,
	HI_NEW_INTERFACE = 1,
	HI_BETWEEN_INTERFACES = 2,
	HI_BETWEEN_MAGS = 3,
	HI_UNKNOWN = 4,
	HI_UNCHANGED = 5,
	HI_NEW_INTERFACE_SHARED_PREFIXES = 6, /* RFC 7864 */
};

/*
 * Words of the codec: never NULL, "unknown" for what has no name. mh_type_name() says BU for a PBU, which differs by
 * its P flag: see mh_message_name(). All types, statuses and options of the IANA registries have one.
 */
const char *mh_type_name(uint8_t type);
const char *mh_status_name(uint8_t status);
const char *mh_option_name(uint8_t type);
const char *handoff_indicator_name(uint8_t value);
const char *access_technology_name(uint8_t value);
const char *mn_id_subtype_name(uint8_t subtype);
const char *binding_error_name(uint8_t status); /* RFC 6275 6.1.9 */
const char *upn_reason_name(uint16_t reason);
const char *upa_status_name(uint8_t status);

/* Why a message was not decoded. X(NAME, "name", "help") */
#define MH_ERRORS(X)                                                                   \
	X(NONE, "none", "decoded")                                                     \
	X(TRUNCATED, "truncated", "shorter than a Mobility Header")                    \
	X(LENGTH, "length", "Header Len beyond the end of the packet")                 \
	X(CHECKSUM, "checksum", "checksum wrong")                                      \
	X(TYPE, "type", "message type that is not decoded here")                       \
	X(EXPERIMENT, "experiment", "experimental message of somebody else")           \
	X(PAYLOAD_PROTO, "payload-proto", "Payload Proto is not 59")                   \
	X(HEADER_LENGTH, "header-length", "Header Len below the minimum of the type")  \
	X(OPTION_OVERRUN, "option-overrun", "option runs past the end of the message") \
	X(OPTION_LENGTH, "option-length", "option with a length that it cannot have")  \
	X(OPTION_COUNT, "option-count", "more options than are kept")                  \
	X(AUTHORIZATION_DATA, "authorization-data", "Binding Authorization Data is not the end of the message")

enum mh_error {
#define MH_ERROR_ENUM(name, word, help) MH_ERROR_##name,
	MH_ERRORS(MH_ERROR_ENUM)
#undef MH_ERROR_ENUM
		MH_ERROR_COUNT,
};

const char *mh_error_name(enum mh_error error); /* "option-overrun" */
const char *mh_error_help(enum mh_error error);

struct mh_option {
	uint8_t type;
	uint8_t length;      /* octets after Type and Length */
	uint16_t offset;     /* of the Type octet, from the start of the Mobility Header */
	const uint8_t *data; /* @length octets after Type and Length */
};

/*
 * A decoded message. `fixed` is by type; lifetimes are in the units of the wire (4 s in BU and BA). Pad options are
 * skipped; an all-padding difference to the canonical form is not kept.
 */
struct mh_message {
	uint8_t type;      /* enum mh_type; after MH_ERROR_TYPE any number */
	uint16_t checksum; /* as on the wire */
	uint16_t length;   /* octets, (Header Len + 1) * 8 */
	union {
		struct {
			uint64_t cookie;
		} init; /* HoTI, CoTI */
		struct {
			uint16_t nonce_index;
			uint64_t cookie;
			uint64_t token;
		} test; /* HoT, CoT */
		struct {
			uint16_t sequence;
			uint16_t flags;
			uint16_t lifetime;
		} bu; /* BU, PBU */
		struct {
			uint8_t status;
			uint8_t flags;
			uint16_t sequence;
			uint16_t lifetime;
		} ba; /* BA, PBA */
		struct {
			uint8_t status;
			struct in6_addr home_address;
		} be;
		struct {
			uint8_t flags;
			uint32_t sequence;
		} heartbeat;
		struct {
			uint8_t code; /* enum ro_message_code */
			bool experimental;
			uint32_t experiment_id;
			uint16_t sequence;
			uint8_t flags;
			uint8_t value;     /* reason, result or status */
			uint16_t lifetime; /* s */
			uint32_t association;
		} ro; /* ro.h */
		struct {
			uint16_t sequence;
			uint16_t reason; /* enum upn_reason */
			uint16_t flags;
		} upn;
		struct {
			uint16_t sequence;
			uint8_t status; /* enum upa_status */
		} upa;
	} fixed;
	uint16_t option_count;
	struct mh_option options[MH_OPTIONS_MAX];
};

/* "PBU", "BU", "PBA", "BRR", ..., "type-99". @text is used for the last one. */
const char *mh_message_name(const struct mh_message *message, char text[16]);

/*
 * Decode the Mobility Header at @bytes, of which @size octets are there (the message may end earlier). The checks are
 * those of RFC 6275 section 9.2 in its order (wire-formats A.1): checksum, type, Payload Proto, Header Len, options;
 * before them whether the message is all there, because without its end no checksum can be computed; after them whether
 * Binding Authorization Data, if there, ends the message (section 6.2.7).
 * @source and @destination are those of the pseudo-header (home address option and type 2 routing header already taken
 * into account); NULL for both: the checksum is not verified (IPv4 transport).
 * On an error @message holds what was read before it: type and checksum unless truncated; the fixed part (else zeroes)
 * and the options before the bad one if an option is to blame.
 */
enum mh_error mh_decode(struct mh_message *message, const void *bytes, size_t size, const struct in6_addr *source,
	const struct in6_addr *destination);

/* First option of @type after @after (NULL: from the start), or NULL. */
const struct mh_option *mh_option_find(const struct mh_message *message, uint8_t type, const struct mh_option *after);

/* Does the message end with @option, without padding behind it? Binding Authorization Data must (RFC 6275 6.2.7). */
bool mh_option_is_last(const struct mh_message *message, const struct mh_option *option);

/* ---- options as values; each returns false if the option's length does not fit (mh_decode() has checked it) ---- */

#define MN_ID_MAX 254 /* identifier octets */

struct mn_id {
	uint8_t subtype; /* 1: NAI (RFC 4283) */
	uint8_t length;  /* octets of the identifier; 0 is allowed */
	const uint8_t *data;
};

struct home_network_prefix {
	struct in6_addr prefix;
	uint8_t length;
};

bool mh_option_mn_id(const struct mh_option *option, struct mn_id *id);
bool mh_option_prefix(const struct mh_option *option, struct home_network_prefix *prefix);

/*
 * 48.16 fixed point of option 27 <-> nanoseconds since 1970. To the wire rounds down to 1/65536 s (RFC 5213 section
 * 8.8), from it up to the next nanosecond: a timestamp survives the way there and back. From the wire saturates.
 */
uint64_t mh_timestamp_from_ns(uint64_t wall_ns);
uint64_t mh_timestamp_to_ns(uint64_t timestamp);

/*
 * The options of a PBU or PBA, picked by one walk. Counts say how often each one stood there; the value is that of the
 * first. HNPs are in order.
 */
#define PROXY_PREFIXES_MAX 16

struct proxy_options {
	struct mn_id mn_id;
	uint8_t mn_id_count;
	struct home_network_prefix prefixes[PROXY_PREFIXES_MAX];
	uint16_t prefix_count; /* as on the wire, may exceed PROXY_PREFIXES_MAX */
	uint8_t handoff_indicator, handoff_indicator_count;
	uint8_t access_technology, access_technology_count;
	const uint8_t *link_layer_id; /* identifier octets, NULL if absent */
	uint8_t link_layer_id_length, link_layer_id_count;
	struct in6_addr link_local;
	uint8_t link_local_count;
	uint64_t timestamp; /* 48.16 */
	uint8_t timestamp_count;
	struct in6_addr alternate_care_of_address;
	uint8_t alternate_care_of_address_count;
	bool duplicate_singleton; /* an option stood twice that may not (option table); unknown ones may */
};

void mh_proxy_options(const struct mh_message *message, struct proxy_options *options);

/* ---- encoding ---- */

/*
 * Writes one message. Options are padded to their alignment from the option table with Pad1 or PadN before them, and
 * the end to 8 octets with PadN: the canonical form. Errors stick: check the result of mh_writer_finish() only.
 */
struct mh_writer {
	uint8_t *bytes;
	uint16_t size;   /* of the buffer */
	uint16_t length; /* written */
	bool failed;     /* buffer too small, or more than MH_LENGTH_MAX */
};

/* Starts a message of @type, one that mh_decode() knows, else it fails; the fixed part is zero. */
void mh_writer_init(struct mh_writer *writer, uint8_t type, void *buffer, size_t size);
/* Fixed parts. */
void mh_write_init_test(struct mh_writer *writer, uint64_t cookie);                                  /* HoTI, CoTI */
void mh_write_test(struct mh_writer *writer, uint16_t nonce_index, uint64_t cookie, uint64_t token); /* HoT, CoT */
void mh_write_bu(struct mh_writer *writer, uint16_t sequence, uint16_t flags, uint16_t lifetime);
void mh_write_ba(struct mh_writer *writer, uint8_t status, uint8_t flags, uint16_t sequence, uint16_t lifetime);
void mh_write_be(struct mh_writer *writer, uint8_t status, const struct in6_addr *home_address);
void mh_write_heartbeat(struct mh_writer *writer, uint8_t flags, uint32_t sequence);
void mh_write_upn(struct mh_writer *writer, uint16_t sequence, uint16_t reason, uint16_t flags);
void mh_write_upa(struct mh_writer *writer, uint16_t sequence, uint8_t status);
/* Any option: @data are the @length octets after Type and Length. */
void mh_write_option(struct mh_writer *writer, uint8_t type, const void *data, uint8_t length);
void mh_write_mn_id(struct mh_writer *writer, const struct mn_id *id);
void mh_write_prefix(struct mh_writer *writer, const struct home_network_prefix *prefix);
void mh_write_handoff_indicator(struct mh_writer *writer, uint8_t value);
void mh_write_access_technology(struct mh_writer *writer, uint8_t value);
void mh_write_link_layer_id(struct mh_writer *writer, const void *id, uint8_t length);
void mh_write_link_local(struct mh_writer *writer, const struct in6_addr *address);
void mh_write_timestamp(struct mh_writer *writer, uint64_t timestamp);
void mh_write_restart_counter(struct mh_writer *writer, uint32_t counter);
void mh_write_alternate_care_of_address(struct mh_writer *writer, const struct in6_addr *address);
/*
 * Pads, sets Header Len and, unless @source is NULL, the checksum. Returns the length of the message in octets, or 0
 * if it did not fit.
 */
uint16_t mh_writer_finish(struct mh_writer *writer, const struct in6_addr *source, const struct in6_addr *destination);

/*
 * Mark the finished UPN of @length octets as a retransmission: the D flag, and the checksum with it. The rest of a
 * retransmission is the same (RFC 7077 section 5.2).
 */
void mh_upn_repeat(uint8_t *bytes, uint16_t length, const struct in6_addr *source, const struct in6_addr *destination);

/*
 * Encode a decoded message again: options in order, canonical padding. Returns octets, or 0 if it did not fit. @buffer
 * must not be what the message was decoded from.
 */
uint16_t mh_encode(const struct mh_message *message, void *buffer, size_t size, const struct in6_addr *source,
	const struct in6_addr *destination);
