/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/objects.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/table.h"

/* `show OBJECT [FILTER=VALUE ...]` and `watch OBJECT ...`: the same, again and again. */

#define FLAT_KEY_MAX 256

bool print_json_row(FILE *out, const json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
	bool good = text != NULL && fprintf(out, "%s\n", text) >= 0;

	free(text);
	return good;
}

static void print_filters(FILE *out, enum object object)
{
	uint32_t mask = object_filters(object);

	if (mask != 0)
		fprintf(out, "\nFilters, each KEY=VALUE:\n");
	for (unsigned key = 0; key < FILTER_COUNT; key++)
		if (mask & 1u << key)
			fprintf(out, "  %s=%-*s %s\n", filter_name((enum filter_key)key),
				(int)(14 - strlen(filter_name((enum filter_key)key))),
				filter_value((enum filter_key)key), filter_help((enum filter_key)key));
}

static void print_columns(FILE *out, enum object object)
{
	fprintf(out, "\nColumns, and their keys with --json (which has more):\n");
	for (const struct column *column = object_columns(object); column->key != NULL; column++)
		fprintf(out, "  %-24s %s%s\n", column->title, column->key, column->wide ? "  (--wide)" : "");
}

void show_help(FILE *out, const char *object)
{
	enum object found = object != NULL ? object_find(object) : OBJECT_COUNT;

	if (found != OBJECT_COUNT) {
		fprintf(out, "hawserctl show %s: %s\n", object_name(found), object_help(found));
		print_filters(out, found);
		print_columns(out, found);
		return;
	}
	fprintf(out, "hawserctl show OBJECT [FILTER=VALUE ...] [--all] [--wide] [--limit N] [--json]\n\nObjects:\n");
	for (unsigned i = 0; i < OBJECT_COUNT; i++)
		fprintf(out, "  %-12s %s\n", object_name((enum object)i), object_help((enum object)i));
	fprintf(out, "\nFilters and columns: hawserctl show OBJECT --help\n");
}

/* ---- the request ---- */

static int filter_add(json_t *filter, enum object object, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[32];
	enum filter_key key;

	if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof(name))
		return usage_error("'%s' is no filter: filters are KEY=VALUE; see hawserctl show %s --help", text,
			object_name(object));
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	key = filter_find(name);
	if (key == FILTER_COUNT || !(object_filters(object) & 1u << key))
		return usage_error("show %s has no filter '%s'; see hawserctl show %s --help", object_name(object),
			name, object_name(object));
	if (json_object_set_new(filter, name, json_string(equals + 1)) != 0)
		return usage_error("the value of '%s' is no text", name);
	return EXIT_DONE;
}

static int limit_set(json_t *request, const char *text)
{
	char *end;
	long long limit;

	errno = 0;
	limit = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || limit < 1)
		return usage_error("--limit needs a positive number, not '%s'", text);
	return json_object_set_new(request, "limit", json_integer(limit)) == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* The request for argv = OBJECT FILTER... . EXIT_DONE with @request (the caller's), or an exit code. */
static int request_make(const struct cli_options *options, int argc, char **argv, enum object *object, json_t **request)
{
	json_t *filter = json_object();
	int result = EXIT_DONE;

	*object = argc > 0 ? object_find(argv[0]) : OBJECT_COUNT;
	*request = json_object();
	if (argc == 0)
		result = usage_error("show needs an object; see hawserctl show --help");
	else if (*object == OBJECT_COUNT)
		result = usage_error("there is no object '%s'; see hawserctl show --help", argv[0]);
	for (int i = 1; i < argc && result == EXIT_DONE; i++)
		result = filter_add(filter, *object, argv[i]);
	if (result == EXIT_DONE && options->all) {
		if (!(object_filters(*object) & FILTER_BIT(all)))
			result = usage_error("show %s has no --all: it always shows all", object_name(*object));
		else
			result = filter_add(filter, *object, "all=yes");
	}
	if (result == EXIT_DONE && options->limit != NULL)
		result = limit_set(*request, options->limit);
	if (result == EXIT_DONE && (json_object_set_new(*request, "command", json_string("show")) != 0 ||
					   json_object_set_new(*request, "object", json_string(argv[0])) != 0 ||
					   json_object_set(*request, "filter", filter) != 0))
		result = EXIT_REFUSED;
	json_decref(filter);
	if (result != EXIT_DONE) {
		json_decref(*request);
		*request = NULL;
	}
	return result;
}

/* ---- the answer ---- */

static bool flat_add(struct table *table, const char *key, json_t *value)
{
	json_t *row = json_pack("{s:s, s:O}", "key", key, "value", value);
	bool good = row != NULL && table_add(table, row);

	json_decref(row);
	return good;
}

/* Lay a value flat: "ports[0].name" and so on, one line each; lists of plain values stay in one. */
static bool flatten(struct table *table, const char *key, json_t *value)
{
	bool nested = json_is_array(value) && json_is_object(json_array_get(value, 0));
	char longer[FLAT_KEY_MAX];
	const char *name;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !nested)
		return flat_add(table, key, value);
	if (nested) {
		json_array_foreach(value, i, item)
		{
			snprintf(longer, sizeof(longer), "%s[%zu]", key, i);
			if (!flatten(table, longer, item))
				return false;
		}
		return true;
	}
	json_object_foreach(value, name, item)
	{
		snprintf(longer, sizeof(longer), "%s.%s", key, name);
		if (!flatten(table, longer, item))
			return false;
	}
	return true;
}

