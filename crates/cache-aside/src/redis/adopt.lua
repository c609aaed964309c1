-- Says since when the cells of this Redis may be believed: if it is another than the cells were filled in, since now.
-- KEYS: incarnation. ARGV: name of this Redis, now (milliseconds, 14 digits).
local known = redis.call('GET', KEYS[1])
if known and string.sub(known, 16) == ARGV[1] then
  return string.sub(known, 1, 14)
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[1])
return ARGV[2]
