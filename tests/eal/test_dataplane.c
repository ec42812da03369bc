/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane from its start to its end as the daemon calls it, on vdevs: buffers come back, errors leave nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "dataplane.h"

#define WORKERS 2

static struct dataplane_port ports[] = {
	{.name = "core", .kind = DATAPLANE_VDEV, .device = "net_ring0", .side = DATAPLANE_CORE, .mtu_bytes = 1500},
	{.name = "outside",
		.kind = DATAPLANE_VDEV,
		.device = "net_ring1",
		.side = DATAPLANE_OUTSIDE,
		.mtu_bytes = 1500},
	{.name = "void",
		.kind = DATAPLANE_VDEV,
		.device = "net_null0,no-rx=1",
		.side = DATAPLANE_OUTSIDE,
		.mtu_bytes = 1500},
};

static struct dataplane_config config = {
	.role = DATAPLANE_LMA,
	.name = "test-dataplane",
	.workers = {0, 0},
	.worker_count = WORKERS,
	.hugepages = DATAPLANE_HUGEPAGES_OFF,
	.memory_mb = 512,
	.idle_sleep = true,
	.node_counters = true,
	.tunnel_counters = true,
	.ports = ports,
	.port_count = 3,
	.nodes_max = 100,
	.endpoints_max = 100,
	.tunnels_max = 10,
	.neighbours_max = 10,
	.routes_max = 10,
	.punts_per_s = 100,
	.punt_burst = 10,
	.source_punts_per_s = 10,
};

static struct dataplane *create(void)
{
	struct dataplane *dataplane;
	char error[256] = "";

