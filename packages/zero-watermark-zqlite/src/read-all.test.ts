import Database from '@rocicorp/zero-sqlite3';
import { expect, test } from 'vitest';

import { resolveOptions } from './options.js';
import { readAll } from './read-all.js';
import { RowReader } from './row-reader.js';
import { StoreDatabase } from './store-database.js';

const turn = () => new Promise(resolve => setImmediate(resolve));

test('ends, with every key at its newest, also when more is written in each turn than is read', async () => {
    const options = resolveOptions({ database: ':memory:' });
    const database = await StoreDatabase.open({ sqlite: Database, options });
    const { records } = await database.current();
    const newest = new Map<string, number>();
    const write = (from: number, to: number) => {
        for (let n = from; n < to; n += 1) {
            newest.set(`key.${n}`, records.append(`key.${n}`, '{}'));
        }
    };
    write(0, 2_000);
    let reading = true;
    const writing = (async () => {
        for (let n = 1_500; reading; n += 600) {
            await turn();
            write(n, n + 600);
        }
    })();
    const read = new Map<string, number>();
    await readAll(database, RowReader.fromStart(), ({ key, revision }) => {
        // So slow that a turn has hardly more than a page.
        for (const until = performance.now() + 0.02; performance.now() < until;);
        read.set(key, revision);
    });
    expect(read).toEqual(newest);
    reading = false;
    await writing;
    database.close();
});
