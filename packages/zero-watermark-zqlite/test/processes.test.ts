import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { isWatermarkError, type Watermark, WatermarkErrorCode, type WatermarkStore } from '../src/store.js';
import { eventually, Place, rejectionOf } from './support/place.js';
import { startProcess } from './support/process.js';

describe('several processes on one file', () => {
    test('four that race with the same tokens all get the same watermarks, in an order that all agree on', async () => {
        await using place = new Place();
        const options = { database: place.database };
        const tokens = Array.from({ length: 300 }, (_, index) => `token-${index}`);
        const racers = await Promise.all(
            [0, 75, 150, 225].map(shift =>
                startProcess({ role: 'racer', options, tokens: [...tokens.slice(shift), ...tokens.slice(0, shift)] })
            )
        );
        racers.forEach(racer => racer.go());
        await Promise.all(racers.map(racer => racer.done()));
        const given = racers.map(
            ({ said }) =>
                new Map(
                    said.flatMap(line =>
                        typeof line === 'object' && 'token' in line ? [[line.token, line.watermark]] : []
                    )
                )
        );
        expect(given[0]?.size).toBe(300);
        for (const other of given) {
            expect(Object.fromEntries(other)).toEqual(Object.fromEntries(given[0] ?? []));
        }
        expect(new Set(given[0]?.values()).size).toBe(300);
        const { resumeTokens } = await place.open();
        for (const [token, watermark] of given[0] ?? []) {
            expect(await resumeTokens.getResumeToken('s', watermark)).toBe(token);
        }
        await Promise.all(racers.map(racer => racer.kill()));
    });

    test('a watch tells what another process writes within 250 ms', async () => {
        await using place = new Place();
        const { watermarks } = await place.open({ history: 64 });
        const seen: string[] = [];
        const delays: number[] = [];
        const see = (watermark: Watermark) => {
            seen.push(watermark.version);
            delays.push(Date.now() - watermark.timestamp);
        };
        await watermarks.watch('users', see);
        await using setter = await startProcess({ role: 'setter', options: { database: place.database, history: 64 } });
        setter.go();
        await setter.done();
        await eventually('the last', () => seen.length === 20);
        expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => `v${index}`));
        // Half of them, because the machine that the tests run on may be busy with something else.
        expect(delays.toSorted((a, b) => a - b)[10]).toBeLessThan(250);
    });

    test('an open store keeps no process alive, a watch does', async () => {
        await using place = new Place();
        const options = { database: place.database };
        await using visitor = await startProcess({ role: 'visitor', options });
        await using watcher = await startProcess({ role: 'watcher', options });
        visitor.go();
        watcher.go();
        expect(await visitor.ended).toBe(0);
        await watcher.done();
        const { watermarks } = await place.open();
        expect((await watermarks.get('visited'))?.version).toBe('v1');
        await watermarks.set('users', 'v1');
        await eventually('the watcher is there, and sees it', () =>
            watcher.said.some(line => typeof line === 'object' && 'version' in line && line.version === 'v1')
        );
    });
});

/** Holds the lock for writing, as a long transaction of another program does. */
async function whileLocked(place: Place, run: () => Promise<void>): Promise<void> {
    const { default: Database } = await import('@rocicorp/zero-sqlite3');
    const connection = new Database(place.database);
    try {
        connection.exec('BEGIN IMMEDIATE');
        await run();
    } finally {
        connection.close();
    }
}

describe('a lock that another process holds', () => {
    test('for longer than busyTimeoutMs: UNAVAILABLE, while reads and the process go on', async () => {
        await using place = new Place();
        const { watermarks, resumeTokens } = await place.open({ busyTimeoutMs: 400 });
        await watermarks.set('users', 'v1');
        await whileLocked(place, async () => {
            const startedAt = performance.now();
            const writes = Promise.all([
                rejectionOf(watermarks.set('users', 'v2')),
                rejectionOf(resumeTokens.getOrCreateWatermark('s', 'a')),
                rejectionOf(resumeTokens.getOrCreateWatermark('s', 'b'))
            ]);
            let turns = 0;
            const ticking = setInterval(() => (turns += 1), 1);
            expect((await watermarks.get('users'))?.version).toBe('v1');
            expect(performance.now() - startedAt).toBeLessThan(400);
            const errors = await writes;
            clearInterval(ticking);
            expect(performance.now() - startedAt).toBeGreaterThan(390);
            expect(turns).toBeGreaterThan(20);
            for (const error of errors) {
                expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE, retryable: true });
            }
            expect(errors[0]?.message).toContain('busyTimeoutMs (400 ms)');
        });
        await watermarks.set('users', 'v3');
        expect(await watermarks.history('users')).toMatchObject([{ version: 'v3', revision: 2 }]);
        expect(await resumeTokens.head('s')).toBeNull();
    });

    test('for a moment, while more waits than is written within busyTimeoutMs: nobody is told that it took too long', async () => {
        await using place = new Place();
        const { resumeTokens } = await place.open({ busyTimeoutMs: 300 });
        await resumeTokens.provision(['s']);
        const many = resumeTokens.getOrCreateWatermarks(
            's',
            Array.from({ length: 60_000 }, (_, index) => `token-${index}`)
        );
        const startedAt = performance.now();
        for (let locked = 0; performance.now() - startedAt < 500; locked += 1) {
            await whileLocked(place, () => sleep(locked === 0 ? 20 : 5));
            await sleep(20);
        }
        expect((await many).length).toBe(60_000);
    });

    test('for less: a slow call, and the order is kept', async () => {
        await using place = new Place();
        const { watermarks, resumeTokens } = await place.open();
        const calls: Promise<unknown>[] = [];
        const answered: string[] = [];
        await whileLocked(place, async () => {
            for (const token of ['a', 'b', 'c']) {
                calls.push(resumeTokens.getOrCreateWatermark('s', token).then(() => answered.push(token)));
                await sleep(40);
            }
            calls.push(watermarks.set('users', 'v1'));
            expect(answered).toEqual([]);
        });
        await Promise.all(calls);
        expect(answered).toEqual(['a', 'b', 'c']);
        expect(await resumeTokens.head('s')).toMatchObject({ resumeToken: 'c' });
    });

    test('when a store is opened that has to be made', async () => {
        await using place = new Place();
        place.sql(file => file.exec('PRAGMA application_id = 2054647147'));
        await whileLocked(place, async () => {
            const error = await rejectionOf(place.open({ busyTimeoutMs: 200 }));
            expect(error).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE, retryable: true });
        });
        await place.open();
    });
});

