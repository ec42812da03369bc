/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "config_texts.h"

static void expect_lma(const char *old, const char *new, const char *expected)
{
	expect(lma_text, old, new, expected);
}

static void expect_mag(const char *old, const char *new, const char *expected)
{
	expect(mag_text, old, new, expected);
}

/* The same with lines added behind the first one. */
static void with_lma(const char *lines, const char *expected)
{
	char *head = text_replace("role: lma\n#", "#", lines);

	expect_lma("role: lma\n", head, expected);
	free(head);
}

static void with_mag(const char *lines, const char *expected)
{
	char *head = text_replace("role: mag\n#", "#", lines);

	expect_mag("role: mag\n", head, expected);
	free(head);
}

static void small_files_are_right(void **state)
{
	expect_lma("role: lma", "role: lma", "");
	expect_mag("role: mag", "role: mag", "");
}

static void value_of_the_wrong_type_is_told(void **state)
{
	expect_lma("role: lma", "role: ha", "f:1: role: ha: unknown word; allowed: lma or mag\n");
	with_lma("name:\n", "f:2: name: \"\": no value; allowed: text of 1..63 octets\n");
	with_lma("name: ~\n", "f:2: name: ~: no value; allowed: text of 1..63 octets\n");
	with_lma("name: ''\n", "f:2: name: \"\": empty; allowed: text of 1..63 octets\n");
	with_lma("name: [a]\n", "f:2: name: [...]: a list where a value belongs; allowed: text of 1..63 octets\n");
	with_lma("tunnel: 5\n", "f:2: tunnel: 5: a value where keys belong; allowed: keys and values\n");
	with_lma("tunnel: [5]\n", "f:2: tunnel: [...]: a list where keys belong; allowed: keys and values\n");
	with_lma("tunnel: {hop-limit: {a: 1}}\n",
		"f:2: tunnel.hop-limit: {...}: keys where a value belongs; allowed: 1..255\n");
	with_lma("tunnel: {hop-limit: 5x}\n", "f:2: tunnel.hop-limit: 5x: not a number; allowed: 1..255\n");
	with_lma("tunnel: {hop-limit: '5'}\n",
		"f:2: tunnel.hop-limit: 5: text in quotes instead of a number; allowed: 1..255\n");
	with_lma("tunnel: {hop-limit: 010}\n", "f:2: tunnel.hop-limit: 010: not a number; allowed: 1..255\n");
	with_lma("tunnel: {hop-limit: 5.0}\n", "f:2: tunnel.hop-limit: 5.0: not a number; allowed: 1..255\n");
	with_lma("tunnel: {dscp: cope}\n", "f:2: tunnel.dscp: cope: not a number; allowed: 0..63 or copy\n");
	with_lma("log-level: loud\n",
		"f:2: log-level: loud: unknown word; allowed: error, warning, notice, info or debug\n");
	with_lma("control-socket-mode: rw\n",
		"f:2: control-socket-mode: rw: not a file mode; allowed: 0000..0777 (octal)\n");
	with_lma("control-socket-mode: 0999\n",
		"f:2: control-socket-mode: 0999: not a file mode; allowed: 0000..0777 (octal)\n");
	with_lma("control-socket-mode: '1777'\n",
		"f:2: control-socket-mode: 1777: out of range; allowed: 0000..0777 (octal)\n");
	with_lma("dataplane: {idle-sleep: yes}\n",
		"f:2: dataplane.idle-sleep: yes: not a boolean; allowed: true or false\n");
	with_lma("dataplane: {idle-sleep: 'true'}\n",
		"f:2: dataplane.idle-sleep: true: text in quotes instead of a boolean; allowed: true or false\n");
	with_lma("dataplane: {workers: 1}\n", "f:2: dataplane.workers: 1: not a list; allowed: a list as in [a, b]\n");
	with_lma("dataplane: {workers: []}\n",
		"f:2: dataplane.workers: []: empty; allowed: a list with at least one item\n");
	expect_lma("    side: core\n", "    side: inside\n",
		"f:5: ports[0].side: inside: unknown word; allowed: core, access or outside\n");
	expect_lma("2001:db8:0:1::11", "2001:db8:0:1",
		"f:14: peers[0].address: 2001:db8:0:1: not an IPv6 address; allowed: an IPv6 address\n");
	expect_lma("2001:db8:0:1::1/64", "2001:db8:0:1::1",
		"f:6: ports[0].addresses[0]: 2001:db8:0:1::1: not an IPv6 address with a prefix length; allowed: an "
		"IPv6 address with a prefix length as in 2001:db8::1/64\n");
	expect_lma("2001:db8:1000::/48", "2001:db8:1000::/129",
		"f:18: lma.pools[0].prefix: 2001:db8:1000::/129: not an IPv6 prefix; allowed: an IPv6 prefix as in "
		"2001:db8::/32\n");
	expect_lma("02:00:00:00:00:01", "02:00:00:00:00",
		"f:22: mobile-nodes[0].mac: 02:00:00:00:00: not a MAC address; allowed: a MAC address as in "
		"02:00:00:00:00:01\n");
	expect_lma("    - {name: pool0, prefix: 2001:db8:1000::/48}\n", "    - pool0\n",
		"f:18: lma.pools[0]: pool0: a value where keys belong; allowed: keys and values\n");
	with_lma("variables: {HEARTBEAT_INTERVAL: 1.5}\n",
		"f:2: variables.HEARTBEAT_INTERVAL: 1.5: not a number; allowed: 1..3600 s\n");
	with_mag("variables: {INITIAL_BINDACK_TIMEOUT: 1.0005}\n",
		"f:2: variables.INITIAL_BINDACK_TIMEOUT: 1.0005: more digits than the unit has; allowed: 0.1..60 s\n");
	with_mag("mag: {access-technology: token-ring}\n",
		"f:2: mag.access-technology: token-ring: not a number; allowed: 1..255, virtual, ppp, ethernet, wlan, "
		"wimax, geran, utran or e-utran\n");
	with_lma("name: \"a\\tb\"\n",
		"f:2: name: \"a\\x09b\": has a control character; allowed: text of 1..63 octets\n");
}

