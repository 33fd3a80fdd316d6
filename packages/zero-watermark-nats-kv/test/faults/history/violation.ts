import type { History } from './history.js';

/** What can be wrong with a history. Of a key or a shard only the first is reported: what follows may follow from it. */
export const VIOLATIONS = {
    // Of any call
    'unexpected-error': 'A call failed with something that is no WatermarkError',
    'wrong-code': 'A call failed with a code that no fault may cause',
    'too-long': 'A call took longer than timeoutMs and a margin',
    'history-lost': 'History is said to be lost in a run that loses none',
    'wrong-answer': 'An answer contradicts itself',
    'seen-before-written': 'Something was seen before the call that wrote it began',
    'failed-write-stored': 'A call failed plainly and had an effect nevertheless',
    // Of a key
    'revision-of-two-states': 'One revision stands for two states',
    'revision-given-twice': 'Two writes were acknowledged with one revision',
    'never-written': 'A state was seen that nobody wrote',
    'stored-twice': 'What was written once has more than one revision',
    'revision-order': 'A later write has a smaller revision',
    'advance-went-back': 'advance() took a key backwards',
    'condition-ignored': 'create() or compareAndSet() replaced what its condition protects',
    'not-linearizable': 'The writes that were acknowledged have no order that fits them all',
    'lost-write': 'The final state is not what the acknowledged writes left',
    'unjustified-conflict': 'A conflict was reported while the key was where it was expected',
    'stale-read': 'A read gave what had been replaced longer ago than two leaders can explain',
    'not-cleared': 'A clear() that succeeded has left a watermark',
    'watch-order': 'A watcher was told of revisions that do not grow',
    'watch-missed-state': 'A watcher was not told of the final state',
    'view-differs': 'A view gave something else than what it had told of',
    'own-write-not-in-view': 'A view did not hold what its own process had written',
    undecided: 'The search was given up; whether the calls fit together is not known',
    // Of a shard
    'watermark-of-two-tokens': 'One watermark stands for two resume tokens',
    'token-of-two-watermarks': 'One resume token was given two watermarks',
    'sync-watermark-reused': 'The watermark of a beginSync() was given out before or after',
    'watermark-order': 'A later new resume token has a smaller watermark',
    'stored-behind-failure': 'A new resume token was stored behind one whose call had failed before it',
    'token-lost': 'A watermark that was given out, and that nothing lets go, is not known any more',
    'abandon-ignored': 'A watermark of the time before an abandon() leads somewhere after it',
    'export-incomplete': 'An export lacks a watermark that the shard had',
    'unfinished-import-used': 'A shard of which an import was cut off has answered',
    'wrong-reset': 'resume() demands a reset for a watermark that must be known'
} as const;

export type ViolationKind = keyof typeof VIOLATIONS;

/** What was found in the history of one key, one shard or one call. */
export interface Finding {
    readonly kind: ViolationKind;
    /** What it was found at: while a history is made smaller, it must stay the same. */
    readonly about: string;
    readonly explanation: string;
}

/** A broken promise, with the smallest history in which it was found. */
export interface Violation extends Finding {
    /** The key, shard or client. */
    readonly subject: string;
    readonly smallest: History;
    /** How many calls and observations of the same key or shard were left out, because it is broken without them, too. */
    readonly leftOut: number;
}
