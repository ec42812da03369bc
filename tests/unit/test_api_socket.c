/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket as a server: the file, clients with and without manners, pages. */
#include "api_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

static struct api_fixture fixture;

static int setup(void **state)
{
	fixture_init(&fixture, api_lma_yaml);
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(&fixture);
	return 0;
}

static const char *error_code(const json_t *answer)
{
	const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	return code != NULL ? code : "";
}

/* One request, one answer line. */
static json_t *ask(int fd, const char *request)
{
	fixture_write(fd, request);
	return fixture_read(&fixture, fd);
}

static void expect_error(int fd, const char *request, const char *code)
{
	json_t *answer = ask(fd, request);

	assert_string_equal(error_code(answer), code);
	assert_non_null(json_string_value(json_object_get(json_object_get(answer, "error"), "message")));
	json_decref(answer);
}

#define SHOW_NODE "{\"version\":1,\"id\":1,\"command\":\"show\",\"object\":\"node\"}\n"

static void expect_served(int fd)
{
	json_t *answer = ask(fd, SHOW_NODE);
	json_t *row = json_array_get(json_object_get(answer, "rows"), 0);

	assert_string_equal(json_string_value(json_object_get(row, "role")), "lma");
	while (json_is_true(json_object_get(answer, "more"))) {
		json_decref(answer);
		answer = fixture_read(&fixture, fd);
	}

	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 1);
	assert_true(json_is_false(json_object_get(answer, "more")));
	json_decref(answer);
}

/* ---- the file ---- */

