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

/**
 * What an instance gives although it was ended, and although the instance must know: it has ended it itself, was asked to
 * resume since, or has given something new since.
 */
function findForgotten(calls: readonly Operation[], { byWatermark, endings }: ShardStory): readonly Finding[] {
    const learnt = calls.filter(each => each.answer !== undefined && each.endMs !== undefined);
    return learnt.flatMap(operation => {
        const watermarks = operation.answer?.kind === 'watermarks' ? operation.answer.watermarks : [];
        return watermarks.flatMap(watermark => {
            const given = byWatermark.get(watermark);
            const endedMs = given === undefined ? undefined : endings.endedBefore(given, operation.startMs);
            const isKnown =
                given !== undefined &&
                endedMs !== undefined &&
                learnt.some(
                    each =>
                        each.startMs > endedMs - 1e-3 &&
                        (each.endMs ?? Infinity) < operation.startMs &&
                        tells(each, given, byWatermark)
                );
            const isForeign = given !== undefined && endedMs !== undefined && !wasGiven(calls, operation, watermark);
            return isKnown || isForeign ? [ignored(watermark, `was given by ${operation.call.kind}() after it`)] : [];
        });
    });
}

/** Whether an instance that has made this call knows that a watermark was ended. */
function tells(each: Operation, given: Assignment, byWatermark: ShardStory['byWatermark']): boolean {
    if (['resume', 'abandon', 'clearShards', 'beginSync'].includes(each.call.kind)) {
        return true;
    }
    const watermarks = each.answer?.kind === 'watermarks' ? each.answer.watermarks : [];
    return watermarks.some(watermark => {
        const made = byWatermark.get(watermark);
        return watermark > given.watermark && made?.makers.length === 1 && made.makers[0] === each;
    });
}

/** Whether this instance was given a watermark before a call, so that it may remember it. */
function wasGiven(calls: readonly Operation[], { startMs }: Operation, watermark: string): boolean {
    return calls.some(
        ({ answer, endMs = Infinity }) =>
            answer?.kind === 'watermarks' && answer.watermarks.includes(watermark) && endMs < startMs
    );
}

function ignored(about: string, where: string): Finding {
    return { kind: 'abandon-ignored', about, explanation: `${about} ${where}, although it was abandoned.` };
}
