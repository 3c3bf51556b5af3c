-- Replaces one packed row if it is still the one that the client saw.
--
-- KEYS: the row's key.
-- ARGV: the view's field; seconds to live or 0; the row that was seen; the new one.
-- Answers 1 when it was replaced, else 0.

local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
local expiry = tonumber(ARGV[2])
if expiry > 0 then redis.call('EXPIRE', KEYS[1], expiry) end
return 1
