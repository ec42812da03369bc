/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ip6_format(const struct in6_addr *address, char text[IP6_TEXT_MAX])
{
	if (inet_ntop(AF_INET6, address, text, IP6_TEXT_MAX) == NULL)
		text[0] = '\0'; /* cannot fail: the family is known and the buffer large enough */
	return text;
}

const char *prefix_format(const struct in6_addr *prefix, uint8_t length, char text[PREFIX_TEXT_MAX])
{
	size_t used;

	ip6_format(prefix, text);
	used = strlen(text);
	snprintf(text + used, PREFIX_TEXT_MAX - used, "/%u", length);
	return text;
}

const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_MAX])
{
	snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

const char *hex_format(const void *bytes, size_t n, char *text, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	size_t used = 0;

	if (size == 0)
		return text;
	for (size_t i = 0; i < n; i++) {
		if (used + 2 + (i + 1 < n ? 2 : 0) >= size) {
			if (used + 2 < size) {
				memcpy(text + used, "..", 2);
				used += 2;
			}
			break;
		}
		text[used++] = digits[p[i] >> 4];
		text[used++] = digits[p[i] & 15];
	}
	text[used] = '\0';
	return text;
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

const char *log_quote(const void *bytes, size_t n, char *text, size_t size)
{
	const uint8_t *p = bytes;
	bool quote = n == 0;
	size_t used = 0;

	if (size < 8) {
		if (size > 0)
			text[0] = '\0';
		return text;
	}
	for (size_t i = 0; i < n && !quote; i++)
		quote = !is_plain(p[i]);
	if (quote)
		text[used++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (used + 6 > size) /* the longest: \xNN, quote, end */
			break;
		if (p[i] == '"' || p[i] == '\\') {
			text[used++] = '\\';
			text[used++] = (char)p[i];
		} else if (p[i] >= ' ' && p[i] < 0x7f) {
			text[used++] = (char)p[i];
		} else {
			used += (size_t)snprintf(text + used, size - used, "\\x%02x", p[i]);
		}
	}
	if (quote)
		text[used++] = '"';
	text[used] = '\0';
	return text;
}

int ip6_parse(const char *text, struct in6_addr *address)
{
	return inet_pton(AF_INET6, text, address) == 1 ? 0 : -EINVAL;
}

static bool host_bits_are_zero(const struct in6_addr *prefix, uint8_t length)
{
	for (unsigned bit = length; bit < 128; bit++)
		if (prefix->s6_addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

int prefix_parse(const char *text, struct in6_addr *prefix, uint8_t *length)
{
	char address[IP6_TEXT_MAX];
	const char *slash = strchr(text, '/');
	char *end;
	unsigned long bits;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address) || !isdigit((unsigned char)slash[1]))
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || end - slash > 4 || bits > 128 || ip6_parse(address, prefix) != 0)
		return -EINVAL;
	*length = (uint8_t)bits;
	return host_bits_are_zero(prefix, *length) ? 0 : -ERANGE;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *text, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0)
			return -EINVAL;
		if (i < 5 ? text[2] != ':' && text[2] != '-' : text[2] != '\0')
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int prefix_contains(const struct in6_addr *prefix, uint8_t length, const struct in6_addr *address)
{
	unsigned whole = length / 8, rest = length % 8;

	if (memcmp(prefix, address, whole) != 0)
		return 0;
	return rest == 0 || (prefix->s6_addr[whole] ^ address->s6_addr[whole]) >> (8 - rest) == 0;
}

void ip6_link_local_from_mac(const uint8_t mac[6], struct in6_addr *address)
{
	const uint8_t bytes[16] = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 0x02, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};

	memcpy(address, bytes, sizeof(bytes));
}

void ip6_solicited_node(const struct in6_addr *address, struct in6_addr *group)
{
	static const uint8_t head[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};

	memcpy(group, head, sizeof(head));
	memcpy(&group->s6_addr[13], &address->s6_addr[13], 3);
}
