/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "cli/run.h"

#define DEADLINE_MS   20000
#define START_WALL_NS UINT64_C(1700000000000000000)

const char api_lma_yaml[] =
	"role: lma\n"
	"name: anchor\n"
	"control-socket: /run/hawser/x.sock\n"
	"state-directory: /var/lib/hawser\n"
	"dataplane: {control-core: 0, workers: [1, 2]}\n"
	"ports:\n"
	"  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:0:1::1/64'], mtu: 1500}\n"
	"  - {name: out0, device: 'kernel:eth1', side: outside, addresses: ['2001:db8:0:2::1/64']}\n"
	"routes:\n"
	"  - {prefix: '::/0', via: '2001:db8:0:2::ff'}\n"
	"peers:\n"
	"  - {name: mag1, address: '2001:db8:0:1::11', insecure: true}\n"
	"lma:\n"
	"  address: '2001:db8:0:1::1'\n"
	"  pools:\n"
	"    - {name: pool0, prefix: '2001:db8:1000::/48'}\n"
	"mobile-nodes:\n"
	"  - {id: mn1@example.com, prefixes: ['2001:db8:2000:1::/64']}\n";

const char api_mag_yaml[] =
	"role: mag\n"
	"name: mag1\n"
	"control-socket: /run/hawser/x.sock\n"
	"state-directory: /var/lib/hawser\n"
	"dataplane: {control-core: 0, workers: [1, 2]}\n"
	"ports:\n"
	"  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:0:1::11/64'], mtu: 1500}\n"
	"  - {name: acc0, device: 'kernel:eth1', side: access}\n"
	"  - {name: acc1, device: 'kernel:eth2', side: access, vlans: [10, 20]}\n"
	"peers:\n"
	"  - {name: lma1, address: '2001:db8:0:1::1', insecure: true}\n"
	"mag:\n"
	"  address: '2001:db8:0:1::11'\n"
	"mobile-nodes:\n"
	"  - {id: mn1@example.com, mac: '02:00:00:00:00:01'}\n";

static struct api_fixture *of(void *context)
{
	return context;
}

static void source_now(void *context, struct engine_time *now)
{
	*now = of(context)->now;
}

static void source_runtime(void *context, struct api_runtime *runtime)
{
	*runtime = (struct api_runtime){.mbufs_in_use = 4242, .transactions_pending = 3, .transactions_high = 1024};
}

static bool source_port(void *context, uint16_t port, struct port_view *view)
{
	const struct config *config = of(context)->config;

	if (port >= config->port_count)
		return false;
	*view = (struct port_view){
		.name = config->ports[port].name,
		.device = config->ports[port].device,
		.driver = "net_af_packet",
		.mac = {2, 0, 0, 0, 1, (uint8_t)port},
		.link_up = port != 1,
		.mtu_bytes = 1500,
		.rx_queues = 2,
		.tx_queues = 1,
		.rx_owner = {0, 1},
		.tx_owner = {0, UINT16_MAX},
		.spread = port == 1,
		.rx_missed = port,
	};
	return true;
}

static void source_object_counter(void *context, enum index_space space, uint32_t index,
	enum counter_direction direction, struct object_counter *sum)
{
	uint64_t packets =
		1000 * ((uint64_t)index + 1) + (space == INDEX_TUNNEL ? 500 : 0) + (direction == COUNTER_UP ? 1 : 2);

	*sum = (struct object_counter){packets, packets * 1280};
}

static void source_counter_clear(void *context, enum index_space space, uint32_t index)
{
	of(context)->counter_clears++;
}

static void note_mn(struct api_fixture *fixture, const struct mn_id *id)
{
	memcpy(fixture->mn, id->data, id->length);
	fixture->mn[id->length] = '\0';
}

static int source_attach(void *context, uint16_t link, const uint8_t mac[6])
{
	struct api_fixture *fixture = context;

	fixture->attaches++;
	fixture->link = link;
	memcpy(fixture->mac, mac, 6);
	return fixture->error;
}

static int source_detach(void *context, const struct mn_id *id)
{
	struct api_fixture *fixture = context;

	fixture->detaches++;
	note_mn(fixture, id);
	return fixture->error;
}

static int source_clear_binding(void *context, const struct mn_id *id, uint32_t *removed)
{
	struct api_fixture *fixture = context;

	fixture->clears++;
	note_mn(fixture, id);
	*removed = fixture->removed;
	return fixture->error;
}

static void *aligned_zero(size_t size)
{
	void *block = aligned_alloc(64, (size + 63) / 64 * 64);

	assert_non_null(block);
	memset(block, 0, size);
	return block;
}

