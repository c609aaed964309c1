-- Says from which moment on the cells of this Redis are valid: if it is another than the cells were filled in, from now on.
-- `run_id` changes with every start of a server, `master_replid` when another server's data took the place of its own
-- (Redis manual, "INFO").
-- KEYS: incarnation. ARGV: now (milliseconds, 14 digits).
local replication = redis.call('INFO', 'replication')
if string.find(replication, 'role:slave', 1, true) then
  return redis.error_reply('REPLICA it is a replica, which may be behind')
end
local name = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  .. ' ' .. string.match(replication, 'master_replid:(%w+)')
local known = redis.call('GET', KEYS[1])
if known and string.sub(known, 16) == name then
  return string.sub(known, 1, 14)
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. name)
return ARGV[1]
