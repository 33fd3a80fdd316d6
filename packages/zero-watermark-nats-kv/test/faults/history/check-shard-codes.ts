import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { ShardStory } from './check-shard.js';
import { isImport } from './endings.js';
import type { Operation } from './history.js';
import { endOf, MAX_STALENESS_MS, outcomeOf } from './outcome.js';
import type { Finding } from './violation.js';

const { HISTORY_LOST, IMPORT_CONFLICT, IMPORT_UNFINISHED, INVALID_EXPORT } = WatermarkErrorCode;

/** Codes with which a call may fail only for what else is done to its shard. */
export const CODES_OF_SHARDS: readonly WatermarkErrorCode[] = [
    HISTORY_LOST,
    IMPORT_CONFLICT,
    IMPORT_UNFINISHED,
    INVALID_EXPORT
];

/** Calls that an unfinished import does not concern. */
const UNCONCERNED: readonly string[] = ['import', 'abandon', 'clearShards', 'acknowledge', 'provision'];

/** Whether there is a reason for each code that needs one. */
export function findInShardCodes(story: ShardStory): readonly Finding[] {
    return story.operations.flatMap((operation): readonly Finding[] => {
        const { call, error } = operation;
        const code = error !== undefined && 'code' in error ? error.code : undefined;
        if (code === undefined || !CODES_OF_SHARDS.includes(code) || hasReason(code, operation, story)) {
            return [];
        }
        const kind = code === HISTORY_LOST ? 'history-lost' : 'wrong-code';
        return [{ kind, about: call.kind, explanation: `${call.kind} failed with ${code}, for no reason.` }];
    });
}

function hasReason(code: WatermarkErrorCode, operation: Operation, story: ShardStory): boolean {
    const { call, startMs, endMs = Infinity } = operation;
    switch (code) {
        case HISTORY_LOST:
            // The shard was emptied while it was read or filled.
            return ['export', 'import'].includes(call.kind) && story.endings.mayOverlap(startMs, endMs);
        case IMPORT_CONFLICT:
            // It has given out watermarks of its own, or was emptied.
            return (
                call.kind === 'import' &&
                (story.endings.mayOverlap(startMs, endMs) ||
                    story.operations.some(each => isOwn(each) && each.startMs < endMs && outcomeOf(each) !== 'refused'))
            );
        case INVALID_EXPORT:
            return call.kind === 'import' && call.isCut === true;
        default:
            return !UNCONCERNED.includes(call.kind) && mayBeUnfinished(operation, story);
    }
}

/** Whether a shard has answered after an import of it had begun and could not end, and before anything else was done. */
export function findInUnfinished({ operations, endings }: ShardStory): readonly Finding[] {
    const cut = operations.find(
        each => isImport(each) && each.error !== undefined && 'code' in each.error && each.error.code === INVALID_EXPORT
    );
    const cutMs = cut?.endMs ?? Infinity;
    const used = operations.filter(
        ({ call, answer, startMs, endMs = Infinity }) =>
            answer !== undefined &&
            startMs > cutMs &&
            !UNCONCERNED.includes(call.kind) &&
            !endings.mayOverlap(cut?.startMs ?? Infinity, endMs)
    );
    return used.map(({ call }) => {
        const explanation = `${call.kind}() was answered although an import had been cut off.`;
        return { kind: 'unfinished-import-used', about: call.kind, explanation };
    });
}

function isOwn({ call }: Operation): boolean {
    return ['watermark', 'watermarks', 'beginSync'].includes(call.kind);
}

/** Whether an import may have begun and not ended when a call looked. */
function mayBeUnfinished({ startMs, endMs = Infinity }: Operation, { operations, endings }: ShardStory): boolean {
    const lookedMs = startMs - MAX_STALENESS_MS;
    return operations.some(each => {
        const isEnded = outcomeOf(each) === 'done' && endOf(each) < lookedMs;
        return isImport(each) && each.startMs < endMs && !isEnded && !endings.haveEndedAll(endOf(each), lookedMs);
    });
}
