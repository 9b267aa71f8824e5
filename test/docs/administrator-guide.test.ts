import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const guide = readFileSync(new URL('../../docs/guides/administrator.md', import.meta.url), 'utf8');
const section = (title: string) => guide.split(/^#{2,3} /m).find((text) => text.startsWith(title)) ?? '';

describe('the administrator’s guide', () => {
  it('copies the database only under a umask that keeps others from reading it', () => {
    const blocks = section('Backups').match(/```sh\n[^`]+```/g) ?? [];
    expect(blocks.filter((block) => block.includes('VACUUM INTO'))).toEqual([
      expect.stringMatching(/^```sh\numask 077\nsqlite3 /),
    ]);
  });

  it('promises of no copy that the bridge goes on from it', () => {
    expect(section('Backups')).toContain('cannot be gone on with');
    expect(section('Backups')).toContain('transparency.md#the-disk-is-gone');
    expect(section('Backups')).not.toContain('close, reset and erase again');
  });

  it('gives the unit the right to the port that `init` writes', () => {
    expect(section('1. Set the bridge up')).toContain('AmbientCapabilities=CAP_NET_BIND_SERVICE');
  });
});
