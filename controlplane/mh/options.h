/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The option table: every mobility option of the IANA registry with its number, name, how often it may stand in a
 * message, and the lengths that it may have, each with the alignment that senders keep (wire-formats 0.2). The decoder,
 * the encoder, the words and the tests all go by it. Any thread, const.
 *
 * X(number, NAME, "name", ONCE or MANY, {shortest, longest, x, y}, ...): octets after Type and Length, and alignment
 * xn+y of the Type octet; x is 1 where there is none. The first form that a length fits counts: those of the
 * experimental option are the route optimisation's (wire-formats G.1, G.5), whose native numbers are from 240 on, or
 * where the configuration puts them (ro.h). Pad1 and PadN are no options in this sense.
 */
#define MH_OPTIONS(X)                                                                                                  \
	X(2, BINDING_REFRESH_ADVICE, "binding-refresh-advice", ONCE, {2, 2, 2, 0})                                     \
	X(3, ALTERNATE_CARE_OF_ADDRESS, "alternate-care-of-address", ONCE, {16, 16, 8, 6})                             \
	X(4, NONCE_INDICES, "nonce-indices", ONCE, {4, 4, 2, 0})                                                       \
	X(5, BINDING_AUTHORIZATION_DATA, "binding-authorization-data", ONCE, {12, 12, 8, 2})                           \
	X(6, MOBILE_NETWORK_PREFIX, "mobile-network-prefix", MANY, {18, 18, 8, 4})                                     \
	X(7, MH_LINK_LAYER_ADDRESS, "link-layer-address", ONCE, {0, 255, 1, 0})                                        \
	X(8, MN_ID, "mobile-node-identifier", ONCE, {1, 255, 1, 0})                                                    \
	X(9, MESSAGE_AUTHENTICATION, "message-authentication", MANY, {5, 255, 4, 1})                                   \
	X(10, REPLAY_PROTECTION, "replay-protection", ONCE, {8, 8, 8, 2})                                              \
	X(11, CGA_PARAMETERS_REQUEST, "cga-parameters-request", ONCE, {0, 255, 1, 0})                                  \
	X(12, CGA_PARAMETERS, "cga-parameters", MANY, {0, 255, 1, 0})                                                  \
	X(13, SIGNATURE, "signature", ONCE, {0, 255, 1, 0})                                                            \
	X(14, PERMANENT_HOME_KEYGEN_TOKEN, "permanent-home-keygen-token", ONCE, {0, 255, 1, 0})                        \
	X(15, CARE_OF_TEST_INIT, "care-of-test-init", ONCE, {0, 255, 1, 0})                                            \
	X(16, CARE_OF_TEST, "care-of-test", ONCE, {0, 255, 1, 0})                                                      \
	X(17, DNS_UPDATE, "dns-update", ONCE, {0, 255, 1, 0})                                                          \
	X(18, EXPERIMENTAL, "experimental", MANY, {14, 14, 4, 0}, {22, 22, 4, 0}, {26, 26, 8, 4}, {42, 42, 8, 4},      \
		{50, 50, 8, 4}, {0, 255, 1, 0})                                                                        \
	X(19, VENDOR_SPECIFIC, "vendor-specific", MANY, {5, 255, 4, 2})                                                \
	X(20, SERVICE_SELECTION, "service-selection", ONCE, {1, 255, 1, 0})                                            \
	X(21, BAD_FMIPV6, "binding-authorization-data-for-fmipv6", ONCE, {0, 255, 1, 0})                               \
	X(22, HOME_NETWORK_PREFIX, "home-network-prefix", MANY, {18, 18, 8, 4})                                        \
	X(23, HANDOFF_INDICATOR, "handoff-indicator", ONCE, {2, 2, 1, 0})                                              \
	X(24, ACCESS_TECHNOLOGY_TYPE, "access-technology-type", ONCE, {2, 2, 1, 0})                                    \
	X(25, MN_LINK_LAYER_ID, "mobile-node-link-layer-identifier", ONCE, {2, 9, 2, 0}, {10, 10, 8, 4},               \
		{11, 255, 2, 0})                                                                                       \
	X(26, LINK_LOCAL_ADDRESS, "link-local-address", ONCE, {16, 16, 8, 6})                                          \
	X(27, TIMESTAMP, "timestamp", ONCE, {8, 8, 8, 2})                                                              \
	X(28, RESTART_COUNTER, "restart-counter", ONCE, {4, 4, 4, 2})                                                  \
	X(29, IPV4_HOME_ADDRESS, "ipv4-home-address", MANY, {6, 6, 4, 0})                                              \
	X(30, IPV4_ADDRESS_ACKNOWLEDGEMENT, "ipv4-address-acknowledgement", MANY, {6, 6, 4, 0})                        \
	X(31, NAT_DETECTION, "nat-detection", ONCE, {6, 6, 4, 0})                                                      \
	X(32, IPV4_CARE_OF_ADDRESS, "ipv4-care-of-address", ONCE, {6, 6, 4, 0})                                        \
	X(33, GRE_KEY, "gre-key", ONCE, {2, 2, 4, 0}, {6, 6, 4, 0})                                                    \
	X(34, MH_IPV6_ADDRESS_PREFIX, "ipv6-address-prefix", MANY, {18, 18, 8, 4})                                     \
	X(35, BINDING_IDENTIFIER, "binding-identifier", MANY, {4, 4, 2, 0}, {8, 8, 8, 2}, {20, 20, 8, 2})              \
	X(36, IPV4_HOME_ADDRESS_REQUEST, "ipv4-home-address-request", MANY, {6, 6, 4, 0})                              \
	X(37, IPV4_HOME_ADDRESS_REPLY, "ipv4-home-address-reply", MANY, {6, 6, 4, 0})                                  \
	X(38, IPV4_DEFAULT_ROUTER_ADDRESS, "ipv4-default-router-address", ONCE, {6, 6, 4, 0})                          \
	X(39, IPV4_DHCP_SUPPORT_MODE, "ipv4-dhcp-support-mode", ONCE, {2, 2, 1, 0})                                    \
	X(40, CONTEXT_REQUEST, "context-request", ONCE, {2, 255, 4, 0})                                                \
	X(41, LMA_ADDRESS, "lma-address", MANY, {18, 18, 8, 4}, {6, 6, 4, 0})                                          \
	X(42, MN_LINK_LOCAL_INTERFACE_ID, "mobile-node-link-local-interface-identifier", ONCE, {10, 10, 8, 4})         \
	X(43, TRANSIENT_BINDING, "transient-binding", ONCE, {2, 2, 1, 0})                                              \
	X(44, FLOW_SUMMARY, "flow-summary", MANY, {0, 255, 1, 0})                                                      \
	X(45, FLOW_IDENTIFICATION, "flow-identification", MANY, {0, 255, 1, 0})                                        \
	X(46, REDIRECT_CAPABILITY, "redirect-capability", ONCE, {2, 2, 4, 0})                                          \
	X(47, REDIRECT, "redirect", ONCE, {18, 18, 4, 0}, {6, 6, 4, 0})                                                \
	X(48, LOAD_INFORMATION, "load-information", ONCE, {18, 18, 4, 0})                                              \
	X(49, ALTERNATE_IPV4_CARE_OF_ADDRESS, "alternate-ipv4-care-of-address", ONCE, {4, 4, 4, 2})                    \
	X(50, MN_GROUP_IDENTIFIER, "mobile-node-group-identifier", MANY, {6, 6, 4, 0})                                 \
	X(51, MAG_IPV6_ADDRESS, "mag-ipv6-address", MANY, {18, 18, 8, 4})                                              \
	X(52, ACCESS_NETWORK_IDENTIFIER, "access-network-identifier", MANY, {2, 255, 4, 0})                            \
	X(53, IPV4_TRAFFIC_OFFLOAD_SELECTOR, "ipv4-traffic-offload-selector", MANY, {0, 255, 1, 0})                    \
	X(54, DYNAMIC_MULTICAST_SELECTOR, "dynamic-ip-multicast-selector", MANY, {0, 255, 1, 0})                       \
	X(55, DELEGATED_MOBILE_NETWORK_PREFIX, "delegated-mobile-network-prefix", MANY, {18, 18, 8, 2}, {6, 6, 8, 2})  \
	X(56, ACTIVE_MULTICAST_SUBSCRIPTION_IPV4, "active-multicast-subscription-ipv4", MANY, {0, 255, 1, 0})          \
	X(57, ACTIVE_MULTICAST_SUBSCRIPTION_IPV6, "active-multicast-subscription-ipv6", MANY, {0, 255, 1, 0})          \
	X(58, QUALITY_OF_SERVICE, "quality-of-service", MANY, {6, 255, 4, 0})                                          \
	X(59, LMA_USER_PLANE_ADDRESS, "lma-user-plane-address", MANY, {2, 2, 8, 2}, {6, 6, 8, 2}, {18, 18, 8, 2})      \
	X(60, MULTICAST_MOBILITY, "multicast-mobility", MANY, {0, 255, 1, 0})                                          \
	X(61, MULTICAST_ACKNOWLEDGEMENT, "multicast-acknowledgement", MANY, {0, 255, 1, 0})                            \
	X(62, LMA_CONTROLLED_MAG_PARAMETERS, "lma-controlled-mag-parameters", ONCE, {8, 255, 4, 2})                    \
	X(63, MAG_MULTIPATH_BINDING, "mag-multipath-binding", ONCE, {6, 6, 1, 0})                                      \
	X(64, MAG_IDENTIFIER, "mag-identifier", ONCE, {2, 255, 1, 0})                                                  \
	X(65, ANCHORED_PREFIX, "anchored-prefix", MANY, {18, 18, 8, 4})                                                \
	X(66, LOCAL_PREFIX, "local-prefix", MANY, {18, 18, 8, 4})                                                      \
	X(67, PREVIOUS_MAAR, "previous-maar", MANY, {34, 34, 8, 4})                                                    \
	X(68, SERVING_MAAR, "serving-maar", ONCE, {16, 16, 8, 6})                                                      \
	X(69, DLIF_LINK_LOCAL_ADDRESS, "dlif-link-local-address", ONCE, {16, 16, 8, 6})                                \
	X(70, DLIF_LINK_LAYER_ADDRESS, "dlif-link-layer-address", ONCE, {2, 9, 2, 0}, {10, 10, 8, 4}, {11, 255, 2, 0}) \
	X(240, RO_LOCAL_RO, "local-ro", ONCE, {2, 2, 1, 0})                                                            \
	X(241, RO_MN_CN_PAIR, "mn-cn-pair", MANY, {34, 34, 8, 4}, {42, 42, 8, 4})                                      \
	X(242, RO_PMAG_ADDRESS, "pmag-address", ONCE, {18, 18, 8, 4}, {6, 6, 4, 0})                                    \
	X(243, RO_PMAG_ID, "pmag-id", ONCE, {2, 255, 1, 0})                                                            \
	X(244, RO_TUNNEL, "ro-tunnel", ONCE, {2, 2, 1, 0})                                                             \
	X(245, RO_AUTHORISATION, "ro-authorisation", ONCE, {14, 14, 4, 0}, {18, 18, 4, 0})

#define MH_OPTION_FORMS_MAX 6

struct mh_option_form {
	uint8_t shortest, longest; /* octets after Type and Length */
	uint8_t modulus, offset;   /* alignment: x and y */
};

struct mh_option_rule {
	const char *name;
	bool many;                                        /* may stand more than once in a PBU or PBA */
	struct mh_option_form forms[MH_OPTION_FORMS_MAX]; /* ends with a modulus of 0 */
};

/* Number in the table of an option that is @type on the wire; 0: none. They differ if native numbers are moved. */
uint8_t mh_option_row(uint8_t type);
/* The row of option @type, or NULL: an option that nobody assigned, or padding. */
const struct mh_option_rule *mh_option_rule(uint8_t type);
/* The row's form for @length, or NULL: an invalid length. */
const struct mh_option_form *mh_option_form(const struct mh_option_rule *rule, uint8_t length);
