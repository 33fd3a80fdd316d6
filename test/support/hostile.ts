import fc from 'fast-check';

/* What hostile input is made of. Each part is also a text, a value or bytes that somebody might well send. */

/** Stands in whatever no message may repeat. */
export const SECRET = 's3cr3t-hunter2';

/** Names that mean something to JavaScript itself. */
const MAGIC_NAMES = [
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
    'valueOf',
    'toJSON',
    'then',
    'length',
    'key',
    'version'
];

/** Texts that are something else to one of those who see them: JavaScript, JSON, NATS, SQLite, a path, a terminal. */
const STRANGE_TEXTS = [
    ...MAGIC_NAMES,
    '',
    ' ',
    '\0',
    'a\0b',
    '\n',
    'a\r\nb',
    '\u001b[31m',
    '\uFEFFa',
    '\uD800',
    'a\uDC00b',
    '\u202Ea',
    '😀',
    'e\u0301',
    '.',
    '..',
    'a..b',
    '.a',
    'a.',
    '*',
    '>',
    'a.>',
    '$KV.a.b',
    '$JS.API.>',
    '=',
    '=41',
    '==',
    '=zz',
    '_kv',
    'a b',
    '../../etc/passwd',
    "'; DROP TABLE watermarks; --",
    '"',
    '\\',
    '{"a":1}',
    'null',
    'NaN',
    '-0',
    '1e400',
    '9'.repeat(400),
    'x'.repeat(5_000),
    '漢'.repeat(1_500),
    '%00',
    '%',
    '00',
    '0z',
    '110',
    'zz',
    `z${'z'.repeat(36)}`,
    `b${'1'.repeat(12)}`,
    '01.5',
    '01.\n'
];

/** Any text, well-formed or not. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
    fc.constantFrom(...STRANGE_TEXTS),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.constantFrom(...STRANGE_TEXTS), { maxLength: 4 }).map(parts => parts.join('')),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map(units => String.fromCharCode(...units))
);

/** Any text that has a UTF-8 form and is not empty. */
export const goodText = anyText.filter(text => text !== '' && text.isWellFormed());

const throwing = () => {
    throw new Error('a trap');
};

/** A value that bites whoever looks at it, so that only the call it is for may get it. */
export class Trap {
    constructor(readonly make: () => unknown) {}

    /** What failures show. */
    toString(): string {
        return `trap ${String(this.make)}`;
    }
}

/** What is given to a call: a trap's value is made for it alone, because some change when they are looked at. */
export function madeOf(value: unknown): unknown {
    return value instanceof Trap ? value.make() : value;
}

const TRAPS: readonly (() => unknown)[] = [
    () => Object.create(null),
    () => Object.defineProperty({}, 'a', { get: throwing, enumerable: true }),
    () => new Proxy({}, { get: throwing, ownKeys: throwing, getPrototypeOf: throwing, has: throwing }),
    () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
    },
    () => ({ toString: throwing, valueOf: throwing, [Symbol.toPrimitive]: throwing }),
    () => ({ toJSON: throwing }),
    () => ({ toJSON: () => 'another' }),
    () => ({ constructor: { name: Symbol('a name') } }),
    () => Object.defineProperty({}, 'constructor', { get: throwing }),
    () => Object.assign([1, 2], { more: 3 }),
    () => Object.assign([1, 2], { toJSON: () => 'another' }),
    () => Object.create(Object.assign(Object.create(null) as object, { inherited: 1, toJSON: () => 'another' })),
    () => Object.defineProperty({}, 'hidden', { value: 1, enumerable: false }),
    () => new (class extends Array<unknown> {})(3),
    () => {
        let reads = 0;
        return {
            get changing() {
                reads += 1;
                return reads === 1 ? 1 : 1n;
            }
        };
    },
    () => nested(100_000),
    () => nested(150),
    () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    () => Object.assign({}, JSON.parse('{"__proto__":{"polluted":true}}')),
    () => ({ __proto__: { polluted: true } }),
    () => Symbol('a symbol'),
    () => throwing,
    () => 10n ** 400n,
    () => new Error(SECRET),
    () => ({ secret: SECRET }),
    () => Promise.resolve(1),
    () => Object.freeze({}),
    () => globalThis,
    () => new Uint8Array(10)
];

