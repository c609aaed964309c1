-- Offers a value or its absence to a cell: rules.rs `put` and lease.rs `note`, word for word. See lease.lua for the text of the lease.
-- KEYS: cell, lease, stage. ARGV: token (or ''), kind ('V' or 'N'), version, cell TTL ms, tombstone TTL ms, channel, id, the rest
-- of an absent cell's header, since when a cell must have been filled for its version to be a floor (milliseconds, 14 digits),
-- control channel. Versions have 16 digits, so that they compare as text.
-- A value waits in the stage and is renamed into place: its body never enters Lua. A cell of another layout counts as none.
-- An announcement that is not allowed undoes nothing.
local header = redis.call('GETRANGE', KEYS[1], 0, 39)
local lease = redis.call('GET', KEYS[2]) or ''
local token, kind, version = ARGV[1], ARGV[2], ARGV[3]
local time = redis.pcall('TIME')
local now = string.format('%010d%03d', time[1] or 0, (time[2] or 0) / 1000)

if not string.find(header, '^1[VNT]' .. string.rep('%d', 38)) or string.sub(header, 3, 18) > '9007199254740991' then header = '' end
local cell_kind = string.sub(header, 2, 2)
local cell_version = string.sub(header, 3, 18)
if header ~= '' and string.sub(header, 19, 32) < ARGV[9] then cell_version = '0000000000000000' end

local own, rest, others_fill = nil, '', false
local function noted(entry)
  local floor, gone = string.sub(entry, 17, 32), string.sub(entry, 33, 33)
  if kind == 'N' then
    gone = '1'
  elseif version > floor then
    floor = version
  end
  return string.sub(entry, 1, 16) .. floor .. gone .. string.sub(entry, 34)
end
for at = 2, #lease, 47 do
  local entry = string.sub(lease, at, at + 46)
  if string.sub(entry, 35) > now then
    if string.sub(entry, 1, 16) == token then
      own = entry
    else
      rest = rest .. noted(entry)
      others_fill = others_fill or string.sub(entry, 34, 34) == 'F'
    end
  end
end
local floor, gone = string.sub(own or '', 17, 32), string.sub(own or '', 33, 33)

-- Keeps what is left of the lease, and wakes who waits if the cell was filled or no reader fills any more.
local function done(result)
  local waiting = string.sub(lease, 1, 1)
  if waiting == '1' and (not others_fill or result == 'stored') then
    redis.pcall('PUBLISH', ARGV[10], 'W' .. ARGV[7])
    waiting = '0'
  end
  if rest == '' then
    redis.call('DEL', KEYS[2])
  else
    redis.call('SET', KEYS[2], waiting .. rest, 'KEEPTTL')
  end
  return result
end

local function announce(what)
  redis.pcall('PUBLISH', ARGV[6], what .. ARGV[7])
end

local function tombstone(at)
  redis.call('SET', KEYS[1], '1T' .. at .. '0' .. now .. '00000000', 'PX', ARGV[5])
end

if kind == 'V' then
  if own and gone == '0' and version >= floor and version >= cell_version
    and redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('RENAME', KEYS[3], KEYS[1])
    if version > cell_version then announce('V' .. version) end
    return done('stored')
  end
  redis.call('UNLINK', KEYS[3])
  if version > cell_version then
    tombstone(version)
    announce('V' .. version)
    return done('raised')
  end
  return done('refused')
end

if own and version >= floor then
  local at = version > cell_version and version or cell_version
  redis.call('SET', KEYS[1], '1N' .. at .. ARGV[8], 'PX', ARGV[4])
  if cell_kind ~= 'N' or at > cell_version then announce('N' .. at) end
  return done('stored')
end
if cell_kind == 'V' then
  tombstone(cell_version)
end
announce('N' .. (header == '' and version or cell_version))
return done('raised')
