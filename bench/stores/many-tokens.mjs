// @ts-check
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { openWatermarkStore } from '@cbnsndwch/zero-watermark-zqlite/store';

import { spreadOf } from '../shared/spread.mjs';
import { above, newTokens } from '../shared/tokens.mjs';
import { using } from '../shared/using.mjs';

/** @typedef {import('../shared/results.mjs').Part} Part */
/** @typedef {{ tokens: number, elapsedMs: number, processorMs: number, fileBytes: number, logBytes: number }} Step */

const GROUP = 1_000;

/**
 * Fills a file with resume tokens, a thousand a call, and tells what each tenth of them took.
 *
 * @param {string} folder
 * @param {number} count
 * @param {(line: string) => void} say
 * @returns {Promise<Part[]>}
 */
export function measureManyTokens(folder, count, say) {
    return using(async use => {
        const database = join(folder, 'tokens.db');
        const { resumeTokens } = use(await openWatermarkStore({ database }));
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
        say(`${count.toLocaleString('en')} tokens`);
        return partsOf(steps, resumeMs);
    });
}

/**
 * @param {readonly Step[]} steps
 * @param {number} resumeMs
 * @returns {Part[]}
 */
function partsOf(steps, resumeMs) {
    const { tokens: count = NaN, fileBytes: allBytes = NaN } = steps.at(-1) ?? {};
    const each = count / steps.length;
    return [
        {
            kind: 'table',
            name: 'many resume tokens in an SQLite file',
            text: '`getOrCreateWatermarks` with a thousand tokens of a change stream a call, with `synchronous=FULL`.',
            heading: 'tokens so far',
            columns: [
                { name: 'tokens a second', digits: 0 },
                { name: 'µs of processor each', digits: 1 },
                { name: 'file, MB', digits: 0 },
                { name: 'log, MB', digits: 1 }
            ],
            rows: steps.map(({ tokens, elapsedMs, processorMs, fileBytes, logBytes }) => ({
                name: tokens.toLocaleString('en'),
                cells: [(each * 1_000) / elapsedMs, (processorMs * 1_000) / each, fileBytes / 1e6, logBytes / 1e6]
            }))
        },
        {
            kind: 'table',
            name: 'how that grows',
            heading: '',
            columns: [{ name: 'figure', digits: 3 }],
            rows: [
                {
                    name: 'processor time of the last three tenths against the first three',
                    cells: [medianOf(steps.slice(-3)) / medianOf(steps.slice(0, 3))]
                },
                { name: 'bytes a token', cells: [allBytes / count] },
                { name: 'resume among all of them, ms', cells: [resumeMs] }
            ]
        }
    ];
}

/** @param {readonly Step[]} steps */
function medianOf(steps) {
    return spreadOf(steps.map(({ processorMs }) => processorMs)).median;
}
