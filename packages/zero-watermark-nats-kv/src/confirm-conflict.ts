import type { JetStream } from './jetstream.js';

/** A write that a server refused because, as it says, the key is not at the expected revision. */
export interface Conflict {
    readonly stream: string;
    readonly subject: string;
    /** Where all records of the bucket are. */
    readonly everything: string;
    readonly expectedRevision: number;
    readonly actualRevision: number;
    /** Before which moment, on the monotonic clock, the write was sent. */
    readonly since: number;
}

/**
 * Whether a conflict can be believed. Two leaders can live side by side for seconds: one that names a revision below the
 * expected one may be the old one.
 *
 * It is true when a leader that has the expected revision says that it is not the key's. It is also true when there is no
 * such revision, says a leader that a majority has answered since the write was sent: it was the leader then (Raft's
 * ReadIndex). Leaders of 2.10.27 and 2.15.1 are answered once a second when nothing is written; a single server is its
 * own majority.
 */
export async function isTrueConflict(js: JetStream, conflict: Conflict, timeoutMs: () => number): Promise<boolean> {
    const { stream, subject, everything, expectedRevision, actualRevision, since } = conflict;
    if (actualRevision > expectedRevision) {
        return true;
    }
    try {
        const next = await js.getMessage(stream, { seq: expectedRevision, next_by_subj: everything }, timeoutMs());
        if (next !== null) {
            return next.sequence > expectedRevision || next.subject !== subject;
        }
        const elapsedMs = performance.now() - since;
        const { state, majorityHeardMs } = await js.streamInfo(stream, timeoutMs());
        return state.last_seq >= expectedRevision || majorityHeardMs < elapsedMs;
    } catch {
        return false;
    }
}
