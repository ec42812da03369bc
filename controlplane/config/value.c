/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define INTERFACE_NAME_MAX 15 /* IFNAMSIZ - 1 */
#define DEVICE_MAX         480
#define NUMBER_MAX         (INT64_C(1) << 42) /* larger than any range; its thousandfold fits */

static const char *const kinds[PORT_KIND_COUNT] = {
	[PORT_KERNEL] = "kernel:", [PORT_VDEV] = "vdev:", [PORT_PCI] = "pci:"};

static void store(const struct schema_row *row, void *field, int64_t value)
{
	if (row->type == SCHEMA_BOOL && row->size == sizeof(bool))
		*(bool *)field = value != 0;
	else if (row->size == sizeof(uint8_t))
		*(uint8_t *)field = (uint8_t)value;
	else if (row->size == sizeof(uint16_t))
		*(uint16_t *)field = (uint16_t)value;
	else if (row->size == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)value;
	else
		*(uint64_t *)field = (uint64_t)value;
}

int64_t value_number(const struct schema_row *row, const void *field)
{
	if (row->size == sizeof(uint8_t))
		return *(const uint8_t *)field;
	if (row->size == sizeof(uint16_t))
		return *(const uint16_t *)field;
	if (row->size == sizeof(uint32_t))
		return *(const uint32_t *)field;
	return *(const int64_t *)field;
}

static const struct schema_word *find_word(const struct schema_word *words, const char *text)
{
	for (; words != NULL && words->word != NULL; words++)
		if (strcmp(words->word, text) == 0)
			return words;
	return NULL;
}

/* 0 with the value in the field's unit; -EINVAL: not a number; -ERANGE. At most three digits behind the point. */
static int number_parse(const char *text, uint32_t scale, int64_t *value)
{
	const char *p = text;
	int64_t number = 0;
	uint32_t step = scale > 1 ? scale : 1;

	if (!isdigit((unsigned char)*p) || (p[0] == '0' && isdigit((unsigned char)p[1])))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		number = number * 10 + (*p - '0');
		if (number > NUMBER_MAX)
			number = NUMBER_MAX + 1; /* stays too large, whatever follows */
	}
	number *= step;
	if (*p == '.' && step > 1 && isdigit((unsigned char)p[1])) {
		for (p++; isdigit((unsigned char)*p); p++) {
			step /= 10;
			if (step == 0 && *p != '0')
				return -ERANGE;
			number += (*p - '0') * (int64_t)step;
		}
	}
	*value = number;
	return *p == '\0' ? 0 : -EINVAL;
}

static const char *parse_number(const struct schema_row *row, const char *text, bool plain, void *field)
{
	int64_t value;
	bool negative = text[0] == '-' && isdigit((unsigned char)text[1]);
	int error = number_parse(negative ? text + 1 : text, row->scale, &value);

	if (error == -ERANGE)
		return "more digits than the unit has";
	if (error != 0)
		return "not a number";
	if (!plain)
		return "text in quotes instead of a number";
	if (negative || value < row->min || value > row->max)
		return "out of range";
	store(row, field, value);
	return NULL;
}

static const char *parse_bool(const struct schema_row *row, const char *text, bool plain, void *field)
{
	bool value = strcmp(text, "true") == 0;

	if (!value && strcmp(text, "false") != 0)
		return "not a boolean";
	if (!plain)
		return "text in quotes instead of a boolean";
	store(row, field, value);
	return NULL;
}

static const char *parse_mode(const struct schema_row *row, const char *text, void *field)
{
	int64_t value = 0;

	if (strlen(text) < 3 || strlen(text) > 4 || strspn(text, "01234567") != strlen(text))
		return "not a file mode";
	for (; *text != '\0'; text++)
		value = value * 8 + (*text - '0');
	if (value > row->max)
		return "out of range";
	store(row, field, value);
	return NULL;
}

