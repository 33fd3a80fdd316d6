import type { Assignment } from './assignments.js';
import type { ShardStory } from './check-shard.js';
import { groupBy } from './group-by.js';
import type { KeptToken, Operation } from './history.js';
import { MAX_STALENESS_MS } from './outcome.js';
import type { Finding } from './violation.js';

/** Whether watermarks of the time before an abandon lead somewhere after it. */
export function findAbandoned(story: ShardStory): readonly Finding[] {
    const { byWatermark, endings, kept, operations } = story;
    const stillThere = kept.filter(({ watermark }) => {
        const given = byWatermark.get(watermark);
        return given !== undefined && endings.endedBefore(given, Infinity) !== undefined;
    });
    const calls = groupBy(operations, ({ client }) => client);
    return [
        ...stillThere.map(({ watermark }) => ignored(watermark, 'is there at the end')),
        ...operations.flatMap(operation => findInAnswer(operation, story)),
        ...[...calls.values()].flatMap(ofClient => findForgotten(ofClient, story))
    ];
}

/** What was ended so long ago that no leader that was deposed can have said it. */
function findInAnswer(operation: Operation, { byWatermark, endings }: ShardStory): readonly Finding[] {
    const lookedMs = operation.startMs - MAX_STALENESS_MS;
    return foundBy(operation).flatMap(watermark => {
        const given = byWatermark.get(watermark);
        return given !== undefined && endings.endedBefore(given, lookedMs) !== undefined
            ? [ignored(watermark, `was found by ${operation.call.kind}() long after it`)]
            : [];
    });
}

/** The watermarks that a call has found to be there. What an instance remembers is another matter. */
function foundBy({ call, answer }: Operation): readonly string[] {
    switch (answer?.kind) {
        case 'token':
            return call.kind === 'tokenOf' && answer.token !== null ? [call.watermark] : [];
        case 'resume':
            return call.kind === 'resume' && answer.point === 'resume' ? [call.watermark] : [];
        case 'head':
            return answer.head === null ? [] : [answer.head.watermark];
        case 'pairs':
            return answer.pairs.map(({ watermark }: KeptToken) => watermark);
        default:
            return [];
    }
}

/** What an instance gives although it was ended, and although the instance must know, or has never been given it. */
function findForgotten(calls: readonly Operation[], { byWatermark, endings }: ShardStory): readonly Finding[] {
    const answered = calls.filter(({ answer, endMs }) => answer !== undefined && endMs !== undefined);
    return answered.flatMap(operation => {
        const watermarks = operation.answer?.kind === 'watermarks' ? operation.answer.watermarks : [];
        return watermarks.flatMap((watermark): readonly Finding[] => {
            const given = byWatermark.get(watermark);
            const endedMs = given === undefined ? undefined : endings.endedBefore(given, operation.startMs);
            if (given === undefined || endedMs === undefined) {
                return [];
            }
            const before = answered.filter(({ endMs = Infinity }) => endMs < operation.startMs);
            const isKnown = before.some(each => tells(each, given, endedMs, byWatermark));
            return isKnown || !wasGiven(before, watermark)
                ? [ignored(watermark, `was given by ${operation.call.kind}() after it`)]
                : [];
        });
    });
}

/**
 * Whether an instance that has made a call knows that a watermark was ended at a time: it has ended it itself, was asked to
 * resume since, or has given something new since.
 */
function tells(
    each: Operation,
    { seenMs, watermark }: Assignment,
    endedMs: number,
    byWatermark: ShardStory['byWatermark']
): boolean {
    const { call, answer, startMs } = each;
    if (call.kind === 'abandon' || call.kind === 'clearShards') {
        return seenMs < startMs;
    }
    if (call.kind === 'resume' || call.kind === 'beginSync') {
        return startMs > endedMs;
    }
    const watermarks = answer?.kind === 'watermarks' ? answer.watermarks : [];
    return watermarks.some(newer => {
        const makers = byWatermark.get(newer)?.makers;
        return startMs > endedMs && newer > watermark && makers?.length === 1 && makers[0] === each;
    });
}

/** Whether an instance was given a watermark by calls, so that it may remember it. */
function wasGiven(calls: readonly Operation[], watermark: string): boolean {
    return calls.some(({ answer }) => answer?.kind === 'watermarks' && answer.watermarks.includes(watermark));
}

function ignored(about: string, where: string): Finding {
    return { kind: 'abandon-ignored', about, explanation: `${about} ${where}, although it was abandoned.` };
}
