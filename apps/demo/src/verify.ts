import { type Progress } from './layout.js';
import type { LedgerEntry } from './ledger.js';

/** What came of the events. */
export interface Verdict {
    readonly events: number;
    /** How many different events were processed. */
    readonly processed: number;
    /** Events that nobody processed. */
    readonly lost: readonly string[];
    /** How often an event was processed that had been processed before. */
    readonly repeated: number;
    /** What is wrong besides lost events, one sentence each. */
    readonly problems: readonly string[];
}

/** Where a network's watermark stands in the end, and where the stream says that it should. */
export interface FinalWatermark {
    readonly progress: Progress;
    readonly sequence: bigint;
    readonly expectedSequence: bigint;
}

/**
 * Compares what was processed with what there was to process.
 *
 * @param expected the events of each network, in order
 * @param entries what the instances recorded, each instance's entries in its order
 * @param watermarks the networks' watermarks at the end
 */
export function verify(
    expected: ReadonlyMap<string, readonly string[]>,
    entries: readonly LedgerEntry[],
    watermarks: ReadonlyMap<string, FinalWatermark>
): Verdict {
    const results = [...expected].map(([network, events]) => {
        const own = entries.filter(entry => entry.network === network);
        return { events, ...follow(network, events, own), watermark: checkWatermark(network, events, watermarks) };
    });
    const strangers = entries.filter(entry => !expected.has(entry.network));
    return {
        events: sum(results.map(result => result.events.length)),
        processed: sum(results.map(result => result.events.length - result.lost.length)),
        lost: results.flatMap(result => result.lost),
        repeated: sum(results.map(result => result.repeated)),
        problems: [
            ...results.flatMap(result => [...result.problems, ...result.watermark]),
            ...strangers.map(
                entry => `${entry.event} was processed, but its network ${entry.network} is not in the feed.`
            )
        ]
    };
}

/** Follows one network through the terms of its owners: each begins at a watermark, so at or before the end of the last. */
function follow(network: string, events: readonly string[], entries: readonly LedgerEntry[]) {
    const positions = new Map(events.map((event, position) => [event, position]));
    const seen = new Set<string>();
    const problems: string[] = [];
    let reached = -1;
    let previous: { term: number; position: number } | undefined;
    let repeated = 0;
    for (const { term, event } of [...entries].sort((a, b) => a.term - b.term)) {
        const position = positions.get(event);
        if (position === undefined) {
            problems.push(`${event} was processed, but is not in the feed of network ${network}.`);
            continue;
        }
        const goesBack = previous?.term === term && position <= previous.position;
        const isLate = !seen.has(event) && position < reached;
        if (goesBack || isLate) {
            problems.push(`Network ${network}: ${event} was processed out of order in term ${term}.`);
        }
        repeated += seen.has(event) ? 1 : 0;
        seen.add(event);
        reached = Math.max(reached, position);
        previous = { term, position };
    }
    return { lost: events.filter(event => !seen.has(event)), repeated, problems };
}

function checkWatermark(
    network: string,
    events: readonly string[],
    watermarks: ReadonlyMap<string, FinalWatermark>
): string[] {
    const found = watermarks.get(network);
    if (found === undefined) {
        return [`Network ${network} has no watermark.`];
    }
    const { progress, sequence, expectedSequence } = found;
    const problems: string[] = [];
    if (progress.count !== events.length) {
        problems.push(`Network ${network}: its watermark counts ${progress.count} events, there are ${events.length}.`);
    }
    if (progress.lastId !== events.at(-1)) {
        problems.push(
            `Network ${network}: its watermark ends with ${progress.lastId}, the feed with ${events.at(-1)}.`
        );
    }
    if (sequence !== expectedSequence) {
        problems.push(`Network ${network}: its watermark is at ${sequence}, its last event at ${expectedSequence}.`);
    }
    return problems;
}

function sum(numbers: readonly number[]): number {
    return numbers.reduce((total, number) => total + number, 0);
}