static bool has_control_character(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

static const char *parse_string(const struct schema_row *row, const char *text, void *field)
{
	size_t length = strlen(text);
	char *copy;

	if (row->words != NULL && find_word(row->words, text) == NULL)
		return "unknown word";
	if (length < (size_t)row->min || length > (size_t)row->max)
		return length == 0 ? "empty" : length > (size_t)row->max ? "too long" : "too short";
	if (has_control_character(text))
		return "has a control character";
	copy = strdup(text);
	if (copy == NULL)
		return "not enough memory";
	free(*(char **)field);
	*(char **)field = copy;
	return NULL;
}

static const char *parse_key(const struct schema_row *row, const char *text, uint8_t *field)
{
	uint8_t any = 0;

	if (strlen(text) != 2u * row->size || strspn(text, "0123456789abcdefABCDEF") != 2u * row->size)
		return "not such a key";
	for (unsigned i = 0; i < row->size; i++) {
		char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

		field[i] = (uint8_t)strtoul(digits, NULL, 16);
		any |= field[i];
	}
	return any != 0 ? NULL : "no key";
}

static void prefix_suggest(const struct config_prefix *found, char hint[SCHEMA_ALLOWED_MAX])
{
	struct in6_addr cut = found->address;
	char text[PREFIX_TEXT_MAX];

	for (unsigned bit = found->length; bit < 128; bit++)
		cut.s6_addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	snprintf(hint, SCHEMA_ALLOWED_MAX, "%s", prefix_format(&cut, found->length, text));
}

static const char *parse_prefix(
	const struct schema_row *row, const char *text, struct config_prefix *field, char hint[SCHEMA_ALLOWED_MAX])
{
	struct config_prefix prefix = {.line = field->line};
	int error = prefix_parse(text, &prefix.address, &prefix.length);

	if (error == -ERANGE && row->type == SCHEMA_PREFIX) {
		prefix_suggest(&prefix, hint);
		return "bits are set behind the prefix length";
	}
	if (error != 0 && error != -ERANGE)
		return row->type == SCHEMA_PREFIX ? "not an IPv6 prefix" : "not an IPv6 address with a prefix length";
	*field = prefix;
	return NULL;
}

static bool is_pci_address(const char *text)
{
	static const char shape[] = "xxxx:xx:xx.7";

	if (strlen(text) != strlen(shape))
		return false;
	for (unsigned i = 0; i < strlen(shape); i++) {
		bool fits = shape[i] == 'x'   ? isxdigit((unsigned char)text[i]) != 0
			    : shape[i] == '7' ? text[i] >= '0' && text[i] <= '7'
					      : text[i] == shape[i];

		if (!fits)
			return false;
	}
	return true;
}

static const char *parse_device(const char *text, struct config_port *port, char **field)
{
	const char *device = text;
	unsigned kind = 0;
	char *copy;

	while (kind < PORT_KIND_COUNT && strncmp(text, kinds[kind], strlen(kinds[kind])) != 0)
		kind++;
	if (kind == PORT_KIND_COUNT)
		return "unknown kind of device";
	device += strlen(kinds[kind]);
	if (strlen(device) > DEVICE_MAX)
		return "too long";
	if (kind == PORT_KERNEL &&
		(device[0] == '\0' || strlen(device) > INTERFACE_NAME_MAX || strpbrk(device, "/ \t\n:") != NULL ||
			strcmp(device, ".") == 0 || strcmp(device, "..") == 0))
		return "not the name of a network interface";
	if (kind == PORT_VDEV && (strncmp(device, "net_", 4) != 0 || !islower((unsigned char)device[4]) ||
					 has_control_character(device)))
		return "not the name of a network driver of DPDK";
	if (kind == PORT_PCI && !is_pci_address(device))
		return "not a PCI address";
	copy = strdup(device);
	if (copy == NULL)
		return "not enough memory";
	free(*field);
	*field = copy;
	port->kind = (enum port_kind)kind;
	return NULL;
}

static const char *parse_typed(const struct schema_row *row, const char *text, bool plain, void *base, void *field,
	char hint[SCHEMA_ALLOWED_MAX])
{
	switch (row->type) {
	case SCHEMA_NUMBER: return parse_number(row, text, plain, field);
	case SCHEMA_BOOL: return parse_bool(row, text, plain, field);
	case SCHEMA_MODE: return parse_mode(row, text, field);
	case SCHEMA_STRING: return parse_string(row, text, field);
	case SCHEMA_ADDRESS: return ip6_parse(text, field) == 0 ? NULL : "not an IPv6 address";
	case SCHEMA_PREFIX:
	case SCHEMA_INTERFACE: return parse_prefix(row, text, field, hint);
	case SCHEMA_MAC: return mac_parse(text, field) == 0 ? NULL : "not a MAC address";
	case SCHEMA_KEY: return parse_key(row, text, field);
	case SCHEMA_DEVICE: return parse_device(text, base, field);
	default: return "unknown word";
	}
}

const char *value_parse(const struct schema_row *row, const char *text, bool plain, void *base, void *field,
	char hint[SCHEMA_ALLOWED_MAX])
{
	const struct schema_word *word = find_word(row->words, text);

	schema_allowed(row, hint);
	if (plain && (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return "no value";
	if (word == NULL || row->type == SCHEMA_STRING)
		return parse_typed(row, text, plain, base, field, hint);
	store(row, field, word->value);
	return NULL;
}

static const char *number_format(const struct schema_row *row, int64_t value, char text[VALUE_TEXT_MAX])
{
	uint64_t mask = UINT64_MAX >> (64 - 8 * row->size);
	char number[SCHEMA_NUMBER_MAX];

	for (const struct schema_word *w = row->words; w != NULL && w->word != NULL; w++) {
		if (((uint64_t)w->value & mask) == (uint64_t)value) {
			snprintf(text, VALUE_TEXT_MAX, "%s", w->word);
			return text;
		}
	}
	snprintf(text, VALUE_TEXT_MAX, "%s", schema_format_number(row, value, number));
	return text;
}

const char *value_format(const struct schema_row *row, const void *base, const void *field, char text[VALUE_TEXT_MAX])
{
	const struct config_prefix *prefix = field;
	const struct config_port *port = base;
	int64_t number;

	text[0] = '\0';
	switch (row->type) {
	case SCHEMA_NUMBER:
	case SCHEMA_WORD: return number_format(row, value_number(row, field), text);
	case SCHEMA_BOOL:
		number = value_number(row, field);
		if (number > 1)
			return number_format(row, number, text);
		snprintf(text, VALUE_TEXT_MAX, "%s", number != 0 ? "true" : "false");
		break;
	case SCHEMA_MODE: snprintf(text, VALUE_TEXT_MAX, "%04" PRIo64, (uint64_t)value_number(row, field)); break;
	case SCHEMA_STRING:
		if (*(char *const *)field != NULL)
			snprintf(text, VALUE_TEXT_MAX, "%s", *(char *const *)field);
		break;
	case SCHEMA_ADDRESS: return ip6_format(field, text);
	case SCHEMA_PREFIX:
	case SCHEMA_INTERFACE: return prefix_format(&prefix->address, prefix->length, text);
	case SCHEMA_MAC: return mac_format(field, text);
	case SCHEMA_KEY: snprintf(text, VALUE_TEXT_MAX, VALUE_HIDDEN); break;
	case SCHEMA_DEVICE: snprintf(text, VALUE_TEXT_MAX, "%s%s", kinds[port->kind], port->device); break;
	default: break;
	}
	return text;
}