const WRITERS = 50;
const STORES = 4;

describe(`${WRITERS} writers in ${STORES} stores on one file`, () => {
    const writers = Array.from({ length: WRITERS }, (_, writer) => writer);

    async function openAll(place: Place): Promise<(writer: number) => WatermarkStore['watermarks']> {
        const stores = await Promise.all(Array.from({ length: STORES }, () => place.open({ history: 64 })));
        return writer => {
            const store = stores[writer % STORES];
            if (store === undefined) {
                throw new RangeError('no store');
            }
            return store.watermarks;
        };
    }

    test('one sees at once what another one wrote', async () => {
        await using place = new Place();
        const serviceOf = await openAll(place);
        for (const writer of writers) {
            await serviceOf(writer).set('users', `v${writer}`);
            expect((await serviceOf(writer + 1).get('users'))?.version).toBe(`v${writer}`);
            expect((await serviceOf(writer + 2).getAll()).get('users')?.version).toBe(`v${writer}`);
        }
    });

    test('create has one winner, and everybody else learns its revision', async () => {
        await using place = new Place();
        const serviceOf = await openAll(place);
        const outcomes = await Promise.allSettled(
            writers.map(writer => serviceOf(writer).create('created', `v${writer}`))
        );
        const winners = outcomes.filter(({ status }) => status === 'fulfilled');
        expect(winners).toHaveLength(1);
        const { revision, version } = (await serviceOf(0).get('created')) ?? {};
        expect(outcomes[Number(version?.slice(1))]).toEqual({ status: 'fulfilled', value: revision });
        for (const outcome of outcomes) {
            expect(outcome.status === 'fulfilled' || outcome.reason).toSatisfy(
                error => error === true || isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT)
            );
        }
    });

    test('compareAndSet loses nothing', async () => {
        await using place = new Place();
        const serviceOf = await openAll(place);
        await serviceOf(0).create('counter', '0');
        await Promise.all(
            writers.map(async writer => {
                for (let stored = false; !stored;) {
                    const current = await serviceOf(writer).get('counter');
                    const next = String(Number(current?.version) + 1);
                    stored = await serviceOf(writer)
                        .compareAndSet('counter', current?.revision ?? 0, next)
                        .then(
                            () => true,
                            error => {
                                expect(error).toMatchObject({ code: WatermarkErrorCode.REVISION_CONFLICT });
                                return false;
                            }
                        );
                }
            })
        );
        expect((await serviceOf(1).get('counter'))?.version).toBe(String(WRITERS));
    });

    test('advance never goes back', async () => {
        await using place = new Place();
        const serviceOf = await openAll(place);
        const versions = writers.map(writer => String(writer).padStart(4, '0'));
        const results = await Promise.all(
            versions.toReversed().map((version, writer) => serviceOf(writer).advance('advanced', version))
        );
        const history = (await serviceOf(0).history('advanced')).map(({ version }) => version);
        expect(history).toEqual(history.toSorted());
        expect(history.at(-1)).toBe(versions.at(-1));
        expect(results.filter(({ advanced }) => advanced)).toHaveLength(history.length);
    });

    test('watches of all stores see everything, in the order of the revisions', async () => {
        await using place = new Place();
        const serviceOf = await openAll(place);
        const seen = await Promise.all(
            Array.from({ length: STORES }, async (_, store) => {
                const revisions: number[] = [];
                await serviceOf(store).watch('users', ({ revision }) => revisions.push(revision));
                return revisions;
            })
        );
        await Promise.all(writers.map(writer => serviceOf(writer).set('users', `v${writer}`)));
        const all = (await serviceOf(0).history('users')).map(({ revision }) => revision);
        expect(all).toHaveLength(WRITERS);
        await eventually('the last', () => seen.every(revisions => revisions.at(-1) === all.at(-1)));
        seen.forEach(revisions => expect(revisions).toEqual(all));
    });
});
