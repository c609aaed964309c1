-- Gives an entry of the lease back: lease.rs `release`, word for word. See lease.lua for the text.
-- KEYS: lease. ARGV: token, control channel, id.
local lease = redis.call('GET', KEYS[1]) or ''
local at = string.find(lease, ARGV[1], 2, true)
if not at then
  return 'kept'
end
lease = string.sub(lease, 1, at - 1) .. string.sub(lease, at + 47)
if #lease > 1 then
  redis.call('SET', KEYS[1], lease, 'KEEPTTL')
  return 'released'
end
redis.call('DEL', KEYS[1])
if lease == '1' then redis.pcall('PUBLISH', ARGV[2], 'W' .. ARGV[3]) end
return 'released'