	if (dataplane_create(&config, &dataplane, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	return dataplane;
}

static void start(struct dataplane *dataplane)
{
	char error[256] = "";

	if (dataplane_start(dataplane, error, sizeof(error)) != 0)
		fail_msg("%s", error);
}

static void each_queue_has_one_owner_and_single_queue_ports_are_shared_out(void **state)
{
	struct dataplane *dataplane = create();
	struct port_view view;
	unsigned owned[WORKERS] = {0};

	for (uint16_t port = 0; port < 3; port++) {
		unsigned queues = 0;

		assert_true(dataplane_port(dataplane, port, &view));
		assert_string_equal(view.name, ports[port].name);
		assert_int_equal(view.rx_queues, 1);
		assert_true(view.rx_owner[0] < WORKERS);
		owned[view.rx_owner[0]]++;
		for (unsigned w = 0; w < WORKERS; w++)
			queues += view.tx_owner[w] != UINT16_MAX;
		assert_int_equal(queues, view.tx_queues);
		assert_int_equal(view.tx_owner[dataplane_tx_worker(dataplane, port)], 0);
	}
	assert_int_equal(owned[0] + owned[1], 3);
	assert_true(owned[0] >= 1 && owned[1] >= 1);
	assert_false(dataplane_port(dataplane, 3, &view));
	dataplane_destroy(dataplane);
}

/* What is sent to a ring vdev comes back to it: a frame that is not ours keeps the worker busy for one turn. */
static void buffers_come_back_after_traffic(void **state)
{
	struct dataplane *dataplane = create();
	struct door *door = dataplane_door(dataplane);
	struct dataplane_leaks leaks;
	struct worker_stats stats;
	uint64_t end;

	start(dataplane);
	for (unsigned i = 0; i < 100; i++) {
		struct rte_mbuf *pkt = rte_pktmbuf_alloc(dataplane_mempool(dataplane));
		uint16_t port = (uint16_t)(i % 3);

		assert_non_null(pkt);
		memset(rte_pktmbuf_append(pkt, 60), 0x33, 60);
		*packet_meta(pkt) = (struct packet_meta){.stage = STAGE_tx, .port = port};
		assert_int_equal(door_inject(door, i % WORKERS, pkt), 0);
	}
	end = rte_get_timer_cycles() + 10 * rte_get_timer_hz();
	do {
		door_stats(door, &stats);
		assert_true(rte_get_timer_cycles() < end);
	} while (stats.ports[0].tx_packets + stats.ports[1].tx_packets + stats.ports[2].tx_packets < 100 ||
		 stats.drops[DROP_unknown_ethertype] < 67);
	dataplane_stop(dataplane, 1000, &leaks);
	assert_int_equal(leaks.before_close, leaks.after_start);
	assert_int_equal(leaks.after_close, 0);
	dataplane_destroy(dataplane);
}

/* Port 1's flows are shared out, with anybody to share them with. */
static void spread_is_in_effect_with_several_workers_only(void **state)
{
	struct dataplane *dataplane;
	struct port_view view;

	ports[1].spread = true;
	for (config.worker_count = 1; config.worker_count <= WORKERS; config.worker_count++) {
		dataplane = create();
		for (uint16_t port = 0; port < 3; port++) {
			assert_true(dataplane_port(dataplane, port, &view));
			assert_int_equal(view.spread, port == 1 && config.worker_count > 1);
		}
		dataplane_destroy(dataplane);
	}
	config.worker_count = WORKERS;
	buffers_come_back_after_traffic(state);
	ports[1].spread = false;
}

static void stop_and_destroy_work_at_every_stage(void **state)
{
	struct dataplane_leaks leaks;
	struct dataplane *dataplane = create();

	dataplane_stop(dataplane, 100, &leaks);
	dataplane_destroy(dataplane);
	dataplane = create();
	start(dataplane);
	dataplane_stop(dataplane, 100, &leaks);
	assert_int_equal(leaks.after_close, 0);
	dataplane_stop(dataplane, 100, NULL);
	dataplane_destroy(dataplane);
	dataplane = create();
	start(dataplane);
	dataplane_destroy(dataplane);
}

static void expect_error(const struct dataplane_config *wrong, const char *word)
{
	struct dataplane *dataplane = (void *)&dataplane;
	char error[256] = "";

	assert_true(dataplane_create(wrong, &dataplane, error, sizeof(error)) < 0);
	assert_null(dataplane);
	if (strstr(error, word) == NULL)
		fail_msg("\"%s\" does not name %s", error, word);
}

static void failure_at_each_step_names_its_cause_and_leaves_nothing(void **state)
{
	struct dataplane_port odd[3];
	struct dataplane_config wrong = config;
	struct dataplane_address address = {.port = 7};

	memcpy(odd, ports, sizeof(odd));
	wrong.ports = odd;
	wrong.mbufs = UINT32_MAX / 2;
	expect_error(&wrong, "buffers");
	wrong.mbufs = 0;
	odd[1].device = "net_nonsense0";
	expect_error(&wrong, "net_nonsense0");
	odd[1].kind = DATAPLANE_KERNEL;
	odd[1].device = "no-such-if";
	expect_error(&wrong, "no such interface");
	odd[1] = ports[1];
	wrong.addresses = &address;
	wrong.address_count = 1;
	expect_error(&wrong, "addresses");
	wrong.address_count = 0;
	wrong.endpoints_max = UINT32_C(1) << 30;
	expect_error(&wrong, "tables");
	wrong.endpoints_max = 100;
	wrong.worker_count = WORKERS_MAX + 1;
	expect_error(&wrong, "workers");
	/* Everything was given back: it can be had again. */
	dataplane_destroy(create());
}

static void cores_that_are_not_there_are_refused(void **state)
{
	struct dataplane_config wrong = config;
	char error[256] = "";

	wrong.workers[1] = 4000;
	assert_true(dataplane_eal_start(&wrong, error, sizeof(error)) < 0);
	assert_non_null(strstr(error, "4000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_queue_has_one_owner_and_single_queue_ports_are_shared_out),
		cmocka_unit_test(buffers_come_back_after_traffic),
		cmocka_unit_test(spread_is_in_effect_with_several_workers_only),
		cmocka_unit_test(stop_and_destroy_work_at_every_stage),
		cmocka_unit_test(failure_at_each_step_names_its_cause_and_leaves_nothing),
	};
	const struct CMUnitTest before[] = {cmocka_unit_test(cores_that_are_not_there_are_refused)};
	char error[256] = "";
	int failed = cmocka_run_group_tests(before, NULL, NULL);

	if (dataplane_eal_start(&config, error, sizeof(error)) != 0) {
		print_error("%s\n", error);
		return 1;
	}
	failed += cmocka_run_group_tests(tests, NULL, NULL);
	dataplane_eal_stop();
	return failed;
}
