/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "bounds.h"

int refusal_set(struct refusal *refusal, enum api_error error, const char *format, ...)
{
	va_list arguments;

	refusal->error = error;
	va_start(arguments, format);
	vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
	va_end(arguments);
	for (char *p = refusal->message; *p != '\0'; p++) /* parts of requests stand in it */
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return -EINVAL;
}

const char *place_format(const struct walk_place *place, char text[PLACE_TEXT_MAX])
{
	snprintf(text, PLACE_TEXT_MAX, "%" PRIu32 ".%" PRIu64, place->phase, place->at);
	return text;
}

/* Decimal digits only, up to @max; moves @text past them. */
static bool digits(const char **text, uint64_t max, uint64_t *value)
{
	const char *p = *text;

	for (*value = 0; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (*value > (max - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

static bool place_parse(const char *text, struct walk_place *place)
{
	uint64_t phase, at;

	if (!digits(&text, UINT32_MAX, &phase) || *text++ != '.' || !digits(&text, UINT64_MAX - 1, &at) ||
		*text != '\0')
		return false;
	*place = (struct walk_place){(uint32_t)phase, at};
	return true;
}

bool pattern_is_exact(const char *pattern)
{
	return strchr(pattern, '*') == NULL;
}

bool pattern_match(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* An address without length stands for itself: 128 bits. */
static int prefix_or_address_parse(const char *text, struct filter *filter)
{
	if (strchr(text, '/') != NULL)
		return prefix_parse(text, &filter->prefix, &filter->prefix_length);
	filter->prefix_length = 128;
	return ip6_parse(text, &filter->prefix);
}

static bool worker_parse(const char *text, unsigned *worker)
{
	uint64_t value;

	if (!digits(&text, WORKERS_MAX - 1, &value) || *text != '\0')
		return false;
	*worker = (unsigned)value;
	return true;
}

static int filter_set(struct filter *filter, enum filter_key key, const char *text, struct refusal *refusal)
{
	bool good = true;

	filter->given |= 1u << key;
	switch (key) {
	case FILTER_mn: filter->mn = text; break;
	case FILTER_state: filter->state = text; break;
	case FILTER_name: filter->name = text; break;
	case FILTER_peer: filter->peer = text; break;
	case FILTER_port: filter->port = text; break;
	case FILTER_mac: good = mac_parse(text, filter->mac) == 0; break;
	case FILTER_prefix: good = prefix_or_address_parse(text, filter) == 0; break;
	case FILTER_worker: good = worker_parse(text, &filter->worker); break;
	case FILTER_all:
		filter->all = strcmp(text, "yes") == 0;
		good = filter->all || strcmp(text, "no") == 0;
		break;
	case FILTER_COUNT: good = false; break;
	}
	if (good)
		return 0;
	return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "filter %s: '%.60s' is no %s", filter_name(key), text,
		filter_value(key));
}

/* The names of a bit mask of filters, for a message. */
static void filter_names_format(uint32_t mask, char *text, size_t size)
{
	size_t n = 0;

	snprintf(text, size, "none");
	for (unsigned key = 0; key < FILTER_COUNT && n < size; key++)
		if (mask & 1u << key)
			n += (size_t)snprintf(text + n, size - n, "%s%s", n != 0 ? ", " : "", filter_name(key));
}

static int filter_parse(struct filter *filter, enum object object, json_t *given, struct refusal *refusal)
{
	uint32_t allowed = object_filters(object);
	char names[160];
	const char *name;
	json_t *value;

	if (!json_is_object(given))
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "filter has to be an object of strings");
	json_object_foreach(given, name, value)
	{
		enum filter_key key = filter_find(name);

		if (key == FILTER_COUNT || !(allowed & 1u << key)) {
			filter_names_format(allowed, names, sizeof(names));
			return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "%s has no filter '%.40s'; allowed: %s",
				object_name(object), name, names);
		}
		if (!json_is_string(value))
			return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "filter %s has to be a string", name);
		if (filter_set(filter, key, json_string_value(value), refusal) != 0)
			return -EINVAL;
	}
	return 0;
}

static int show_parse(struct request *request, struct refusal *refusal)
{
	const char *object = json_string_value(json_object_get(request->document, "object"));
	json_t *filter = json_object_get(request->document, "filter");
	json_t *limit = json_object_get(request->document, "limit");
	json_t *cursor = json_object_get(request->document, "cursor");

	if (object == NULL)
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "show needs an object, a string");
	request->object = object_find(object);
	if (request->object == OBJECT_COUNT)
		return refusal_set(refusal, API_ERROR_UNKNOWN_OBJECT, "there is no object '%.40s'", object);
	if (filter != NULL && filter_parse(&request->filter, request->object, filter, refusal) != 0)
		return -EINVAL;
	if (limit != NULL && (!json_is_integer(limit) || json_integer_value(limit) < 1))
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "limit has to be a positive integer");
	if (limit != NULL)
		request->limit = (uint64_t)json_integer_value(limit);
	if (cursor != NULL && (!json_is_string(cursor) || !place_parse(json_string_value(cursor), &request->start)))
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "cursor has to be one that an answer gave");
	return 0;
}

static int command_parse(struct request *request, struct refusal *refusal)
{
	const char *command = json_string_value(json_object_get(request->document, "command"));
	json_t *arguments = json_object_get(request->document, "arguments");

	if (command == NULL)
		return refusal_set(refusal, API_ERROR_MALFORMED, "a request needs a command, a string");
	request->command = command_find(command);
	if (request->command == COMMAND_COUNT)
		return refusal_set(refusal, API_ERROR_UNKNOWN_COMMAND, "there is no command '%.40s'", command);
	if (request->command == COMMAND_show)
		return show_parse(request, refusal);
	if (arguments != NULL && !json_is_object(arguments))
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "arguments has to be an object");
	request->arguments = arguments;
	return 0;
}

int request_parse(struct request *request, const char *line, size_t n, struct refusal *refusal)
{
	json_error_t error;
	json_t *version, *id;

	*request = (struct request){.limit = UINT64_MAX, .command = COMMAND_COUNT, .object = OBJECT_COUNT};
	request->document = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
	if (request->document == NULL)
		return refusal_set(
			refusal, API_ERROR_MALFORMED, "not JSON: %s at octet %d", error.text, error.position);
	if (!json_is_object(request->document))
		return refusal_set(refusal, API_ERROR_MALFORMED, "a request is a JSON object");
	id = json_object_get(request->document, "id");
	if (id != NULL && !json_is_integer(id) && !json_is_string(id) && !json_is_null(id))
		return refusal_set(refusal, API_ERROR_MALFORMED, "id has to be an integer or a string");
	request->id = id;
	version = json_object_get(request->document, "version");
	if (!json_is_integer(version))
		return refusal_set(refusal, API_ERROR_MALFORMED, "a request needs a version, an integer");
	if (json_integer_value(version) != API_VERSION)
		return refusal_set(refusal, API_ERROR_VERSION, "this gateway speaks version %d", API_VERSION);
	return command_parse(request, refusal);
}

void request_fini(struct request *request)
{
	json_decref(request->document);
	request->document = NULL;
	request->id = NULL;
	request->arguments = NULL;
}

const char *request_argument(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->arguments, name));
}
