-- Removes the fields of one row if all of them are still as the client saw them.
--
-- KEYS: the row's key.
-- ARGV: the number of fields n; n fields; a text of n marks, 1 for a field that was set, 0 for one that was not; the
-- values of those that were set.
-- Answers 1 when they were removed, else 0.

local byte, unpack, call = string.byte, unpack, redis.call
local n = tonumber(ARGV[1])
local marks, value = ARGV[n + 2], n + 2
-- Lua's stack holds 8 000 values.
local block = 7000

local function last_of(first)
  local last = first + block - 1
  if last > n then return n end
  return last
end

for first = 1, n, block do
  local last = last_of(first)
  local stored = call('HMGET', KEYS[1], unpack(ARGV, first + 1, last + 1))
  for i = first, last do
    local seen = false
    if byte(marks, i) == 49 then
      value = value + 1
      seen = ARGV[value]
    end
    if stored[i - first + 1] ~= seen then return 0 end
  end
end
for first = 1, n, block do
  call('HDEL', KEYS[1], unpack(ARGV, first + 1, last_of(first) + 1))
end
return 1
