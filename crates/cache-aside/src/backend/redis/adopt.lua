-- Says which Redis this is, from which moment on its cells are valid, whether it was emptied, and what its clock shows. If it is another than the
-- cells were filled in, they are valid from now on. `run_id` changes with every start of a server, `master_replid` when
-- another server's data took the place of its own (Redis manual, "INFO").
-- KEYS: incarnation. ARGV: the caller's clock (milliseconds, 14 digits), the name by which the caller knows this Redis, the
-- moment that it knows (14 digits).
local time = redis.pcall('TIME')
local now = ARGV[1]
if not time.err then now = string.format('%014.0f', time[1] * 1000 + math.floor(time[2] / 1000)) end
local soon = string.format('%014.0f', now + 1)

local name = 'unknown'
local replication = redis.pcall('INFO', 'replication')
if type(replication) ~= 'table' then
  if string.find(replication, 'role:slave', 1, true) then
    return redis.error_reply('REPLICA it is a replica, which may be behind')
  end
  name = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
    .. ' ' .. string.match(replication, 'master_replid:(%w+)')
end

local same = ARGV[2] == name
local known = redis.pcall('GET', KEYS[1])
-- What the caller knows is gone from where it was: the keys were flushed, or some are evicted.
local emptied = same and known == false and '1' or '0'
if type(known) == 'table' then known = false end
local moment, of = string.match(known or '', '^(%d%d%d%d%d%d%d%d%d%d%d%d%d%d) (.*)$')
-- The user may not ask for the name: each connection counts as one to another Redis. A replica refuses the SET.
if not same and (of ~= name or name == 'unknown') then moment = now end
-- What the data has lost (FLUSHALL, eviction), the caller knows.
if not moment then moment = ARGV[3] end
-- A moment of the future is of a clock that was set back since, or of a release that asked the clocks of nodes.
if moment > soon and not time.err then moment = soon end
if known ~= moment .. ' ' .. name then
  local call = same and redis.pcall or redis.call
  call('SET', KEYS[1], moment .. ' ' .. name)
end
if time.err then return {moment, name, emptied} end
return {moment, name, emptied, time[1], time[2]}
