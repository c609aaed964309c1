-- adopt.lua for one server of a cluster. Besides the moment, each slot has one: since when the server has had it. What was moved
-- here with a slot was dated by another clock, so the moment is the latest that any clock of the cluster may show, or else
-- after what was moved has expired.
-- What is kept counts only in the configuration epoch that it was kept in: each slot that comes to a server begins another
-- (Redis source, `clusterBumpConfigEpochWithoutConsensus`), and what is kept may have been away and come back with one.
-- KEYS: incarnation. ARGV: the caller's clock (milliseconds, 14 digits), the name by which the caller knows this Redis, the
-- moment and the slots that it knows, the latest that the clocks of others may show (14 digits), lifetime of a cell ms.
-- Slots are a text: for each range `FIRST-LAST@MOMENT;`, in their order.
local time = redis.pcall('TIME')
local now = tonumber(ARGV[1])
if not time.err then now = time[1] * 1000 + math.floor(time[2] / 1000) end
local function digits(at) return string.format('%014.0f', at) end

local name = 'unknown unknown'
local replication = redis.pcall('INFO', 'replication')
if type(replication) ~= 'table' then
  if string.find(replication, 'role:slave', 1, true) then
    return redis.error_reply('REPLICA it is a replica, which may be behind')
  end
  name = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
    .. ' ' .. string.match(replication, 'master_replid:(%w+)')
end
local id = redis.call('CLUSTER', 'MYID')
local epoch = string.match(redis.call('CLUSTER', 'INFO'), 'cluster_my_epoch:(%d+)')
local own = {}
for _, range in ipairs(redis.call('CLUSTER', 'SLOTS')) do
  if range[3] and range[3][3] == id then own[#own + 1] = range end
end
table.sort(own, function(a, b) return a[1] < b[1] end)

local same = ARGV[2] == name
local known = redis.pcall('GET', KEYS[1])
local emptied = same and known == false and '1' or '0'
if type(known) ~= 'string' then known = '' end
local kept = string.match(known, '^%d%d%d%d%d%d%d%d%d%d%d%d%d%d')
local of, at_epoch, slots = string.match(known, '^%d+ (%w+ %w+) (%d+) (%S*)$')
local moment = kept
if of ~= name or at_epoch ~= epoch or (name == 'unknown unknown' and not same) then
  if same then
    moment, slots = kept and kept > ARGV[3] and kept or ARGV[3], ARGV[4]
  else
    moment, slots = digits(now), ''
  end
end
if moment > digits(now + 1) and not time.err then moment = digits(now + 1) end

local expired = now + ARGV[6] + 1
local moved = digits(math.min(math.max(now, tonumber(ARGV[5])) + 1, expired))
local before = {}
for first, last, at in string.gmatch(slots, '(%d+)-(%d+)@(%d+);') do
  before[#before + 1] = { tonumber(first), tonumber(last), at }
end
local after = {}
local function add(first, last, at)
  if at > digits(expired) then at = moved end
  local previous = after[#after]
  if previous and previous[2] + 1 == first and previous[3] == at then
    previous[2] = last
  else
    after[#after + 1] = { first, last, at }
  end
end
local at = 1
for _, range in ipairs(own) do
  local first, last = range[1], range[2]
  while before[at] and before[at][2] < first do at = at + 1 end
  while before[at] and before[at][1] <= last do
    local known_first, known_last = math.max(first, before[at][1]), math.min(last, before[at][2])
    if known_first > first then add(first, known_first - 1, moved) end
    add(known_first, known_last, before[at][3])
    first = known_last + 1
    if before[at][2] > last then break end
    at = at + 1
  end
  if first <= last then add(first, last, moved) end
end
local parts = {}
for i, range in ipairs(after) do parts[i] = string.format('%d-%d@%s;', range[1], range[2], range[3]) end
slots = table.concat(parts)

local keeps = moment .. ' ' .. name .. ' ' .. epoch .. ' ' .. slots
if known ~= keeps then
  local call = same and redis.pcall or redis.call
  call('SET', KEYS[1], keeps)
end
if time.err then return { moment, name, emptied, slots } end
return { moment, name, emptied, slots, time[1], time[2] }
