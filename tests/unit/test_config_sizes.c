/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration counts with is what the data plane takes: neither sees the other. */
#include "unit.h"

#include "config_texts.h"
#include "endpoint_table.h"
#include "pair_sketch.h"
#include "pair_table.h"
#include "port.h"
#include "sizes.h"

#define PORTS 3

static struct config_port ports[PORTS] = {{.kind = PORT_KERNEL, .mtu_bytes = 1500},
	{.kind = PORT_VDEV, .mtu_bytes = 1500}, {.kind = PORT_PCI, .mtu_bytes = 1500}};

static struct dataplane_port port_of(const struct config_port *port)
{
	static const enum dataplane_device kinds[] = {
		[PORT_KERNEL] = DATAPLANE_KERNEL, [PORT_VDEV] = DATAPLANE_VDEV, [PORT_PCI] = DATAPLANE_PCI};

	return (struct dataplane_port){.kind = kinds[port->kind],
		.queues = port->queues,
		.spread = port->spread,
		.mtu_bytes = port->mtu_bytes};
}

static void rings_of_ports_hold_what_the_data_plane_says(void **state)
{
	static const uint16_t queues[] = {0, 1, 2, 8};

	for (unsigned workers = 1; workers <= 4; workers++) {
		for (unsigned kind = 0; kind < PORTS; kind++) {
			for (unsigned i = 0; i < 4; i++) {
				struct config one = {.ports = &ports[kind], .port_count = 1};
				struct config none = one;
				struct dataplane_port port;

				ports[kind].queues = queues[i];
				port = port_of(&ports[kind]);
				one.dataplane.worker_count = none.dataplane.worker_count = workers;
				none.port_count = 0;
				assert_int_equal(config_mbufs_min(&one) - config_mbufs_min(&none),
					port_buffers_max(&port, workers));
			}
			ports[kind].queues = 0;
		}
	}
}

/* The pool is what is told, and larger than what can be held. */
static void pool_of_packet_buffers_is_as_large_as_told(void **state)
{
	for (unsigned run = 0; run < 64; run++) {
		struct dataplane_port same[PORTS];
		unsigned workers = 1 + run / 8;
		bool in_order = run % 2 != 0;
		struct config config = {.role = ROLE_MAG,
			.ports = ports,
			.port_count = PORTS,
			.dataplane.worker_count = workers,
			.ro = {.enabled = true, .in_order = in_order}};
		struct dataplane_config dataplane = {.role = DATAPLANE_MAG,
			.ports = same,
			.port_count = PORTS,
			.worker_count = workers,
			.hold_packets = in_order ? 256 : 0};
		uint64_t tables, bytes, one;

		assert_int_equal(config_wants_order(&config), in_order);
		for (unsigned i = 0; i < PORTS; i++) {
			ports[i].spread = i < run / 2 % 4;
			same[i] = port_of(&ports[i]);
		}
		config_memory(&config, &tables, &bytes);
		config.dataplane.mbufs = 1;
		config_memory(&config, &tables, &one);
		assert_int_equal(bytes / one, sizes_mbufs(&dataplane));
		assert_true(sizes_mbufs(&dataplane) > config_mbufs_min(&config));
	}
}

static uint64_t tables_of(bool enabled, bool detect, bool counters, uint32_t pairs)
{
	struct config config = {.role = ROLE_MAG,
		.dataplane.worker_count = 2,
		.ro = {.enabled = enabled, .detect = detect, .pair_counters = counters, .max_pairs = pairs}};
	uint64_t tables, mbufs;

	config_memory(&config, &tables, &mbufs);
	return tables;
}

static void pairs_are_counted_with_what_their_tables_take(void **state)
{
	const uint32_t pairs = 65536;
	uint64_t none = tables_of(false, true, true, pairs), all = tables_of(true, false, false, pairs) - none;
	uint64_t table = pair_table_memory_bytes(pairs * CONFIG_PAIR_ENTRIES);

	assert_int_equal(none, tables_of(false, false, false, 1));
	assert_in_range(all, table + pairs * UINT64_C(512), table + pairs * UINT64_C(700));
	assert_int_equal(tables_of(true, true, false, pairs) - none - all, 2 * sizeof(struct pair_sketch));
	assert_int_equal(tables_of(true, false, true, pairs) - none - all,
		2 * pairs * (uint64_t)COUNTER_DIRECTIONS * sizeof(struct object_counter));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_of_ports_hold_what_the_data_plane_says),
		cmocka_unit_test(pool_of_packet_buffers_is_as_large_as_told),
		cmocka_unit_test(pairs_are_counted_with_what_their_tables_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
