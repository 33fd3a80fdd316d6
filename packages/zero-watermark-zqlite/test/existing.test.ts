import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Sqlite from '@rocicorp/zero-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';

import { ExistingAlgorithm, type ExistingKeys } from '../../../test/support/existing-algorithm.js';
import { rejectionOf } from '../../../test/support/expectations.js';
import { openExistingStore, openWatermarkStore, versionToLexi, WatermarkErrorCode } from '../src/store.js';

const folder = mkdtempSync(join(tmpdir(), 'zero-existing-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = () => join(folder, `${(files += 1)}.db`);

/** A file as the existing package makes it. */
function existingFile() {
    const database = newPath();
    const connection = new Sqlite(database);
    connection.prepare('CREATE TABLE IF NOT EXISTS zero_kv (key TEXT PRIMARY KEY, value TEXT)').run();
    const read = connection.prepare<[string], string>('SELECT value FROM zero_kv WHERE key = ?').pluck();
    const write = connection.prepare<[string, unknown]>(
        'INSERT INTO zero_kv (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'
    );
    const put = (key: string, value: unknown) => void write.run(key, value);
    const remove = (key: string) => connection.prepare<[string]>('DELETE FROM zero_kv WHERE key = ?').run(key);
    const keys: ExistingKeys = {
        get: async key => {
            const value = read.get(key);
            return value === undefined ? undefined : { value, revision: 0 };
        },
        put: async (key, value) => {
            put(key, value);
            return true;
        }
    };
    return { database, connection, put, remove, algorithm: new ExistingAlgorithm(keys) };
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('what the existing package has stored', () => {
    test('arrives: old watermarks resume, tokens keep theirs, new ones are above', async () => {
        const { database, connection, algorithm } = existingFile();
        const tokens = ['{"_data":"82 6"}', 'ü', ...named('token-', 2_500)];
        connection.exec('BEGIN');
        for (const token of tokens) {
            await algorithm.getOrCreateWatermark('app-0', token);
        }
        await algorithm.getOrCreateWatermark('app 1', 'other');
        connection.exec('COMMIT');
        connection.close();
        const before = readFileSync(database);

        await using existing = await openExistingStore({ database });
        expect(existing.resumeTokens).toMatchObject({ count: 2_503, problems: [], unrelated: 0 });
        expect([...existing.resumeTokens.shardIds].sort()).toEqual(['app 1', 'app-0']);
        await using store = await openWatermarkStore({ database: newPath() });
        const { resumeTokens } = store;
        await resumeTokens.importWatermarks(existing.resumeTokens.exportWatermarks());
        for (const [index, token] of tokens.entries()) {
            const watermark = versionToLexi(index + 1);
            expect(await resumeTokens.resume('app-0', watermark)).toEqual({ kind: 'resume', resumeToken: token });
        }
        expect(await resumeTokens.getOrCreateWatermarks('app-0', tokens)).toEqual(
            tokens.map((_, index) => versionToLexi(index + 1))
        );
        expect((await resumeTokens.getOrCreateWatermark('app-0', 'new')) > versionToLexi(2_502)).toBe(true);
        await existing.close();
        expect(readFileSync(database)).toEqual(before);
    });

    test('broken rows of every kind are listed, and imported only when that is asked for', async () => {
        const { database, connection, put, remove, algorithm } = existingFile();
        for (const token of ['a', 'b', 'c', 'd', 'e']) {
            await algorithm.getOrCreateWatermark('app-0', token);
        }
        put('zero_app-0.lsn', null);
        remove('zero_app-0.03');
        remove('zero_app-0.d');
        put('zero_app-0.e', Buffer.from([1, 2]));
        put('zero_app-0.0f', '');
        put('orders', '7');
        connection.prepare('INSERT INTO zero_kv (rowid, key, value) VALUES (-5, NULL, ?)').run('x');
        connection.close();
        await using existing = await openExistingStore({ database });
        const { resumeTokens } = existing;
        expect(Object.fromEntries(resumeTokens.problems.map(({ key, found }) => [key, found]))).toEqual({
            'zero_app-0.lsn': '""',
            'zero_app-0.c': '03, a watermark that leads nowhere',
            'zero_app-0.04': 'a resume token that has no watermark',
            'zero_app-0.05': `a resume token that has the watermark ${JSON.stringify('\u0001\u0002')}`,
            'zero_app-0.e': JSON.stringify('\u0001\u0002'),
            'zero_app-0.0f': '""'
        });
        expect(resumeTokens.unrelated).toBe(2);
        await using store = await openWatermarkStore({ database: newPath() });
        const refused = store.resumeTokens.importWatermarks(resumeTokens.exportWatermarks());
        expect(await rejectionOf(refused)).toMatchObject({ code: WatermarkErrorCode.CORRUPT_RECORD });
        const lines = resumeTokens.exportWatermarks({ despiteProblems: true });
        await store.resumeTokens.importWatermarks(lines);
        for (const [index, token] of ['a', 'b', 'c', 'd', 'e'].entries()) {
            expect(await store.resumeTokens.getResumeToken('app-0', `0${index + 1}`)).toBe(token);
        }
    });

    test('ids with a dot have to be named', async () => {
        const { database, connection, algorithm } = existingFile();
        await algorithm.getOrCreateWatermark('app.eu', 'a');
        connection.close();
        await using existing = await openExistingStore({ database }, { shardIds: ['app.eu'] });
        expect(existing.resumeTokens).toMatchObject({ shardIds: ['app.eu'], count: 1, problems: [] });
    });

    test('a file whose last writes are still in its log', async () => {
        const { database, connection, algorithm } = existingFile();
        connection.pragma('journal_mode = wal');
        await algorithm.getOrCreateWatermark('app-0', 'a');
        await using existing = await openExistingStore({ database });
        expect(existing.resumeTokens.count).toBe(1);
        connection.close();
    });
});

test.each<[string, (path: string) => void, WatermarkErrorCode]>([
    ['no file', () => {}, WatermarkErrorCode.BUCKET_NOT_FOUND],
    [
        'another database',
        path => new Sqlite(path).exec('CREATE TABLE t (a)').close(),
        WatermarkErrorCode.BUCKET_NOT_FOUND
    ],
    ['no database', path => writeFileSync(path, 'x'.repeat(5_000)), WatermarkErrorCode.BUCKET_MISMATCH]
])('%s is said to be that, and nothing is made', async (_, make, code) => {
    const database = newPath();
    make(database);
    expect(await rejectionOf(openExistingStore({ database }))).toMatchObject({ code });
    if (code === WatermarkErrorCode.BUCKET_NOT_FOUND) {
        expect((await rejectionOf(openExistingStore({ database }))).message).toContain(database);
    }
});

test('options that are wrong, and calls after close', async () => {
    const nothing = openExistingStore({ database: '' });
    expect(await rejectionOf(nothing)).toMatchObject({ code: WatermarkErrorCode.INVALID_OPTIONS });
    const { database, connection, algorithm } = existingFile();
    await algorithm.getOrCreateWatermark('app-0', 'a');
    connection.close();
    const existing = await openExistingStore({ database });
    await existing.close();
    await existing.close();
    const late = existing.resumeTokens.exportWatermarks()[Symbol.asyncIterator]();
    const drained = (async () => {
        for (let next = await late.next(); next.done !== true; next = await late.next()) {
            // On to the entries.
        }
    })();
    expect(await rejectionOf(drained)).toMatchObject({ code: WatermarkErrorCode.CLOSED });
});
