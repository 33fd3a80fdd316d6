import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { EventQueue } from '@cbnsndwch/zero-contracts/backend';

import { Feed, type FeedContext } from './feed.js';
import type { StoredMessage } from './jetstream-answers.js';

/**
 * Visits everything that is in the bucket now, as the leader knows it.
 *
 * @throws {WatermarkError} `UNAVAILABLE`: not all of it came within `timeoutMs`.
 */
export async function readCurrent(context: FeedContext, visit: (message: StoredMessage) => void): Promise<void> {
    let complete: () => void = () => {};
    const completed = new Promise<void>(resolve => (complete = resolve));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(tooLate()), context.timeoutMs);
    });
    // Awaited below, and only once the feed is open.
    late.catch(() => {});
    try {
        const feed = await Feed.open(context, `${context.bucket.subjectPrefix}>`, true, {
            message: visit,
            currentComplete: () => complete(),
            flowControl: resume => resume()
        });
        try {
            await Promise.race([completed, late]);
        } finally {
            feed.stop();
        }
    } finally {
        clearTimeout(timer);
    }
}

/** Iterates over everything that is in the bucket now, as fast as it is taken, and so in bounded memory. */
export async function* eachCurrent(context: FeedContext): AsyncGenerator<StoredMessage, void, undefined> {
    const queue = new EventQueue<StoredMessage | undefined>();
    const feed = await Feed.open(context, `${context.bucket.subjectPrefix}>`, true, {
        message: message => queue.push(message),
        currentComplete: () => queue.push(undefined),
        flowControl: resume => queue.whenTaken(resume)
    });
    try {
        for await (const message of queue.drain()) {
            if (message === undefined) {
                return;
            }
            yield message;
        }
    } finally {
        feed.stop();
    }
}

function tooLate(): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'Not all watermarks could be read within timeoutMs.');
}
