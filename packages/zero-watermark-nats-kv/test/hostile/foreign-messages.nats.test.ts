import { connect, headers as newHeaders, type NatsConnection } from '@nats-io/transport-node';
import { jetstream } from '@nats-io/jetstream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { WatermarkErrorCode, type WatermarkStore } from '../../src/store.js';

import { recordLog } from '../../../../test/support/expectations.js';
import { casesOf } from '../../../../test/support/fuzz.js';
import { almost, anyJsonObject, bytesLike, goodText, nearlyJson } from '../../../../test/support/hostile.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';
import { checkPrototypes, isSame, outcomeOf } from '../../../../test/support/typed.js';
import { type Backend, openOn, singleServers, uniqueBucket } from '../support/backends.js';

/** A message as somebody else may publish it. */
interface ForeignMessage {
    readonly token: string;
    readonly payload: Uint8Array;
    readonly headers: readonly (readonly [string, string])[];
}

const record = almost({ format: fc.constantFrom(1, 2), version: goodText, data: anyJsonObject });
const payload = bytesLike(
    fc.oneof(
        record.map(value => JSON.stringify(value)),
        nearlyJson
    )
);
const part = fc.oneof(
    fc.constantFrom(
        'a',
        'users',
        '=41',
        '=zz',
        '==',
        '_kv',
        '__proto__',
        'ü',
        '\u0001',
        '=C3=28',
        'x'.repeat(200),
        'marker'
    ),
    fc.string({ unit: fc.constantFrom(...Array.from('abcAB019=_-/$%ü漢')), minLength: 1, maxLength: 8 })
);
const header = fc.tuple(
    fc.constantFrom('KV-Operation', 'kv-operation', 'Nats-Marker-Reason', 'X', 'Content-Type', '__proto__'),
    fc.oneof(fc.constantFrom('DEL', 'PURGE', 'del', '', 'MaxAge'), fc.string({ unit: 'grapheme-ascii', maxLength: 9 }))
);
const foreign: fc.Arbitrary<ForeignMessage> = fc.record({
    token: fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join('.')),
    payload,
    headers: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(header, { maxLength: 2 }) }
    )
});

let backend: Backend;
let nc: NatsConnection;

beforeAll(async () => {
    backend = await (singleServers[0]?.start() ?? Promise.reject(new Error('no server')));
    nc = await connect({ servers: [...backend.urls] });
});
afterAll(async () => {
    await nc.close();
    await backend[Symbol.asyncDispose]();
});

/** Publishes messages; those that the server itself refuses are not there. */
async function publish(bucket: string, messages: readonly ForeignMessage[]): Promise<number> {
    const js = jetstream(nc);
    let stored = 0;
    for (const message of messages) {
        const headers = newHeaders();
        message.headers.forEach(([name, value]) => headers.set(name, value));
        const options = message.headers.length === 0 ? {} : { headers };
        await js.publish(`$KV.${bucket}.${message.token}`, message.payload, options).then(
            () => (stored += 1),
            () => {}
        );
    }
    return stored;
}

async function textOf(lines: AsyncIterable<string>): Promise<string> {
    let text = '';
    for await (const line of lines) {
        text += line;
    }
    return text;
}

describe('raw messages in the bucket of watermarks', () => {
    test('are watermarks that can be stored again, deletions, or none of ours', async () => {
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket, logger: quietLogger, history: 2 });
        await store.watermarks.set('good', 'v1', { a: 1 });
        const messages = fc.sample(foreign, casesOf('server', 300));
        expect(await publish(bucket, messages)).toBeGreaterThan(100);
        await store.watermarks.set('good.later', 'v2');

        const all = await store.watermarks.getAll();
        expect(all.get('good')).toMatchObject({ version: 'v1', data: { a: 1 } });
        expect(all.get('good.later')).toMatchObject({ version: 'v2' });
        const watched = new Map<string, unknown>();
        for await (const event of store.watermarks.watchAll({ includeCurrent: true })) {
            if (event.type === 'current-complete') {
                break;
            }
            if (event.type === 'set') {
                watched.set(event.watermark.key, event.watermark);
            }
        }
        expect(watched).toEqual(all);
        checkPrototypes();
        for (const token of new Set(messages.map(message => message.token))) {
            const outcome = await outcomeOf('get', () => store.watermarks.get(token));
            const code = 'code' in outcome ? outcome.code : undefined;
            expect([undefined, WatermarkErrorCode.CORRUPT_RECORD, WatermarkErrorCode.INVALID_KEY]).toContain(code);
            expect('value' in outcome ? outcome.value : null).toEqual(all.get(token) ?? null);
            await outcomeOf('history', () => store.watermarks.history(token));
            const created = await outcomeOf('create', () => store.watermarks.create(token, 'mine'));
            expect('value' in created && (all.has(token) || code !== undefined)).toBe(false);
        }
        await expectExportable(store, backend);
    });
});

