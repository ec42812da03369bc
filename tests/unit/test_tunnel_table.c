/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "tables_memory.h"
#include "tunnel_table.h"

#define CAPACITY 100

static struct reclaim reclaim;
static struct tunnel_table *table;

static int set_up(void **state)
{
	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(tunnel_table_create(CAPACITY, 5, &reclaim, &memory_libc, &table), 0);
	return 0;
}

static int tear_down(void **state)
{
	tunnel_table_destroy(table);
	reclaim_fini(&reclaim);
	return 0;
}

static struct in6_addr address(uint8_t net, uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, net, [12] = (uint8_t)(i >> 24),
					 [13] = (uint8_t)(i >> 16), [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};
}

static struct fwd_tunnel tunnel_of(uint32_t i)
{
	return (struct fwd_tunnel){
		.local = address(1, 0),
		.remote = address(2, i),
		.descriptor = INDEX_NONE,
		.mtu_bytes = 1460,
		.type = TUNNEL_IPV6_IN_IPV6,
		.use = TUNNEL_TO_MAG,
		.dscp_mode = DSCP_COPY,
		.hop_limit = 64,
	};
}

static union tunnel_key key_of(uint32_t i)
{
	return (union tunnel_key){.remote = address(2, i), .local = address(1, 0), .protocol = 41};
}

/* What the control core puts into the slab: Ethernet [with a tag], then IPv6. */
static struct tunnel_template template_of(const struct fwd_tunnel *tunnel, uint16_t port, bool vlan)
{
	struct tunnel_template template = {.length = vlan ? 58 : 54, .l3 = vlan ? 18 : 14, .port = port};
	uint8_t *outer = template.bytes + template.l3;

	for (uint8_t i = 0; i < template.l3; i++)
		template.bytes[i] = (uint8_t)(0xe0 + i);
	memcpy(outer, (const uint8_t[]){0x6f, 0xff, 0xff, 0xff, 0xff, 0xff, 41, 64}, 8);
	memcpy(outer + 8, &tunnel->local, 16);
	memcpy(outer + 24, &tunnel->remote, 16);
	return template;
}

static void whole_line_before_a_packet_is_its_outer_header(void **state)
{
	for (unsigned vlan = 0; vlan < 2; vlan++) {
		struct fwd_tunnel from = tunnel_of(vlan);
		struct tunnel_template template = template_of(&from, 3, vlan != 0);
		const struct tunnel *tunnel;
		uint8_t packet[TUNNEL_LINE + 4] = {0};

		from.flags = TUNNEL_RESOLVED;
		assert_int_equal(tunnel_table_insert(table, vlan, &from, &template), 0);
		tunnel = tunnel_table_lookup(table, vlan);
		assert_int_equal((uintptr_t)tunnel % 64, 0);
		memcpy(packet, tunnel, TUNNEL_LINE);
		assert_int_equal(tunnel->length, template.length);
		assert_memory_equal(packet + TUNNEL_LINE - template.length, template.bytes, template.l3);
		assert_memory_equal(packet + TUNNEL_LINE - 40, ((const uint8_t[]){0x60, 0, 0, 0, 0, 0, 41, 64}), 8);
		assert_memory_equal(packet + TUNNEL_LINE - 32, template.bytes + template.l3 + 8, 32);
		assert_int_equal(tunnel->port, 3);
		assert_int_equal(tunnel->mtu_bytes, 1460);
		assert_int_equal(tunnel->dscp, TUNNEL_DSCP_COPY);
	}
}

static void tunnel_without_a_template_is_known_but_sends_nothing(void **state)
{
	struct fwd_tunnel from = tunnel_of(5);
	union tunnel_key key = key_of(5);

	from.dscp_mode = DSCP_FIXED;
	from.dscp = 46;
	assert_int_equal(tunnel_table_insert(table, 9, &from, NULL), 0);
	assert_int_equal(tunnel_table_lookup(table, 9)->length, 0);
	assert_int_equal(tunnel_table_lookup(table, 9)->dscp, 46);
	assert_int_equal(tunnel_table_peer(table, &key)->tunnel, 9);
	assert_int_equal(tunnel_table_peer(table, &key)->use, TUNNEL_TO_MAG);
}

