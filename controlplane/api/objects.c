/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/objects.h"

#include <string.h>

#define NAME_OF(name, ...)            #name,
#define FILTER_VALUE_OF(n, value, h)  value,
#define FILTER_HELP_OF(n, v, help)    help,
#define OBJECT_FILTERS_OF(n, mask, h) (mask),
#define OBJECT_HELP_OF(n, mask, help) help,
#define COMMAND_HELP_OF(n, help)      help,
#define ERROR_WORD_OF(n, word, h)     word,
#define WORD(table, index)            ((unsigned)(index) < sizeof(table) / sizeof((table)[0]) ? (table)[index] : "?")

static const char *const filter_names[] = {FILTERS(NAME_OF)};
static const char *const filter_values[] = {FILTERS(FILTER_VALUE_OF)};
static const char *const filter_helps[] = {FILTERS(FILTER_HELP_OF)};
static const char *const object_names[] = {OBJECTS(NAME_OF)};
static const uint32_t object_masks[] = {OBJECTS(OBJECT_FILTERS_OF)};
static const char *const object_helps[] = {OBJECTS(OBJECT_HELP_OF)};
static const char *const command_names[] = {COMMANDS(NAME_OF)};
static const char *const command_helps[] = {COMMANDS(COMMAND_HELP_OF)};
static const char *const error_words[] = {API_ERRORS(ERROR_WORD_OF)};

const char *filter_name(enum filter_key key)
{
	return WORD(filter_names, key);
}

const char *filter_value(enum filter_key key)
{
	return WORD(filter_values, key);
}

const char *filter_help(enum filter_key key)
{
	return WORD(filter_helps, key);
}

const char *object_name(enum object object)
{
	return WORD(object_names, object);
}

const char *object_help(enum object object)
{
	return WORD(object_helps, object);
}

uint32_t object_filters(enum object object)
{
	return object < OBJECT_COUNT ? object_masks[object] : 0;
}

const char *command_name(enum command command)
{
	return WORD(command_names, command);
}

const char *command_help(enum command command)
{
	return WORD(command_helps, command);
}

const char *api_error_name(enum api_error error)
{
	return WORD(error_words, error);
}

static unsigned find(const char *const *names, unsigned count, const char *name)
{
	unsigned i;

	for (i = 0; i < count && strcmp(names[i], name) != 0; i++)
		;
	return i;
}

enum filter_key filter_find(const char *name)
{
	return (enum filter_key)find(filter_names, FILTER_COUNT, name);
}

enum object object_find(const char *name)
{
	return (enum object)find(object_names, OBJECT_COUNT, name);
}

enum command command_find(const char *name)
{
	return (enum command)find(command_names, COMMAND_COUNT, name);
}