void fixture_init(struct api_fixture *fixture, const char *yaml)
{
	memset(fixture, 0, sizeof(*fixture));
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/hawser-api-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/control.sock", fixture->directory);
	fixture->base = event_base_new();
	fixture->config = config_parse(yaml, strlen(yaml), "gateway.yaml", stderr);
	assert_non_null(fixture->config);
	fixture->policy = policy_create();
	fixture->events = events_create(256);
	fixture->door = aligned_zero(sizeof(*fixture->door));
	fixture->stats = aligned_zero(FIXTURE_WORKERS * sizeof(*fixture->stats));
	fixture->door->config.workers = FIXTURE_WORKERS;
	for (unsigned i = 0; i < FIXTURE_WORKERS; i++)
		fixture->door->worker[i].stats = &fixture->stats[i];
	fixture->now = (struct engine_time){5000000000, START_WALL_NS};
	fixture->options = (struct api_options){.path = fixture->path};
	fixture->sources = (struct api_sources){
		.config = fixture->config,
		.policy = fixture->policy,
		.door = fixture->door,
		.events = fixture->events,
		.started = {2000000000, START_WALL_NS - 3000000000},
		.restart_counter = 7,
		.tsc_hz = 2000000000,
		.context = fixture,
		.now = source_now,
		.runtime = source_runtime,
		.port = source_port,
		.object_counter = source_object_counter,
		.counter_clear = source_counter_clear,
		.attach = source_attach,
		.detach = source_detach,
		.clear_binding = source_clear_binding,
	};
}

void fixture_start(struct api_fixture *fixture)
{
	char error[256] = "";

	fixture->api = api_create(fixture->base, &fixture->sources, &fixture->options, error, sizeof(error));
	assert_string_equal(error, "");
	assert_non_null(fixture->api);
}

void fixture_fini(struct api_fixture *fixture)
{
	api_destroy(fixture->api);
	assert_int_equal(access(fixture->path, F_OK), -1);
	assert_int_equal(rmdir(fixture->directory), 0);
	event_base_free(fixture->base);
	free(fixture->stats);
	free(fixture->door);
	config_destroy(fixture->config);
	events_destroy(fixture->events);
	policy_destroy(fixture->policy);
}