static void peer_is_found_by_all_of_its_key(void **state)
{
	struct fwd_tunnel from = tunnel_of(5);
	union tunnel_key key = key_of(5), other;

	assert_int_equal(tunnel_table_insert(table, 9, &from, NULL), 0);
	assert_non_null(tunnel_table_peer(table, &key));
	other = key;
	other.protocol = 4;
	assert_null(tunnel_table_peer(table, &other));
	other = key;
	other.key = 1;
	assert_null(tunnel_table_peer(table, &other));
	other = key;
	other.local = address(1, 1);
	assert_null(tunnel_table_peer(table, &other));
	other = (union tunnel_key){.remote = key.local, .local = key.remote, .protocol = 41};
	assert_null(tunnel_table_peer(table, &other));
}

static void replacement_keeps_index_and_peer_and_the_old_stays_readable(void **state)
{
	struct fwd_tunnel from = tunnel_of(1);
	struct tunnel_template template = template_of(&from, 2, false);
	const struct tunnel *old;
	union tunnel_key key = key_of(1);

	assert_int_equal(tunnel_table_insert(table, 4, &from, NULL), 0);
	old = tunnel_table_lookup(table, 4);
	from.flags = TUNNEL_RESOLVED;
	from.mtu_bytes = 1280;
	assert_int_equal(tunnel_table_replace(table, 4, &from, &template), 0);
	assert_int_equal(old->length, 0);
	assert_int_equal(old->mtu_bytes, 0);
	assert_int_equal(tunnel_table_lookup(table, 4)->length, 54);
	assert_int_equal(tunnel_table_lookup(table, 4)->mtu_bytes, 1280);
	assert_int_equal(tunnel_table_peer(table, &key)->tunnel, 4);
	assert_int_equal(tunnel_table_count(table), 1);
}

static void index_or_addresses_that_are_taken_are_refused(void **state)
{
	struct fwd_tunnel one = tunnel_of(1), two = tunnel_of(2);
	union tunnel_key key = key_of(2);

	assert_int_equal(tunnel_table_insert(table, 0, &one, NULL), 0);
	assert_int_equal(tunnel_table_insert(table, 0, &two, NULL), -EEXIST);
	assert_int_equal(tunnel_table_insert(table, 1, &one, NULL), -EEXIST);
	assert_null(tunnel_table_lookup(table, 1));
	assert_null(tunnel_table_peer(table, &key));
	assert_int_equal(tunnel_table_insert(table, CAPACITY, &two, NULL), -ENOSPC);
	assert_int_equal(tunnel_table_insert(table, INDEX_NONE, &two, NULL), -ENOSPC);
	assert_null(tunnel_table_peer(table, &key));
	assert_int_equal(tunnel_table_replace(table, 1, &two, NULL), -ENOENT);
	assert_int_equal(tunnel_table_remove(table, 1), -ENOENT);
	assert_int_equal(tunnel_table_remove(table, INDEX_NONE), -ENOENT);
	assert_int_equal(tunnel_table_insert(table, CAPACITY - 1, &two, NULL), 0);
}

static void replacement_cannot_make_another_tunnel_of_it(void **state)
{
	struct fwd_tunnel from = tunnel_of(1), other = tunnel_of(2);

	assert_int_equal(tunnel_table_insert(table, 0, &from, NULL), 0);
	assert_int_equal(tunnel_table_replace(table, 0, &other, NULL), -EINVAL);
	other = from;
	other.use = TUNNEL_TO_LMA;
	assert_int_equal(tunnel_table_replace(table, 0, &other, NULL), -EINVAL);
	assert_int_equal(tunnel_table_lookup(table, 0)->use, TUNNEL_TO_MAG);
}