static void value_out_of_range_is_told_with_the_range(void **state)
{
	with_lma("tunnel: {hop-limit: 0}\n", "f:2: tunnel.hop-limit: 0: out of range; allowed: 1..255\n");
	with_lma("tunnel: {hop-limit: 256}\n", "f:2: tunnel.hop-limit: 256: out of range; allowed: 1..255\n");
	with_lma("tunnel: {hop-limit: -1}\n", "f:2: tunnel.hop-limit: -1: out of range; allowed: 1..255\n");
	with_lma("tunnel: {dscp: 64}\n", "f:2: tunnel.dscp: 64: out of range; allowed: 0..63 or copy\n");
	with_lma("tunnel: {hop-limit: 99999999999999999999999}\n",
		"f:2: tunnel.hop-limit: 99999999999999999999999: out of range; allowed: 1..255\n");
	with_lma("dataplane: {workers: [1024]}\n", "f:2: dataplane.workers[0]: 1024: out of range; allowed: 0..1023\n");
	with_lma("dataplane: {memory-mb: 1}\n",
		"f:2: dataplane.memory-mb: 1: out of range; allowed: 16..1048576 MiB or auto\n");
	expect_lma("    side: core\n",
		"    side: core\n"
		"    mtu: 1279\n",
		"f:6: ports[0].mtu: 1279: out of range; allowed: 1280..9216 octets\n");
	expect_mag("[10, 20]", "[10, 4095]", "f:10: ports[1].vlans[1]: 4095: out of range; allowed: 1..4094\n");
	expect_mag("[10, 20]", "[0]", "f:10: ports[1].vlans[0]: 0: out of range; allowed: 1..4094\n");
	with_mag("variables: {INITIAL_BINDACK_TIMEOUT: 0.05}\n",
		"f:2: variables.INITIAL_BINDACK_TIMEOUT: 0.05: out of range; allowed: 0.1..60 s\n");
	with_lma("variables: {HEARTBEAT_INTERVAL: 3601}\n",
		"f:2: variables.HEARTBEAT_INTERVAL: 3601: out of range; allowed: 1..3600 s\n");
	with_mag("mag: {binding-lifetime: 262141}\n",
		"f:2: mag.binding-lifetime: 262141: out of range; allowed: 4..262140 s\n");
	with_mag("mag: {prefix-valid: 4294967296}\n",
		"f:2: mag.prefix-valid: 4294967296: out of range; allowed: 1..4294967295 s\n");
	with_lma("name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"f:2: name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: too long; allowed: text "
		"of 1..63 octets\n");
	with_lma("dataplane: {workers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, "
		 "23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33]}\n",
		"f:2: dataplane.workers: [...]: 33 items; allowed: at most 32\n");
}

static void unknown_key_is_told_with_the_nearest_known_one(void **state)
{
	with_lma("tunel: {hop-limit: 5}\n", "f:2: tunel: {...}: unknown key; the nearest known one is tunnel\n");
	with_lma("tunnel: {hop_limit: 5}\n",
		"f:2: tunnel.hop_limit: 5: unknown key; the nearest known one is hop-limit\n");
	with_lma("tunnel: {Hop-Limit: 5}\n",
		"f:2: tunnel.Hop-Limit: 5: unknown key; the nearest known one is hop-limit\n");
	with_lma("zzzzzzzz: 5\n", "f:2: zzzzzzzz: 5: unknown key; allowed: those in config/REFERENCE.md\n");
	with_lma("variables: {MinDelayBeforeBceDelete: 5}\n", "f:2: variables.MinDelayBeforeBceDelete: 5: unknown key; "
							      "the nearest known one is MinDelayBeforeBCEDelete\n");
	with_lma("x: [{y: 1}]\n", "f:2: x: [...]: unknown key; allowed: those in config/REFERENCE.md\n");
	expect_lma("    side: core\n", "    sides: core\n",
		"f:5: ports[0].sides: core: unknown key; the nearest known one is side\n"
		"f:3: ports[0].side: missing; allowed: core, access or outside\n");
	with_lma("<<: {name: x}\n", "f:2: <<: {...}: unknown key; allowed: those in config/REFERENCE.md\n");
	expect_mag("    mac: 02:", "    macs: 02:",
		"f:15: mobile-nodes[0].macs: 02:00:00:00:00:01: unknown key; the nearest known one is mac\n"
		"f:14: mobile-nodes[0].mac: missing; allowed: a MAC address as in 02:00:00:00:00:01\n");
}

