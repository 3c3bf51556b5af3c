-- Writes packed rows of one view, each unless what is stored is newer.
--
-- KEYS: the rows' keys.
-- ARGV: "guarded" or "unguarded"; seconds to live or 0; the view's field; the hashes of the features that the new rows
-- have, as rows of version 1 list them; the digests of the schemas that have no others; then for each row its packed
-- bytes.
-- Answers how many rows were kept out, then the numbers (from 1) of rows that were not decided: what is stored has
-- features that the new row does not carry, and only the client can merge them.
--
-- A packed row (see row/mod.rs): version 2 and flags (1: there is a created time, 4: features are left out), u64 digest,
-- i64 event time, i64 created time, ... Version 1 (see packed_row.rs): version, flags, u16 number of features, i64 event
-- time, i64 created time, u32 hashes of the features, ... Little-endian; 64-bit times are compared half by half, because
-- Lua's numbers are doubles.

local byte, sub, half, call = string.byte, string.sub, struct.unpack, redis.call

-- The place of a row's event time and whether it has a created time; nothing when it is no row.
local function header(row)
  local version = byte(row, 1)
  if not version then return end
  if version == 1 then
    local created = #row >= 12 and byte(row, 2) % 2 == 1
    if #row >= (created and 20 or 12) then return 5, created end
  elseif version >= 32 and version < 40 then
    local created = version % 2 == 1
    if #row >= (created and 25 or 17) then return 10, created end
  end
end

-- The halves of a 64-bit time.
local function time(row, at)
  local low, high = half('<I4i4', row, at)
  return high, low
end

-- Whether a stored row keeps a new one out.
local function is_newer(stored, at, stored_created, new, new_created)
  local sh, sl = time(stored, at)
  local nh, nl = time(new, 10)
  if sh ~= nh then return sh > nh end
  if sl ~= nl then return sl > nl end
  if not (stored_created and new_created) then return false end
  sh, sl = time(stored, at + 8)
  nh, nl = time(new, 18)
  if sh ~= nh then return sh > nh end
  return sl > nl
end

local guarded, expiry, field = ARGV[1] == 'guarded', tonumber(ARGV[2]), ARGV[3]
local features, digests = ARGV[4], ARGV[5]

-- Whether a new row has every feature of a stored one.
local function replaces(stored, created, new)
  if byte(new, 1) % 8 >= 4 then return false end
  if byte(stored, 1) == 1 then
    local first = created and 21 or 13
    return sub(stored, first, first - 1 + 4 * half('<I2', stored, 3)) == features
  end
  local digest = sub(stored, 2, 9)
  if digest == sub(new, 2, 9) then return true end
  for at = 1, #digests, 8 do
    if sub(digests, at, at + 7) == digest then return true end
  end
  return false
end

local answer = { 0 }
for row = 1, #KEYS do
  local key, new = KEYS[row], ARGV[5 + row]
  local stored, admitted = call('HGET', key, field), true
  if stored then
    local at, created = header(stored)
    if not at then return redis.error_reply('LARDERDATA ' .. row) end
    if guarded and is_newer(stored, at, created, new, byte(new, 1) % 2 == 1) then
      admitted = false
      answer[1] = answer[1] + 1
    elseif not replaces(stored, created, new) then
      admitted = false
      answer[#answer + 1] = row
    end
  end
  if admitted then
    call('HSET', key, field, new)
    if expiry > 0 then call('EXPIRE', key, expiry) end
  end
end
return answer
