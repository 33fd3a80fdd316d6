// @ts-check
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { openWatermarkStore } from '@cbnsndwch/zero-watermark-zqlite/store';

import { spreadOf } from '../shared/rounds.mjs';
import { above, newTokens } from '../shared/tokens.mjs';

/** @typedef {{ tokens: number, elapsedMs: number, processorMs: number, fileBytes: number, logBytes: number }} Step */
/** @typedef {{ steps: Step[], flatness: number, resumeMs: number }} ManyTokens */

const GROUP = 1_000;

/**
 * Fills a file with resume tokens, a thousand a call, and tells what each tenth of them took.
 *
 * @param {string} folder
 * @param {number} count
 * @param {(line: string) => void} say
 * @returns {Promise<ManyTokens>}
 */
export async function measureManyTokens(folder, count, say) {
    const database = join(folder, 'tokens.db');
    const store = await openWatermarkStore({ database });
    try {
        const { resumeTokens } = store;
        const { many } = newTokens('a');
        /** @type {Step[]} */
        const steps = [];
        /** @type {[watermark: string, token: string][]} */
        const samples = [];
        let last = '';
        for (let tokens = count / 10; tokens <= count; tokens += count / 10) {
            const began = performance.now();
            const before = process.cpuUsage();
            for (let done = 0; done < count / 10; done += GROUP) {
                const group = many(GROUP);
                const watermarks = await resumeTokens.getOrCreateWatermarks('shard', group);
                last = watermarks.reduce(above, last);
                samples.push([watermarks[0] ?? '', group[0] ?? '']);
            }
            const { user, system } = process.cpuUsage(before);
            steps.push({
                tokens,
                elapsedMs: performance.now() - began,
                processorMs: (user + system) / 1_000,
                fileBytes: statSync(database).size,
                logBytes: statSync(`${database}-wal`).size
            });
        }
        const began = performance.now();
        for (const [watermark, resumeToken] of samples) {
            assert.deepEqual(await resumeTokens.resume('shard', watermark), { kind: 'resume', resumeToken });
        }
        const resumeMs = (performance.now() - began) / samples.length;
        const flatness = medianOf(steps.slice(-3)) / medianOf(steps.slice(0, 3));
        say(`${count.toLocaleString('en')} tokens: the last ones took ${flatness.toFixed(2)} of the time of the first`);
        return { steps, flatness, resumeMs };
    } finally {
        await store.close();
    }
}

/** @param {readonly Step[]} steps */
function medianOf(steps) {
    return spreadOf(steps.map(({ processorMs }) => processorMs)).median;
}