static void missing_key_is_told(void **state)
{
	expect_lma("role: lma\n", "", "f:1: role: missing; allowed: lma or mag\n");
	expect_lma("  - name: core0\n"
		   "    device: kernel:eth0\n",
		"  - device: kernel:eth0\n", "f:3: ports[0].name: missing; allowed: text of 1..63 octets\n");
	expect_lma("    device: kernel:eth0\n", "",
		"f:3: ports[0].device: missing; allowed: kernel:INTERFACE, vdev:net_DRIVER,ARGUMENTS or "
		"pci:DDDD:BB:DD.F\n");
	expect_lma("prefix: '::/0', ", "",
		"f:12: routes[0].prefix: missing; allowed: an IPv6 prefix as in 2001:db8::/32\n");
	expect_lma(", via: 2001:db8:0:2::ff", "", "f:12: routes[0].via: missing; allowed: an IPv6 address\n");
	expect_mag("peers:\n"
		   "  - {name: lma1, address: 2001:db8:0:1::1, insecure: true}\n",
		"", "f:1: peers: missing; allowed: a list with at least one item\n");
	expect_mag("  - {name: lma1, address: 2001:db8:0:1::1, insecure: true}\n", "  []\n",
		"f:12: peers: []: empty; allowed: a list with at least one item\n");
	expect_mag("    mac: 02:00:00:00:00:01\n", "",
		"f:14: mobile-nodes[0].mac: missing; allowed: a MAC address as in 02:00:00:00:00:01\n");
	expect_mag("  - id: mn1@example.com\n"
		   "    mac",
		"  - mac", "f:14: mobile-nodes[0].id: missing; allowed: text of 1..254 octets\n");
}

static void key_that_stands_twice_is_told(void **state)
{
	with_lma("role: lma\n", "f:2: role: lma: the key stands twice; first in line 1\n");
	expect_lma("    side: core\n",
		"    side: core\n"
		"    side: outside\n",
		"f:6: ports[0].side: outside: the key stands twice; first in line 5\n");
	with_lma("tunnel: {dscp: 1, dscp: 2}\n", "f:2: tunnel.dscp: 2: the key stands twice; first in line 2\n");
	expect_lma("    pool: pool1\n",
		"    pool: pool1\n"
		"    pool: pool0\n",
		"f:27: mobile-nodes[1].pool: pool0: the key stands twice; first in line 26\n");
}

static void key_of_the_other_role_is_told(void **state)
{
	with_lma("mag: {max-nodes: 5}\n", "f:2: mag: {...}: a key of the other role; allowed with role: mag\n");
	with_mag("lma: {}\n", "f:2: lma: {}: a key of the other role; allowed with role: lma\n");
	with_mag("variables: {MinDelayBeforeBCEDelete: 5}\n",
		"f:2: variables.MinDelayBeforeBCEDelete: 5: a key of the other role; allowed with role: lma\n");
	expect_lma("    pool: pool1\n", "    lma: mag1\n",
		"f:26: mobile-nodes[1].lma: mag1: a key of the other role; allowed with role: mag\n");
	with_mag("unknown-nodes: profile\n"
		 "default-profile: {pool: a}\n",
		"f:3: default-profile.pool: a: a key of the other role; allowed with role: lma\n");
}

static void name_that_is_nowhere_is_told(void **state)
{
	expect_lma("pool: pool1", "pool: pool7",
		"f:26: mobile-nodes[1].pool: pool7: no pool has this name; allowed: a name under lma.pools\n");
	expect_lma("[mag1, mag2]", "[mag1, mag7]",
		"f:27: mobile-nodes[1].mags[1]: mag7: no MAG has this name; allowed: a name under peers\n");
	expect_mag("    mac: 02:00:00:00:00:01\n",
		"    mac: 02:00:00:00:00:01\n"
		"    lma: lma7\n",
		"f:16: mobile-nodes[0].lma: lma7: no LMA has this name; allowed: a name under peers\n");
	with_mag("unknown-nodes: profile\n"
		 "default-profile: {lma: lma7}\n",
		"f:3: default-profile.lma: lma7: no LMA has this name; allowed: a name under peers\n");
	with_lma("unknown-nodes: profile\n"
		 "default-profile: {pool: p, mags: [m]}\n",
		"f:3: default-profile.pool: p: no pool has this name; allowed: a name under lma.pools\n"
		"f:3: default-profile.mags[0]: m: no MAG has this name; allowed: a name under peers\n");
	expect_lma("via: 2001:db8:0:2::ff", "via: 2001:db8:0:2::ff, port: out7",
		"f:12: routes[0].port: out7: no port has this name; allowed: a name under ports\n");
}

static void mobile_node_that_stands_twice_is_told(void **state)
{
	expect_lma("mn2@example.com", "mn1@example.com",
		"f:24: mobile-nodes[1].id: mn1@example.com: a mobile node twice; first in line 21\n");
	expect_lma("mac: 02:00:00:00:00:02", "mac: 02-00-00-00-00-01",
		"f:25: mobile-nodes[1].mac: 02-00-00-00-00-01: a MAC address twice; first in line 21\n");
	expect_lma("    pool: pool1\n", "    prefixes: ['fd00:0:0:2::/64', 'fd00:0:0:1::/64']\n",
		"f:26: mobile-nodes[1].prefixes[1]: fd00:0:0:1::/64: a prefix twice; mn1@example.com in line 23 has "
		"it\n");
	expect_lma("prefixes: [fd00:0:0:1::/64]", "prefixes: [fd00:0:0:1::/64, 'fd00:0:0:1::/64']",
		"f:23: mobile-nodes[0].prefixes[1]: fd00:0:0:1::/64: a prefix twice; mn1@example.com in line 23 has "
		"it\n");
}

