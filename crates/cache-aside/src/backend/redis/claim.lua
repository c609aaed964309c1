-- Claims the cells under this prefix for one store: those of another would be answered as if they were its own.
-- KEYS: store, lead, incarnation. ARGV: the store's identity, now (milliseconds, 14 digits), control channel.
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'table' then known = false end
if known == ARGV[1] then
  return 'ours'
end
if known and redis.call('EXISTS', KEYS[2]) == 1 then
  -- Somebody follows the changes of the other store right now.
  return known
end
redis.call('SET', KEYS[1], ARGV[1])
if known then
  local valid = redis.pcall('GET', KEYS[3])
  if type(valid) == 'table' then valid = false end
  redis.call('SET', KEYS[3], ARGV[2] .. ' ' .. (valid and string.sub(valid, 16) or ''))
  redis.pcall('PUBLISH', ARGV[3], 'D' .. ARGV[2])
  return 'taken over'
end
return 'ours'