/** Objects in each other. */
function nested(levels: number): unknown {
    let value: unknown = 1;
    for (let level = 0; level < levels; level += 1) {
        value = { a: value };
    }
    return value;
}

/** Anything that JavaScript has; some of it as a {@link Trap}. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...TRAPS.map(make => new Trap(make))) },
    {
        weight: 3,
        arbitrary: fc.anything({
            key: anyText,
            withBigInt: true,
            withBoxedValues: true,
            withDate: true,
            withMap: true,
            withNullPrototype: true,
            withObjectString: true,
            withSet: true,
            withSparseArray: true,
            withTypedArray: true,
            withUnicodeString: true,
            maxDepth: 3
        })
    },
    { weight: 1, arbitrary: anyText }
);

/** What JSON can hold, with names that mean something to JavaScript. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(
            anyText,
            fc.constantFrom(null, true, false, 0, -1, 5e-324, 1.7976931348623157e308, 2 ** 53, 2 ** 64, 0.1),
            fc.integer()
        ),
        fc.array(tie('value'), { maxLength: 4 }),
        namedValues(tie('value'))
    )
})).value;

/** An object that JSON can hold. */
export const anyJsonObject: fc.Arbitrary<Record<string, unknown>> = namedValues(anyJson);

/** Objects whose names are their own, also `__proto__`. */
function namedValues(value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
    return fc.array(fc.tuple(anyText, value), { maxLength: 4 }).map(entries => Object.fromEntries(entries));
}

/** Text that is JSON, nearly JSON, or that a parser of JSON chokes on. */
export const nearlyJson: fc.Arbitrary<string> = fc.oneof(
    anyJson.map(value => JSON.stringify(value)),
    anyText,
    fc.constantFrom(
        '['.repeat(50_000),
        `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
        `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
        '1e400',
        '-1e400',
        '{"a":1,"a":2}',
        '{"__proto__":{"polluted":true}}',
        '\uFEFF{}',
        '{} ',
        '{}{}',
        'NaN',
        '"\\ud800"',
        '"\\u0000"',
        '[1,]'
    )
);

const utf8 = new TextEncoder();

/** Bytes that are a text, a damaged text, or none at all. */
export function bytesLike(text: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
    return fc.oneof(
        text.map(good => utf8.encode(good)),
        fc.tuple(text, damage).map(([good, harm]) => harm(utf8.encode(good))),
        fc.uint8Array()
    );
}

/** One way to damage bytes. */
export const damage: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc.oneof(
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 255 })).map(
        ([place, flip]) =>
            (bytes: Uint8Array) =>
                bytes.map((byte, index) => (index === Math.floor(place * bytes.length) ? byte ^ flip : byte))
    ),
    fc
        .double({ min: 0, max: 1, noNaN: true })
        .map(share => (bytes: Uint8Array) => bytes.slice(0, Math.floor(share * bytes.length))),
    fc
        .constantFrom([0xef, 0xbb, 0xbf], [0], [0xff, 0xfe], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x0a], [0x0d])
        .chain(extra =>
            fc.double({ min: 0, max: 1, noNaN: true }).map(place => (bytes: Uint8Array) => {
                const at = Math.floor(place * bytes.length);
                return Uint8Array.from([...bytes.subarray(0, at), ...extra, ...bytes.subarray(at)]);
            })
        ),
    fc.constant((bytes: Uint8Array) => Uint8Array.from([...bytes, ...bytes]))
);

/** A shape with one of its parts replaced by anything that JSON can hold. */
export function almost(shape: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Record<string, unknown>> {
    const parts = Object.fromEntries(
        Object.entries(shape).map(([name, good]) => [
            name,
            fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: anyJson })
        ])
    );
    return fc.oneof(
        { weight: 3, arbitrary: fc.record(parts, { requiredKeys: [] }) },
        { weight: 1, arbitrary: fc.record(parts) },
        {
            weight: 1,
            arbitrary: fc.tuple(fc.record(parts), anyJsonObject).map(([good, more]) => ({ ...more, ...good }))
        }
    );
}
