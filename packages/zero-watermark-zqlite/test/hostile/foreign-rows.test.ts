import fc from 'fast-check';
import { expect, test } from 'vitest';

import { WatermarkErrorCode } from '../../src/store.js';

import { casesOf } from '../../../../test/support/fuzz.js';
import { almost, anyJsonObject, goodText, nearlyJson } from '../../../../test/support/hostile.js';
import { quietLogger } from '../../../../test/support/hostile-store.js';
import { checkPrototypes, outcomeOf } from '../../../../test/support/typed.js';
import { Place } from '../support/place.js';

test('rows that somebody else put into the file are watermarks that can be stored again, or none of ours', async () => {
    await using place = new Place();
    const { watermarks } = await place.open({ logger: quietLogger });
    await watermarks.set('good', 'v1', { a: 1 });
    const record = almost({ format: fc.constantFrom(1, 2), version: goodText, data: anyJsonObject });
    const text = fc.oneof(
        record.map(value => JSON.stringify(value)),
        nearlyJson,
        nearlyJson.map(data => `{"format":1,"version":"v","data":{"a":${data}}}`)
    );
    const shortText = goodText.filter(key => key.length < 900);
    const rows = fc.sample(fc.tuple(shortText, fc.oneof(text, fc.constant(null))), casesOf('call', 300));
    place.sql(file => {
        const insert = file.prepare<[string, number, string | null]>(
            'INSERT INTO watermarks (key, timestamp, record) VALUES (?, ?, ?)'
        );
        rows.forEach(([key, value], index) => insert.run(`foreign.${key}`, index, value));
    });
    const all = await watermarks.getAll();
    expect(all.get('good')).toMatchObject({ version: 'v1', data: { a: 1 } });
    checkPrototypes();
    for (const key of new Set(rows.map(([name]) => `foreign.${name}`))) {
        const outcome = await outcomeOf('get', () => watermarks.get(key));
        const known = 'value' in outcome ? outcome.value : null;
        expect(known).toEqual(all.get(key) ?? null);
        expect('code' in outcome ? outcome.code : WatermarkErrorCode.CORRUPT_RECORD).toMatch(
            /CORRUPT_RECORD|INVALID_KEY/
        );
        if (known !== null) {
            expect(await outcomeOf('set', () => watermarks.set(key, known.version, known.data))).toEqual({
                value: undefined
            });
        }
    }
});

test.each(['9223372036854775807', '9007199254740993'])(
    'a row with the number %s is named, and nothing hangs',
    async number => {
        await using place = new Place();
        const { watermarks, resumeTokens } = await place.open({ logger: quietLogger });
        await watermarks.set('good', 'v1');
        await resumeTokens.getOrCreateWatermark('s', 'a');
        place.sql(file =>
            file.exec(`INSERT INTO watermarks (revision, key, timestamp, record)
                VALUES (${number}, 'far', ${number}, '{"format":1,"version":"v"}');
            INSERT INTO watermarks_tokens (shard, sequence, token, begins_sync)
                SELECT id, ${number}, 'far', 0 FROM watermarks_shards`)
        );
        const calls: readonly (() => Promise<unknown>)[] = [
            () => watermarks.get('far'),
            () => watermarks.getAll(),
            () => watermarks.set('good', 'v2'),
            () => watermarks.clear(),
            () => resumeTokens.head('s'),
            () => resumeTokens.getOrCreateWatermark('s', 'b'),
            () => firstOf(resumeTokens.exportWatermarks())
        ];
        for (const call of calls) {
            expect(await outcomeOf(String(call), call)).toEqual({ code: WatermarkErrorCode.CORRUPT_RECORD });
        }
        expect(await watermarks.get('good')).toMatchObject({ version: 'v1' });
        await expect(place.open()).rejects.toMatchObject({ code: WatermarkErrorCode.CORRUPT_RECORD });
    }
);

async function firstOf(lines: AsyncIterable<string>): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const line of lines) {
        found.push(line);
        expect(found.length).toBeLessThan(10);
    }
    return found;
}
