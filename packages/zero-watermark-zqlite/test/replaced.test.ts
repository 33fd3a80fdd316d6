import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { type LexiVersion, WatermarkErrorCode, type WatermarkStore } from '../src/store.js';
import { eventually, Place, recordLog, rejectionOf } from './support/place.js';
import { startProcess } from './support/process.js';

const { BUCKET_MISMATCH, BUCKET_NOT_FOUND, HISTORY_LOST } = WatermarkErrorCode;

const rest = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** A copy that was made while nothing had the file open, with two tokens and a watermark in it. */
async function makeCopy(place: Place): Promise<{ readonly copy: string; readonly given: readonly LexiVersion[] }> {
    const store = await place.open();
    const given = await store.resumeTokens.getOrCreateWatermarks('s', ['a', 'b']);
    await store.watermarks.set('users', 'old');
    await store.close();
    const copy = join(place.folder, 'copy.db');
    copyFileSync(place.database, copy);
    return { copy, given };
}

const ways: readonly { readonly way: string; readonly replace: (place: Place, copy: string) => void }[] = [
    { way: 'another file is moved over it', replace: ({ database }, copy) => renameSync(copy, database) },
    {
        way: 'it is moved away, and a copy put in its place',
        replace: ({ database, folder }, copy) => {
            renameSync(database, join(folder, 'away.db'));
            copyFileSync(copy, database);
        }
    },
    {
        way: 'it is removed with its log, and a copy put in its place',
        replace: ({ database }, copy) => {
            ['', '-wal', '-shm'].forEach(suffix => rmSync(database + suffix));
            copyFileSync(copy, database);
        }
    },
    {
        way: 'a copy is written over it, and its log removed',
        replace: ({ database }, copy) => {
            ['-wal', '-shm'].forEach(suffix => rmSync(database + suffix));
            copyFileSync(copy, database);
        }
    },
    {
        way: 'another connection sets it back',
        replace: place =>
            place.sql(file =>
                file.exec(
                    `DELETE FROM watermarks_tokens WHERE token NOT IN ('a', 'b');
                     UPDATE watermarks SET revision = 1, record = '{"format":1,"version":"old"}'`
                )
            )
    }
];

test('an old copy that was put back between two runs: reset, and no number is given out again', async () => {
    await using place = new Place();
    const { copy, given } = await makeCopy(place);
    const lost = await (async () => {
        const store = await place.open();
        const watermarks = await store.resumeTokens.getOrCreateWatermarks('s', ['c', 'd', 'e']);
        await store.close();
        return watermarks;
    })();
    copyFileSync(copy, place.database);
    const { resumeTokens } = await place.open();
    expect(await resumeTokens.resume('s', String(given[1]))).toEqual({ kind: 'resume', resumeToken: 'b' });
    expect(await resumeTokens.resume('s', String(lost[2]))).toMatchObject({ reason: 'ahead-of-head' });
    for (const watermark of [...given, ...lost]) {
        expect(await resumeTokens.resume('s', watermark)).toMatchObject({ reason: 'pruned' });
    }
    expect((await resumeTokens.getOrCreateWatermark('s', 'c')) > String(lost[2])).toBe(true);
});

