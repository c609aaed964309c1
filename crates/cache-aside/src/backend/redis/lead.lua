-- Takes the lead over the change stream if nobody has it, or keeps it. Where memory is full, which a removal needs none of,
-- everybody leads: two that do so do no harm, and without any nobody would tell what others write.
-- KEYS: lead. ARGV: token, duration ms.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' then holder = false end
if holder and holder ~= ARGV[1] then
  return 0
end
local set = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if set.err and not string.find(set.err, 'OOM', 1, true) then
  return redis.error_reply(set.err)
end
return 1
