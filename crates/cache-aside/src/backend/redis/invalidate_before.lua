-- No cell filled before a moment is valid any more; the moment never goes back.
-- KEYS: incarnation. ARGV: the moment (milliseconds, 14 digits), control channel.
local known = redis.call('GET', KEYS[1])
if not known or string.sub(known, 1, 14) < ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. (known and string.sub(known, 16) or ''))
end
redis.call('PUBLISH', ARGV[2], 'D' .. ARGV[1])
return 'done'
