-- Lets a reader into the lease that fills, if none does, unless the cell was filled since the caller looked: rules.rs `lease` and
-- lease.rs `fill`, word for word. If another one fills, notes that somebody waits.
-- KEYS: cell, lease. ARGV: token, duration ms, what the caller saw of the cell (kind, version, filled at; '' if none, '*' if it
-- wants to fill in any case). A cell of another layout counts as none.
-- The lease is a text: '1' if somebody waits, else '0'; then for each who is at work token (16), floor (16), '1' if gone else '0',
-- 'F' for a reader or 'W' for a writer, and when that ends (milliseconds, 13 digits): 47 letters. A user who may not ask for the time
-- counts from 0: then entries end together, with the key.
local header = redis.call('GETRANGE', KEYS[1], 0, 39)
local lease = redis.call('GET', KEYS[2]) or ''
local time = redis.pcall('TIME')
local now = string.format('%010d%03d', time[1] or 0, (time[2] or 0) / 1000)

if not string.find(header, '^1[VNT]' .. string.rep('%d', 38)) or string.sub(header, 3, 18) > '9007199254740991' then header = '' end
local seen = string.sub(header, 2, 32)
local kind = string.sub(seen, 1, 1)
if ARGV[3] ~= '*' and seen ~= ARGV[3] and (kind == 'V' or kind == 'N') then
  return 'filled'
end

local rest = ''
for at = 2, #lease, 47 do
  local entry = string.sub(lease, at, at + 46)
  if string.sub(entry, 35) > now then
    if string.sub(entry, 34, 34) == 'F' then
      redis.call('SETRANGE', KEYS[2], 0, '1')
      return 'held ' .. (string.sub(entry, 35) - now)
    end
    rest = rest .. entry
  end
end
local ends = string.format('%013d', now + ARGV[2])
redis.call('SET', KEYS[2], '0' .. rest .. ARGV[1] .. '00000000000000000F' .. ends, 'PX', ARGV[2])
return 'taken'
