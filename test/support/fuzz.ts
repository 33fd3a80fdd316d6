import { appendFileSync } from 'node:fs';

import fc from 'fast-check';
import { expect } from 'vitest';

/** What a case costs: nothing but the processor, a call of a store, or round trips to a server. */
export type Cost = 'pure' | 'call' | 'server';

/** How many times as many cases of a cheaper kind fit into the time of one. */
const PRICE: Readonly<Record<Cost, number>> = { pure: 1, call: 4, server: 20 };

/** The only place where these are read; `npm run test:fuzz` sets them. */
const { FUZZ_CASES, FUZZ_SEED, FUZZ_PATH, FUZZ_LOG } = process.env;
const CASES = Number(FUZZ_CASES ?? 200);

/** How many cases there are of one kind. */
export function casesOf(cost: Cost, least = 1): number {
    return Math.max(least, Math.ceil(CASES / PRICE[cost]));
}

/**
 * Holds a property against random cases: `FUZZ_CASES` of them, fewer where a case costs more.
 *
 * A failure shows the smallest case that was found, and the command with which exactly that case is run again.
 */
export async function holds<Case>(
    property: fc.IRawProperty<Case>,
    { cost = 'pure', examples = [] }: { readonly cost?: Cost; readonly examples?: Case[] } = {}
): Promise<void> {
    const numRuns = casesOf(cost, examples.length + 1);
    const details = await fc.check(property, {
        numRuns,
        examples,
        ...(FUZZ_SEED === undefined ? {} : { seed: Number(FUZZ_SEED) }),
        ...(FUZZ_PATH === undefined ? {} : { path: FUZZ_PATH })
    });
    const { currentTestName = '' } = expect.getState();
    if (FUZZ_LOG !== undefined) {
        appendFileSync(FUZZ_LOG, `${JSON.stringify({ test: currentTestName, cases: details.numRuns })}\n`);
    }
    if (details.failed) {
        const again = `npm run test:fuzz -- --seed ${details.seed} --path ${details.counterexamplePath ?? ''}`;
        const report = await fc.asyncDefaultReportMessage(details);
        const cause = details.errorInstance;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${reason}\n${report}\nAgain: ${again} -t ${JSON.stringify(currentTestName)}`, { cause });
    }
}
