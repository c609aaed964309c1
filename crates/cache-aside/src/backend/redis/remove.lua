-- Removes the cell and the lease of an id: always safe, since a fill then needs a new lease.
-- KEYS: cell, lease. ARGV: channel, id.
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], 'D0000000000000000' .. ARGV[2])
return 'removed'
