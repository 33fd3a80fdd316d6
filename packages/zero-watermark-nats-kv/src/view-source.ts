import type { WatermarkChange } from '@cbnsndwch/zero-contracts';
import type { ViewFollower } from '@cbnsndwch/zero-contracts/backend';

import { Feed, type FeedContext } from './feed.js';
import type { StoredMessage } from './jetstream-answers.js';
import { decodeKey } from './key-codec.js';
import { readOrLog } from './record-entry.js';

/** How often the stream's leader is asked whether a view has everything. */
const CONFIRM_MS = 1_000;

/**
 * Tells a view what is in the bucket and what changes in it, until the function that it gives is called.
 *
 * Whether that is all, only the stream's leader knows: the server that hosts the feed's consumer may be cut off from the
 * others and, having one consumer to itself, does not notice.
 */
export async function followBucket(context: FeedContext, follower: ViewFollower): Promise<() => void> {
    const confirmations = new Confirmations(context, atMs => follower.confirmed(atMs));
    const feed = await Feed.open(context, `${context.bucket.subjectPrefix}>`, true, {
        message: message => {
            const change = changeIn(context, message);
            if (change !== undefined) {
                follower.told(change);
            }
            confirmations.delivered(message.sequence);
        },
        currentComplete: () => {
            follower.complete();
            confirmations.askNow();
        },
        flowControl: resume => resume(),
        begunAnew: () => follower.begunAnew(),
        interrupted: () => {
            confirmations.interrupted();
            follower.interrupted();
        },
        resumed: () => confirmations.askNow()
    });
    confirmations.startWith(feed);
    return () => {
        confirmations.stop();
        feed.stop();
    };
}

/** What a message changes in a view. A record that can't be read is as good as gone, as for `getAll`. */
function changeIn(context: FeedContext, message: StoredMessage): WatermarkChange | undefined {
    const change = readOrLog(context, message);
    const key =
        change === undefined ? decodeKey(message.subject.slice(context.bucket.subjectPrefix.length)) : undefined;
    const { sequence: revision, timestamp } = message;
    return key === undefined ? change : { type: 'delete', key, revision, timestamp };
}

/** A moment before which everything that was acknowledged has been delivered, once the feed comes to a sequence. */
interface Awaited {
    readonly sequence: number;
    readonly atMs: number;
}

/** Finds out, again and again, up to which moment a feed has delivered everything. */
class Confirmations {
    #feed: Feed | undefined;
    readonly #context: FeedContext;
    readonly #confirmed: (atMs: number) => void;
    #awaited: Awaited | undefined;
    #timer: NodeJS.Timeout | undefined;

    constructor(context: FeedContext, confirmed: (atMs: number) => void) {
        this.#context = context;
        this.#confirmed = confirmed;
    }

    /** Begins to ask, every second. */
    startWith(feed: Feed): void {
        this.#feed = feed;
        this.#timer = setInterval(() => void this.#ask(feed), CONFIRM_MS);
        void this.#ask(feed);
    }

    /** Asks now; for when the answer may have become another one. */
    askNow(): void {
        if (this.#feed !== undefined) {
            void this.#ask(this.#feed);
        }
    }

    delivered(sequence: number): void {
        const awaited = this.#awaited;
        if (awaited !== undefined && sequence >= awaited.sequence) {
            this.#awaited = undefined;
            this.#confirmed(awaited.atMs);
        }
    }

    interrupted(): void {
        this.#awaited = undefined;
    }

    stop(): void {
        clearInterval(this.#timer);
    }

    async #ask(feed: Feed): Promise<void> {
        const { bucket, store, connection } = this.#context;
        if (!connection.connected) {
            return;
        }
        const atMs = performance.now();
        const before = feed.position;
        try {
            const query = { last_by_subj: `${bucket.subjectPrefix}>` };
            const newest = await store.js.getMessage(bucket.stream, query, CONFIRM_MS);
            const { sequence, timestamp } = newest ?? { sequence: 0, timestamp: 0 };
            const now = feed.position;
            const isThere = sequence === now.sequence && timestamp === now.timestamp;
            // What the feed has delivered since must have come from the same stream.
            const hasPassed = sequence > before.sequence && sequence <= now.sequence;
            if (isThere || hasPassed) {
                this.#confirmed(atMs);
            } else if (sequence > now.sequence) {
                this.#awaited = { sequence, atMs };
            } else if (await feed.isSameHistory()) {
                // The last message was removed, or this is another bucket, or a leader that is behind.
                this.#confirmed(atMs);
            }
        } catch {
            // Not confirmed; the next one may be.
        }
    }
}
