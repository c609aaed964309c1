-- Raises the floor of a cell: rules.rs `invalidate`, word for word.
-- KEYS: cell, lease. ARGV: version (16 digits), tombstone TTL ms, channel, id.
local header = redis.call('GETRANGE', KEYS[1], 0, 17)
local version = ARGV[1]

local lease = redis.call('GET', KEYS[2])
if lease and version > string.sub(lease, 17, 32) then
  redis.call('SETRANGE', KEYS[2], 16, version)
end
if header ~= '' and string.sub(header, 1, 1) ~= '1' then
  redis.call('DEL', KEYS[1])
elseif string.sub(header, 3, 18) < version then
  redis.call('SET', KEYS[1], '1T' .. version .. '0000000000000000000000', 'PX', ARGV[2])
else
  return 'kept'
end
redis.call('PUBLISH', ARGV[3], 'V' .. version .. ARGV[4])
return 'raised'
