import type { Assignment } from './assignments.js';
import type { History, Operation } from './history.js';
import { endOf, outcomeOf } from './outcome.js';

/** A call that ends what a shard has given out, or may. */
interface Ending {
    readonly startMs: number;
    /** What is stored after this is not concerned. */
    readonly untilMs: number;
    /** Whether it has ended all that was there before it. */
    readonly isCertain: boolean;
    /** Whether only what was stored while it ran may be lost: an import begins by moving an empty shard to the clock. */
    readonly isImport: boolean;
}

/** How often `timeoutMs` a call that goes through all shards may take at the most. */
const MOST_SHARDS = 5;

/** When a shard was abandoned: the numbers of the time before it lead nowhere afterwards, and are not given out again. */
export class Endings {
    readonly #endings: readonly Ending[];

    constructor({ operations, timeoutMs }: Pick<History, 'operations' | 'timeoutMs'>) {
        const abandoned = operations.filter(({ call }) => call.kind === 'abandon' || call.kind === 'clearShards');
        const certain = abandoned.filter(operation => outcomeOf(operation) === 'done');
        this.#endings = operations
            .filter(({ call }) => ['abandon', 'clearShards', 'import'].includes(call.kind))
            .filter(operation => operation.call.kind !== 'abandon' || outcomeOf(operation) !== 'refused')
            .map(operation => ({
                startMs: operation.startMs,
                untilMs: Math.min(endOf(operation), superseded(operation, certain, timeoutMs)),
                isCertain: operation.call.kind !== 'import' && outcomeOf(operation) === 'done',
                isImport: operation.call.kind === 'import'
            }));
    }

    /** Whether one of them may have ended a watermark that is looked for before a time. */
    mayHaveEnded({ makers }: Assignment, beforeMs: number): boolean {
        const storedMs = makers.reduce((earliest, { startMs }) => Math.min(earliest, startMs), Infinity);
        const isImported = makers.some(isImport);
        return this.#endings.some(ending => {
            const isConcerned = !isImported && makers.some(maker => endOf(maker) > ending.startMs);
            return (isConcerned || !ending.isImport) && ending.startMs < beforeMs && ending.untilMs >= storedMs;
        });
    }

    /** Whether one of them has certainly ended a watermark before a time, and when that one had ended; else `undefined`. */
    endedBefore({ makers, seenMs }: Assignment, atMs: number): number | undefined {
        const ended = this.#endings.filter(
            ({ isCertain, startMs, untilMs }) => isCertain && seenMs < startMs && untilMs < atMs
        );
        // What is imported again is there again.
        const last = ended.findLast(({ startMs }) => !makers.some(each => isImport(each) && endOf(each) > startMs));
        return last?.untilMs;
    }

    /** Whether one of them has certainly ended everything that was there at a time, before another time. */
    haveEndedAll(fromMs: number, beforeMs: number): boolean {
        return this.#endings.some(
            ({ isCertain, startMs, untilMs }) => isCertain && startMs > fromMs && untilMs < beforeMs
        );
    }

    /** Whether one of them may have been under way at a time. */
    mayOverlap(fromMs: number, toMs: number): boolean {
        return this.#endings.some(ending => !ending.isImport && ending.startMs < toMs && ending.untilMs > fromMs);
    }
}

export function isImport({ call }: Operation): boolean {
    return call.kind === 'import';
}

/**
 * Until when a call in doubt may have its effect: nothing is sent after its time, and what is on its way then moves the
 * shard no further than one that begins later and succeeds.
 */
function superseded(operation: Operation, certain: readonly Operation[], timeoutMs: number): number {
    const sentMs = operation.endMs ?? operation.startMs + MOST_SHARDS * timeoutMs;
    const next = certain.find(({ startMs }) => startMs > sentMs);
    return next?.endMs ?? Infinity;
}
