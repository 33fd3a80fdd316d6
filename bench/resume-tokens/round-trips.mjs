// @ts-check
import assert from 'node:assert/strict';

import { bucketsOf } from '../shared/nats-clients.mjs';
import { newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';
import { openExisting, openOurs } from './sides.mjs';

/** @typedef {import('@nats-io/transport-node').NatsConnection} NatsConnection */
/** @typedef {import('../shared/servers.mjs').Place} Place */
/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ name: string, existing: number, ours: number, expected: number | undefined }} RoundTrips */

/**
 * Requests an operation: answers that reach the client, counted by the client and checked against what the server
 * counts as sent to it. On any machine, however slow, they are what is expected.
 *
 * @param {Place} place
 * @param {number} count how many operations of each kind
 * @returns {Promise<Part>}
 */
export async function countRoundTrips(place, count) {
    const counted = await roundTripsOf(place, count);
    for (const { name, ours, expected } of counted) {
        assert.ok(expected === undefined || ours === expected, `${name}: ${ours} requests instead of ${expected}`);
    }
    return {
        kind: 'table',
        name: `requests an operation: ${place.label}`,
        heading: '',
        columns: [
            { name: 'now', digits: 2 },
            { name: 'before', digits: 2 }
        ],
        rows: counted.map(({ name, existing, ours }) => ({ name, cells: [ours, existing] }))
    };
}

/**
 * @param {Place} place
 * @param {number} count
 * @returns {Promise<RoundTrips[]>}
 */
function roundTripsOf(place, count) {
    return using(async use => {
        use(await bucketsOf(place, ['existing-trips', 'ours-trips']));
        const existingSide = use(await openExisting(place, 'existing-trips'));
        const ourSide = use(await openOurs(place, 'ours-trips', ['shard', 'busy']));
        // Another instance, which has seen none of the tokens that the first one stores.
        const restarted = use(await openOurs(place, 'ours-trips', ['shard', 'busy']));
        const tokens = newTokens('a').many(count);
        const racing = newTokens('b').many(count);
        const [first, ...others] = tokens;
        assert.ok(first !== undefined, 'there is a first token');
        /** @param {string} token */
        const ask = token => existingSide.existing.getOrCreateWatermark('shard', token);
        /** @type {string[]} */
        const existingWatermarks = [];
        /** @param {string} token */
        const askAfterRestart = token => restarted.tokens.getOrCreateWatermark('shard', token);
        const counted = new Counted(place);
        const existingNew = await counted.each(existingSide.nc, tokens, async token => {
            existingWatermarks.push(await ask(token));
        });
        const existingResume = await counted.each(existingSide.nc, existingWatermarks, watermark =>
            existingSide.existing.getResumeToken('shard', watermark)
        );
        const existingKnown = await counted.each(existingSide.nc, tokens, ask);
        const existingRacing = await counted.together(existingSide.nc, racing, ask);
        /** @type {string[]} */
        const watermarks = [];
        const ourNew = await counted.each(ourSide.nc, tokens, async token => {
            watermarks.push(await ourSide.tokens.getOrCreateWatermark('shard', token));
        });
        const ourSeen = await counted.each(ourSide.nc, tokens, token =>
            ourSide.tokens.getOrCreateWatermark('shard', token)
        );
        const ourResume = await counted.each(ourSide.nc, watermarks, watermark =>
            ourSide.tokens.resume('shard', watermark)
        );
        const ourFirstKnown = await counted.each(restarted.nc, [first], askAfterRestart);
        const ourKnown = await counted.each(restarted.nc, others, askAfterRestart);
        const ourRacing = await counted.together(ourSide.nc, racing, token =>
            ourSide.tokens.getOrCreateWatermark('busy', token)
        );
        const [firstKnown, known, seen] = [
            'the first known token, after new ones',
            'a known token (replay)',
            'a token just seen'
        ];
        return [
            { name: 'a new token, one caller', existing: existingNew, ours: ourNew, expected: 1 },
            { name: firstKnown, existing: existingKnown, ours: ourFirstKnown, expected: undefined },
            { name: known, existing: existingKnown, ours: ourKnown, expected: 1 },
            { name: seen, existing: existingKnown, ours: ourSeen, expected: 0 },
            // Two requests at once: the token, and whether the shard is being imported.
            { name: 'resume', existing: existingResume, ours: ourResume, expected: 2 },
            { name: 'a new token, 64 callers', existing: existingRacing, ours: ourRacing, expected: undefined }
        ];
    });
}

/** Counts the answers that operations cost. */
class Counted {
    #place;

    /** @param {Place} place */
    constructor(place) {
        this.#place = place;
    }

    /**
     * @template T
     * @param {NatsConnection} nc
     * @param {readonly T[]} inputs
     * @param {(input: T) => Promise<unknown>} operation
     * @returns {Promise<number>} answers an operation
     */
    each(nc, inputs, operation) {
        return this.#count(nc, inputs.length, async () => {
            for (const input of inputs) {
                await operation(input);
            }
        });
    }

    /**
     * The same with 64 callers side by side.
     *
     * @template T
     * @param {NatsConnection} nc
     * @param {readonly T[]} inputs
     * @param {(input: T) => Promise<unknown>} operation
     */
    together(nc, inputs, operation) {
        const waiting = [...inputs];
        const call = async () => {
            for (let input = waiting.shift(); input !== undefined; input = waiting.shift()) {
                await operation(input);
            }
        };
        return this.#count(nc, inputs.length, async () => {
            await Promise.all(Array.from({ length: 64 }, call));
        });
    }

    /**
     * @param {NatsConnection} nc
     * @param {number} operations
     * @param {() => Promise<void>} run
     */
    async #count(nc, operations, run) {
        const received = nc.stats().inMsgs;
        const sent = await sentTo(this.#place, nc);
        await run();
        const answers = nc.stats().inMsgs - received;
        const byServer = (await sentTo(this.#place, nc)) - sent;
        assert.equal(answers, byServer, 'client and server count the same answers');
        return answers / operations;
    }
}

/**
 * How many messages the server has sent to a connection.
 *
 * @param {Place} place
 * @param {NatsConnection} nc
 */
async function sentTo({ monitorUrl }, nc) {
    await nc.flush();
    const answer = await fetch(`${monitorUrl}/connz?cid=${nc.info?.client_id}`);
    /** @type {unknown} */
    const body = await answer.json();
    const { connections } = /** @type {{ connections: { out_msgs: number }[] }} */ (body);
    return connections[0]?.out_msgs ?? NaN;
}
