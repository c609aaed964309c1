-- Takes the lease if nobody has it, unless the cell was filled since the caller looked: rules.rs `lease`, word for word.
-- KEYS: cell, lease. ARGV: lease, TTL ms, what the caller saw of the cell (kind, version, filled at; '' if none, '*' if it
-- wants to fill in any case).
local now = string.sub(redis.call('GETRANGE', KEYS[1], 0, 31), 2)
local kind = string.sub(now, 1, 1)
if ARGV[3] ~= '*' and now ~= ARGV[3] and (kind == 'V' or kind == 'N') then
  return 'filled'
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 'taken'
end
return 'held'
