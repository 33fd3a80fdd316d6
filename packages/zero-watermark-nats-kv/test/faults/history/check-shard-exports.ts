import type { ShardStory } from './check-shard.js';
import type { Operation } from './history.js';
import { answerOf, MAX_STALENESS_MS } from './outcome.js';
import type { Finding } from './violation.js';

/** Whether exports hold, in their order, all that the shard had when they began. That it is right was seen before. */
export function findInShardExports(story: ShardStory): readonly Finding[] {
    return story.operations.flatMap(operation => {
        const finding = findInExport(operation, story);
        return finding === undefined ? [] : [finding];
    });
}

function findInExport(operation: Operation, { assignments, mayBeGone }: ShardStory): Finding | undefined {
    const { startMs, endMs = Infinity } = operation;
    const pairs = operation.call.kind === 'export' ? answerOf(operation, 'pairs')?.pairs : undefined;
    if (pairs === undefined) {
        return undefined;
    }
    const back = pairs.find(({ watermark }, index) => watermark <= (pairs[index - 1]?.watermark ?? ''));
    if (back !== undefined) {
        const explanation = `The export has ${back.watermark} behind one that is not smaller.`;
        return { kind: 'watermark-order', about: back.watermark, explanation };
    }
    const exported = new Set(pairs.map(({ watermark }) => watermark));
    const missing = assignments.find(
        ({ watermark, seenMs }) =>
            seenMs < startMs - MAX_STALENESS_MS && !exported.has(watermark) && !mayBeGone(watermark, endMs)
    );
    // Where the export ends, a leader that was deposed may have said; up to there it is whole.
    const last = pairs.at(-1)?.watermark ?? '';
    const hole = assignments.find(
        ({ watermark, seenMs }) =>
            seenMs < startMs && watermark < last && !exported.has(watermark) && !mayBeGone(watermark, endMs)
    );
    const about = (missing ?? hole)?.watermark;
    return about === undefined
        ? undefined
        : { kind: 'export-incomplete', about, explanation: `The export of ${pairs.length} does not hold ${about}.` };
}
