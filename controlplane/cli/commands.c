/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

const struct cli_command cli_commands[] = {
	{"show", "OBJECT [FILTER=VALUE ...]", "show what the gateway has: bindings, nodes, ports, drops, ...",
		show_command},
	{"watch", "OBJECT [FILTER=VALUE ...]", "show, again every --interval seconds", watch_command},
	{"why", "NODE [NODE]",
		"why a mobile node is in its state, or why packets of two take their path; NODE: identifier, MAC or "
		"address",
		why_command},
	{"ro start", "NODE NODE", "let two mobile nodes talk direct (LMA); NODE: identifier, prefix or address",
		ro_start_command},
	{"ro stop", "NODE NODE", "let two mobile nodes talk over the LMA again", ro_stop_command},
	{"attach", "PORT[.VLAN]|LINK MAC", "attach a mobile node to an access link (MAG)", attach_command},
	{"detach", "NODE", "detach a mobile node (MAG)", detach_command},
	{"clear binding", "NODE", "remove the bindings of a mobile node (LMA)", clear_binding_command},
	{"clear counters", "", "let all counters count from zero again", clear_counters_command},
	{NULL, NULL, NULL, NULL},
};

int usage_error(const char *format, ...)
{
	va_list arguments;

	fputs("hawserctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* A request with up to two string arguments; a NULL value leaves one out. */
static json_t *request_make(
	const char *command, const char *name, const char *value, const char *name2, const char *value2)
{
	json_t *arguments = json_object();
	json_t *request = json_object();
	bool failed = value != NULL && json_object_set_new(arguments, name, json_string(value)) != 0;

	failed |= value2 != NULL && json_object_set_new(arguments, name2, json_string(value2)) != 0;
	failed |= json_object_set_new(request, "command", json_string(command)) != 0;
	failed |= json_object_set(request, "arguments", arguments) != 0;
	json_decref(arguments);
	if (!failed)
		return request;
	json_decref(request);
	return NULL;
}

struct answer {
	const struct cli_options *options;
	void (*print)(FILE *out, const json_t *row);
	unsigned rows;
};

static bool print_answer(void *context, json_t *row)
{
	struct answer *answer = context;

	if (answer->options->json)
		return print_json_row(answer->options->out, row);
	if (answer->rows++ != 0)
		fputc('\n', answer->options->out);
	answer->print(answer->options->out, row);
	return ferror(answer->options->out) == 0;
}

/* Ask and print every row; takes @request. */
static int ask(const struct cli_options *options, json_t *request, void (*print)(FILE *out, const json_t *row))
{
	struct answer answer = {options, print, 0};
	struct remote *remote;
	int result;

	if (request == NULL)
		return usage_error("an argument is no text");
	remote = remote_open(options->socket);
	if (remote == NULL) {
		json_decref(request);
		return EXIT_UNREACHABLE;
	}
	result = remote_ask(remote, request, print_answer, &answer);
	remote_close(remote);
	return result;
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

/* "attaching 02:00:00:00:00:01 on acc0", "detaching mn1", "cleared mn1: 1 binding", "cleared: 5 objects" */
static void print_result(FILE *out, const json_t *row)
{
	static const char *const keys[] = {"mac", "mn"};

	text_print_safe(out, text_of(row, "result"));
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (json_object_get(row, keys[i]) == NULL)
			continue;
		fputc(' ', out);
		text_print_safe(out, text_of(row, keys[i]));
	}
	if (json_object_get(row, "a") != NULL) {
		fputc(' ', out);
		text_print_safe(out, text_of(row, "a"));
		fputs(" - ", out);
		text_print_safe(out, text_of(row, "b"));
	}
	if (json_object_get(row, "port") != NULL) {
		fputs(" on ", out);
		text_print_safe(out, text_of(row, "port"));
	}
	if (json_is_integer(json_object_get(row, "vlan")))
		fprintf(out, ".%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(row, "vlan")));
	if (json_object_get(row, "removed") != NULL)
		fprintf(out, ": %" JSON_INTEGER_FORMAT " binding(s)",
			json_integer_value(json_object_get(row, "removed")));
	if (json_object_get(row, "objects") != NULL)
		fprintf(out, " counters of workers, ports and %" JSON_INTEGER_FORMAT " objects",
			json_integer_value(json_object_get(row, "objects")));
	fputc('\n', out);
}

static int arguments_check(const struct cli_command *command, int argc, int wanted)
{
	if (argc == wanted)
		return EXIT_DONE;
	return usage_error("usage: hawserctl %s %s", command->name, command->synopsis);
}

int attach_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	if (arguments_check(command, argc, 2) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("attach", "link", argv[0], "mac", argv[1]), print_result);
}

int detach_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	if (arguments_check(command, argc, 1) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("detach", "mn", argv[0], NULL, NULL), print_result);
}

int clear_binding_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	if (arguments_check(command, argc, 1) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("clear_binding", "mn", argv[0], NULL, NULL), print_result);
}

