-- Removes rows of views, and keys that hold no row of any view any more.
--
-- KEYS: rows' keys.
-- ARGV: for each view its timestamp field, its packed field, the number of its features n, and n fields.
-- Answers how many rows were removed.
--
-- A key goes in one step, by its last command: a key that is not there any more cannot be named again on a node of a
-- cluster that is handing its slot over.

local call, sub, unpack = redis.call, string.sub, unpack
local block = 7000
local removed = 0

local function is_row(field) return sub(field, 1, 4) == '_ts:' or sub(field, 1, 5) == '_row:' end

-- The fields of a key that go, how many rows that is, and whether other rows stay.
local function choose(key)
  local held, stay = {}, false
  for _, field in ipairs(call('HKEYS', key)) do held[field] = true end
  local fields, rows, at = {}, 0, 1
  while at <= #ARGV do
    local n = tonumber(ARGV[at + 2])
    if held[ARGV[at]] or held[ARGV[at + 1]] then
      for field = at, at + 2 + n do
        -- The number stands between them.
        if field ~= at + 2 and held[ARGV[field]] then
          fields[#fields + 1] = ARGV[field]
          if field < at + 2 then rows = rows + 1 end
          held[ARGV[field]] = nil
        end
      end
    end
    at = at + 3 + n
  end
  for field in pairs(held) do stay = stay or is_row(field) end
  return fields, rows, stay
end

for _, key in ipairs(KEYS) do
  local fields, rows, stay = choose(key)
  if stay then
    for first = 1, #fields, block do
      call('HDEL', key, unpack(fields, first, math.min(first + block - 1, #fields)))
    end
  elseif rows > 0 then
    call('DEL', key)
  end
  removed = removed + rows
end
return removed
