// @ts-check
import { decimal, table } from './shared/markdown.mjs';
import { spreadOf, timesAsFast, timesAsLong } from './shared/spread.mjs';

/** @typedef {import('./shared/results.mjs').SectionResult} SectionResult */
/** @typedef {import('./shared/results.mjs').Comparison} Comparison */
/** @typedef {import('./shared/spread.mjs').Spread} Spread */
/**
 * What was set out to be reached. `part`: its name, without the server's version. `way` and `against`: what their names
 * begin with. `is`: the figure that counts, of one way or of both.
 *
 * @typedef {{ what: string, section: string, part: string, place?: string, way: string, against?: string,
 *     is: keyof typeof figures, atLeast?: number, atMost?: number }} Measure
 */

const kvPut = { section: 'set', way: 'set', against: '@nats-io/kv put', is: /** @type {const} */ ('times as fast') };
const manyKeys = { section: 'set', place: 'single', way: 'set', part: 'set, many keys, 256 callers, 64 B' };
const tokens = {
    section: 'resume-tokens',
    place: 'single',
    way: 'now',
    against: 'before',
    is: /** @type {const} */ ('times as fast')
};
const durable = {
    section: 'systems',
    part: 'writes, durable, 64 callers',
    way: 'NATS, sync_interval always (',
    is: /** @type {const} */ ('times as fast'),
    atLeast: 1
};
const onSqlite = { section: 'stores', way: 'SQLite store' };

/** @type {readonly Measure[]} */
export const measures = [
    { what: '`set`, 256 callers, many keys, against `put` of `@nats-io/kv`', ...manyKeys, ...kvPut, atLeast: 3 },
    {
        what: 'the same against the lean publisher',
        ...manyKeys,
        against: 'lean publisher',
        is: 'times as fast',
        atLeast: 0.7
    },
    {
        what: '`set`, one caller: time of a call against `publish` of `@nats-io/jetstream`',
        ...manyKeys,
        part: 'set, many keys, one caller, 64 B',
        against: '@nats-io/jetstream publish',
        is: 'times as long',
        atMost: 1.1
    },
    {
        what: '`set` on one hot key, 256 callers, against `put` of `@nats-io/kv`',
        ...manyKeys,
        ...kvPut,
        part: 'set, one hot key, 256 callers, 64 B',
        atLeast: 20
    },
    {
        what: '`get`, 256 callers, against `get` of `@nats-io/kv`',
        section: 'get',
        part: 'get, 256 callers, 64 B',
        place: 'single',
        way: 'get',
        against: '@nats-io/kv get',
        is: 'times as fast',
        atLeast: 2
    },
    {
        what: '`get` of a view, a second',
        section: 'view',
        part: 'get of a view',
        place: 'single',
        way: 'view get',
        is: 'a second',
        atLeast: 2_000_000
    },
    {
        what: 'new resume tokens, one caller, against the algorithm before',
        ...tokens,
        part: 'new tokens, one caller awaiting each',
        atLeast: 3.5
    },
    {
        what: 'new resume tokens, 64 callers on one shard, against the algorithm before',
        ...tokens,
        part: 'new tokens, 64 callers on one shard',
        atLeast: 20
    },
    {
        what: 'new resume tokens, 1,000 a call, against one caller of the algorithm before',
        ...tokens,
        part: 'new tokens, getOrCreateWatermarks, 1,000 a call',
        atLeast: 40
    },
    {
        what: 'replay of 100,000 known resume tokens, against one by one',
        ...tokens,
        part: 'replay of 100,000 known tokens',
        way: 'getOrCreateWatermarks, 1,000',
        against: 'getOrCreateWatermark, one by one',
        atLeast: 10
    },
    {
        what: '`getAll` of 10,000 keys, against `keys()` and `get()` of `@nats-io/kv`',
        section: 'get-all',
        part: 'getAll, 10,000 keys',
        place: 'single',
        way: 'getAll',
        against: '@nats-io/kv keys, get each',
        is: 'times as fast',
        atLeast: 10
    },
    { what: 'durable `set`, 64 callers, against Redis with AOF `always`', ...durable, against: 'Redis' },
    { what: 'durable `set`, 64 callers, against an upsert of PostgreSQL', ...durable, against: 'PostgreSQL' },
    ...['one caller', '16 callers', '256 callers'].map(callers => ({
        what: `\`set\` on SQLite, ${callers}, against prepared statements`,
        ...onSqlite,
        part: `set against prepared statements, ${callers}`,
        against: 'prepared statements',
        is: /** @type {const} */ ('times as fast'),
        atLeast: 0.8
    })),
    {
        what: '`get` on SQLite, 1,000 keys: µs of processor',
        ...onSqlite,
        part: 'get against a prepared statement, 1,000 keys',
        is: 'µs of processor',
        atMost: 5
    }
];

const figures = {
    'times as fast': timesAsFast,
    'times as long': timesAsLong,
    'a second': (/** @type {import('./shared/rounds.mjs').WayResult} */ { rounds }) =>
        spreadOf(rounds.map(({ aSecond }) => aSecond)),
    'µs of processor': (/** @type {import('./shared/rounds.mjs').WayResult} */ { rounds }) =>
        spreadOf(rounds.map(({ ownMicros }) => ownMicros))
};

/**
 * @param {Measure} measure
 * @param {ReadonlyMap<string, SectionResult>} results by section
 * @returns {Spread | undefined} `undefined`: it was not measured
 */
export function figureOf({ section, part, place, way, against, is }, results) {
    const found = (results.get(section)?.parts ?? []).find(
        ({ name }) =>
            name === part ||
            (place !== undefined && name.startsWith(`${part}: nats-server `) && name.endsWith(`, ${place}`))
    );
    if (found?.kind !== 'comparison') {
        return undefined;
    }
    const [mine, theirs] = [way, against ?? way].map(name => found.ways.find(each => each.name.startsWith(name)));
    return mine === undefined || theirs === undefined ? undefined : figures[is](mine, theirs);
}

/**
 * Targets, what was measured, and whether that is enough.
 *
 * @param {readonly Measure[]} wanted
 * @param {ReadonlyMap<string, ReadonlyMap<string, SectionResult>>} runs results by section, by the name of the run
 */
export function measureLines(wanted, runs) {
    return table(
        ['', 'wanted', ...[...runs.keys()].flatMap(run => [run, ''])],
        wanted.map(measure => [
            measure.what,
            measure.atLeast === undefined
                ? `at most ${decimal(measure.atMost ?? NaN, 1)}`
                : `at least ${short(measure.atLeast)}`,
            ...[...runs.values()].flatMap(results => verdict(measure, figureOf(measure, results)))
        ])
    );
}

/**
 * @param {Measure} measure
 * @param {Spread | undefined} figure
 */
function verdict({ atLeast = -Infinity, atMost = Infinity }, figure) {
    if (figure === undefined) {
        return ['', 'not measured'];
    }
    const { median, lowest, highest } = figure;
    const isReached = median >= atLeast && median <= atMost;
    return [`${short(median)} (${short(lowest)} to ${short(highest)})`, isReached ? 'reached' : 'missed'];
}

/** @param {number} value */
function short(value) {
    return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 2 });
}
