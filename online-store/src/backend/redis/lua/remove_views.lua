-- Removes rows of views, and keys that hold no row of any view any more.
--
-- KEYS: rows' keys.
-- ARGV: for each view its timestamp field, its packed field, the number of its features n, and n fields.
-- Answers how many rows were removed.

local call, sub, unpack = redis.call, string.sub, unpack
local block = 7000
local removed = 0

local function remove_view(key, at, n)
  local rows = call('HDEL', key, ARGV[at], ARGV[at + 1])
  if rows == 0 then return 0 end
  for first = at + 3, at + 2 + n, block do
    local last = first + block - 1
    if last > at + 2 + n then last = at + 2 + n end
    call('HDEL', key, unpack(ARGV, first, last))
  end
  return rows
end

local function holds_rows(key)
  for _, field in ipairs(call('HKEYS', key)) do
    if sub(field, 1, 4) == '_ts:' or sub(field, 1, 5) == '_row:' then return true end
  end
  return false
end

for _, key in ipairs(KEYS) do
  local rows, at = 0, 1
  while at <= #ARGV do
    local n = tonumber(ARGV[at + 2])
    rows = rows + remove_view(key, at, n)
    at = at + 3 + n
  end
  if rows > 0 and not holds_rows(key) then call('DEL', key) end
  removed = removed + rows
end
return removed
