-- SPDX-License-Identifier: BSD-3-Clause
-- The highest rate without loss (RFC 2544 section 26.1): halves the interval until it is narrower than a tenth of a percent
-- of the line rate, then repeats the best rate for a minute.
package.path = (os.getenv("HAWSER_SCRIPTS") or "pktgen-scripts/pktgen") .. "/?.lua;" .. package.path

local hawser = require("hawser")
local RESOLUTION, CONFIRM_SECONDS = 0.1, 60
local low, high, rate = 0, hawser.rate, hawser.rate

local function passes(at, seconds)
	local sent, received = hawser.trial(at, seconds)

	print(string.format("rate_percent=%.3f seconds=%g sent=%d received=%d lost=%d", at, seconds, sent, received,
		sent - received))
	return sent > 0 and received >= sent
end

hawser.open()
while high - low > RESOLUTION do
	if passes(rate, hawser.seconds) then
		low = rate
	else
		high = rate
	end
	rate = (low + high) / 2
end
if low > 0 and passes(low, CONFIRM_SECONDS) then
	print(string.format("throughput_percent=%.3f", low))
else
	print("throughput_percent=none: the best rate lost packets when repeated")
end
hawser.close()
