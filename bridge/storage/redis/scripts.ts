/** Steps of several commands that must be one, as Lua, which Redis and Valkey run without anything in between. */

/** KEYS: the counter. ARGV: its time to live in ms, from the first count. */
export const INCREMENT = `
  local count = redis.call('INCR', KEYS[1])
  if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return count`;

/**
 * Marks something as consumed, and says since when this server remembers what was.
 *
 * The server's memory is whole since the moment that stands beside the marks, as long as the same run of the same
 * server process answers: one that was promoted may lack the last marks of its predecessor (replication is
 * asynchronous), one that was restarted or emptied may lack all. Then the memory begins anew, now.
 *
 * KEYS: the mark; where the memory's beginning stands. ARGV: the mark's time to live in ms; the time now in ms.
 * Answers whether the mark is new (1 or 0), and the beginning in ms.
 */
export const CONSUME = `
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local known, since = string.match(redis.call('GET', KEYS[2]) or '', '^(%x+) (%d+)$')
  if known ~= run then
    since = ARGV[2]
    redis.call('SET', KEYS[2], run .. ' ' .. since)
  end
  local first = redis.call('SET', KEYS[1], '', 'PX', ARGV[1], 'NX')
  return { first and 1 or 0, since }`;
