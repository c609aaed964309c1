-- Gives an entry of the lease back: lease.rs `release`, word for word. See lease.lua for the text.
-- KEYS: lease. ARGV: token, control channel, id.
local lease = redis.call('GET', KEYS[1]) or '0'
local rest, others_fill = '', false
for at = 2, #lease, 47 do
  local entry = string.sub(lease, at, at + 46)
  if string.sub(entry, 1, 16) ~= ARGV[1] then
    rest = rest .. entry
    others_fill = others_fill or string.sub(entry, 34, 34) == 'F'
  end
end
if #lease == #rest + 1 then
  return 0
end

local wakes = string.sub(lease, 1, 1) == '1' and not others_fill
if wakes then
  redis.pcall('PUBLISH', ARGV[2], 'W' .. ARGV[3])
end
if rest == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], (wakes and '0' or string.sub(lease, 1, 1)) .. rest, 'KEEPTTL')
end
return 1
