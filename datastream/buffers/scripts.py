"""The scripts that run inside Redis, and the names of its keys. Each script is one step that nothing can cut in two.

An epoch is a random name kept beside the server's `run_id` and `master_replid`: after a restart, a restore, a failover
or a flush one of them is missing or differs, and every script begins by giving the stream a new one. All keys of a
stream carry one hash tag, so that its scripts also run on a cluster. Scripts that drain carry `allow-oom`, because a
buffer that is full must be drained; the one that appends does not.
"""

from hashlib import blake2b

_EPOCH = """
local function epoch(key, fresh)
    local run = string.match(redis.call('info', 'server'), 'run_id:(%w+)')
        .. string.match(redis.call('info', 'replication'), 'master_replid:(%w+)')
    local known = redis.call('hmget', key, 'run', 'name')
    if known[1] == run and known[2] then return known[2] end
    redis.call('hset', key, 'run', run, 'name', fresh)
    return fresh
end
"""

APPEND = f"""#!lua
{_EPOCH}
epoch(KEYS[2], ARGV[1])
local new = {{}}
for at = 3, #KEYS do
    local seen = redis.call('exists', KEYS[at])
    if seen == 0 then
        redis.call('xadd', KEYS[1], '*', 'id', ARGV[at * 2 - 3], 'body', ARGV[at * 2 - 2])
        redis.call('set', KEYS[at], '', 'px', ARGV[2])
    end
    new[at - 2] = 1 - seen
end
return new
"""
"""KEYS: entries, epoch, a mark for each delivery. ARGV: a new epoch's name, how many ms a mark lasts, then id and body
of each delivery. The entry comes before the mark: a mark without an entry would be a record that never comes again."""

REACH = f"""#!lua flags=allow-oom
{_EPOCH}
local name = epoch(KEYS[2], ARGV[1])
local last = redis.call('xrevrange', KEYS[1], '+', '-', 'count', 1)
local known, added = redis.call('exists', KEYS[1]) == 1 and redis.call('xinfo', 'stream', KEYS[1]) or {{}}, 0
for at = 1, #known, 2 do if known[at] == 'entries-added' then added = known[at + 1] end end
return {{name, last[1] and last[1][1] or '0-0', redis.call('xlen', KEYS[1]), added}}
"""

READ = f"""#!lua flags=allow-oom
{_EPOCH}
if epoch(KEYS[2], ARGV[1]) ~= ARGV[2] then return false end
local found, size, after = {{}}, 0, ARGV[3]
while #found < tonumber(ARGV[4]) and size < tonumber(ARGV[5]) do
    local some = redis.call('xrange', KEYS[1], '(' .. after, '+', 'count', math.min(20, ARGV[4] - #found))
    if #some == 0 then break end
    for _, entry in ipairs(some) do
        found[#found + 1], size, after = entry, size + #entry[2][4], entry[1]
    end
end
return found
"""
"""ARGV: a new epoch's name, the epoch that is read, the position before, how many entries at most, and after how many
bytes it is enough: while a script runs nobody else is served, and Lua keeps a second copy of what it returns."""

TRIM = f"""#!lua flags=allow-oom
{_EPOCH}
if epoch(KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('xtrim', KEYS[1], 'minid', ARGV[3])
"""


def entries(lane: str) -> str:
    """Return the key under which a lane's deliveries wait."""
    stream, _, number = lane.partition(":")
    return f"datastream:{{{stream}}}:{number}:entries"


def epoch(lane: str) -> str:
    """Return the key of the epoch, which all lanes of a stream share."""
    return f"datastream:{{{lane.partition(':')[0]}}}:epoch"


def seen(lane: str, delivery_id: str) -> str:
    """Return the key of the mark that a delivery leaves, whichever lane of its stream it went to."""
    digest = blake2b(delivery_id.encode(), digest_size=16).hexdigest()
    return f"datastream:{{{lane.partition(':')[0]}}}:seen:{digest}"
