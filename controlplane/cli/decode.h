/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

/*
 * `hawserctl decode FILE.pcap [--json] [--reencode OUT.pcap]`: prints every Mobility Header message of a capture, in
 * order; the shape of the JSON lines is in mh/json.h. With --reencode every frame is written to a second capture, its
 * message encoded again from the decoded form: byte for byte the same if it was in canonical form. A message that is
 * not decoded does not stop anything: it is shown with its error, copied as it is, and that is said on @errors.
 *
 * Link types: Ethernet (with VLAN tags), raw IP, Linux cooked. One thread: uses getopt_long() and its globals.
 *
 * @argv[0] is the word "decode". Returns the exit code: 0; 1 a file cannot be read or written, or ends in the middle of
 * a frame; 2 wrong usage.
 */
int decode_command(int argc, char **argv, FILE *out, FILE *errors);
