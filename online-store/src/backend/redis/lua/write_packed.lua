-- Writes packed rows of one view, each unless what is stored is newer.
--
-- KEYS: the rows' keys.
-- ARGV: "guarded" or "unguarded"; seconds to live or 0; the view's field; then for each row its packed bytes.
-- Answers how many rows were kept out, then the numbers (from 1) of rows that were not decided: what is stored has
-- other features, which only the client can merge.
--
-- A packed row (see packed_row.rs): version, flags (1: there is a created time), u16 number of features, i64 event
-- time, i64 created time, u32 hashes of the features, ... Little-endian; 64-bit times are compared half by half,
-- because Lua's numbers are doubles.

local byte, sub, half, call = string.byte, string.sub, struct.unpack, redis.call

-- The halves of a 64-bit time.
local function time(row, at)
  local low, high = half('<I4i4', row, at)
  return high, low
end

local function has_created(row) return byte(row, 2) % 2 == 1 end

local function whole_header(row)
  return #row >= 12 and byte(row, 1) == 1 and (not has_created(row) or #row >= 20)
end

-- Whether a stored row keeps a new one out.
local function is_newer(stored, new)
  local sh, sl = time(stored, 5)
  local nh, nl = time(new, 5)
  if sh ~= nh then return sh > nh end
  if sl ~= nl then return sl > nl end
  if not (has_created(stored) and has_created(new)) then return false end
  sh, sl = time(stored, 13)
  nh, nl = time(new, 13)
  if sh ~= nh then return sh > nh end
  return sl > nl
end

local function hashes(row)
  local first = has_created(row) and 21 or 13
  return sub(row, first, first - 1 + 4 * half('<I2', row, 3))
end

local guarded, expiry, field = ARGV[1] == 'guarded', tonumber(ARGV[2]), ARGV[3]
local answer = { 0 }
for row = 1, #KEYS do
  local key, new = KEYS[row], ARGV[3 + row]
  local stored, admitted = call('HGET', key, field), true
  if stored then
    if not whole_header(stored) then return redis.error_reply('LARDERDATA ' .. row) end
    if guarded and is_newer(stored, new) then
      admitted = false
      answer[1] = answer[1] + 1
    elseif hashes(stored) ~= hashes(new) then
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
