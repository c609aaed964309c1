-- Lets a writer into the lease, if there are not too many: lease.rs `write`, word for word.
-- KEYS: lease. ARGV: token, duration ms, most letters of all entries. See lease.lua for the text; what is none counts as empty.
local lease = redis.pcall('GET', KEYS[1])
if type(lease) ~= 'string' then lease = '0' end
local time = redis.pcall('TIME')
local now = string.format('%010d%03d', time[1] or 0, (time[2] or 0) / 1000)

local rest = ''
for at = 2, #lease, 47 do
  local entry = string.sub(lease, at, at + 46)
  if string.sub(entry, 35) > now then
    rest = rest .. entry
  end
end
if #rest < tonumber(ARGV[3]) then
  rest = rest .. ARGV[1] .. '00000000000000000W' .. string.format('%013d', now + ARGV[2])
end
redis.call('SET', KEYS[1], string.sub(lease, 1, 1) .. rest, 'PX', ARGV[2])
return 'done'
