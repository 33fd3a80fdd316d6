import type { StoredMessage } from './jetstream-answers.js';
import { type MessageQuery } from './jetstream.js';
import { MESSAGE_ID } from './message-headers.js';

/** How many entries are looked at to learn whether a write is among them. */
const MOST_LOOKED_AT = 64;

/** A write whose acknowledgement was lost, and where it must be if it was stored. */
export interface LostWrite {
    /** Its `Nats-Msg-Id`. */
    readonly id: string;
    readonly subject: string;
    /** The subject that stands for all keys of the bucket. */
    readonly everything: string;
    /** It is above this revision, if it was stored, */
    readonly after: number;
    /** and below this one, which is another write of the same key. */
    readonly upTo: number;
}

/**
 * Looks for a write that others may have written over since.
 *
 * @returns the revision that it got; `absent`: it was not stored; `unknown`: what could tell is no longer there
 */
export async function traceWrite(
    read: (query: MessageQuery) => Promise<StoredMessage | null>,
    write: LostWrite
): Promise<number | 'absent' | 'unknown'> {
    return (await traceInKey(read, write)) ?? traceInBucket(read, write);
}

/** Servers forget the revisions of a key oldest first: while an earlier one is there, all later ones are. */
async function traceInKey(
    read: (query: MessageQuery) => Promise<StoredMessage | null>,
    { id, subject, after, upTo }: LostWrite
): Promise<number | 'absent' | undefined> {
    let seq = after + 1;
    for (let looks = 0; looks < MOST_LOOKED_AT && seq <= upTo; looks += 1) {
        const message = await read({ seq, next_by_subj: subject });
        if (message === null) {
            return undefined; // a server that is behind
        }
        if (message.headers.get(MESSAGE_ID) === id) {
            return message.sequence;
        }
        seq = message.sequence + 1;
    }
    // Asked last, so that what was forgotten meanwhile counts.
    const oldest = seq > upTo ? await read({ seq: 1, next_by_subj: subject }) : null;
    return oldest !== null && oldest.sequence <= after ? 'absent' : undefined;
}

/** When all that was stored in between is still there, the write is among it or was not stored. */
async function traceInBucket(
    read: (query: MessageQuery) => Promise<StoredMessage | null>,
    { id, everything, after, upTo }: LostWrite
): Promise<number | 'absent' | 'unknown'> {
    let complete = upTo - after <= MOST_LOOKED_AT;
    for (let seq = Math.max(after + 1, upTo - MOST_LOOKED_AT); seq < upTo; seq += 1) {
        const message = await read({ seq, next_by_subj: everything });
        if (message?.headers.get(MESSAGE_ID) === id) {
            return message.sequence;
        }
        complete &&= message?.sequence === seq;
        seq = message?.sequence ?? upTo;
    }
    return complete ? 'absent' : 'unknown';
}
