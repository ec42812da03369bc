-- SPDX-License-Identifier: BSD-3-Clause
-- A stand-in for the pktgen table of Pktgen-DPDK: the script named by the first argument runs against a gateway that loses
-- everything above the rate (percent) of the second one. Calls that Pktgen does not have are errors.
local script, limit = arg[1], tonumber(arg[2])
local state = { rate = 100, sending = false, sent = 0, received = 0, done = false }
local functions = {}

local function port(value)
	assert(type(value) == "string" and tonumber(value) ~= nil, "a list of ports is text with numbers")
	return tonumber(value)
end

function functions.screen(word)
	assert(word == "off" or word == "on")
end

function functions.set(ports, what, value)
	port(ports)
	assert(what == "count" or what == "rate", what)
	assert(type(value) == "number")
	if what == "rate" then
		assert(value > 0 and value <= 100)
		state.rate = value
	end
end

function functions.clr()
	state.sent, state.received = 0, 0
end

function functions.start(ports)
	port(ports)
	state.sending = true
end

function functions.stop(ports)
	port(ports)
	state.sending = false
end

function functions.delay(ms)
	assert(math.type(ms) == "integer")
	if state.sending then
		state.sent = state.sent + math.floor(ms * 100 * state.rate)
		state.received = state.received + math.floor(ms * 100 * math.min(state.rate, limit))
	end
end

function functions.portStats(ports, what)
	assert(what == "port")
	return { [port(ports)] = { opackets = state.sent, ipackets = state.received } }
end

function functions.quit()
	assert(not state.sending)
	state.done = true
end

pktgen = setmetatable({}, {
	__index = function(_, name)
		return functions[name] or error("pktgen has no function " .. name)
	end,
})
dofile(script)
assert(state.done, "the script ends Pktgen")