int clear_counters_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	(void)argv;
	if (arguments_check(command, argc, 0) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("clear_counters", NULL, NULL, NULL, NULL), print_result);
}

/* ---- why ---- */

static const struct column session_columns[] = {
	{.key = "prefixes", .title = "prefixes", .cell = CELL_LIST},
	{.key = "peer", .title = "peer", .cell = CELL_TEXT},
	{.key = "proxy_coa", .title = "proxy-CoA", .cell = CELL_TEXT},
	{.key = "lma", .title = "LMA", .cell = CELL_TEXT},
	{.key = "tunnel", .title = "tunnel", .cell = CELL_TEXT},
	{.key = "port", .title = "port", .cell = CELL_TEXT},
	{.key = "vlan", .title = "VLAN", .cell = CELL_TEXT},
	{.key = "mac", .title = "MAC", .cell = CELL_TEXT},
	{.key = "link_local", .title = "link-local address", .cell = CELL_TEXT},
	{.key = "handoff_indicator", .title = "handoff indicator", .cell = CELL_TEXT},
	{.key = "tries", .title = "PBUs sent", .cell = CELL_TEXT},
	{.key = "last_status", .title = "last status", .cell = CELL_TEXT, .suffix = "last_status_name"},
	{.key = "expires_in_ms", .title = "expires", .cell = CELL_DISTANCE},
	{.key = "next_event_in_ms", .title = "next event", .cell = CELL_DISTANCE},
	{.key = "last_seen_ago_ms", .title = "last seen", .cell = CELL_AGO},
	{.key = NULL},
};

/* @what: key of what happened. */
static void print_event(FILE *out, const json_t *event, const char *what)
{
	int64_t ago_ms = json_integer_value(json_object_get(event, "ago_ms"));
	char ago[TEXT_VALUE_MAX];

	fprintf(out, "  ");
	text_print_safe(out, text_of(event, "at"));
	fprintf(out, "  %11s  ", text_distance(ago_ms > 0 ? -ago_ms : -1, ago));
	text_print_safe(out, text_of(event, what));
	if (text_of(event, "detail")[0] != '\0') {
		fputs(": ", out);
		text_print_safe(out, text_of(event, "detail"));
	}
	fputc('\n', out);
}

static void print_advice(FILE *out, const json_t *row)
{
	json_t *item;
	size_t i;

	if (json_array_size(json_object_get(row, "advice")) != 0)
		fputs("what to do:\n", out);
	json_array_foreach(json_object_get(row, "advice"), i, item)
	{
		fputs("  - ", out);
		text_print_safe(out, json_is_string(item) ? json_string_value(item) : "");
		fputc('\n', out);
	}
}

static void print_why(FILE *out, const json_t *row)
{
	json_t *item;
	size_t i;

	text_print_safe(out, text_of(row, "mn"));
	fputs(" is ", out);
	text_print_safe(out, text_of(row, "state"));
	fputs(": ", out);
	text_print_safe(out, text_of(row, "meaning"));
	fputs("\n", out);
	table_print_record(session_columns, row, out);
	fputs("last events:\n", out);
	json_array_foreach(json_object_get(row, "events"), i, item) print_event(out, item, "text");
	if (json_array_size(json_object_get(row, "events")) == 0)
		fputs("  none\n", out);
	print_advice(out, row);
}

/* ---- why A B ---- */

static const struct column pair_columns[] = {
	{.key = "driver", .title = "driver", .cell = CELL_TEXT},
	{.key = "controller", .title = "controller", .cell = CELL_TEXT},
	{.key = "update", .title = "last update", .cell = CELL_TEXT},
	{.key = "step", .title = "step", .cell = CELL_TEXT},
	{.key = "association", .title = "association", .cell = CELL_TEXT},
	{.key = "stamp", .title = "stamp", .cell = CELL_TEXT},
	{.key = "lifetime_s", .title = "lifetime", .cell = CELL_SECONDS},
	{.key = "expires_in_ms", .title = "expires", .cell = CELL_DISTANCE},
	{.key = "deadline_in_ms", .title = "deadline", .cell = CELL_DISTANCE},
	{.key = "held_down_in_ms", .title = "held down until", .cell = CELL_DISTANCE},
	{.key = "up_packets", .title = "packets sent direct", .cell = CELL_TEXT},
	{.key = "down_packets", .title = "packets taken direct", .cell = CELL_TEXT},
	{.key = "last_failure", .title = "last failure", .cell = CELL_TEXT, .suffix = "last_failure_name"},
	{.key = NULL},
};

