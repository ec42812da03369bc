/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * config_generate DIRECTORY: write what config/ holds of the schema table. Run by the target config-docs.
 */
#include <stdio.h>

#include "config/config.h"

static int generate(const char *directory, const char *name, void (*write_to)(FILE *out))
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	out = fopen(path, "we");
	if (out == NULL) {
		perror(path);
		return 1;
	}
	write_to(out);
	if (fclose(out) == 0)
		return 0;
	perror(path);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: config_generate DIRECTORY\n", stderr);
		return 2;
	}
	return generate(argv[1], "schema.json", config_write_json_schema) |
	       generate(argv[1], "REFERENCE.md", config_write_reference);
}
