import { expect, test } from 'vitest';

import { isWatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import { resolveOptions } from '../../src/options.js';

import { expectOwnOptionsOnly, holdsForOptions } from '../../../../test/support/hostile-options.js';

const GOOD = { servers: ['nats://127.0.0.1:4222'], bucket: 'marks' };
const NAMES = [
    ...Object.keys(resolveOptions(GOOD)),
    ...['servers', 'credentials', 'token', 'user', 'pass', 'tls', 'name', 'connection', 'placement', '__proto__']
];

function failureOf(run: () => unknown): { readonly code: string; readonly length: number } {
    try {
        run();
    } catch (error) {
        if (isWatermarkError(error)) {
            return { code: error.code, length: error.message.length };
        }
        throw error;
    }
    throw new Error('It was accepted.');
}

test('any options', () => holdsForOptions(NAMES, GOOD, resolveOptions, ['servers', 'token', 'pass', 'user']));

test.each(['connection', 'tls', 'placement', 'logger'])('what can not be read in %s is refused', name => {
    const trap = Object.defineProperty({}, 'unreadable', {
        enumerable: true,
        get: () => {
            throw new Error('a trap');
        }
    });
    expect(() => resolveOptions({ ...GOOD, [name]: trap })).toThrow(new RegExp(`\\n  - ${name}: `));
});

test('no name that was given makes a message endless', () => {
    const name = 'x'.repeat(100_000);
    for (const option of [{ tls: { [name]: 1 } }, { placement: { [name]: 1 } }, { [name]: 1 }]) {
        const { code, length } = failureOf(() => resolveOptions({ ...GOOD, ...option }));
        expect(code).toBe(WatermarkErrorCode.INVALID_OPTIONS);
        expect(length).toBeLessThan(2_000);
    }
});

test('nothing gets in by a prototype', () => {
    const inherited = { token: 't', bucketPolicy: 'x', timeoutMs: -1, tls: { rejectUnauthorized: false } };
    expectOwnOptionsOnly(GOOD, inherited, resolveOptions);
});

test('nothing weakens TLS by a prototype either', () => {
    const tls = Object.assign({}, JSON.parse('{"__proto__":{"rejectUnauthorized":false}}')) as object;
    const { connection } = resolveOptions({ ...GOOD, tls });
    const found = connection.kind === 'own' ? connection.tls : undefined;
    expect(found).toEqual({});
    expect(found !== undefined && 'rejectUnauthorized' in found).toBe(false);
});