static void malformed_tunnel_is_refused(void **state)
{
	struct fwd_tunnel good = tunnel_of(1), bad;
	struct tunnel_template template = template_of(&good, 0, false), wrong;

	bad = good;
	bad.type = TUNNEL_TYPE_COUNT;
	assert_int_equal(tunnel_table_insert(table, 0, &bad, NULL), -EINVAL);
	bad = good;
	bad.use = TUNNEL_USE_COUNT;
	assert_int_equal(tunnel_table_insert(table, 0, &bad, NULL), -EINVAL);
	bad = good;
	bad.dscp_mode = 2;
	assert_int_equal(tunnel_table_insert(table, 0, &bad, NULL), -EINVAL);
	bad.dscp_mode = DSCP_FIXED;
	bad.dscp = 64;
	assert_int_equal(tunnel_table_insert(table, 0, &bad, NULL), -EINVAL);
	bad = good;
	bad.remote = bad.local;
	assert_int_equal(tunnel_table_insert(table, 0, &bad, NULL), -EINVAL);
	assert_int_equal(tunnel_table_insert(table, 0, &good, &template), -EINVAL);
	good.flags = TUNNEL_RESOLVED;
	assert_int_equal(tunnel_table_insert(table, 0, &good, NULL), -EINVAL);
	wrong = template;
	wrong.length = 64;
	assert_int_equal(tunnel_table_insert(table, 0, &good, &wrong), -EINVAL);
	wrong = template;
	wrong.l3 = 200;
	assert_int_equal(tunnel_table_insert(table, 0, &good, &wrong), -EINVAL);
	wrong = template;
	wrong.port = PORTS_MAX;
	assert_int_equal(tunnel_table_insert(table, 0, &good, &wrong), -EINVAL);
	wrong = template;
	wrong.bytes[14 + 8]++; /* another tunnel's */
	assert_int_equal(tunnel_table_insert(table, 0, &good, &wrong), -EINVAL);
	assert_int_equal(tunnel_table_count(table), 0);
	assert_int_equal(tunnel_table_insert(table, 0, &good, &template), 0);
}

static void tunnel_in_use_is_not_removed(void **state)
{
	struct fwd_tunnel from = tunnel_of(1);
	union tunnel_key key = key_of(1);

	assert_int_equal(tunnel_table_insert(table, 7, &from, NULL), 0);
	tunnel_table_hold(table, 7);
	tunnel_table_hold(table, 7);
	tunnel_table_release(table, 7);
	assert_int_equal(tunnel_table_remove(table, 7), -EBUSY);
	assert_non_null(tunnel_table_lookup(table, 7));
	assert_non_null(tunnel_table_peer(table, &key));
	tunnel_table_release(table, 7);
	assert_int_equal(tunnel_table_remove(table, 7), 0);
	assert_null(tunnel_table_lookup(table, 7));
	assert_null(tunnel_table_peer(table, &key));
	assert_int_equal(tunnel_table_insert(table, 7, &from, NULL), 0);
}

static void bursts_equal_single_lookups(void **state)
{
	static const uint16_t sizes[] = {1, 63, 64};

	for (uint32_t i = 0; i < CAPACITY; i += 2) {
		struct fwd_tunnel from = tunnel_of(i);

		assert_int_equal(tunnel_table_insert(table, i, &from, NULL), 0);
	}
	for (unsigned s = 0; s < 3; s++) {
		const struct tunnel *tunnels[VECTOR_MAX];
		const struct tunnel_peer *peers[VECTOR_MAX];
		union tunnel_key keys[VECTOR_MAX];
		uint32_t indexes[VECTOR_MAX];
		uint16_t n = sizes[s], want = 0;

		for (uint16_t i = 0; i < n; i++) {
			indexes[i] = i % 9 == 8 ? INDEX_NONE : i * 3u;
			keys[i] = key_of(indexes[i]);
			want = (uint16_t)(want + (indexes[i] < CAPACITY && indexes[i] % 2 == 0));
		}
		assert_int_equal(tunnel_table_lookup_burst(table, indexes, n, tunnels), want);
		assert_int_equal(tunnel_table_peer_burst(table, keys, n, peers), want);
		for (uint16_t i = 0; i < n; i++) {
			assert_ptr_equal(tunnels[i], tunnel_table_lookup(table, indexes[i]));
			assert_ptr_equal(peers[i], tunnel_table_peer(table, &keys[i]));
			assert_int_equal(tunnels[i] != NULL, peers[i] != NULL);
			if (peers[i] != NULL)
				assert_int_equal(peers[i]->tunnel, indexes[i]);
		}
	}
}

static int make(struct reclaim *own, const struct memory *memory)
{
	struct tunnel_table *other;
	int error = tunnel_table_create(10, 0, own, memory, &other);

	if (error == 0)
		tunnel_table_destroy(other);
	return error;
}

static void creation_without_memory_leaves_nothing_behind(void **state)
{
	assert_true(expect_nothing_left(make) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_line_before_a_packet_is_its_outer_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			tunnel_without_a_template_is_known_but_sends_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(peer_is_found_by_all_of_its_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			replacement_keeps_index_and_peer_and_the_old_stays_readable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(index_or_addresses_that_are_taken_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replacement_cannot_make_another_tunnel_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_tunnel_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tunnel_in_use_is_not_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bursts_equal_single_lookups, set_up, tear_down),
		cmocka_unit_test(creation_without_memory_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
