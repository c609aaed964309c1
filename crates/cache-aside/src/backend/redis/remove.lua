-- Removes the cell and the lease of an id: always safe, since whoever is at work has no entry then.
-- KEYS: cell, lease. ARGV: channel, id, control channel. See lease.lua for the text of the lease.
local waiting = redis.pcall('GETRANGE', KEYS[2], 0, 0) == '1'
redis.call('DEL', KEYS[1], KEYS[2])
redis.pcall('PUBLISH', ARGV[1], 'D0000000000000000' .. ARGV[2])
if waiting then redis.pcall('PUBLISH', ARGV[3], 'W' .. ARGV[2]) end
return 'removed'
