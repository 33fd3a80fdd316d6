import { WatermarkErrorCode } from '../../errors.js';
import type { WatermarkService } from '../../watermark.js';
import { equals, rejects } from '../expect.js';
import { notStrings } from '../not-strings.js';
import { given, promise, type Promised, type Topic } from '../promise.js';
import { callsWithKey, type KeyCall } from './calls.js';

const alone = given({ alone: true });

/** Keys that some store or other might confuse with each other, or take for something else. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
    case: ['users', 'Users', 'USERS'],
    'spaces around': ['a', ' a', 'a ', ' a ', 'a\t', 'a\n'],
    'leading zeros': ['1', '01', '1.0', '1e0'],
    'one composed, one decomposed': ['é', 'e\u0301', 'e'],
    dots: ['a.b', 'a..b', '.a', 'a.', '.', '..', 'a'],
    'the wildcards of NATS, SQL and shells': ['*', '>', 'a.*', 'a.>', '%', '_', 'a_c', 'abc', '?', '[ab]', 'a'],
    'quotes and escapes': ["'", '"', '\\', '`', "a'; DROP TABLE watermarks; --", '=20', '%20', '\\u0061', '${a}'],
    slashes: ['a/b', 'a//b', '/a', 'a/', '../a', 'a\\b'],
    'control characters': ['\u0000', 'a\u0000', 'a\u0000b', 'a', '\u001f', '\u007f', '\r\n'],
    'far away scripts': ['日本', 'дані', 'שלום', '😀', '👩‍👩‍👧', '\u{10FFFF}', '\uFFFF', '\uFEFFa', '\u202Ea'],
    'names that JavaScript objects have': ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length'],
    'words of programs': ['null', 'undefined', 'true', 'NaN', '0', '-1', 'rowid', '$KV', 'KV_a', 'marker.head']
};

function keptApart([kind, names]: [string, readonly string[]]): Promised {
    return promise(`any text is a key, and each is its own: ${kind}`, async ({ watermarks, prefix }) => {
        await keepApart(
            watermarks,
            names.map(name => prefix + name)
        );
    });
}

/** Writes, reads and removes keys, and sees each touch itself alone. */
async function keepApart(watermarks: WatermarkService, keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key, n) => watermarks.set(key, `v${n}`, { key })));
    const all = await watermarks.getAll();
    for (const [n, key] of keys.entries()) {
        const found = await watermarks.get(key);
        const told = JSON.stringify(key);
        equals([found?.key, found?.version, found?.data], [key, `v${n}`, { key }], `get of ${told}`);
        equals(all.get(key), found, `${told} in getAll`);
    }
    const [first = '', ...others] = keys;
    await watermarks.delete(first);
    equals(await watermarks.get(first), null, `get of ${JSON.stringify(first)} after its deletion`);
    equals([...(await watermarks.getMany(keys)).keys()], others, 'what is there after that');
}

function badKeyRefused([method, call]: [string, KeyCall]): Promised {
    return promise(`what is no well-formed text is refused as a key: ${method}`, async ({ watermarks, key }) => {
        const halves = ['\uD800', 'a\uDC00', 'a\uD800b', '\uDC00\uD800'].map(key);
        for (const bad of [...notStrings, ...halves]) {
            const what = `${method} of ${typeof bad} ${JSON.stringify(String(bad))}`;
            await rejects(WatermarkErrorCode.INVALID_KEY, () => call(watermarks, { key: bad }), what);
        }
    });
}

export const keys: Topic = {
    service: 'WatermarkService',
    name: 'keys',
    promises: [
        ...Object.entries(KINDS).map(keptApart),
        alone('any text is a key, and each is its own: with nothing before it', async ({ watermarks }) => {
            const odd = ['', ' ', '=', '==', '=61', 'a', '_kv', '_kv_a', '.', '*', '>', '\u0000', '-', '/'];
            await keepApart(watermarks, odd);
        }),
        promise('a key of 200 characters is kept', async ({ watermarks, key }) => {
            for (const long of [key('k'.repeat(200)), key('ü'.repeat(200)), key('日'.repeat(200))]) {
                await watermarks.set(long, 'v1');
                equals((await watermarks.get(long))?.key, long, 'the key');
            }
        }),
        ...Object.entries(callsWithKey).map(badKeyRefused),
        given({ needs: ['keyLimit'] })('a key that is too long is refused', async ({ watermarks, capabilities }) => {
            const key = 'k'.repeat((capabilities.keyLimit ?? 0) + 1);
            for (const [method, call] of Object.entries(callsWithKey)) {
                await rejects(WatermarkErrorCode.INVALID_KEY, () => call(watermarks, { key }), method);
            }
        })
    ]
};
