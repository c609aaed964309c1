-- Takes the lease if nobody has it, unless the cell was filled since the caller looked: rules.rs `lease`, word for word.
-- KEYS: cell, lease. ARGV: lease, TTL ms, what the caller saw of the cell (kind, version, filled at; '' if none, '*' if it
-- wants to fill in any case). A cell of another layout counts as none; a lease of another type is none for the next caller.
local header = redis.call('GETRANGE', KEYS[1], 0, 31)
local now = string.sub(header, 1, 1) == '1' and string.sub(header, 2) or ''
local kind = string.sub(now, 1, 1)
if ARGV[3] ~= '*' and now ~= ARGV[3] and (kind == 'V' or kind == 'N') then
  return 'filled'
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 'taken'
end
if redis.call('TYPE', KEYS[2]).ok ~= 'string' then
  redis.call('DEL', KEYS[2])
end
return 'held'
