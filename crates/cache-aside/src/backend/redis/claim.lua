-- Claims the cells under this prefix for one store: those of another would be answered as if they were its own.
-- KEYS: store, lead, incarnation. ARGV: the store's identity, the caller's clock (milliseconds, 14 digits), control channel;
-- the identity that the caller has seen here, and whether that is one of the 'same' store or of an 'other'.
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'table' then known = false end
if known == ARGV[1] then
  return {'ours'}
end
if known and known ~= ARGV[4] then
  return {'seen', known}
end
local other = known and ARGV[5] == 'other'
if other and redis.call('EXISTS', KEYS[2]) == 1 then
  -- Somebody follows the changes of the other store right now.
  return {'other', known}
end
redis.call('SET', KEYS[1], ARGV[1])
if other then
  local time = redis.pcall('TIME')
  local now = ARGV[2]
  if not time.err then now = time[1] * 1000 + math.floor(time[2] / 1000) end
  local moment = string.format('%014.0f', now + 1)
  local valid = redis.pcall('GET', KEYS[3])
  if type(valid) == 'table' then valid = false end
  redis.call('SET', KEYS[3], moment .. ' ' .. (valid and string.sub(valid, 16) or ''))
  redis.pcall('PUBLISH', ARGV[3], 'D' .. moment)
  return {'taken over', moment}
end
return {'ours'}
