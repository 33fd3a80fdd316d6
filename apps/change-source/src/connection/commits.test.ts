import { expect, test } from 'vitest';

import { Commits } from './commits.js';

test('a commit is awaited; a later one includes it', async () => {
    const commits = new Commits();
    const seen: string[] = [];
    const first = commits.of('11').then(() => seen.push('11'));
    commits.note('10');
    await Promise.resolve();
    expect(seen).toEqual([]);
    commits.note('12');
    await first;
    await commits.of('12');
});

test('nobody waits when no acknowledgement can come any more', async () => {
    const commits = new Commits();
    const waiting = commits.of('11');
    commits.close();
    expect(await Promise.all([waiting, commits.of('12')])).toEqual([undefined, undefined]);
});
