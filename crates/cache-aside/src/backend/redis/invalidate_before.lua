-- No cell whose load began before now is valid any more: the moment is the millisecond after now, and the answer.
-- An announcement that is not allowed undoes nothing: each process asks for the moment, too. Where memory is full the moment is
-- announced and not kept: heartbeats repeat it.
-- KEYS: incarnation. ARGV: the caller's clock (milliseconds, 14 digits), control channel, what the moment is announced with.
local time = redis.pcall('TIME')
local now = ARGV[1]
if not time.err then now = time[1] * 1000 + math.floor(time[2] / 1000) end
local moment = string.format('%014.0f', now + 1)
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'table' then known = false end
if known and time.err and string.sub(known, 1, 14) > moment then
  moment = string.sub(known, 1, 14)
end
local set = redis.pcall('SET', KEYS[1], moment .. ' ' .. (known and string.sub(known, 16) or ''))
if set.err and not string.find(set.err, 'OOM', 1, true) then
  return redis.error_reply(set.err)
end
redis.pcall('PUBLISH', ARGV[2], ARGV[3] .. moment)
return moment
