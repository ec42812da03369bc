/* SPDX-License-Identifier: BSD-3-Clause */
/* replay DIRECTORY: every file of a corpus through the harness. A harness that finds something aborts. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static int replay(const char *directory, const char *name)
{
	char path[4096];
	uint8_t *data = NULL;
	FILE *file;
	long size;
	int failed = -1;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (file == NULL)
		goto error;
	if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
		goto error;
	data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
		goto error;
	printf("%s\n", name);
	fflush(stdout); /* the last name is the one that aborted */
	LLVMFuzzerTestOneInput(size > 0 ? data : data + 1, (size_t)size);
	failed = 0;
error:
	if (failed)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	free(data);
	if (file != NULL)
		fclose(file);
	return failed;
}

int main(int argc, char **argv)
{
	unsigned files = 0, failed = 0;
	struct dirent *entry;
	DIR *directory;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	directory = opendir(argv[1]);
	if (directory == NULL) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		files++;
		if (replay(argv[1], entry->d_name) != 0)
			failed++;
	}
	closedir(directory);
	printf("%u files, %u not read\n", files, failed);
	return files == 0 || failed > 0;
}