describe.each(ways)('under a running store $way', ({ replace }) => {
    test('a token that was to be stored is refused, and the shard goes on above all that it gave', async () => {
        await using place = new Place();
        const { copy, given } = await makeCopy(place);
        const logger = recordLog();
        const { resumeTokens, watermarks } = await place.open({ logger });
        const lost = await resumeTokens.getOrCreateWatermarks('s', ['c', 'd', 'e']);
        await watermarks.set('users', 'new');
        replace(place, copy);
        const outcomes = await Promise.allSettled(
            ['f', 'g'].map(token => resumeTokens.getOrCreateWatermark('s', token))
        );
        expect(outcomes).toMatchObject([
            { reason: { code: HISTORY_LOST } },
            { reason: { code: WatermarkErrorCode.UNAVAILABLE, cause: { code: HISTORY_LOST } } }
        ]);
        const next = await resumeTokens.getOrCreateWatermark('s', 'c');
        expect(next > String(lost[2])).toBe(true);
        for (const watermark of [...given, ...lost]) {
            expect(await resumeTokens.resume('s', watermark)).toMatchObject({ reason: 'pruned' });
        }
        // A shard that lost nothing goes on.
        await resumeTokens.getOrCreateWatermark('other', 'a');
        expect((await watermarks.get('users'))?.version).toBe('old');
        await watermarks.set('users', 'newer');
        expect(place.sql(file => file.pragma('integrity_check', { simple: true }))).toBe('ok');
    });

    test('resume says so', async () => {
        await using place = new Place();
        const { copy } = await makeCopy(place);
        const { resumeTokens } = await place.open();
        const lost = await resumeTokens.getOrCreateWatermark('s', 'c');
        replace(place, copy);
        await rest(150);
        expect(await resumeTokens.resume('s', lost)).toMatchObject({ reason: 'ahead-of-head' });
        expect((await resumeTokens.getOrCreateWatermark('s', 'c')) > lost).toBe(true);
    });

    test('watches go on with what it holds now', async () => {
        await using place = new Place();
        const { copy } = await makeCopy(place);
        const logger = recordLog();
        const { watermarks } = await place.open({ logger });
        await watermarks.set('users', 'v1');
        await watermarks.set('users', 'v2');
        const seen: string[] = [];
        const all: string[] = [];
        await watermarks.watch('users', ({ version }) => seen.push(version));
        const controller = new AbortController();
        const iterating = (async () => {
            for await (const event of watermarks.watchAll({ signal: controller.signal })) {
                all.push(event.type === 'set' ? event.watermark.version : event.type);
            }
        })();
        await rest(20);
        replace(place, copy);
        await eventually('what the copy holds', () => seen.includes('old') && all.includes('old'));
        await watermarks.set('users', 'v3');
        await eventually('what comes', () => seen.length === 2 && all.length === 2);
        expect([seen, all]).toEqual([
            ['old', 'v3'],
            ['old', 'v3']
        ]);
        expect(logger.warnings).toHaveLength(1);
        expect(logger.warnings[0]).toMatch(/was replaced by another file|was set back/);
        controller.abort();
        await iterating;
    });
});