static void mobile_node_that_cannot_be_served_is_told(void **state)
{
	expect_lma("[fd00:0:0:1::/64]", "[fd00:0:0:1::/63]",
		"f:23: mobile-nodes[0].prefixes[0]: fd00:0:0:1::/63: bits are set behind the prefix length; allowed: "
		"fd00::/63\n");
	expect_lma("[fd00:0:0:1::/64]", "[fd00:0:0::/63]",
		"f:23: mobile-nodes[0].prefixes[0]: fd00:0:0::/63: not a home network prefix; allowed: a /64 in "
		"2000::/3 or fc00::/7\n");
	expect_lma("[fd00:0:0:1::/64]", "['fe80::/64']",
		"f:23: mobile-nodes[0].prefixes[0]: fe80::/64: not a home network prefix; allowed: a /64 in 2000::/3 "
		"or fc00::/7\n");
	expect_lma("[fd00:0:0:1::/64]", "[fd00:0:0:1::5/64]",
		"f:23: mobile-nodes[0].prefixes[0]: fd00:0:0:1::5/64: bits are set behind the prefix length; allowed: "
		"fd00:0:0:1::/64\n");
	expect_lma("[fd00:0:0:1::/64]", "['2001:db8:0:1::/64']",
		"f:23: mobile-nodes[0].prefixes[0]: 2001:db8:0:1::/64: overlaps with the link of port core0 (line 6); "
		"allowed: a prefix of its own\n");
	expect_lma("[fd00:0:0:1::/64]",
		"['fd00:0:0:1::/64', 'fd00:0:0:2::/64', 'fd00:0:0:3::/64', 'fd00:0:0:4::/64', 'fd00:0:0:5::/64', "
		"'fd00:0:0:6::/64', 'fd00:0:0:7::/64', 'fd00:0:0:8::/64', 'fd00:0:0:9::/64', 'fd00:0:0:10::/64', "
		"'fd00:0:0:11::/64', 'fd00:0:0:12::/64', 'fd00:0:0:13::/64', 'fd00:0:0:14::/64', 'fd00:0:0:15::/64', "
		"'fd00:0:0:16::/64', 'fd00:0:0:17::/64']",
		"f:23: mobile-nodes[0].prefixes: [...]: 17 prefixes; allowed: at most 16\n");
	expect_lma("mac: 02:00:00:00:00:01", "mac: 03:00:00:00:00:01",
		"f:22: mobile-nodes[0].mac: 03:00:00:00:00:01: not the address of one station; allowed: a unicast MAC "
		"address\n");
	expect_lma("mac: 02:00:00:00:00:01", "mac: 00:00:00:00:00:00",
		"f:22: mobile-nodes[0].mac: 00:00:00:00:00:00: not the address of one station; allowed: a unicast MAC "
		"address\n");
	expect_lma("id: mn1@example.com", "id: 'mn1 @example.com'",
		"f:21: mobile-nodes[0].id: \"mn1 @example.com\": has a space; allowed: a network access identifier\n");
	expect_lma("  pools:\n"
		   "    - {name: pool0, prefix: 2001:db8:1000::/48}\n"
		   "    - {name: pool1, prefix: 2001:db8:2000::/48}\n",
		"  max-bindings: 5\n",
		"f:24: mobile-nodes[1].pool: pool1: no pool has this name; allowed: a name under lma.pools\n"
		"f:22: mobile-nodes[1]: {...}: no prefix to assign; allowed: prefixes of the node, or a pool under "
		"lma.pools\n");
	expect_mag("mobile-nodes:\n"
		   "  - id: mn1@example.com\n"
		   "    mac: 02:00:00:00:00:01\n",
		"",
		"f:1: mobile-nodes: nobody is known and unknown mobile nodes are refused; allowed: mobile-nodes, or "
		"unknown-nodes: profile\n");
	with_lma("default-profile: {pool: pool0}\n",
		"f:2: default-profile: {...}: without effect; allowed: with unknown-nodes: profile\n");
	with_mag("unknown-nodes: profile\n"
		 "default-profile: {id-format: everybody}\n",
		"f:3: default-profile.id-format: everybody: does not make an identifier for each node; allowed: text "
		"with %m for the MAC address (%% for a percent sign), together at most 254 octets\n");
	with_mag("unknown-nodes: profile\n"
		 "default-profile: {id-format: '%m%s'}\n",
		"f:3: default-profile.id-format: %m%s: does not make an identifier for each node; allowed: text with "
		"%m for the MAC address (%% for a percent sign), together at most 254 octets\n");
	with_mag("unknown-nodes: profile\n"
		 "default-profile: {id-format: x}\n",
		"f:3: default-profile.id-format: x: too short; allowed: text of 2..254 octets\n");
}

static void pools_that_meet_something_are_told(void **state)
{
	expect_lma("2001:db8:2000::/48", "2001:db8:1000:5::/64",
		"f:19: lma.pools[1].prefix: 2001:db8:1000:5::/64: overlaps with pool pool0 (line 18); allowed: pools "
		"without common prefixes\n");
	expect_lma("2001:db8:1000::/48", "2001:db8:2000:5::/64",
		"f:19: lma.pools[1].prefix: 2001:db8:2000::/48: overlaps with pool pool0 (line 18); allowed: pools "
		"without common prefixes\n");
	expect_lma("2001:db8:2000::/48", "2001:db8:1000::/48",
		"f:19: lma.pools[1].prefix: 2001:db8:1000::/48: overlaps with pool pool0 (line 18); allowed: pools "
		"without common prefixes\n");
	expect_lma("2001:db8:2000::/48", "2001:db8:0:2::/63",
		"f:19: lma.pools[1].prefix: 2001:db8:0:2::/63: overlaps with the link of port out0 (line 10); allowed: "
		"a prefix of its own\n");
	expect_lma("name: pool1", "name: pool0",
		"f:19: lma.pools[1].name: pool0: name of two pools; first in line 18\n"
		"f:26: mobile-nodes[1].pool: pool1: no pool has this name; allowed: a name under lma.pools\n");
	expect_lma("2001:db8:2000::/48", "2001:db8:2000:1::/48",
		"f:19: lma.pools[1].prefix: 2001:db8:2000:1::/48: bits are set behind the prefix length; allowed: "
		"2001:db8:2000::/48\n");
	expect_lma("2001:db8:2000::/48", "2001:db8:2000:0:5::/80",
		"f:19: lma.pools[1].prefix: 2001:db8:2000:0:5::/80: longer than the /64 that a mobile node gets; "
		"allowed: a length of at most 64\n");
	expect_lma("2001:db8:2000::/48", "'fe80::/48'",
		"f:19: lma.pools[1].prefix: fe80::/48: not a prefix for mobile nodes; allowed: a prefix in 2000::/3 or "
		"fc00::/7\n");
	expect_lma("2001:db8:2000::/48", "'::/0'",
		"f:19: lma.pools[1].prefix: ::/0: not a prefix for mobile nodes; allowed: a prefix in 2000::/3 or "
		"fc00::/7\n"
		"f:19: lma.pools[1].prefix: ::/0: overlaps with pool pool0 (line 18); allowed: pools without common "
		"prefixes\n");
}

