import { Redis } from 'ioredis';

const AGE = `
  local keys = redis.call('KEYS', ARGV[1] .. '*')
  for _, key in ipairs(keys) do
    local left = redis.call('PTTL', key)
    if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[2]) end
  end`;

/** Takes milliseconds from every key of a prefix, as if they had passed. */
export async function ageKeys(url: string, prefix: string, ms: number): Promise<void> {
  const client = new Redis(url, { lazyConnect: true });
  await client.connect();
  try {
    await client.eval(AGE, 0, prefix, ms);
  } finally {
    client.disconnect();
  }
}
