/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/completion.h"

#include <string.h>

#include "api/objects.h"
#include "cli/commands.h"

/* The first words of all commands, each once: those of one begin follow each other or are the same word. */
static void print_first_words(FILE *out)
{
	const char *before = "";
	size_t n = 0;

	for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
		if (strcspn(command->name, " ") != n || strncmp(command->name, before, n) != 0)
			fprintf(out, "%.*s ", (int)strcspn(command->name, " "), command->name);
		before = command->name;
		n = strcspn(before, " ");
	}
	fputs("decode completion", out);
}

/* "clear) binding counters": what follows the first word of commands that have two. */
static void print_second_words(FILE *out)
{
	const char *before = "";
	size_t n = 0;

	for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
		const char *space = strchr(command->name, ' ');

		if (space == NULL)
			continue;
		if ((size_t)(space - command->name) == n && strncmp(command->name, before, n) == 0) {
			fprintf(out, " %s", space + 1);
			continue;
		}
		if (n != 0)
			fputs("\";;\n", out);
		before = command->name;
		n = (size_t)(space - command->name);
		fprintf(out, "\t%.*s) echo \"%s", (int)n, before, space + 1);
	}
	fputs("\";;\n", out);
}

static void print_filters(FILE *out)
{
	for (unsigned object = 0; object < OBJECT_COUNT; object++) {
		fprintf(out, "\t%s) echo \"", object_name((enum object)object));
		for (unsigned key = 0; key < FILTER_COUNT; key++)
			if (object_filters((enum object)object) & 1u << key)
				fprintf(out, "%s= ", filter_name((enum filter_key)key));
		fputs("\";;\n", out);
	}
}

static void print_options(FILE *out, const struct option *options, bool with_value)
{
	for (; options->name != NULL; options++)
		if (!with_value)
			fprintf(out, "--%s ", options->name);
		else if (options->has_arg == required_argument)
			fprintf(out, "|--%s", options->name);
}

void completion_print(FILE *out, const struct option *options)
{
	fputs("# bash completion of hawserctl, made by `hawserctl completion`\n", out);
	fputs("_hawserctl_second() {\n\tcase $1 in\n", out);
	print_second_words(out);
	fputs("\tshow|watch) echo \"", out);
	for (unsigned object = 0; object < OBJECT_COUNT; object++)
		fprintf(out, "%s ", object_name((enum object)object));
	fputs("\";;\n\tesac\n}\n_hawserctl_filters() {\n\tcase $1 in\n", out);
	print_filters(out);
	fputs("\tesac\n}\n"
	      "_hawserctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i words=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t-s|-n",
		out);
	print_options(out, options, true);
	fputs(") ((i++));;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) words+=(\"${COMP_WORDS[i]}\");;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
		out);
	print_options(out, options, false);
	fputs("\" -- \"$cur\"))\n"
	      "\telif ((${#words[@]} == 0)); then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
		out);
	print_first_words(out);
	fputs("\" -- \"$cur\"))\n"
	      "\telif [[ ${words[0]} == decode ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	      "\telif ((${#words[@]} == 1)); then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$(_hawserctl_second \"${words[0]}\")\" -- \"$cur\"))\n"
	      "\telif [[ ${words[0]} == show || ${words[0]} == watch ]] && [[ $cur != *=* ]]; then\n"
	      "\t\tcompopt -o nospace 2>/dev/null\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$(_hawserctl_filters \"${words[1]}\")\" -- \"$cur\"))\n"
	      "\tfi\n"
	      "}\n"
	      "complete -F _hawserctl hawserctl\n",
		out);
}
