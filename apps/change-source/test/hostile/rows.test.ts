import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseSchema, InvalidSchemaError } from '../../src/schema/parse-schema.js';
import { interpret } from '../../src/nats-kv/row-message.js';
import { committedWatermark } from '../../src/protocol/acknowledgement.js';
import { BadRequestError, parseStreamRequest, shardIdOf } from '../../src/protocol/stream-request.js';
import { parsePosition } from '../../src/nats-kv/position.js';
import { parseResumeToken, resumeTokenOf } from '../../src/connection/resume-token.js';

import { holds } from '../../../../test/support/fuzz.js';
import { almost, anyJson, anyText, anything, bytesLike, madeOf, nearlyJson } from '../../../../test/support/hostile.js';
import { checkPrototypes, isSame } from '../../../../test/support/typed.js';

const { tables } = parseSchema({
    tables: {
        item: { primaryKey: ['id'], columns: { id: 'string', count: 'number', note: 'string?', constructor: 'json' } },
        tag: { primaryKey: ['item', 'rank'], columns: { item: 'string', rank: 'number', data: 'json' } }
    }
});
const message = (key: string, data: Uint8Array) => ({
    key,
    data,
    sequence: 1,
    storedAt: 0,
    pending: 0,
    isDeleted: false
});

test('whatever stands in the bucket of rows becomes a row that fits its table, a row that is gone, or nothing', async () => {
    const shape = {
        id: anyText,
        count: fc.double(),
        note: anyText,
        constructor: anyJson,
        item: anyText,
        rank: fc.nat(),
        data: anyJson
    };
    const text = fc.oneof(
        almost(shape).map(row => JSON.stringify(row)),
        nearlyJson.map(data => `{"count":1,"data":${data},"constructor":${data}}`),
        nearlyJson.map(count => `{"count":${count}}`),
        nearlyJson
    );
    const key = fc.oneof(
        fc.constantFrom(
            'item.a',
            'item.=C3=BC',
            'item.=FF',
            'tag.a.1',
            'tag.a.1e400',
            'tag.a.-0',
            '__proto__.a',
            'item.',
            ''
        ),
        anyText,
        anyText.map(id => `item.${id}`)
    );
    await holds(
        fc.property(key, bytesLike(text), (name, data) => {
            const { change, problem } = interpret(tables, message(name, data));
            checkPrototypes();
            expect(problem === undefined || problem.length < 20_000).toBe(true);
            if (change?.kind !== 'put') {
                return;
            }
            const columns = tables.get(change.table)?.columns ?? new Map();
            expect(Object.keys(change.row)).toEqual([...columns.keys()]);
            // What goes over the wire is what was read.
            const wire = JSON.stringify(change.row);
            expect(wire.isWellFormed() && isSame(change.row, JSON.parse(wire))).toBe(true);
        })
    );
});

describe('what comes over the wire', () => {
    test('is an acknowledgement, an echo, or not understood', async () => {
        const parts = fc.tuple(
            fc.oneof(fc.constant('status'), anyJson),
            fc.oneof(fc.constantFrom({ tag: 'commit' }, { ack: true }, {}), anyJson),
            fc.oneof(almost({ watermark: anyText }), anyJson)
        );
        await holds(
            fc.property(
                fc.oneof(
                    parts.map(value => JSON.stringify(value)),
                    nearlyJson
                ),
                text => {
                    let found: unknown;
                    try {
                        found = committedWatermark(text);
                    } catch (error) {
                        expect(error).toBeInstanceOf(Error);
                        expect(error).not.toBeInstanceOf(RangeError);
                    }
                    expect(found === undefined || typeof found === 'string').toBe(true);
                    checkPrototypes();
                }
            )
        );
    });

    test('is a request that names a shard, or is refused', async () => {
        const parameter = fc.tuple(
            fc.constantFrom('appID', 'shardNum', 'publications', 'lastWatermark', '__proto__'),
            anyText
        );
        await holds(
            fc.property(fc.array(parameter), anyText, (parameters, text) => {
                const query = `${new URLSearchParams(parameters).toString()}&${text}`;
                let shardId: string;
                try {
                    shardId = shardIdOf(parseStreamRequest(new URLSearchParams(query)));
                } catch (error) {
                    expect(error).toBeInstanceOf(BadRequestError);
                    return;
                }
                expect(shardId).toMatch(/^[a-z0-9_]{1,60}_(0|[1-9]\d{0,8})$/);
            })
        );
    });

    test('is a position, or none', async () => {
        await holds(
            fc.property(anyText, text => {
                const token = parseResumeToken(text);
                expect(token === undefined || resumeTokenOf(token) === text).toBe(true);
                expect(Number.isSafeInteger(parsePosition(text)?.sequence ?? 0)).toBe(true);
            })
        );
    });
});

test('a schema of anything is read, or refused with every problem', async () => {
    const columns = fc.dictionary(anyText, fc.oneof(fc.constantFrom('string', 'number?'), anyJson), { maxKeys: 3 });
    const table = fc.oneof(almost({ primaryKey: fc.array(anyText, { maxLength: 2 }), columns }), anyJson);
    const schema = fc.oneof(
        almost({ tables: fc.dictionary(anyText, table, { maxKeys: 2 }), publications: anyJson }),
        anything
    );
    await holds(
        fc.property(schema, given => {
            const made = madeOf(given);
            // A schema is JSON, or written down: no trap in it.
            if (made !== given) {
                return;
            }
            try {
                parseSchema(made);
            } catch (error) {
                expect(error).toBeInstanceOf(InvalidSchemaError);
            }
            checkPrototypes();
        })
    );
});