/* One piece of the configuration. */
static bool print_piece(struct table *table, json_t *row)
{
	const char *key = json_string_value(json_object_get(row, "key"));
	json_t *element = json_object_get(row, "element");
	char longer[FLAT_KEY_MAX];

	snprintf(longer, sizeof(longer), "%s", key != NULL ? key : "?");
	if (json_is_integer(element))
		snprintf(longer, sizeof(longer), "%s[%" JSON_INTEGER_FORMAT "]", key != NULL ? key : "?",
			json_integer_value(element));
	return flatten(table, longer, json_object_get(row, "value"));
}

struct printer {
	const struct cli_options *options;
	enum object object;
	struct table *table; /* NULL: JSON or a record */
};

static bool print_row(void *context, json_t *row)
{
	struct printer *printer = context;

	if (printer->options->json)
		return print_json_row(printer->options->out, row);
	if (printer->object == OBJECT_config)
		return print_piece(printer->table, row);
	if (printer->table != NULL)
		return table_add(printer->table, row);
	table_print_record(object_columns(printer->object), row, printer->options->out);
	return true;
}

static int show_once(struct remote *remote, const struct cli_options *options, enum object object, json_t *request)
{
	struct printer printer = {.options = options, .object = object};
	int result;

	if (!options->json && !object_is_record(object)) {
		printer.table = table_create(object_columns(object), options->wide, options->out);
		if (printer.table == NULL) {
			json_decref(request);
			return usage_error("no memory");
		}
	}
	result = remote_ask(remote, request, print_row, &printer);
	if (printer.table != NULL && result != EXIT_DONE)
		table_discard(printer.table);
	else if (printer.table != NULL && table_finish(printer.table) != 0)
		result = EXIT_REFUSED;
	return result;
}

int show_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	struct remote *remote;
	enum object object;
	json_t *request;
	int result = request_make(options, argc, argv, &object, &request);

	(void)command;
	if (result != EXIT_DONE)
		return result;
	remote = remote_open(options->socket);
	if (remote == NULL) {
		json_decref(request);
		return EXIT_UNREACHABLE;
	}
	result = show_once(remote, options, object, request);
	remote_close(remote);
	return result;
}

static void watch_title(const struct cli_options *options, int argc, char **argv)
{
	char at[32] = "";
	time_t now = time(NULL);
	struct tm parts;

	if (gmtime_r(&now, &parts) != NULL)
		strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (isatty(fileno(options->out)))
		fputs("\033[H\033[2J", options->out);
	fprintf(options->out, "every %gs:", options->interval_s);
	for (int i = 0; i < argc; i++)
		fprintf(options->out, " %s", argv[i]);
	fprintf(options->out, "   %s\n\n", at);
}

static void wait_for(double seconds)
{
	struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	nanosleep(&pause, NULL); /* cut short by a signal: shown earlier */
}

int watch_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	struct remote *remote;
	enum object object;
	json_t *request;
	int result = request_make(options, argc, argv, &object, &request);

	(void)command;
	if (result != EXIT_DONE)
		return result;
	remote = remote_open(options->socket);
	if (remote == NULL)
		result = EXIT_UNREACHABLE;
	for (unsigned long turn = 1; result == EXIT_DONE; turn++) {
		if (!options->json)
			watch_title(options, argc, argv);
		result = show_once(remote, options, object, json_copy(request));
		fflush(options->out);
		if (ferror(options->out) || turn == options->count)
			break;
		if (result == EXIT_DONE)
			wait_for(options->interval_s);
	}
	remote_close(remote);
	json_decref(request);
	return result;
}
