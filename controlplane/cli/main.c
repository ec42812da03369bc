/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>

#include "cli/run.h"

int main(int argc, char **argv)
{
	int result;

	signal(SIGPIPE, SIG_DFL); /* | head ends us quietly, also if we were started with it ignored */
	result = cli_run(argc, argv, stdout);
	if (fflush(stdout) != 0 && result == 0)
		result = 1;
	return result;
}