describe('a file that is gone', () => {
    const remove = ({ database }: Place) => ['', '-wal', '-shm'].forEach(suffix => rmSync(database + suffix));

    test('is not made again: BUCKET_NOT_FOUND, until there is one', async () => {
        await using place = new Place();
        const { copy } = await makeCopy(place);
        const { watermarks, resumeTokens } = await place.open();
        remove(place);
        for (const write of [
            () => watermarks.set('users', 'new'),
            () => resumeTokens.getOrCreateWatermark('s', 'c'),
            () => watermarks.clear()
        ]) {
            const error = await rejectionOf(write());
            expect(error).toMatchObject({ code: BUCKET_NOT_FOUND });
            expect(error.message).toContain(place.database);
        }
        await rest(120);
        expect(await rejectionOf(watermarks.get('users'))).toMatchObject({ code: BUCKET_NOT_FOUND });
        expect(existsSync(place.database)).toBe(false);
        copyFileSync(copy, place.database);
        expect((await watermarks.get('users'))?.version).toBe('old');
        await watermarks.set('users', 'new');
    });

    test('an empty file in its place is none', async () => {
        await using place = new Place();
        await makeCopy(place);
        const { watermarks } = await place.open();
        remove(place);
        writeFileSync(place.database, '');
        const error = await rejectionOf(watermarks.set('users', 'new'));
        expect(error).toMatchObject({ code: BUCKET_NOT_FOUND });
        expect(readFileSync(place.database)).toHaveLength(0);
    });

    test('what another program put in its place stays as it is', async () => {
        await using place = new Place();
        const { copy } = await makeCopy(place);
        const { watermarks } = await place.open();
        remove(place);
        writeFileSync(place.database, 'something else');
        expect(await rejectionOf(watermarks.set('users', 'new'))).toMatchObject({ code: BUCKET_MISMATCH });
        expect(await rejectionOf(watermarks.get('users'))).toMatchObject({ code: BUCKET_MISMATCH });
        expect(readFileSync(place.database, 'utf8')).toBe('something else');
        rmSync(place.database);
        expect(await rejectionOf(watermarks.get('users'))).toMatchObject({ code: BUCKET_NOT_FOUND });
        copyFileSync(copy, place.database);
        expect((await watermarks.get('users'))?.version).toBe('old');
    });

    test('a watch waits for it, and says so once', async () => {
        await using place = new Place();
        const { copy } = await makeCopy(place);
        const logger = recordLog();
        const { watermarks } = await place.open({ logger });
        const seen: string[] = [];
        await watermarks.watch('users', ({ version }) => seen.push(version));
        remove(place);
        await eventually('a word about it', () => logger.errors.length === 1);
        await rest(300);
        expect(logger.errors).toMatchObject([{ error: { code: BUCKET_NOT_FOUND } }]);
        copyFileSync(copy, place.database);
        await eventually('what the copy holds', () => seen.length === 1);
        expect(seen).toEqual(['old']);
    });
});

test('a file that was moved away has everything that was acknowledged, also what was in the log', async () => {
    await using place = new Place();
    const { copy } = await makeCopy(place);
    const { watermarks, resumeTokens } = await place.open();
    const lost = await resumeTokens.getOrCreateWatermark('s', 'c');
    await watermarks.set('users', 'new');
    const away = join(place.folder, 'away.db');
    renameSync(place.database, away);
    renameSync(copy, place.database);
    await watermarks.set('users', 'newer');
    const moved: WatermarkStore = await place.open({ database: away });
    expect((await moved.watermarks.get('users'))?.version).toBe('new');
    expect(await moved.resumeTokens.getResumeToken('s', lost)).toBe('c');
});

test('several processes that have the file open all go over to the one that took its place', async () => {
    await using place = new Place();
    const { copy } = await makeCopy(place);
    const options = { database: place.database, history: 64 };
    const stores = await Promise.all([place.open({ history: 64 }), place.open({ history: 64 })]);
    await using watcher = await startProcess({ role: 'watcher', options });
    watcher.go();
    await watcher.done();
    await Promise.all(stores.map(({ watermarks }, index) => watermarks.set(`store.${index}`, 'new')));
    renameSync(place.database, join(place.folder, 'away.db'));
    copyFileSync(copy, place.database);
    await Promise.all(
        stores.flatMap(({ watermarks }, index) =>
            Array.from({ length: 20 }, (_, count) => watermarks.set('users', `store ${index}, ${count}`))
        )
    );
    const [first] = stores;
    const history = (await first?.watermarks.history('users')) ?? [];
    expect(history.map(({ version }) => version).toSorted()).toEqual(
        [
            'old',
            ...[0, 1].flatMap(index => Array.from({ length: 20 }, (_, count) => `store ${index}, ${count}`))
        ].toSorted()
    );
    const versionsSeen = () =>
        watcher.said.flatMap(line => (typeof line === 'object' && 'version' in line ? [line.version] : []));
    await eventually('the other process sees the last', () => versionsSeen().at(-1) === history.at(-1)?.version);
    expect(place.sql(file => file.pragma('integrity_check', { simple: true }))).toBe('ok');
    await watcher.kill();
    await Promise.all(stores.map(store => store.close()));
    const { watermarks } = await place.open({ history: 64 });
    expect(await watermarks.history('users')).toEqual(history);
});