static void port_that_does_not_fit_its_side_is_told(void **state)
{
	expect_lma("    side: core\n",
		"    side: core\n"
		"    mtu: 1319\n",
		"f:6: ports[0].mtu: 1319: a packet of 1280 octets and its tunnel header do not fit, and there is no "
		"outer fragmentation yet; allowed: 1320..9216 octets on core ports\n");
	expect_lma("    side: core\n", "    side: access\n",
		"f:5: ports[0].side: access: an LMA has no mobile nodes on its links; allowed: core or outside\n"
		"f:6: ports[0].addresses: [...]: an access port has no addresses of its own; allowed: "
		"FixedMAGLinkLocalAddressOnAllAccessLinks\n"
		"f:3: ports: [...]: no core port has an address; allowed: at least one\n");
	expect_lma("    side: core\n",
		"    side: core\n"
		"    vlans: [5]\n",
		"f:6: ports[0].vlans: [...]: a port without access links; allowed: on access ports\n");
	expect_mag("[10, 20]", "[10, 20, 10]",
		"f:10: ports[1].vlans[2]: 10: VLAN twice; allowed: a VLAN once on a port\n");
	expect_mag("    side: access\n"
		   "    vlans: [10, 20]\n",
		"    side: core\n",
		"f:3: ports: [...]: no access port; allowed: at least one port with side: access on a MAG\n");
	expect_mag("    side: access\n"
		   "    vlans: [10, 20]\n",
		"    side: outside\n",
		"f:3: ports: [...]: no access port; allowed: at least one port with side: access on a MAG\n"
		"f:9: ports[1].side: outside: a MAG has no way of its own to the Internet; allowed: core or access\n");
	expect_mag("    side: access\n",
		"    side: access\n"
		"    addresses: ['2001:db8:9::1/64']\n",
		"f:10: ports[1].addresses: [...]: an access port has no addresses of its own; allowed: "
		"FixedMAGLinkLocalAddressOnAllAccessLinks\n");
}

static void port_that_is_there_twice_is_told(void **state)
{
	expect_lma("name: out0", "name: core0", "f:7: ports[1].name: core0: name of two ports; first in line 3\n");
	expect_lma("vdev:net_tap0,iface=out0", "kernel:eth0",
		"f:8: ports[1].device: kernel:eth0: device of two ports; first in line 3\n");
	expect_mag("pci:0000:3b:00.0\n"
		   "    side: access\n",
		"vdev:net_tap0\n"
		"    side: access\n"
		"  - {name: x, side: access, device: 'vdev:net_tap0,iface=b'}\n"
		"  - name: y\n"
		"    side: access\n"
		"    device: vdev:net_tap1\n",
		"f:10: ports[2].device: \"vdev:net_tap0,iface=b\": device of two ports; first in line 7\n");
}

