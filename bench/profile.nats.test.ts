import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

/** With the packages that were built; what it says of so short a time means nothing. */
test('the profiles tell whose the time was, of each workload', async () => {
    const profile = fileURLToPath(new URL('profile.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [profile, '--seconds', '0.1', '--tokens', '2000']);

    const [, ...workloads] = stdout.split('\n## ');
    expect(workloads.map(text => text.split('\n')[0])).toEqual([
        'set, many keys, 256 callers',
        'set, one hot key, 256 callers',
        'replay of 2,000 known tokens, 1,000 a call'
    ]);
    for (const text of workloads) {
        const owners = new Map(
            [...(text.split('| function')[0] ?? '').matchAll(/^\| (.+?) +\| +([\d.]+) \|$/gm)].map(
                ([, owner = '', share]) => [owner, Number(share)] as const
            )
        );
        expect([...owners.keys()]).toEqual(expect.arrayContaining(['this library', '@nats-io', 'Node and sockets']));
        expect([...owners.values()].reduce((sum, share) => sum + share)).toBeCloseTo(100, 0);
    }
});
