import { WatermarkErrorCode } from '../../errors.js';
import { equals, holds, present, rejectionOf, rejects } from '../expect.js';
import { given, promise, type Promised, type Topic } from '../promise.js';

/** Data that JSON keeps as it is. */
const KEPT: Readonly<Record<string, Record<string, unknown>>> = {
    'an empty object': {},
    'null, true and false': { nothing: null, yes: true, no: false },
    numbers: { zero: 0, tiny: 5e-324, huge: 1.7976931348623157e308, safe: 2 ** 53 - 1, part: 0.1, less: -1.5 },
    strings: { empty: '', quote: '"\\/', control: '\u0000\u001f', line: '\u2028', emoji: '😀', other: 'ü日本' },
    'arrays and objects in each other': { a: [[], {}, [{ b: [1, 'two', null] }]], c: { d: { e: {} } } },
    'any names': { '': 1, 'a b': 2, 'ü.😀': 3, constructor: 4, length: 5, '0': 6 },
    'a text of 100,000 characters': { text: 'x'.repeat(100_000) }
};

class Point {
    x = 1;
}

const cycle: Record<string, unknown> = {};
cycle['again'] = { cycle };

/** Data that JSON would change without a word, with the path of what is wrong. */
const REFUSED: Readonly<Record<string, readonly [data: unknown, path: string]>> = {
    'undefined in an array': [{ a: { list: [1, undefined] } }, 'a.list[1]'],
    'a function': [{ call: () => {} }, 'call'],
    'a symbol': [{ mark: Symbol('mark') }, 'mark'],
    'a BigInt': [{ n: { big: 1n } }, 'n.big'],
    NaN: [{ list: [0, Number.NaN] }, 'list[1]'],
    Infinity: [{ most: Number.POSITIVE_INFINITY }, 'most'],
    'a Date': [{ at: new Date(0) }, 'at'],
    'a Map': [{ map: new Map() }, 'map'],
    'an instance of a class': [{ point: new Point() }, 'point'],
    bytes: [{ bytes: new Uint8Array(1) }, 'bytes'],
    'an object that contains itself': [cycle, 'again.cycle'],
    'an array in place of the object': [[1], ''],
    'null in place of the object': [null, ''],
    'a string in place of the object': ['text', '']
};

function comesBack([what, data]: [string, Record<string, unknown>]): Promised {
    return promise(`data comes back as it was given: ${what}`, async ({ watermarks, key }) => {
        await watermarks.set(key(), 'v1', data);
        equals((await watermarks.get(key()))?.data, data, 'the data');
    });
}

function isRefused([what, [data, path]]: [string, readonly [unknown, string]]): Promised {
    return promise(`data that would not come back is refused, with its path: ${what}`, async scene => {
        const { watermarks, key } = scene;
        await watermarks.set(key(), 'v1', { good: true });
        const before = await watermarks.get(key());
        const bad = data as Record<string, unknown>;
        const error = await rejects(WatermarkErrorCode.INVALID_DATA, () => watermarks.set(key(), 'v2', bad), 'set');
        holds(error.message.includes(path), `the message names ${path}: ${error.message}`);
        equals(await watermarks.get(key()), before, 'get after the refusal');
    });
}

export const values: Topic = {
    service: 'WatermarkService',
    name: 'versions and data',
    promises: [
        promise('a version is any text: it comes back to the letter', async ({ watermarks, key }) => {
            const versions = [
                '0',
                ' ',
                ' v ',
                '\u0000',
                '"\\',
                'é',
                'e\u0301',
                '日本',
                '😀',
                '\uFEFFv',
                'x'.repeat(5_000)
            ];
            for (const version of versions) {
                await watermarks.set(key(), version);
                equals((await watermarks.get(key()))?.version, version, 'the version');
            }
        }),
        promise('half a surrogate pair in a version is kept or refused, but never changed', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key(), 'v1');
            const version = 'a\uD800';
            try {
                await watermarks.set(key(), version);
            } catch {
                await rejects(WatermarkErrorCode.INVALID_VERSION, () => watermarks.set(key(), version), 'set');
                equals((await watermarks.get(key()))?.version, 'v1', 'the version after the refusal');
                return;
            }
            equals((await watermarks.get(key()))?.version, version, 'the version');
        }),
        ...Object.entries(KEPT).map(comesBack),
        promise('half a surrogate pair in data is kept or refused, but never changed', async ({ watermarks, key }) => {
            const data = { text: '\uDC00', '\uD800': 1 };
            try {
                await watermarks.set(key(), 'v1', data);
            } catch {
                await rejects(WatermarkErrorCode.INVALID_DATA, () => watermarks.set(key(), 'v1', data), 'set');
                return;
            }
            equals((await watermarks.get(key()))?.data, data, 'the data');
        }),
        promise('a property called __proto__ comes back as a property', async ({ watermarks, key }) => {
            const data = JSON.parse('{"__proto__":{"polluted":true},"a":1}') as Record<string, unknown>;
            await watermarks.set(key(), 'v1', data);
            const found = present((await watermarks.get(key()))?.data, 'the data');
            equals(Object.keys(found).toSorted(), ['__proto__', 'a'], 'its own properties');
            equals(Object.getOwnPropertyDescriptor(found, '__proto__')?.value, { polluted: true }, '__proto__');
            equals((found as { polluted?: boolean }).polluted, undefined, 'an inherited property');
        }),
        promise('properties that are undefined are left out', async ({ watermarks, key }) => {
            await watermarks.set(key(), 'v1', { a: undefined, b: { c: undefined, d: 1 } });
            equals((await watermarks.get(key()))?.data, { b: { d: 1 } }, 'the data');
        }),
        ...Object.entries(REFUSED).map(isRefused),
        given({ needs: ['dataLimit'] })('data that is too large is refused, and nothing is stored', async scene => {
            const { watermarks, key, capabilities } = scene;
            const data = { text: 'x'.repeat(capabilities.dataLimit ?? 0) };
            const revision = await watermarks.create(key(), 'v1');
            for (const [call, run] of [
                ['set', () => watermarks.set(key(), 'v2', data)],
                ['create', () => watermarks.create(key('other'), 'v2', data)],
                ['compareAndSet', () => watermarks.compareAndSet(key(), revision, 'v2', data)],
                ['advance', () => watermarks.advance(key(), 'v2', data)]
            ] as const) {
                await rejects(WatermarkErrorCode.VALUE_TOO_LARGE, run, call);
            }
            equals((await watermarks.get(key()))?.version, 'v1', 'the version');
            equals(await watermarks.get(key('other')), null, 'the other key');
        }),
        promise('a refusal is a rejection of its own, with a message', async ({ watermarks, key }) => {
            const error = await rejectionOf(() => watermarks.set(key(), ''), 'set of an empty version');
            holds(error instanceof Error && error.message !== '', 'it is an Error with a message');
        })
    ]
};