static void device_of_no_known_form_is_told(void **state)
{
	expect_lma("kernel:eth0", "eth0",
		"f:4: ports[0].device: eth0: unknown kind of device; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "'kernel:'",
		"f:4: ports[0].device: kernel:: not the name of a network interface; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "kernel:averyverylongname",
		"f:4: ports[0].device: kernel:averyverylongname: not the name of a network interface; allowed: "
		"kernel:INTERFACE, vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "kernel:a/b",
		"f:4: ports[0].device: kernel:a/b: not the name of a network interface; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "vdev:tap0",
		"f:4: ports[0].device: vdev:tap0: not the name of a network driver of DPDK; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "vdev:net_",
		"f:4: ports[0].device: vdev:net_: not the name of a network driver of DPDK; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "pci:3b:00.0",
		"f:4: ports[0].device: pci:3b:00.0: not a PCI address; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
	expect_lma("kernel:eth0", "pci:0000:3b:00.8",
		"f:4: ports[0].device: pci:0000:3b:00.8: not a PCI address; allowed: kernel:INTERFACE, "
		"vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F\n");
}

static void address_that_stands_twice_or_cannot_be_own_is_told(void **state)
{
	expect_lma("2001:db8:0:2::1/64", "2001:db8:0:1::1/64",
		"f:10: ports[1].addresses[0]: 2001:db8:0:1::1/64: an address twice; first in line 6\n"
		"f:12: routes[0].via: 2001:db8:0:2::ff: not on a link of any port; allowed: an address in a prefix of "
		"a port's addresses\n");
	expect_lma("2001:db8:0:2::1/64", "2001:db8:0:1::2/64",
		"f:10: ports[1].addresses[0]: 2001:db8:0:1::2/64: the link of port core0 as well (line 6); allowed: a "
		"link on one port\n"
		"f:12: routes[0].via: 2001:db8:0:2::ff: not on a link of any port; allowed: an address in a prefix of "
		"a port's addresses\n");
	expect_lma("[2001:db8:0:1::1/64]", "[2001:db8:0:1::1/64, '2001:db8:0:1::1/64']",
		"f:6: ports[0].addresses[1]: 2001:db8:0:1::1/64: an address twice; first in line 6\n");
	expect_lma("[2001:db8:0:2::1/64]", "['fe80::1/64', 2001:db8:0:2::1/64]",
		"f:10: ports[1].addresses[0]: fe80::1/64: not an address of the whole network; allowed: a unicast "
		"address (link-local ones are made from the MAC)\n");
	expect_lma("[2001:db8:0:2::1/64]", "['2001:db8:0:2::/64', 2001:db8:0:2::1/64]",
		"f:10: ports[1].addresses[0]: 2001:db8:0:2::/64: the subnet-router anycast address of its link; "
		"allowed: an address with an interface identifier\n");
	expect_lma("[2001:db8:0:2::1/64]", "['ff02::1/64', 2001:db8:0:2::1/64]",
		"f:10: ports[1].addresses[0]: ff02::1/64: not an address of the whole network; allowed: a unicast "
		"address (link-local ones are made from the MAC)\n");
	expect_lma("2001:db8:0:1::12", "2001:db8:0:1::11",
		"f:15: peers[1].address: 2001:db8:0:1::11: an address twice; first in line 14\n");
	expect_lma("2001:db8:0:1::12", "2001:db8:0:1::1",
		"f:15: peers[1].address: 2001:db8:0:1::1: an address twice: a port of this gateway has it; allowed: "
		"the other end's address\n");
	expect_lma("2001:db8:0:1::12", "'fe80::1'",
		"f:15: peers[1].address: fe80::1: not an address of the whole network; allowed: a unicast address\n");
	expect_lma("name: mag2", "name: mag1",
		"f:15: peers[1].name: mag1: name of two peers; first in line 14\n"
		"f:27: mobile-nodes[1].mags[1]: mag2: no MAG has this name; allowed: a name under peers\n");
}

static void own_address_has_to_be_one_of_a_core_port(void **state)
{
	expect_lma("lma:\n"
		   "  pools:",
		"lma:\n"
		"  address: 2001:db8:0:2::1\n"
		"  pools:",
		"f:17: lma.address: 2001:db8:0:2::1: not an address of a core port; allowed: one of those under "
		"ports\n");
	expect_lma("lma:\n"
		   "  pools:",
		"lma:\n"
		"  address: '::'\n"
		"  pools:",
		"f:17: lma.address: ::: not an address of a core port; allowed: one of those under ports\n");
	with_mag("mag: {address: 2001:db8:0:1::12}\n", "f:2: mag.address: 2001:db8:0:1::12: not an address of a core "
						       "port; allowed: one of those under ports\n");
	expect_lma("    addresses: [2001:db8:0:1::1/64]\n", "",
		"f:3: ports: [...]: no core port has an address; allowed: at least one\n");
}

static void peer_without_protection_has_to_be_marked(void **state)
{
	expect_lma("2001:db8:0:1::12, insecure: true", "2001:db8:0:1::12",
		"f:15: peers[1].insecure: signalling with this peer would have to be protected, and there is no "
		"protection yet; allowed: insecure: true in a closed network\n");
	expect_lma("2001:db8:0:1::12, insecure: true", "2001:db8:0:1::12, insecure: false",
		"f:15: peers[1].insecure: false: signalling with this peer would have to be protected, and there is no "
		"protection yet; allowed: insecure: true in a closed network\n");
}

static void route_that_leads_nowhere_is_told(void **state)
{
	expect_lma("via: 2001:db8:0:2::ff", "via: 2001:db8:0:3::ff",
		"f:12: routes[0].via: 2001:db8:0:3::ff: not on a link of any port; allowed: an address in a prefix of "
		"a port's addresses\n");
	expect_lma("via: 2001:db8:0:2::ff", "via: 2001:db8:0:2::ff, port: core0",
		"f:12: routes[0].via: 2001:db8:0:2::ff: not on a link of port core0; allowed: an address in a prefix "
		"of its addresses\n");
	expect_lma("via: 2001:db8:0:2::ff", "via: 'fe80::1'",
		"f:12: routes[0].port: missing; allowed: the port of the link-local next hop\n");
	expect_lma("via: 2001:db8:0:2::ff", "via: 2001:db8:0:2::1",
		"f:12: routes[0].via: 2001:db8:0:2::1: not the address of another router; allowed: the next hop\n");
	expect_lma("via: 2001:db8:0:2::ff", "via: 'ff02::2'",
		"f:12: routes[0].via: ff02::2: not the address of another router; allowed: the next hop\n");
	expect_lma("via: 2001:db8:0:2::ff}",
		"via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '::/0', via: 2001:db8:0:1::ff}",
		"f:13: routes[1].prefix: ::/0: two routes to one prefix; first in line 12\n");
	expect_lma("prefix: '::/0'", "prefix: '2001:db8::1/32'",
		"f:12: routes[0].prefix: 2001:db8::1/32: bits are set behind the prefix length; allowed: "
		"2001:db8::/32\n");
}

static void cores_have_to_differ_while_workers_never_sleep(void **state)
{
	with_lma("dataplane: {workers: [1, 2, 1], idle-sleep: false}\n",
		"f:2: dataplane.workers[2]: 1: core 1 has a worker already; allowed: a core once, or idle-sleep: "
		"true\n");
	with_lma("dataplane: {control-core: 1, idle-sleep: false}\n",
		"f:2: dataplane.workers[0]: core 1 is the control core; allowed: another core, or idle-sleep: true\n");
}

/* Two packet rings of 1024 frames each, or the rings of af_xdp: 3 * 2048 for each queue. */
static void packet_buffers_that_rings_alone_would_hold_are_told(void **state)
{
	with_lma("dataplane: {mbufs: 4096}\n",
		"f:2: dataplane.mbufs: 4096: the ports and workers can hold more than that, and then nothing is "
		"received; allowed: auto, or at least 7680 buffers\n");
	with_lma("dataplane: {mbufs: 7679, workers: [1, 2]}\n",
		"f:2: dataplane.mbufs: 7679: the ports and workers can hold more than that, and then nothing is "
		"received; allowed: auto, or at least 8192 buffers\n");
	with_lma("dataplane: {mbufs: 7680}\n", "");
}

static void variables_that_contradict_each_other_are_told(void **state)
{
	with_lma("variables: {TimestampBasedApproachInUse: false, MobileNodeGeneratedTimestampInUse: true}\n",
		"f:2: variables.MobileNodeGeneratedTimestampInUse: true: timestamps are not in use; allowed: false, or "
		"TimestampBasedApproachInUse: true\n");
	with_mag("variables: {INITIAL_BINDACK_TIMEOUT: 1.5, MAX_BINDACK_TIMEOUT: 1.4}\n",
		"f:2: variables.MAX_BINDACK_TIMEOUT: 1.4: 1.4 s are below INITIAL_BINDACK_TIMEOUT; allowed: at least "
		"1.5 s\n");
	with_lma("variables: {FixedMAGLinkLocalAddressOnAllAccessLinks: '::'}\n", ""); /* MAGs ask it for one */
	with_mag("variables: {FixedMAGLinkLocalAddressOnAllAccessLinks: '::'}\n",
		"f:2: variables.FixedMAGLinkLocalAddressOnAllAccessLinks: ::: not a link-local address; "
		"allowed: an address in fe80::/10\n");
	with_mag("variables: {FixedMAGLinkLocalAddressOnAllAccessLinks: '2001:db8::1'}\n",
		"f:2: variables.FixedMAGLinkLocalAddressOnAllAccessLinks: 2001:db8::1: not a link-local address; "
		"allowed: an address in fe80::/10\n");
	with_mag("variables: {FixedMAGLinkLayerAddressOnAllAccessLinks: 01:00:00:00:00:01}\n",
		"f:2: variables.FixedMAGLinkLayerAddressOnAllAccessLinks: 01:00:00:00:00:01: not the address of one "
		"station; allowed: a unicast MAC address\n");
	with_mag("mag: {router-lifetime: 599}\n", "f:2: mag.router-lifetime: 599: 599 s are shorter than "
						  "max-rtr-adv-interval; allowed: 0, or 600..9000 s\n");
	with_mag("mag: {prefix-valid: 100}\n",
		"f:2: mag.prefix-preferred: 604800 s are longer than prefix-valid; allowed: 0..100 s\n");
	with_lma("name: a/b\n", "f:2: name: a/b: characters that a file name should not have; allowed: letters, "
				"digits, '.', '_' and '-'\n");
	with_lma("unknown-nodes: profile\n"
		 "lma2: {}\n",
		"f:3: lma2: {}: unknown key; the nearest known one is lma\n");
	expect_lma("routes:\n",
		"limits: {routes: 16}\n"
		"routes:\n"
		"  - {prefix: '2000::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2001::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2002::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2003::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2004::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2005::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2006::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2007::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2008::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '2009::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '200a::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '200b::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '200c::/16', via: 2001:db8:0:2::ff}\n"
		"  - {prefix: '200d::/16', via: 2001:db8:0:2::ff}\n",
		"f:11: limits.routes: 16: 15 routes and 2 links are configured; allowed: at least 17\n");
	with_mag("mag: {max-rtr-adv-interval: 1800, router-lifetime: 1799}\n",
		"f:2: mag.router-lifetime: 1799: 1799 s are shorter than max-rtr-adv-interval; allowed: 0, or "
		"1800..9000 s\n");
	with_mag("mag: {prefix-valid: 100, prefix-preferred: 101}\n",
		"f:2: mag.prefix-preferred: 101: 101 s are longer than prefix-valid; allowed: 0..100 s\n");
}

static void what_is_no_plain_yaml_is_told(void **state)
{
	with_mag("\tname: x\n", "f:2: not YAML: found a tab character that violates indentation while scanning a plain "
				"scalar in line 1\n");
	expect_mag("role: mag\n", "role: &a mag\n",
		"f:1: a: anchors are not supported; write the value out where it is needed\n");
	expect_mag("role: mag\n", "role: *a\n", "f:1: a: aliases are not supported; write the value out\n");
	expect_mag("role: mag\n", "role: !!str mag\n",
		"f:1: tag:yaml.org,2002:str: tags are not supported; leave it out\n");
	with_mag("---\n"
		 "role: mag\n",
		"f:2: a second document; allowed: one document in a file\n");
	with_mag("name: \377\n", "f:2: not YAML: invalid leading UTF-8 octet; allowed: text in UTF-8\n");
	with_mag("name: \"a\\0b\"\n", "f:2: a: a NUL character; allowed: text\n");
	with_mag("? [a]\n"
		 ": b\n",
		"f:2: a key that is not a word; allowed: KEY: VALUE\n");
	with_mag("\"a\\0b\": c\n", "f:2: a key that is not a word; allowed: KEY: VALUE\n");
	with_mag("x: [[[[[[[[[[[[[[[[[[[[\n", "f:2: nested too deep; allowed: 16 levels\n");
	with_mag("x: &a [a, a]\n", "f:2: a: anchors are not supported; write the value out where it is needed\n");
	with_mag("&a name: x\n", "f:2: a: anchors are not supported; write the value out where it is needed\n");
	with_mag("name: 'x\n",
		"f:17: not YAML: found unexpected end of stream while scanning a quoted scalar in line 2\n");
}

/* The MAG's text with @count lines or items behind its only @old; what is said of it. */
static void expect_many(const char *old, unsigned count, void (*print)(FILE *out, unsigned i), const char *expected)
{
	char *lines = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&lines, &size);

	fputs(old, out);
	for (unsigned i = 1; i <= count; i++)
		print(out, i);
	fclose(out);
	expect_mag(old, lines, expected);
	free(lines);
}

