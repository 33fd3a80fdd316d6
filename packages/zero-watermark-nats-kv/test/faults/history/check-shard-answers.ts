import type { ShardStory } from './check-shard.js';
import { HighestByTime } from './highest-by-time.js';
import type { Operation } from './history.js';
import { answerOf, MAX_STALENESS_MS } from './outcome.js';
import type { Finding } from './violation.js';

/** Whether `tokenOf`, `resume` and `head` know what was given out. That what they say is right was seen before. */
export function findInShardAnswers(story: ShardStory): readonly Finding[] {
    const seen = new HighestByTime(
        story.assignments.map(({ watermark, seenMs }) => ({ atMs: seenMs, text: watermark }))
    );
    return story.operations
        .map(each => findInTokenOf(each, story) ?? findInResume(each, story) ?? findInHead(each, seen, story))
        .filter(finding => finding !== undefined);
}

function findInTokenOf(operation: Operation, { byWatermark, mayBeGone }: ShardStory): Finding | undefined {
    const { call, startMs, endMs = Infinity } = operation;
    if (call.kind !== 'tokenOf' || answerOf(operation, 'token')?.token !== null) {
        return undefined;
    }
    const given = byWatermark.get(call.watermark);
    const isKnown = given !== undefined && given.seenMs < startMs - MAX_STALENESS_MS;
    return isKnown && !mayBeGone(call.watermark, endMs)
        ? { kind: 'token-lost', about: call.watermark, explanation: `${call.watermark} is said to stand for nothing.` }
        : undefined;
}

/** A reset costs a full sync, so it is said only when a majority has confirmed it: no old answer is excused here. */
function findInResume(operation: Operation, { byWatermark, mayBeGone }: ShardStory): Finding | undefined {
    const { call, startMs, endMs = Infinity } = operation;
    const answer = call.kind === 'resume' ? answerOf(operation, 'resume') : undefined;
    if (call.kind !== 'resume' || answer === undefined) {
        return undefined;
    }
    const about = call.watermark;
    const given = byWatermark.get(about);
    const explanation = `resume(${about}) says ${answer.point}.`;
    switch (answer.point) {
        case 'initial-sync':
            return { kind: 'wrong-answer', about, explanation };
        case 'ahead-of-head':
            return { kind: 'history-lost', about, explanation };
        case 'pruned':
            return given === undefined || mayBeGone(about, endMs)
                ? undefined
                : { kind: 'wrong-reset', about, explanation: `${explanation} Nothing lets it go.` };
        case 'unknown':
            return given === undefined || given.seenMs > startMs
                ? undefined
                : { kind: 'wrong-reset', about, explanation: `${explanation} It had been given out.` };
        case 'resume':
            return answer.token === undefined
                ? { kind: 'wrong-answer', about, explanation: `${explanation} It names no token.` }
                : undefined;
    }
}

function findInHead(operation: Operation, seen: HighestByTime, { mayBeGone }: ShardStory): Finding | undefined {
    const answer = operation.call.kind === 'head' ? answerOf(operation, 'head') : undefined;
    if (answer === undefined) {
        return undefined;
    }
    const head = answer.head?.watermark ?? '';
    const about = seen.upTo(operation.startMs - MAX_STALENESS_MS);
    return about > head && !mayBeGone(about, operation.endMs ?? Infinity)
        ? {
              kind: 'stale-read',
              about,
              explanation: `The head is said to be ${head || 'nothing'} long after ${about} had been seen.`
          }
        : undefined;
}
