-- Raises the floor of a cell: rules.rs `invalidate`, word for word. See lease.lua for the text of the lease.
-- KEYS: cell, lease. ARGV: version (16 digits), tombstone TTL ms, channel, id, since when a cell must have been filled for its
-- version to be a floor (milliseconds, 14 digits).
local header = redis.call('GETRANGE', KEYS[1], 0, 39)
local lease = redis.call('GET', KEYS[2]) or ''
local version = ARGV[1]
local time = redis.pcall('TIME')
local now = string.format('%010d%03d', time[1] or 0, (time[2] or 0) / 1000)

local rest = ''
local function noted(entry)
  local floor = string.sub(entry, 17, 32)
  return string.sub(entry, 1, 16) .. (version > floor and version or floor) .. string.sub(entry, 33)
end
for at = 2, #lease, 47 do
  local entry = string.sub(lease, at, at + 46)
  if string.sub(entry, 35) > now then
    rest = rest .. noted(entry)
  end
end
if lease ~= '' then
  redis.call('SET', KEYS[2], string.sub(lease, 1, 1) .. rest, 'KEEPTTL')
end

local cell_version = string.sub(header, 3, 18)
if header ~= '' and string.sub(header, 19, 32) < ARGV[5] then cell_version = '0000000000000000' end
if header ~= '' and (not string.find(header, '^1[VNT]' .. string.rep('%d', 38)) or string.sub(header, 3, 18) > '9007199254740991') then
  redis.call('DEL', KEYS[1])
elseif cell_version < version then
  redis.call('SET', KEYS[1], '1T' .. version .. '0' .. now .. '00000000', 'PX', ARGV[2])
else
  return 'kept'
end
redis.pcall('PUBLISH', ARGV[3], 'V' .. version .. ARGV[4])
return 'raised'
