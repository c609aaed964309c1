-- Offers a value or its absence to a cell: rules.rs `put`, word for word.
-- KEYS: cell, lease, stage. ARGV: token (or ''), kind ('V' or 'N'), version, cell TTL ms, tombstone TTL ms, channel, id,
-- the rest of an absent cell's header. Versions have 16 digits, so that they compare as text.
-- A value waits in the stage and is renamed into place: its body never enters Lua.
local header = redis.call('GETRANGE', KEYS[1], 0, 17)
local lease = redis.call('GET', KEYS[2])
local token, kind, version = ARGV[1], ARGV[2], ARGV[3]

if header ~= '' and string.sub(header, 1, 1) ~= '1' then
  redis.call('UNLINK', KEYS[3])
  return 'refused'
end
local cell_kind = string.sub(header, 2, 2)
local cell_version = string.sub(header, 3, 18)

local own, floor, gone = false, '0000000000000000', '0'
if lease then
  own = token ~= '' and string.sub(lease, 1, 16) == token
  floor = string.sub(lease, 17, 32)
  gone = string.sub(lease, 33, 33)
end

local function note(new_floor, new_gone)
  if own then
    redis.call('DEL', KEYS[2])
  elseif lease then
    redis.call('SETRANGE', KEYS[2], 16, new_floor .. new_gone)
  end
end

local function announce(what)
  redis.call('PUBLISH', ARGV[6], what .. ARGV[7])
end

local function tombstone(at)
  redis.call('SET', KEYS[1], '1T' .. at .. '0000000000000000000000', 'PX', ARGV[5])
end

if kind == 'V' then
  if own and gone == '0' and version >= floor and version >= cell_version
    and redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('RENAME', KEYS[3], KEYS[1])
    redis.call('DEL', KEYS[2])
    if version > cell_version then announce('V' .. version) end
    return 'stored'
  end
  redis.call('UNLINK', KEYS[3])
  note(version > floor and version or floor, gone)
  if version > cell_version then
    tombstone(version)
    announce('V' .. version)
    return 'raised'
  end
  return 'refused'
end

if own and floor == '0000000000000000' then
  local at = version > cell_version and version or cell_version
  redis.call('SET', KEYS[1], '1N' .. at .. ARGV[8], 'PX', ARGV[4])
  redis.call('DEL', KEYS[2])
  if cell_kind ~= 'N' or at > cell_version then announce('N' .. at) end
  return 'stored'
end
note(floor, '1')
if cell_kind == 'V' then
  tombstone(cell_version)
end
announce('N' .. (header == '' and version or cell_version))
return 'raised'
