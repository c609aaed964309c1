-- Gives the lead over the change stream back, if it is still the caller's.
-- KEYS: lead. ARGV: token.
if redis.call('GETRANGE', KEYS[1], 0, 15) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
