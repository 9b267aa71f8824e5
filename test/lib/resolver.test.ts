import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDnsResolver, type Resolver } from '../../bridge/lib/resolver.ts';
import { startDnsServer } from './dns-server.ts';

const IPV6 = Buffer.from('20010db8000000000000000000000001', 'hex');
let dns: Awaited<ReturnType<typeof startDnsServer>>;
let resolver: Resolver;

beforeAll(async () => {
  dns = await startDnsServer({
    'both.example': { a: '192.0.2.1', aaaa: IPV6 },
    'four.example': { a: '192.0.2.2' },
    '_countersign.acme.example': { txt: [['v=1; ', 'root=abc'], ['other']] },
    'broken.example': 'SERVFAIL',
  });
  resolver = createDnsResolver({ servers: [dns.server] });
});

afterAll(() => dns.stop());

describe('the resolver', () => {
  it('finds the addresses of both families', async () => {
    expect(await resolver.lookup('both.example')).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it('is content with one family', async () => {
    expect(await resolver.lookup('four.example')).toEqual(['192.0.2.2']);
  });

  it.each(['192.0.2.9', '2001:db8::9'])('answers the literal %s with itself', async (address) => {
    expect(await resolver.lookup(address)).toEqual([address]);
  });

  it('joins the strings of each TXT record', async () => {
    expect([...(await resolver.txt('_countersign.acme.example'))].sort()).toEqual(['other', 'v=1; root=abc']);
  });

  it('says that a name does not exist', async () => {
    await expect(resolver.lookup('nowhere.example')).rejects.toMatchObject({ code: 'name_not_found' });
    await expect(resolver.txt('nowhere.example')).rejects.toMatchObject({ code: 'name_not_found' });
  });

  it('says that a name has no TXT record', async () => {
    await expect(resolver.txt('four.example')).rejects.toMatchObject({ code: 'name_not_found' });
  });

  it('does not call a name absent that nobody could look up', async () => {
    await expect(resolver.lookup('broken.example')).rejects.toMatchObject({ code: 'name_unresolvable' });
    await expect(resolver.txt('broken.example')).rejects.toMatchObject({ code: 'name_unresolvable' });
  });

  it('uses the machine’s own names when no servers are given', async () => {
    expect(await createDnsResolver().lookup('localhost')).toContain('127.0.0.1');
  });
});