static const struct column side_columns[] = {
	{.key = "prefix", .title = "  prefix", .cell = CELL_TEXT},
	{.key = "ipv4_home", .title = "  IPv4 home address", .cell = CELL_TEXT},
	{.key = "session", .title = "  session here", .cell = CELL_TEXT},
	{.key = "mag", .title = "  MAG", .cell = CELL_TEXT},
	{.key = "lma", .title = "  LMA", .cell = CELL_TEXT},
	{.key = "tunnel", .title = "  tunnel", .cell = CELL_TEXT},
	{.key = "sends", .title = "  is sent direct from", .cell = CELL_YES},
	{.key = "takes", .title = "  is taken direct for", .cell = CELL_YES},
	{.key = "goes_back", .title = "  goes back to its LMA", .cell = CELL_YES},
	{.key = NULL},
};

/* "mn1 -> mn2: direct to mag2; why" */
static void print_direction(FILE *out, const json_t *direction)
{
	const char *path = text_of(direction, "path");

	text_print_safe(out, text_of(direction, "from"));
	fputs(" -> ", out);
	text_print_safe(out, text_of(direction, "to"));
	fputs(": ", out);
	text_print_safe(out, strcmp(path, "lma") == 0 ? "over the LMA" : path);
	if (text_of(direction, "via")[0] != '\0') {
		fputs(strcmp(path, "direct") == 0 ? " to " : strcmp(path, "local") == 0 ? " at " : " ", out);
		text_print_safe(out, text_of(direction, "via"));
	}
	fputs("; ", out);
	text_print_safe(out, text_of(direction, "why"));
	fputc('\n', out);
}

/* The columns that the row has, but those that are null. */
static void print_known(FILE *out, const struct column *columns, const json_t *row)
{
	json_t *known = json_object();

	for (const struct column *column = columns; column->key != NULL; column++) {
		json_t *value = json_object_get(row, column->key);

		if (value != NULL && !json_is_null(value))
			json_object_set(known, column->key, value);
		if (column->suffix != NULL && json_object_get(row, column->suffix) != NULL)
			json_object_set(known, column->suffix, json_object_get(row, column->suffix));
	}
	table_print_record(columns, known, out);
	json_decref(known);
}

static void print_why_pair(FILE *out, const json_t *row)
{
	json_t *item;
	size_t i;

	text_print_safe(out, text_of(row, "mn_a"));
	fputs(" - ", out);
	text_print_safe(out, text_of(row, "mn_b"));
	fputs(" is ", out);
	text_print_safe(out, text_of(row, "state"));
	fputs(": ", out);
	text_print_safe(out, text_of(row, "meaning"));
	fputc('\n', out);
	json_array_foreach(json_object_get(row, "directions"), i, item) print_direction(out, item);
	print_known(out, pair_columns, row);
	json_array_foreach(json_object_get(row, "sides"), i, item)
	{
		text_print_safe(out, text_of(item, "mn"));
		fputs(":\n", out);
		print_known(out, side_columns, item);
	}
	fputs("last events:\n", out);
	json_array_foreach(json_object_get(row, "events"), i, item) print_event(out, item, "event");
	if (json_array_size(json_object_get(row, "events")) == 0)
		fputs("  none\n", out);
	print_advice(out, row);
}

int why_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	if (argc == 2)
		return ask(options, request_make("why_pair", "a", argv[0], "b", argv[1]), print_why_pair);
	if (arguments_check(command, argc, 1) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("why", "mn", argv[0], NULL, NULL), print_why);
}

int ro_start_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	if (arguments_check(command, argc, 2) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("ro_start", "a", argv[0], "b", argv[1]), print_result);
}

int ro_stop_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv)
{
	if (arguments_check(command, argc, 2) != EXIT_DONE)
		return EXIT_USAGE;
	return ask(options, request_make("ro_stop", "a", argv[0], "b", argv[1]), print_result);
}
