-- SPDX-License-Identifier: BSD-3-Clause
-- What the scripts for Pktgen-DPDK have in common. Pktgen replays a capture of generate.py (-s PORT:FILE): its ranges and
-- sequences cannot make packets in tunnels. Settings come from the environment:
--   HAWSER_TX, HAWSER_RX  ports that send and receive; default 0 and 1
--   HAWSER_RATE           percent of the line rate; default 100, may have a fraction
--   HAWSER_SECONDS        of a trial; default 10
local hawser = {}

local function setting(name, default)
	local value = os.getenv(name)

	return value ~= nil and value ~= "" and value or default
end

local function number(name, default, low, high)
	local value = tonumber(setting(name, default))

	if value == nil or value < low or value > high then
		error(string.format("%s: a number from %g to %g", name, low, high))
	end
	return value
end

hawser.tx = setting("HAWSER_TX", "0")
hawser.rx = setting("HAWSER_RX", "1")
hawser.rate = number("HAWSER_RATE", 100, 0.001, 100)
hawser.seconds = number("HAWSER_SECONDS", 10, 0.1, 86400)

local function counters()
	return pktgen.portStats(hawser.tx, "port")[tonumber(hawser.tx)],
		pktgen.portStats(hawser.rx, "port")[tonumber(hawser.rx)]
end

-- Sends for some seconds at a rate in percent. Returns packets sent and packets received.
function hawser.trial(rate, seconds)
	local sent, received

	pktgen.clr()
	pktgen.set(hawser.tx, "rate", rate)
	pktgen.start(hawser.tx)
	pktgen.delay(math.floor(seconds * 1000))
	pktgen.stop(hawser.tx)
	pktgen.delay(2000) -- what is still in the gateway: RFC 2544 section 23
	sent, received = counters()
	return sent.opackets, received.ipackets
end

function hawser.open()
	pktgen.screen("off")
	pktgen.set(hawser.tx, "count", 0)
end

function hawser.close()
	pktgen.quit()
end

return hawser