static void print_port(FILE *out, unsigned i)
{
	fprintf(out, "  - {name: p%u, device: 'kernel:p%u', side: core}\n", i, i);
}

static void print_address(FILE *out, unsigned i)
{
	fprintf(out, "'2001:db8:1:%x::1/64', ", i);
}

static void more_ports_or_addresses_than_there_is_room_for_are_told(void **state)
{
	expect_many("ports:\n", PORTS_MAX - 2, print_port, "");
	expect_many("ports:\n", PORTS_MAX - 1, print_port, "f:3: ports: [...]: 33 ports; allowed: at most 32\n");
	expect_many("addresses: [", ADDRESSES_MAX - 1, print_address, "");
	expect_many("addresses: [", ADDRESSES_MAX, print_address,
		"f:3: ports: [...]: 65 own addresses; allowed: at most 64\n");
}

/* A port has at most 4094 VLANs, so that it takes two to have more links than there are. */
static void more_access_links_than_there_are_numbers_for_are_told(void **state)
{
	char *text = text_replace(mag_text, "    vlans: [10, 20]\n",
		"  - {name: a1, device: 'kernel:a1', side: access, vlans: [1, 2, 3]}\n"
		"  - name: a2\n    device: kernel:a2\n    side: access\n    vlans: [0]\n");
	char *vlans = NULL, *full;
	size_t size = 0;
	FILE *out = open_memstream(&vlans, &size);

	fputs("vlans: [1", out);
	for (unsigned i = 2; i <= 4094; i++)
		fprintf(out, ", %u", i);
	fputs("]", out);
	fclose(out);
	full = text_replace(text, "vlans: [0]", vlans);
	expect(full, "role: mag", "role: mag", "f:3: ports: [...]: 4098 access links; allowed: at most 4096\n");
	expect(full, "vlans: [1, 2, 3]", "mtu: 1500", "");
	free(full);
	free(vlans);
	free(text);
}

