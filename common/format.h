/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

/*
 * Text of addresses and values from outside, and back. Threads: any; the caller gives the buffer.
 */
#define IP6_TEXT_MAX    46 /* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_MAX 50
#define MAC_TEXT_MAX    18

/* Each writes a terminated string and returns @text. */
const char *ip6_format(const struct in6_addr *address, char text[IP6_TEXT_MAX]);
const char *prefix_format(const struct in6_addr *prefix, uint8_t length, char text[PREFIX_TEXT_MAX]);
const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_MAX]);
/* @n octets as hex, cut with ".." if @size does not suffice. */
const char *hex_format(const void *bytes, size_t n, char *text, size_t size);

/*
 * Quote what came from outside for a log line or a table: printable ASCII as it is, everything else \xNN, in double
 * quotes if it has a space, quote, backslash or '=' or is empty; cut to fit.
 */
const char *log_quote(const void *bytes, size_t n, char *text, size_t size);

/* 0 or -EINVAL. Nothing but the whole text is accepted. */
int ip6_parse(const char *text, struct in6_addr *address);
/* "2001:db8::/32": the host bits must be zero: -ERANGE if not. */
int prefix_parse(const char *text, struct in6_addr *prefix, uint8_t *length);
int mac_parse(const char *text, uint8_t mac[6]);

/* Does the prefix of @length bits contain @address? */
int prefix_contains(const struct in6_addr *prefix, uint8_t length, const struct in6_addr *address);

/* fe80:: with the modified EUI-64 of @mac (RFC 4291 appendix A): link-local address of a core or outside port. */
void ip6_link_local_from_mac(const uint8_t mac[6], struct in6_addr *address);
/* ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1). */
void ip6_solicited_node(const struct in6_addr *address, struct in6_addr *group);
