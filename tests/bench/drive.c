/* SPDX-License-Identifier: BSD-3-Clause */
#include "drive.h"

#include <pcap.h>
#include <rte_ethdev.h>

#include "bench.h"
#include "rx.h"

#define FRAME_MAX   1600
#define DESCRIPTORS 512

int drive_write(const struct rig *rig, enum traffic_path path, const struct traffic_shape *shape, unsigned packets,
	const char *file)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	pcap_dumper_t *dumper = pcap != NULL ? pcap_dump_open(pcap, file) : NULL;
	uint8_t frame[FRAME_MAX] = {0};
	struct traffic traffic;

	if (dumper == NULL) {
		fprintf(stderr, "hawser-bench: %s: %s\n", file, pcap != NULL ? pcap_geterr(pcap) : "no memory");
		if (pcap != NULL)
			pcap_close(pcap);
		return -1;
	}
	traffic_init(&traffic, rig, path, shape);
	for (unsigned i = 0; i < packets; i++) {
		uint16_t length = traffic_next(&traffic, frame);
		struct pcap_pkthdr header = {.caplen = length, .len = length};

		pcap_dump((u_char *)dumper, &header, frame);
	}
	pcap_dump_close(dumper);
	pcap_close(pcap);
	return 0;
}

void drive_start(uint16_t ethdev, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};

	if (rte_eth_dev_configure(ethdev, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(ethdev, 0, DESCRIPTORS, 0, NULL, pool) != 0 ||
		rte_eth_tx_queue_setup(ethdev, 0, DESCRIPTORS, 0, NULL) != 0 || rte_eth_dev_start(ethdev) != 0)
		rig_die("the device does not start");
}

double drive_run(struct rig *rig, enum traffic_path path, unsigned ms)
{
	struct worker *worker = rig->worker[0];
	const struct worker_queue *queue = &worker->queues[traffic_paths[path].in];
	uint64_t packets = 0, start = bench_tsc(), end = start + rte_get_tsc_hz() / 1000 * ms, now;

	reclaim_reader_online(worker->reclaim, worker->reader);
	do {
		for (unsigned i = 0; i < 64; i++)
			packets += rx_queue_poll(worker, queue);
		reclaim_reader_quiescent(worker->reclaim, worker->reader);
		now = rte_rdtsc();
	} while (now < end);
	reclaim_reader_offline(worker->reclaim, worker->reader);
	return packets != 0 ? (double)(now - start) / (double)packets : 0;
}
