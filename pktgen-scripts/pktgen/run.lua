-- SPDX-License-Identifier: BSD-3-Clause
-- One trial at a fixed rate: packets sent, received and lost.
package.path = (os.getenv("HAWSER_SCRIPTS") or "pktgen-scripts/pktgen") .. "/?.lua;" .. package.path

local hawser = require("hawser")
local sent, received

hawser.open()
sent, received = hawser.trial(hawser.rate, hawser.seconds)
print(string.format("rate_percent=%g seconds=%g sent=%d received=%d lost=%d", hawser.rate, hawser.seconds, sent, received,
	sent - received))
hawser.close()
