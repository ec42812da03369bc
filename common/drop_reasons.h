/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Every way in which a packet can end without being sent, once: the counter, the word in the CLI and in the metrics,
 * and the help text come from this list. X(name, help)
 */
#define DROP_REASONS(X)                                                                                       \
	X(runt, "frame shorter than its headers claim")                                                       \
	X(chained, "packet in more than one segment")                                                         \
	X(unknown_ethertype, "EtherType that this port does not carry")                                       \
	X(foreign_mac, "destination MAC is not ours")                                                         \
	X(unknown_vlan, "VLAN that no access link has")                                                       \
	X(ip_version, "version field does not fit the EtherType or the next header")                          \
	X(ip_length, "IP length longer than the packet")                                                      \
	X(ip_source_invalid, "source address multicast, loopback or unspecified")                             \
	X(ip_destination_invalid, "destination loopback or unspecified, or multicast that we do not forward") \
	X(extension_headers, "too many extension headers, or one longer than the packet")                     \
	X(own_unknown_protocol, "to an own address, with a protocol that we do not serve")                    \
	X(signalling_side, "Mobility Header from a port that is not marked core, or from inside a tunnel")    \
	X(signalling_peer, "Mobility Header from an address that is not a configured peer")                   \
	X(fragment, "fragment to an own address or tunnel: reassembly is not supported")                      \
	X(link_unknown, "from a link-layer address that has no attached mobile node")                         \
	X(link_pending, "from a mobile node whose registration is not finished")                              \
	X(link_refused, "from a link-layer address that policy refuses for now")                              \
	X(link_protocol, "link-local or multicast packet that an access link does not carry")                 \
	X(uplink_source, "source address is not in the mobile node's home network prefix")                    \
	X(uplink_mac_mismatch, "source prefix belongs to another link-layer address or access link")          \
	X(uplink_link_local, "link-local source is never forwarded")                                          \
	X(dad_probe, "duplicate address detection of a mobile node: not bridged, not answered")               \
	X(tunnel_unknown, "encapsulated packet from an address that is no tunnel peer")                       \
	X(tunnel_unresolved, "tunnel whose next hop has no link-layer address yet")                           \
	X(tunnel_inner_protocol, "encapsulated packet that is not what the tunnel carries")                   \
	X(tunnel_loop, "inner addresses equal the tunnel's own endpoints")                                    \
	X(tunnel_ecn, "congestion experienced outside on a packet that is not ECN capable inside")            \
	X(tunnel_limit, "tunnel encapsulation limit reached")                                                 \
	X(downlink_no_endpoint, "decapsulated packet for a prefix that is not hosted here")                   \
	X(downlink_tunnel_mismatch, "decapsulated packet from a tunnel that is not the destination's")        \
	X(pair_unknown, "out of a direct tunnel without an entry for its pair")                               \
	X(pair_tunnel_mismatch, "out of a direct tunnel that is not its pair's")                              \
	X(marker, "in-order marker that has done its work: not lost, taken")                                  \
	X(marker_access, "in-order marker from an access link")                                               \
	X(anchor_no_endpoint, "for a prefix of our pools that has no binding")                                \
	X(anchor_source, "inner source prefix is not bound to the tunnel it came from")                       \
	X(anchor_blocked, "for a binding that waits for its deletion")                                        \
	X(not_for_us, "neither an own address nor a mobile node's, and this port does not route")             \
	X(no_route, "no route to the destination")                                                            \
	X(neighbour_unresolved, "next hop without a link-layer address, queue full or failed")                \
	X(hop_limit, "hop limit reached zero")                                                                \
	X(packet_too_big, "larger than the MTU of the way out")                                               \
	X(no_headroom, "no room for the outer header")                                                        \
	X(port_down, "port has no transmit queue or is down")                                                 \
	X(tx_full, "transmit queue full")                                                                     \
	X(handoff_full, "ring to the worker that owns the transmit queue full")                               \
	X(spread_full, "ring to the worker that has the packet's flow full")                                  \
	X(punt_limited, "over the rate limit to the control core")                                            \
	X(punt_full, "ring to the control core full")                                                         \
	X(dead_index, "the tunnel or next hop that an entry names is gone")                                   \
	X(inject_malformed, "packet of the control core with an impossible stage, port or length")            \
	X(shutdown, "discarded at shutdown")                                                                  \
	X(forward_action, "the entry says drop")

enum drop_reason {
#define DROP_ENUM(name, help) DROP_##name,
	DROP_REASONS(DROP_ENUM)
#undef DROP_ENUM
		DROP_COUNT,
};

const char *drop_reason_name(enum drop_reason reason); /* "link_unknown"; "?" if out of range */
const char *drop_reason_help(enum drop_reason reason);
