-- Writes rows of one view in Feast's layout, each unless what is stored is newer.
--
-- KEYS: the rows' keys.
-- ARGV: "larder" or "feast"; seconds to live or 0; the view's timestamp field; number of features n; n fields; then
-- for each row its timestamp, the timestamp's seconds and nanoseconds in decimals, and n values.
-- Answers how many rows were kept out.
--
-- Lua's numbers are doubles: seconds and nanoseconds are compared apart, and both are exact.

local byte, floor, tonumber, unpack, call = string.byte, math.floor, tonumber, unpack, redis.call

-- The number of a varint and the position behind it; nothing when there is none.
local function varint(bytes, at)
  local low, high = 0, 0
  for i = 0, 9 do
    local b = byte(bytes, at + i)
    if not b then return end
    local bits = b % 128
    if i < 4 then
      low = low + bits * 2 ^ (7 * i)
    elseif i == 4 then
      low, high = low + bits % 16 * 2 ^ 28, floor(bits / 16)
    elseif i < 9 then
      high = high + bits * 2 ^ (7 * i - 32)
    else
      high = high + bits % 2 * 2 ^ 31
    end
    if b < 128 then
      if high >= 2 ^ 31 then high = high - 2 ^ 32 end
      return high * 2 ^ 32 + low, at + i + 1
    end
  end
end

-- Seconds and nanoseconds of an encoded google.protobuf.Timestamp; nothing when it is none, or 290 000 years away.
local function instant(bytes)
  local seconds, nanos, at = 0, 0, 1
  while at <= #bytes do
    local field, number = byte(bytes, at), nil
    number, at = varint(bytes, at + 1)
    if not number then return end
    if field == 8 then seconds = number elseif field == 16 then nanos = number else return end
  end
  if seconds > -9223372036854 and seconds < 9223372036854 then return seconds, nanos end
end

local as_feast = ARGV[1] == 'feast'
local expiry, timestamp_field, n = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local pairs_of_row = { timestamp_field }
for i = 1, n do pairs_of_row[2 * i + 1] = ARGV[4 + i] end
local width = 2 * n + 2
-- Lua's stack holds 8 000 values.
local block = 7000

local kept_out, at = 0, 4 + n
for row = 1, #KEYS do
  local key = KEYS[row]
  local stored, admitted = call('HGET', key, timestamp_field), true
  if stored then
    local s, ns = instant(stored)
    if not s then return redis.error_reply('LARDERDATA ' .. row) end
    local seconds, nanos = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    if as_feast then
      local protects = s > 0 or (s == 0 and ns > 0)
      admitted = not protects or seconds > s or (seconds == s and nanos > ns)
    else
      admitted = seconds > s or (seconds == s and nanos >= ns)
    end
  end
  if admitted then
    pairs_of_row[2] = ARGV[at + 1]
    for i = 1, n do pairs_of_row[2 * i + 2] = ARGV[at + 3 + i] end
    for first = 1, width, block do
      local last = first + block - 1
      if last > width then last = width end
      call('HSET', key, unpack(pairs_of_row, first, last))
    end
    if expiry > 0 then call('EXPIRE', key, expiry) end
  else
    kept_out = kept_out + 1
  end
  at = at + 3 + n
end
return kept_out