async function expectExportable(store: WatermarkStore, on: Backend): Promise<void> {
    await using other = await openOn(on, { logger: quietLogger });
    const text = await textOf(store.watermarks.exportWatermarks());
    const report = await other.watermarks.importWatermarks(text);
    expect(report.problems).toEqual([]);
    const [given, found] = [await store.watermarks.getAll(), await other.watermarks.getAll()];
    expect(found.size).toBe(given.size);
    for (const [key, { version, data }] of given) {
        expect(found.get(key)?.version).toBe(version);
        expect(isSame(data, found.get(key)?.data)).toBe(true);
    }
}

describe('raw messages in the bucket of a shard', () => {
    const strayToken = fc.record({
        token: fc.oneof(
            fc.constantFrom('a', 'sync.x', 'sync.imported-00', 'marker.x', 'marker.head', 'x'.repeat(43)),
            part,
            part.map(name => `sync.${name}`)
        ),
        payload: bytesLike(fc.oneof(goodText, nearlyJson, fc.constantFrom('00 token', '5abc x', ' ', ''))),
        headers: fc.constant([])
    });

    test('hide no token, and give none', async () => {
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket, logger: quietLogger });
        const { resumeTokens } = store;
        const tokens = ['first', 'second', 'third'];
        const watermarks = await resumeTokens.getOrCreateWatermarks('s', tokens);
        expect(await publish(`${bucket}-tokens-s`, fc.sample(strayToken, casesOf('server', 300)))).toBeGreaterThan(100);

        await using fresh = await openOn(backend, { bucket, logger: quietLogger });
        expect(await fresh.resumeTokens.head('s')).toEqual({ watermark: watermarks[2], resumeToken: 'third' });
        for (const service of [resumeTokens, fresh.resumeTokens]) {
            expect(await service.getOrCreateWatermarks('s', tokens)).toEqual(watermarks);
            for (const [index, watermark] of watermarks.entries()) {
                expect(await service.resume('s', watermark)).toEqual({ kind: 'resume', resumeToken: tokens[index] });
            }
        }
        const text = await textOf(fresh.resumeTokens.exportWatermarks());
        expect(text.split('\n').filter(line => line.includes('"token"'))).toHaveLength(3);
        const next = await fresh.resumeTokens.getOrCreateWatermark('s', 'fourth');
        expect(next > (watermarks[2] ?? '')).toBe(true);
        expect(await resumeTokens.head('s')).toEqual({ watermark: next, resumeToken: 'fourth' });
    });

    test('do not let a token pass the order that was asked for', async () => {
        const bucket = uniqueBucket();
        const compareResumeTokens = (a: string, b: string) => Number(a) - Number(b);
        await using store = await openOn(backend, { bucket, logger: quietLogger, compareResumeTokens });
        await store.resumeTokens.getOrCreateWatermark('s', '5');
        await publish(`${bucket}-tokens-s`, [{ token: 'stray', payload: Buffer.from('x'), headers: [] }]);
        const outcome = await outcomeOf('4', () => store.resumeTokens.getOrCreateWatermark('s', '4'));
        expect(outcome).toEqual({ code: WatermarkErrorCode.OUT_OF_ORDER });
    });

    test.each(['garbage', 'NaN', 'Infinity', '1e30', '18446744073709551615', '9007199254740991', '-1', '{}', ''])(
        'that say %j in place of where the shard goes on do not carry it there',
        async text => {
            const bucket = uniqueBucket();
            await using store = await openOn(backend, { bucket, logger: recordLog() });
            const { resumeTokens } = store;
            const before = await resumeTokens.getOrCreateWatermark('s', 'a');
            const fence = { token: 'marker.fence', payload: Buffer.from(text), headers: [] };
            expect(await publish(`${bucket}-tokens-s`, [fence])).toBe(1);
            await resumeTokens.abandon('s');
            const after = await resumeTokens.getOrCreateWatermark('s', 'a');
            expect(after > before).toBe(true);
            const beyondTheClock = await resumeTokens.getOrCreateWatermark('other', 'a');
            // Both go by the clock, and so are within a minute of each other.
            expect(
                Math.abs(Number.parseInt(after.slice(1, 7), 36) - Number.parseInt(beyondTheClock.slice(1, 7), 36))
            ).toBeLessThan(100);
            expect(await resumeTokens.resume('s', after)).toEqual({ kind: 'resume', resumeToken: 'a' });
        }
    );

    test('that say nothing sensible of an import are named', async () => {
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket, logger: quietLogger });
        await store.resumeTokens.getOrCreateWatermark('s', 'a');
        const mark = { token: 'marker.import', payload: Buffer.from('[['), headers: [] };
        await publish(`${bucket}-tokens-s`, [mark]);
        await using fresh = await openOn(backend, { bucket, logger: quietLogger });
        const outcome = await outcomeOf('head', () => fresh.resumeTokens.head('s'));
        expect(outcome).toEqual({ code: WatermarkErrorCode.CORRUPT_RECORD });
    });
});