/* ---- raw clients ---- */

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void fixture_turn(struct api_fixture *fixture)
{
	assert_true(event_base_loop(fixture->base, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
}

struct api_stats fixture_stats(const struct api_fixture *fixture)
{
	struct api_stats stats;

	api_stats(fixture->api, &stats);
	return stats;
}

int fixture_connect(struct api_fixture *fixture)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void fixture_write_bytes(int fd, const void *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

void fixture_write(int fd, const char *text)
{
	fixture_write_bytes(fd, text, strlen(text));
}

/* Wait until something can be read, with the server's loop running; what recv() says then. */
static ssize_t wait_read(struct api_fixture *fixture, int fd, char *bytes, size_t n, int flags)
{
	uint64_t deadline_ms = clock_ms() + DEADLINE_MS;
	ssize_t got;

	while ((got = recv(fd, bytes, n, MSG_DONTWAIT | flags)) < 0 && errno == EAGAIN) {
		fixture_turn(fixture);
		assert_true(clock_ms() < deadline_ms);
	}
	return got;
}

json_t *fixture_read(struct api_fixture *fixture, int fd)
{
	char *line = NULL, piece[4096], *end = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&line, &size);
	json_t *json;

	while (end == NULL) {
		ssize_t n = wait_read(fixture, fd, piece, sizeof(piece), MSG_PEEK);

		assert_true(n > 0);
		end = memchr(piece, '\n', (size_t)n);
		n = recv(fd, piece, end != NULL ? (size_t)(end - piece) + 1 : (size_t)n, 0);
		assert_true(n > 0);
		fwrite(piece, 1, (size_t)n, text);
	}
	fclose(text);
	json = json_loads(line, 0, NULL);
	assert_non_null(json);
	free(line);
	return json;
}

bool fixture_is_closed(struct api_fixture *fixture, int fd)
{
	char piece[4096];

	while (wait_read(fixture, fd, piece, sizeof(piece), 0) > 0)
		;
	return true;
}

/* ---- hawserctl ---- */

static char *file_text(FILE *file)
{
	char *text = NULL;
	size_t size = 0;

	rewind(file);
	if (getdelim(&text, &size, '\0', file) < 0 && text != NULL)
		text[0] = '\0';
	fclose(file);
	return text != NULL ? text : strdup("");
}

static void child_run(const struct api_fixture *fixture, const char *const *arguments, FILE *out, FILE *errors)
{
	char words[16][300];
	char *argv[18] = {words[0]};
	int argc = 1;

	snprintf(words[0], sizeof(words[0]), "hawserctl");
	for (; arguments[argc - 1] != NULL; argc++) {
		snprintf(words[argc], sizeof(words[0]), "%s", arguments[argc - 1]);
		argv[argc] = words[argc];
	}
	setenv("HAWSER_SOCKET", fixture->path, 0);
	dup2(fileno(errors), STDERR_FILENO);
	argc = cli_run(argc, argv, out);
	fflush(out);
	_exit(argc);
}

struct cli_result fixture_cli(struct api_fixture *fixture, const char *const *arguments)
{
	uint64_t deadline_ms = clock_ms() + DEADLINE_MS;
	FILE *out = tmpfile(), *errors = tmpfile();
	struct cli_result result;
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0)
		child_run(fixture, arguments, out, errors);
	while (waitpid(child, &status, WNOHANG) == 0) {
		fixture_turn(fixture);
		poll(NULL, 0, 1);
		assert_true(clock_ms() < deadline_ms);
	}
	assert_true(WIFEXITED(status));
	result.code = WEXITSTATUS(status);
	result.out = file_text(out);
	result.errors = file_text(errors);
	return result;
}

void cli_result_free(struct cli_result *result)
{
	free(result->out);
	free(result->errors);
}

void expect_cli(
	struct api_fixture *fixture, int code, const char *out, const char *message, const char *const *arguments)
{
	struct cli_result result = fixture_cli(fixture, arguments);

	assert_string_equal(result.out, out);
	if (strstr(result.errors, message) == NULL)
		assert_string_equal(result.errors, message);
	assert_int_equal(result.code, code);
	cli_result_free(&result);
}

unsigned fixture_rows(struct api_fixture *fixture, const char *const *arguments)
{
	struct cli_result result = fixture_cli(fixture, arguments);
	unsigned rows = 0;

	assert_string_equal(result.errors, "");
	assert_int_equal(result.code, 0);
	for (const char *p = result.out; (p = strchr(p, '\n')) != NULL; p++)
		rows++;
	cli_result_free(&result);
	return rows;
}

/* Every @old in @text by @new; a new block. Inlined, gcc at -O3 takes the block for its local pointer. */
static __attribute__((noinline)) char *replace_all(const char *text, const char *old, const char *new)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);
	const char *at;

	while ((at = strstr(text, old)) != NULL) {
		fprintf(out, "%.*s%s", (int)(at - text), text, new);
		text = at + strlen(old);
	}
	fputs(text, out);
	fclose(out);
	return result;
}

/* The number after @label and spaces becomes N. */
static void mask_number(char *text, const char *label)
{
	char *at = strstr(text, label), *end;

	if (at == NULL)
		return;
	at += strlen(label);
	at += strspn(at, " ");
	end = at + strspn(at, "0123456789.");
	memmove(at + 1, end, strlen(end) + 1);
	*at = 'N';
}

/* What differs from run to run, or with every change of a structure or a version. */
static char *mask(const char *out)
{
	char *text = replace_all(out, HAWSER_VERSION, "VERSION");

	mask_number(text, "\"pid\":");
	mask_number(text, "\nprocess ");
	mask_number(text, "\"engine_memory_bytes\":");
	mask_number(text, "\nengine memory ");
	mask_number(text, "\"pair_memory_bytes\":");
	mask_number(text, "\nmemory of pairs ");
	mask_number(text, "\"association\":");
	mask_number(text, "\nassociation ");
	return text;
}

static char *golden_read(const char *path)
{
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail_msg("no golden file %s (UPDATE_GOLDEN=1 makes it)", path);
	return file_text(file);
}

static void golden_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void expect_golden(struct api_fixture *fixture, const char *name, const char *const *arguments)
{
	struct cli_result result = fixture_cli(fixture, arguments);
	char path[512];
	char *text, *expected;

	assert_string_equal(result.errors, "");
	assert_int_equal(result.code, 0);
	assert_non_null(getenv("GOLDEN"));
	snprintf(path, sizeof(path), "%s/%s", getenv("GOLDEN"), name);
	text = mask(result.out);
	cli_result_free(&result);
	if (getenv("UPDATE_GOLDEN") != NULL)
		golden_write(path, text);
	expected = golden_read(path);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}
