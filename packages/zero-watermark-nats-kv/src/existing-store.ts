import {
    type ExistingStoreHandle,
    ExistingWatermarks,
    type ExistingWatermarksOptions,
    type MaybeUndefined
} from '@cbnsndwch/zero-contracts';
import { Deadline } from '@cbnsndwch/zero-contracts/backend';

import { findBucket } from './bucket.js';
import { Connection } from './connection.js';
import type { FeedContext } from './feed.js';
import type { StoredMessage } from './jetstream-answers.js';
import { encodeKey } from './key-codec.js';
import { type NatsKvOptions, resolveOptions } from './options.js';
import { eachCurrent } from './read-current.js';
import { isDeletion } from './record-entry.js';
import { RecordStore } from './record-store.js';

/**
 * Opens a bucket of the existing packages for reading, and looks at everything in it.
 *
 * Stop whatever uses it first. It is not written to.
 *
 * @param which the shards, where their ids can't be told from the keys
 * @throws {InvalidOptionsError} before any connection is tried, with every problem of the options
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`, `UNAVAILABLE`, `AUTHENTICATION_FAILED`, `PERMISSION_DENIED`
 */
export async function openExistingStore(
    options: NatsKvOptions | MaybeUndefined<NatsKvOptions>,
    which: ExistingWatermarksOptions = {}
): Promise<ExistingStoreHandle> {
    const config = resolveOptions(options);
    const deadline = Deadline.in(config.connectTimeoutMs);
    const connection = await Connection.open(config, deadline);
    const close = () => connection.close();
    try {
        const bucket = await findBucket(connection, config, deadline);
        const store = new RecordStore(connection, bucket);
        const { logger, timeoutMs } = config;
        const context = { connection, bucket, store, logger, timeoutMs };
        const resumeTokens = await ExistingWatermarks.in(
            { entries: () => entriesOf(context), get: key => valueOf(context, key) },
            which
        );
        return { resumeTokens, close, [Symbol.asyncDispose]: close };
    } catch (error) {
        await close();
        throw error;
    }
}

async function* entriesOf(context: FeedContext) {
    for await (const message of eachCurrent(context)) {
        if (!isDeletion(message)) {
            yield { key: message.subject.slice(context.bucket.subjectPrefix.length), value: textOf(message) };
        }
    }
}

async function valueOf({ bucket, store, timeoutMs }: FeedContext, key: string): Promise<string | undefined> {
    // Any other key can't be there; as a subject it could stand for several.
    if (encodeKey(key) !== key) {
        return undefined;
    }
    const message = await store.read({ last_by_subj: bucket.subjectPrefix + key }, Deadline.in(timeoutMs));
    return message === null || isDeletion(message) ? undefined : textOf(message);
}

function textOf({ data }: StoredMessage): string {
    return Buffer.from(data).toString('utf8');
}
