/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/run.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/decode.h"

#define INTERVAL_S 2.0

enum { OPTION_ALL = 256, OPTION_COUNT, OPTION_LIMIT, OPTION_VERSION, OPTION_WIDE };

static const struct option options_long[] = {
	{"all", no_argument, NULL, OPTION_ALL},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"help", no_argument, NULL, 'h'},
	{"interval", required_argument, NULL, 'n'},
	{"json", no_argument, NULL, 'j'},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	{"socket", required_argument, NULL, 's'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"wide", no_argument, NULL, OPTION_WIDE},
	{NULL, 0, NULL, 0},
};

static void help(FILE *out)
{
	fprintf(out, "hawserctl [OPTIONS] COMMAND ...: look into a hawser gateway and operate it\n\nCommands:\n");
	for (const struct cli_command *command = cli_commands; command->name != NULL; command++)
		fprintf(out, "  %-14s %-26s %s\n", command->name, command->synopsis, command->help);
	fprintf(out, "  %-14s %-26s %s\n", "decode", "FILE.pcap [OPTIONS]", "Mobility Header messages of a capture");
	fprintf(out, "  %-14s %-26s %s\n", "completion", "", "print a script for bash-completion");
	fprintf(out,
		"\nOptions:\n"
		"  -s, --socket PATH    control socket (default $HAWSER_SOCKET, else " SOCKET_DEFAULT ")\n"
		"  -j, --json           one JSON object per line, for programs\n"
		"      --wide           all columns of a table\n"
		"      --all            also counters that are zero\n"
		"      --limit N        at most N rows\n"
		"  -n, --interval S     watch: seconds between two looks (default 2)\n"
		"      --count N        watch: end after N looks\n"
		"      --version        version of this program\n"
		"  -h, --help           help, also after a command\n"
		"\nExit codes: 0 done; 1 the gateway said no, or there is no such thing; 2 wrong usage; 3 cannot reach "
		"the gateway\n");
}

static void command_help(FILE *out, const struct cli_command *command, int argc, char **argv)
{
	if (command->run == watch_command)
		fprintf(out, "hawserctl watch OBJECT [FILTER=VALUE ...] [--interval S] [--count N]\n%s\n\n",
			command->help);
	if (command->run == show_command || command->run == watch_command) {
		show_help(out, argc > 0 ? argv[0] : NULL);
		return;
	}
	fprintf(out, "hawserctl %s %s\n%s\n", command->name, command->synopsis, command->help);
}

/* Of all commands whose name begins with that word: "ro", "clear". */
static int group_help(FILE *out, const char *word)
{
	size_t length = strlen(word);
	int found = 0;

	for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
		if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ')
			continue;
		command_help(out, command, 0, NULL);
		found++;
	}
	return found;
}

static int number_parse(const char *text, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && *value > 0 ? 0 : -EINVAL;
}

static int interval_parse(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && *end == '\0' && *value >= 0.1 && *value <= 86400 ? 0 : -EINVAL;
}

/* One option of getopt_long(); EXIT_DONE or EXIT_USAGE. */
static int option_take(struct cli_options *options, int option)
{
	switch (option) {
	case 'h': options->help = true; break;
	case 'j': options->json = true; break;
	case 's': options->socket = optarg; break;
	case OPTION_ALL: options->all = true; break;
	case OPTION_WIDE: options->wide = true; break;
	case OPTION_LIMIT: options->limit = optarg; break;
	case 'n':
		if (interval_parse(optarg, &options->interval_s) != 0)
			return usage_error("--interval needs seconds from 0.1 to 86400, not '%s'", optarg);
		break;
	case OPTION_COUNT:
		if (number_parse(optarg, &options->count) != 0)
			return usage_error("--count needs a positive number, not '%s'", optarg);
		break;
	case OPTION_VERSION: fprintf(options->out, "hawserctl %s\n", HAWSER_VERSION); exit(EXIT_DONE);
	default: return EXIT_USAGE; /* getopt_long() has said why */
	}
	return EXIT_DONE;
}

/* The command that the words begin with, and how many words its name has. */
static const struct cli_command *command_find(int argc, char **argv, int *words)
{
	for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
		const char *space = strchr(command->name, ' ');
		size_t first = space != NULL ? (size_t)(space - command->name) : strlen(command->name);

		*words = space != NULL ? 2 : 1;
		if (argc < *words || strlen(argv[0]) != first || memcmp(argv[0], command->name, first) != 0)
			continue;
		if (space == NULL || strcmp(argv[1], space + 1) == 0)
			return command;
	}
	return NULL;
}

static int command_run(const struct cli_options *options, int argc, char **argv)
{
	const struct cli_command *command;
	int words;

	if (argc == 0 && options->help) {
		help(options->out);
		return EXIT_DONE;
	}
	if (argc == 0) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (argc == 1 && strcmp(argv[0], "completion") == 0) {
		if (options->help)
			fputs("hawserctl completion\nprint a script for bash: source <(hawserctl completion)\n",
				options->out);
		else
			completion_print(options->out, options_long);
		return EXIT_DONE;
	}
	command = command_find(argc, argv, &words);
	if (command == NULL && argc == 1 && options->help && group_help(options->out, argv[0]) != 0)
		return EXIT_DONE;
	if (command == NULL && strcmp(argv[0], "clear") == 0)
		return usage_error("clear what? hawserctl clear binding NODE, or hawserctl clear counters");
	if (command == NULL && strcmp(argv[0], "ro") == 0)
		return usage_error("ro what? hawserctl ro start NODE NODE, or hawserctl ro stop NODE NODE");
	if (command == NULL)
		return usage_error("there is no command '%s'; see hawserctl --help", argv[0]);
	if (options->help) {
		command_help(options->out, command, argc - words, argv + words);
		return EXIT_DONE;
	}
	return command->run(command, options, argc - words, argv + words);
}

int cli_run(int argc, char **argv, FILE *out)
{
	const char *socket = getenv("HAWSER_SOCKET");
	struct cli_options options = {
		.socket = socket != NULL && socket[0] != '\0' ? socket : SOCKET_DEFAULT,
		.interval_s = INTERVAL_S,
		.out = out,
	};
	int option;

	/* decode has options of its own: it gets all that stands behind its name */
	if (argc > 1 && strcmp(argv[1], "decode") == 0)
		return decode_command(argc - 1, argv + 1, out, stderr);
	optind = 0;
	while ((option = getopt_long(argc, argv, "hjn:s:", options_long, NULL)) != -1)
		if (option_take(&options, option) != EXIT_DONE)
			return EXIT_USAGE;
	return command_run(&options, argc - optind, argv + optind);
}