static void socket_has_the_mode_of_the_configuration(void **state)
{
	struct stat status;

	fixture.options.mode = 0600;
	fixture_start(&fixture);
	assert_int_equal(stat(fixture.path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void mode_is_0660_by_default(void **state)
{
	struct stat status;

	fixture_start(&fixture);
	assert_int_equal(stat(fixture.path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
}

static void socket_of_a_dead_process_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	expect_served(fd);
	close(fd);
}

static void expect_refused(const char *part)
{
	struct api_options options = fixture.options;
	char error[256] = "";

	assert_null(api_create(fixture.base, &fixture.sources, &options, error, sizeof(error)));
	assert_non_null(strstr(error, part));
	assert_non_null(strstr(error, "control socket"));
}

static void socket_of_a_living_process_is_refused_and_stays(void **state)
{
	char process[32];
	int fd;

	fixture_start(&fixture);
	snprintf(process, sizeof(process), "process %d ", (int)getpid());
	expect_refused(process);
	fd = fixture_connect(&fixture);
	expect_served(fd);
	close(fd);
}

static void file_that_is_no_socket_is_refused_and_stays(void **state)
{
	FILE *file = fopen(fixture.path, "w");

	fclose(file);
	expect_refused("there is a file of that name");
	assert_int_equal(unlink(fixture.path), 0);
}

static void path_that_is_too_long_is_refused(void **state)
{
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	fixture.options.path = path;
	expect_refused("longer than");
}

static void path_without_a_directory_is_refused(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/no/where/sock", fixture.directory);
	fixture.options.path = path;
	expect_refused("No such file");
}

static void missing_last_directory_is_made(void **state)
{
	char directory[100], path[128];

	snprintf(directory, sizeof(directory), "%s/run", fixture.directory);
	snprintf(path, sizeof(path), "%s/sock", directory);
	fixture.options.path = path;
	fixture_start(&fixture);
	assert_int_equal(access(path, F_OK), 0);
	api_destroy(fixture.api);
	fixture.api = NULL;
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(directory), 0);
}

/* Somebody removed our socket and put his in its place: it is not ours to remove. */
static void socket_of_somebody_else_is_not_removed_at_the_end(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fixture_start(&fixture);
	assert_int_equal(unlink(fixture.path), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	api_destroy(fixture.api);
	fixture.api = NULL;
	assert_int_equal(access(fixture.path, F_OK), 0);
	assert_int_equal(unlink(fixture.path), 0);
	close(fd);
}

/* ---- clients ---- */

static void several_clients_are_served_at_once(void **state)
{
	int fds[5];

	fixture_start(&fixture);
	for (unsigned i = 0; i < 5; i++)
		fds[i] = fixture_connect(&fixture);
	for (unsigned i = 0; i < 5; i++)
		fixture_write(fds[i], SHOW_NODE);
	for (unsigned i = 0; i < 5; i++) {
		json_t *answer = fixture_read(&fixture, fds[4 - i]);

		assert_string_equal(error_code(answer), "");
		json_decref(answer);
	}
	assert_int_equal(fixture_stats(&fixture).clients, 5);
	for (unsigned i = 0; i < 5; i++)
		close(fds[i]);
	while (fixture_stats(&fixture).clients != 0)
		fixture_turn(&fixture);
}

static void client_over_the_limit_is_told_and_disconnected(void **state)
{
	int first, second;
	json_t *answer;

	fixture.options.clients_max = 1;
	fixture_start(&fixture);
	first = fixture_connect(&fixture);
	expect_served(first);
	second = fixture_connect(&fixture);
	answer = fixture_read(&fixture, second);
	assert_string_equal(error_code(answer), "busy");
	json_decref(answer);
	assert_true(fixture_is_closed(&fixture, second));
	assert_int_equal(fixture_stats(&fixture).refused, 1);
	expect_served(first);
	close(first);
	close(second);
}

static void malformed_lines_are_answered_and_counted(void **state)
{
	static const char *const lines[] = {"nonsense\n", "{\n", "[]\n", "17\n", "\"show\"\n", "{}\n", "\xff\xfe\n",
		"{\"version\":\"1\",\"command\":\"show\"}\n", "{\"version\":1}\n",
		"{\"version\":1,\"id\":{},\"command\":\"show\"}\n",
		"{\"version\":1,\"version\":1,\"command\":\"show\"}\n"};
	unsigned count = sizeof(lines) / sizeof(lines[0]);
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	for (unsigned i = 0; i < count; i++)
		expect_error(fd, lines[i], "malformed");
	assert_int_equal(fixture_stats(&fixture).malformed, count);
	expect_served(fd);
	close(fd);
}

static void requests_that_cannot_be_are_refused_by_name(void **state)
{
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	expect_error(fd, "{\"version\":2,\"command\":\"show\"}\n", "version");
	expect_error(fd, "{\"version\":1,\"command\":\"dance\"}\n", "unknown-command");
	expect_error(fd, "{\"version\":1,\"command\":\"show\",\"object\":\"tea\"}\n", "unknown-object");
	expect_error(fd, "{\"version\":1,\"command\":\"attach\",\"arguments\":{}}\n", "wrong-role");
	expect_error(fd,
		"{\"version\":1,\"command\":\"show\",\"object\":\"bindings\",\"filter\":{\"state\":\"drunk\"}}\n",
		"bad-argument");
	expect_error(fd, "{\"version\":1,\"command\":\"show\",\"object\":\"ports\",\"filter\":{\"port\":\"nix\"}}\n",
		"not-found");
	expect_error(fd, "{\"version\":1,\"command\":\"show\",\"object\":\"drops\",\"filter\":{\"worker\":\"2\"}}\n",
		"not-found");
	assert_int_equal(fixture_stats(&fixture).errors, 7);
	assert_int_equal(fixture_stats(&fixture).malformed, 0);
	close(fd);
}

static void error_repeats_the_id_if_there_is_one(void **state)
{
	json_t *answer;
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	answer = ask(fd, "{\"version\":1,\"id\":\"seven\",\"command\":\"dance\"}\n");
	assert_string_equal(json_string_value(json_object_get(answer, "id")), "seven");
	json_decref(answer);
	answer = ask(fd, "nonsense\n");
	assert_true(json_is_null(json_object_get(answer, "id")));
	json_decref(answer);
	close(fd);
}

static void line_over_the_limit_is_skipped_to_its_end(void **state)
{
	char filler[3000];
	int fd;

	fixture.options.line_max_bytes = 1000;
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	memset(filler, ' ', sizeof(filler));
	fixture_write_bytes(fd, filler, sizeof(filler));
	expect_error(fd, "", "too-long");
	fixture_write_bytes(fd, filler, sizeof(filler));
	fixture_write(fd, "{}\n");
	expect_served(fd);
	assert_int_equal(fixture_stats(&fixture).malformed, 1);
	close(fd);
}

static void line_of_exactly_the_limit_is_served(void **state)
{
	char line[201];
	json_t *answer;
	int fd;

	fixture.options.line_max_bytes = 200;
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	memset(line, ' ', sizeof(line));
	memcpy(line, SHOW_NODE, strlen(SHOW_NODE) - 1);
	line[200] = '\n';
	fixture_write_bytes(fd, line, sizeof(line));
	answer = fixture_read(&fixture, fd);
	assert_string_equal(error_code(answer), "");
	json_decref(answer);
	close(fd);
}

static void request_in_single_octets_is_served(void **state)
{
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	for (const char *p = SHOW_NODE; p[1] != '\0'; p++) {
		fixture_write_bytes(fd, p, 1);
		fixture_turn(&fixture);
	}
	fixture_write(fd, "\n");
	json_decref(fixture_read(&fixture, fd));
	close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	for (unsigned i = 0; i < 50; i++) {
		char request[128];

		snprintf(request, sizeof(request),
			"\r\n\n{\"version\":1,\"id\":%u,\"command\":\"show\",\"object\":\"stages\"}\r\n", i);
		fixture_write(fd, request);
	}
	for (unsigned i = 0; i < 50; i++) {
		json_t *answer = fixture_read(&fixture, fd);

		assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
		json_decref(answer);
	}
	close(fd);
}

/* printf '...' | nc -NU: the writing side is closed before the answer comes, and the newline may be missing. */
static void client_that_only_listens_gets_all_answers(void **state)
{
	json_t *answer;
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	fixture_write(fd, SHOW_NODE "{\"version\":1,\"id\":2,\"command\":\"show\",\"object\":\"stages\"}");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	json_decref(fixture_read(&fixture, fd));
	answer = fixture_read(&fixture, fd);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 2);
	assert_int_equal(json_array_size(json_object_get(answer, "rows")), STAGE_COUNT);
	json_decref(answer);
	assert_true(fixture_is_closed(&fixture, fd));
	close(fd);
}

static void client_that_leaves_in_the_middle_is_forgotten(void **state)
{
	int fd;

	fixture.options.page_rows = 1;
	fixture.options.turn_us = 1;
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	fixture_write(fd,
		"{\"version\":1,\"id\":2,\"command\":\"show\",\"object\":\"drops\",\"filter\":{\"all\":\"yes\"}}\n");
	json_decref(fixture_read(&fixture, fd));
	close(fd);
	while (fixture_stats(&fixture).clients != 0)
		fixture_turn(&fixture);
}

#define SHOW_ALL_DROPS \
	"{\"version\":1,\"id\":3,\"command\":\"show\",\"object\":\"drops\",\"filter\":{\"all\":\"yes\"}}\n"

/* As many requests as a client can send without reading. */
static unsigned write_until_full(int fd)
{
	unsigned lines = 0;

	for (unsigned idle = 0; idle < 200; idle++) {
		while (send(fd, SHOW_ALL_DROPS, strlen(SHOW_ALL_DROPS), MSG_DONTWAIT | MSG_NOSIGNAL) ==
			(ssize_t)strlen(SHOW_ALL_DROPS)) {
			lines++;
			idle = 0;
		}
		fixture_turn(&fixture);
	}
	return lines;
}

static void client_that_does_not_read_is_stopped_then_disconnected(void **state)
{
	int slow, other;
	unsigned lines;

	fixture.options.output_high_bytes = 20000;
	fixture.options.stall_ms = 300;
	fixture_start(&fixture);
	slow = fixture_connect(&fixture);
	lines = write_until_full(slow);
	/* it stopped taking requests long before it answered all of them */
	assert_true(fixture_stats(&fixture).requests < lines);
	other = fixture_connect(&fixture);
	expect_served(other);
	while (fixture_stats(&fixture).stalled == 0)
		expect_served(other);
	assert_int_equal(fixture_stats(&fixture).clients, 1);
	close(slow);
	close(other);
}

static void slow_client_that_goes_on_reading_gets_everything(void **state)
{
	unsigned requests = 300, answers = 0;
	char *all = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&all, &size);
	int fd;

	fixture.options.output_high_bytes = 5000;
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	for (unsigned i = 0; i < requests; i++)
		fputs(SHOW_ALL_DROPS, text);
	fclose(text);
	fixture_write_bytes(fd, all, size);
	free(all);
	for (unsigned i = 0; i < 100; i++)
		fixture_turn(&fixture);
	while (answers < requests) {
		json_t *answer = fixture_read(&fixture, fd);

		assert_string_equal(error_code(answer), "");
		answers += json_is_false(json_object_get(answer, "more"));
		json_decref(answer);
	}
	assert_int_equal(fixture_stats(&fixture).stalled, 0);
	close(fd);
}

/* ---- pages ---- */

static void long_walk_comes_in_pages_of_the_given_size(void **state)
{
	unsigned rows = 0, lines = 0;
	bool more = true;
	int fd;

	fixture.options.page_rows = 7;
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	fixture_write(fd, SHOW_ALL_DROPS);
	while (more) {
		json_t *answer = fixture_read(&fixture, fd);
		size_t n = json_array_size(json_object_get(answer, "rows"));

		assert_int_equal(json_integer_value(json_object_get(answer, "id")), 3);
		assert_true(n <= 7);
		rows += (unsigned)n;
		lines++;
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
	}
	assert_int_equal(rows, DROP_COUNT);
	assert_true(lines >= DROP_COUNT / 7);
	close(fd);
}

static void cursor_of_a_limited_walk_goes_on_where_it_ended(void **state)
{
	char cursor[64] = "0.0", request[256];
	unsigned rows = 0;
	int fd;

	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	while (cursor[0] != '\0') {
		json_t *answer;
		size_t n, i;
		json_t *row;

		snprintf(request, sizeof(request),
			"{\"version\":1,\"command\":\"show\",\"object\":\"stages\",\"limit\":5,\"cursor\":\"%s\"}\n",
			cursor);
		answer = ask(fd, request);
		n = json_array_size(json_object_get(answer, "rows"));
		assert_true(n <= 5);
		json_array_foreach(json_object_get(answer, "rows"), i, row) assert_string_equal(
			json_string_value(json_object_get(row, "name")), stage_name((enum stage)(rows + i)));
		rows += (unsigned)n;
		snprintf(cursor, sizeof(cursor), "%s",
			n == 5 ? json_string_value(json_object_get(answer, "cursor")) : "");
		json_decref(answer);
	}
	assert_int_equal(rows, STAGE_COUNT);
	close(fd);
}

/* A walk that finds nothing to show goes on in a later turn too: packets and timers have theirs in between. */
static void walk_without_rows_ends_its_turn_when_the_time_is_over(void **state)
{
	const struct mn_id id = {1, 3, (const uint8_t *)"mn1"};
	unsigned turns = 0;
	char piece[256];
	int fd;

	for (unsigned i = 0; i < 256; i++)
		events_add(fixture.events, 1, &id, HISTORY_cleared, 0);
	fixture.options.turn_us = 1;
	fixture_start(&fixture);
	fd = fixture_connect(&fixture);
	fixture_write(fd,
		"{\"version\":1,\"id\":2,\"command\":\"show\",\"object\":\"events\",\"filter\":{\"name\":\"x\"}}\n");
	while (recv(fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_PEEK) < 0 && turns < 1000) {
		fixture_turn(&fixture);
		turns++;
	}
	assert_in_range(turns, 3, 999);
	json_decref(fixture_read(&fixture, fd));
	close(fd);
}

/* The budget of a turn bounds how long one client keeps the control core: others get their page in between. */
static void long_walk_of_one_client_does_not_hold_up_another(void **state)
{
	int big, small;
	json_t *answer;
	unsigned pages = 0;

	fixture.options.page_rows = 1;
	fixture.options.turn_us = 1;
	fixture_start(&fixture);
	big = fixture_connect(&fixture);
	small = fixture_connect(&fixture);
	expect_served(small);
	fixture_write(big, SHOW_ALL_DROPS);
	json_decref(fixture_read(&fixture, big));
	expect_served(small);
	do {
		answer = fixture_read(&fixture, big);
		pages++;
	} while (json_is_true(json_object_get(answer, "more")) && (json_decref(answer), true));
	json_decref(answer);
	assert_true(pages > 10);
	close(big);
	close(small);
}

int main(void)
{
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		SERVER_TEST(socket_has_the_mode_of_the_configuration),
		SERVER_TEST(mode_is_0660_by_default),
		SERVER_TEST(socket_of_a_dead_process_is_replaced),
		SERVER_TEST(socket_of_a_living_process_is_refused_and_stays),
		SERVER_TEST(file_that_is_no_socket_is_refused_and_stays),
		SERVER_TEST(path_that_is_too_long_is_refused),
		SERVER_TEST(path_without_a_directory_is_refused),
		SERVER_TEST(missing_last_directory_is_made),
		SERVER_TEST(socket_of_somebody_else_is_not_removed_at_the_end),
		SERVER_TEST(several_clients_are_served_at_once),
		SERVER_TEST(client_over_the_limit_is_told_and_disconnected),
		SERVER_TEST(malformed_lines_are_answered_and_counted),
		SERVER_TEST(requests_that_cannot_be_are_refused_by_name),
		SERVER_TEST(error_repeats_the_id_if_there_is_one),
		SERVER_TEST(line_over_the_limit_is_skipped_to_its_end),
		SERVER_TEST(line_of_exactly_the_limit_is_served),
		SERVER_TEST(request_in_single_octets_is_served),
		SERVER_TEST(pipelined_requests_are_answered_in_order),
		SERVER_TEST(client_that_only_listens_gets_all_answers),
		SERVER_TEST(client_that_leaves_in_the_middle_is_forgotten),
		SERVER_TEST(client_that_does_not_read_is_stopped_then_disconnected),
		SERVER_TEST(slow_client_that_goes_on_reading_gets_everything),
		SERVER_TEST(long_walk_comes_in_pages_of_the_given_size),
		SERVER_TEST(cursor_of_a_limited_walk_goes_on_where_it_ended),
		SERVER_TEST(walk_without_rows_ends_its_turn_when_the_time_is_over),
		SERVER_TEST(long_walk_of_one_client_does_not_hold_up_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