static void only_so_many_mistakes_are_listed(void **state)
{
	char *lines = NULL, *messages, *text;
	size_t size = 0;
	FILE *out = open_memstream(&lines, &size);
	struct config *config;
	unsigned count = 0;

	fputs("role: lma\n", out);
	for (unsigned i = 0; i < 150; i++)
		fprintf(out, "zzzz%u: 1\n", i);
	fclose(out);
	text = text_replace(lma_text, "role: lma\n", lines);
	messages = parse_messages(text, strlen(text), &config);
	for (const char *p = messages; (p = strchr(p, '\n')) != NULL; p++)
		count++;
	assert_null(config);
	assert_int_equal(count, 101);
	assert_non_null(strstr(messages, "\nf: 50 further mistakes not shown\n"));
	free(messages);
	free(text);
	free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_files_are_right),
		cmocka_unit_test(value_of_the_wrong_type_is_told),
		cmocka_unit_test(value_out_of_range_is_told_with_the_range),
		cmocka_unit_test(unknown_key_is_told_with_the_nearest_known_one),
		cmocka_unit_test(missing_key_is_told),
		cmocka_unit_test(key_that_stands_twice_is_told),
		cmocka_unit_test(key_of_the_other_role_is_told),
		cmocka_unit_test(name_that_is_nowhere_is_told),
		cmocka_unit_test(mobile_node_that_stands_twice_is_told),
		cmocka_unit_test(mobile_node_that_cannot_be_served_is_told),
		cmocka_unit_test(pools_that_meet_something_are_told),
		cmocka_unit_test(port_that_does_not_fit_its_side_is_told),
		cmocka_unit_test(port_that_is_there_twice_is_told),
		cmocka_unit_test(device_of_no_known_form_is_told),
		cmocka_unit_test(address_that_stands_twice_or_cannot_be_own_is_told),
		cmocka_unit_test(own_address_has_to_be_one_of_a_core_port),
		cmocka_unit_test(peer_without_protection_has_to_be_marked),
		cmocka_unit_test(route_that_leads_nowhere_is_told),
		cmocka_unit_test(cores_have_to_differ_while_workers_never_sleep),
		cmocka_unit_test(packet_buffers_that_rings_alone_would_hold_are_told),
		cmocka_unit_test(variables_that_contradict_each_other_are_told),
		cmocka_unit_test(what_is_no_plain_yaml_is_told),
		cmocka_unit_test(more_ports_or_addresses_than_there_is_room_for_are_told),
		cmocka_unit_test(more_access_links_than_there_are_numbers_for_are_told),
		cmocka_unit_test(only_so_many_mistakes_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
