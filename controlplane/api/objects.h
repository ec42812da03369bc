/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The words of the control socket, once: objects that can be shown, filters, commands, errors. The server and
 * hawserctl (help, completion, usage errors) are both made from these lists.
 *
 * Threads: any, const.
 */
#define API_VERSION 1

/* X(name, value, help): value is what a person writes there */
#define FILTERS(X)                                                                                            \
	X(mn, "MN", "MN identifier; * stands for any characters, other octets than printable ASCII as \\xNN") \
	X(mac, "MAC", "link-layer address of the mobile node")                                                \
	X(peer, "PEER", "name or address of a configured peer")                                               \
	X(state, "STATE", "state as printed in the table")                                                    \
	X(prefix, "PREFIX", "prefixes inside this one; an address: the prefix that holds it")                 \
	X(port, "PORT", "name of a port")                                                                     \
	X(worker, "N", "only this worker; without it the sum of all")                                         \
	X(name, "NAME", "name as printed in the table; * stands for any characters")                          \
	X(all, "yes", "also rows whose count is zero")

enum filter_key {
#define FILTER_ENUM(name, value, help) FILTER_##name,
	FILTERS(FILTER_ENUM)
#undef FILTER_ENUM
		FILTER_COUNT,
};

#define FILTER_BIT(name) (1u << FILTER_##name)

/* X(name, filters, help) */
#define OBJECTS(X)                                                                                                \
	X(node, 0, "the gateway itself: role, addresses, uptime, sizes")                                          \
	X(bindings,                                                                                               \
		FILTER_BIT(mn) | FILTER_BIT(mac) | FILTER_BIT(peer) | FILTER_BIT(state) | FILTER_BIT(prefix) |    \
			FILTER_BIT(port),                                                                         \
		"registrations: binding cache of an LMA, binding update list of a MAG")                           \
	X(nodes,                                                                                                  \
		FILTER_BIT(mn) | FILTER_BIT(mac) | FILTER_BIT(peer) | FILTER_BIT(state) | FILTER_BIT(prefix) |    \
			FILTER_BIT(port),                                                                         \
		"mobile nodes, configured ones that are absent too, with their traffic")                          \
	X(tunnels, FILTER_BIT(peer), "tunnels with their users and traffic")                                      \
	X(peers, FILTER_BIT(name), "LMAs or MAGs we speak with: sessions, heartbeats, restarts")                  \
	X(ports, FILTER_BIT(port), "ports: device, queues and their workers, traffic, errors")                    \
	X(workers, FILTER_BIT(worker), "worker cores: loops, sleeps, updates, events")                            \
	X(stages, FILTER_BIT(worker) | FILTER_BIT(name), "stages of the pipeline: calls, packets, cycles")        \
	X(drops, FILTER_BIT(worker) | FILTER_BIT(name) | FILTER_BIT(all), "why packets were dropped")             \
	X(punts, FILTER_BIT(worker) | FILTER_BIT(name) | FILTER_BIT(all), "why packets went to the control core") \
	X(messages, FILTER_BIT(name) | FILTER_BIT(all), "signalling: messages by kind and by status")             \
	X(neighbours, FILTER_BIT(port) | FILTER_BIT(state) | FILTER_BIT(prefix),                                  \
		"next hops and their link-layer addresses")                                                       \
	X(routes, FILTER_BIT(port) | FILTER_BIT(prefix), "routes")                                                \
	X(pools, FILTER_BIT(name), "pools of home network prefixes (LMA)")                                        \
	X(events, FILTER_BIT(mn) | FILTER_BIT(name), "what happened to mobile nodes lately, oldest first")        \
	X(pairs, FILTER_BIT(mn) | FILTER_BIT(peer) | FILTER_BIT(state) | FILTER_BIT(prefix),                      \
		"route optimisation: pairs of mobile nodes and the paths between them")                           \
	X(pair_events, FILTER_BIT(mn) | FILTER_BIT(name) | FILTER_BIT(prefix),                                    \
		"what happened to pairs lately, oldest first")                                                    \
	X(config, 0, "configuration as it was read, with defaults")                                               \
	X(variables, FILTER_BIT(name), "protocol variables by their RFC names")

enum object {
#define OBJECT_ENUM(name, filters, help) OBJECT_##name,
	OBJECTS(OBJECT_ENUM)
#undef OBJECT_ENUM
		OBJECT_COUNT,
};

/* X(name, help) */
#define COMMANDS(X)                                                          \
	X(show, "rows of an object")                                         \
	X(attach, "attach a mobile node to an access link (MAG)")            \
	X(detach, "detach a mobile node (MAG)")                              \
	X(clear_binding, "remove the bindings of a mobile node (LMA)")       \
	X(clear_counters, "let all counters count from zero again")          \
	X(ro_start, "let a pair of mobile nodes talk direct (LMA)")          \
	X(ro_stop, "let a pair talk over the LMA again")                     \
	X(why, "why a mobile node is in the state it is in, and what to do") \
	X(why_pair, "why the packets of a pair take the path they take")

enum command {
#define COMMAND_ENUM(name, help) COMMAND_##name,
	COMMANDS(COMMAND_ENUM)
#undef COMMAND_ENUM
		COMMAND_COUNT,
};

/* X(NAME, word, help) */
#define API_ERRORS(X)                                                                             \
	X(MALFORMED, "malformed", "the line is not a request")                                    \
	X(TOO_LONG, "too-long", "the line is longer than a request may be")                       \
	X(VERSION, "version", "the version of the protocol is not served")                        \
	X(UNKNOWN_COMMAND, "unknown-command", "there is no such command")                         \
	X(UNKNOWN_OBJECT, "unknown-object", "there is no such object")                            \
	X(BAD_ARGUMENT, "bad-argument", "a filter or an argument is missing, unknown or wrong")   \
	X(NOT_FOUND, "not-found", "what was named is not there")                                  \
	X(WRONG_ROLE, "wrong-role", "this gateway does not play the role that the command needs") \
	X(REFUSED, "refused", "the gateway may not do it now; the message says why")              \
	X(BUSY, "busy", "too many clients, or too much under way")                                \
	X(INTERNAL, "internal", "no memory")

enum api_error {
#define API_ERROR_ENUM(name, word, help) API_ERROR_##name,
	API_ERRORS(API_ERROR_ENUM)
#undef API_ERROR_ENUM
		API_ERROR_COUNT,
};

/* Words: "?" if out of range. */
const char *filter_name(enum filter_key key);
const char *filter_value(enum filter_key key);
const char *filter_help(enum filter_key key);
const char *object_name(enum object object);
const char *object_help(enum object object);
uint32_t object_filters(enum object object); /* bits 1 << enum filter_key */
const char *command_name(enum command command);
const char *command_help(enum command command);
const char *api_error_name(enum api_error error);

/* The enumerator of @name, or the _COUNT of the list. */
enum filter_key filter_find(const char *name);
enum object object_find(const char *name);
enum command command_find(const char *name);
