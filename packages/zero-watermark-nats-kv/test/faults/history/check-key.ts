import type { History, Operation } from './history.js';
import { type KeyStory, type Read, tellStory, type Write } from './key-story.js';
import { MAX_STALENESS_MS } from './outcome.js';
import { orderRevisions, type Revision } from './revisions.js';
import { type Puzzle, search, type Verdict } from './search.js';
import { findInViews } from './check-views.js';
import { findInWatchers } from './check-watchers.js';
import type { Finding, ViolationKind } from './violation.js';

/** What the history of one key breaks first. */
export function checkKey(key: string, history: History): readonly Finding[] {
    const story = tellStory(key, history);
    const { revisions, findings } = orderRevisions(story);
    if (findings.length > 0) {
        return findings;
    }
    const inAnswers = history.operations.map(findInAnswer).filter(finding => finding !== undefined);
    if (inAnswers.length > 0) {
        return inAnswers;
    }
    const inOrder = findInOrder(key, story, revisions);
    return inOrder === undefined
        ? [...findInWatchers(key, history), ...findInViews(key, history, revisions)]
        : [inOrder];
}

/** Whether every read of a key is as fresh as if there had been one leader; `undefined`: nothing can be said. */
export function countStaleReads(key: string, history: History): number | undefined {
    const story = tellStory(key, history);
    const { revisions, findings } = orderRevisions(story);
    if (findings.length > 0) {
        return undefined;
    }
    const puzzle = puzzleOf(story, revisions);
    if (search(puzzle) === 'fits') {
        return 0;
    }
    const certain = story.reads.filter(({ isCertain }) => isCertain);
    const stale = story.reads.filter(
        read => !read.isCertain && search({ ...puzzle, reads: [...certain, read] }) !== 'fits'
    );
    return Math.max(1, stale.length);
}

function findInAnswer({ call, answer, actualRevision }: Operation): Finding | undefined {
    if (answer?.kind === 'notAdvanced' && call.kind === 'advance' && call.value > answer.current.value) {
        return {
            kind: 'wrong-answer',
            about: call.value,
            explanation: `${JSON.stringify(call.value)} is after ${JSON.stringify(answer.current.value)}, and advance() says it isn't.`
        };
    }
    if (answer?.kind === 'revisions') {
        const back = answer.states.find(({ revision }, index) => revision <= (answer.states[index - 1]?.revision ?? 0));
        return back === undefined
            ? undefined
            : {
                  kind: 'wrong-answer',
                  about: String(back.revision),
                  explanation: `history() gives revision ${back.revision} after one that is not smaller.`
              };
    }
    if (call.kind === 'compareAndSet' && actualRevision === call.expectedRevision) {
        return {
            kind: 'unjustified-conflict',
            about: String(actualRevision),
            explanation: `The conflict names the revision ${actualRevision} that was expected.`
        };
    }
    return undefined;
}

function puzzleOf(story: KeyStory, revisions: readonly Revision[]): Puzzle {
    const { writes, reads, final } = story;
    return { revisions, writes, reads, finalRevision: final === null ? null : final.revision };
}

/** What the calls are taken for, beginning with what must always fit. */
function findInOrder(key: string, story: KeyStory, revisions: readonly Revision[]): Finding | undefined {
    const whole = puzzleOf(story, revisions);
    if (search(whole) === 'fits') {
        return undefined;
    }
    const certain = story.reads.filter(({ isCertain }) => isCertain);
    const steps: readonly (readonly [Puzzle, ViolationKind, string])[] = [
        [
            { ...whole, reads: [], finalRevision: undefined },
            'not-linearizable',
            'The writes that were acknowledged have no order that fits all of them.'
        ],
        [
            { ...whole, reads: [] },
            'lost-write',
            `The key ends ${story.final === null ? 'without a watermark' : `at revision ${story.final.revision}`}; the acknowledged writes leave it otherwise.`
        ],
        [
            { ...whole, reads: certain },
            'unjustified-conflict',
            'A compareAndSet was refused while the key was at the revision that it expected.'
        ],
        [
            { ...whole, reads: story.reads.filter(({ isClear }) => isClear !== true).map(mayBeStale) },
            'stale-read',
            `A read gave what had been replaced more than ${MAX_STALENESS_MS} ms before it began.`
        ],
        [
            { ...whole, reads: story.reads.map(mayBeStale) },
            'not-cleared',
            'A clear() that succeeded has left a watermark that had been there for long.'
        ]
    ];
    for (const [puzzle, kind, explanation] of steps) {
        const verdict: Verdict = search(puzzle);
        if (verdict === 'undecided') {
            return { kind: 'undecided', about: key, explanation: 'Too many orders of the calls are possible.' };
        }
        if (verdict === 'contradiction') {
            return explain(puzzle, story.writes, { kind, about: key, explanation });
        }
    }
    return undefined;
}

/** A read that a leader may have answered that was deposed. */
function mayBeStale(read: Read): Read {
    return read.isCertain ? read : { ...read, startMs: read.startMs - MAX_STALENESS_MS };
}

/** Names the one rule that would have to be broken for the calls to fit. */
function explain(puzzle: Puzzle, writes: readonly Write[], finding: Finding): Finding {
    const withFailed = writes.map(write =>
        write.outcome === 'refused' ? { ...write, outcome: 'unknown' as const, endMs: Infinity } : write
    );
    if (
        withFailed.some((write, index) => write !== writes[index]) &&
        search({ ...puzzle, writes: withFailed }) === 'fits'
    ) {
        return {
            ...finding,
            kind: 'failed-write-stored',
            explanation: 'The calls fit only if one that failed had an effect.'
        };
    }
    if (finding.kind !== 'not-linearizable') {
        return finding;
    }
    if (search({ ...puzzle, withoutCondition: new Set(['advance']) }) === 'fits') {
        return {
            ...finding,
            kind: 'advance-went-back',
            explanation: 'The calls fit only if advance() took the key backwards.'
        };
    }
    if (search({ ...puzzle, withoutCondition: new Set(['create', 'compareAndSet']) }) === 'fits') {
        return {
            ...finding,
            kind: 'condition-ignored',
            explanation: 'The calls fit only if a create() or compareAndSet() replaced what it must not replace.'
        };
    }
    return finding;
}
