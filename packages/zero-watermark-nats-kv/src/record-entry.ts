import { CorruptRecordError, type WatermarkChange } from '@cbnsndwch/zero-contracts';
import { decodeRecord } from '@cbnsndwch/zero-contracts/backend';

import type { FeedContext } from './feed.js';
import type { StoredMessage } from './jetstream-answers.js';
import { decodeKey } from './key-codec.js';

/** Reads a message of a bucket, or tells why it is none of ours. */
export function readEntry(subjectPrefix: string, message: StoredMessage): WatermarkChange | CorruptRecordError {
    const token = message.subject.slice(subjectPrefix.length);
    const key = decodeKey(token);
    const { sequence: revision, timestamp } = message;
    if (key === undefined) {
        return new CorruptRecordError(token, revision, 'its key is not in the form that this library writes');
    }
    if (isDeletion(message)) {
        return { type: 'delete', key, revision, timestamp };
    }
    const record = decodeRecord(message.data);
    return record.ok
        ? { type: 'set', watermark: { key, ...record.content, timestamp, revision } }
        : new CorruptRecordError(key, revision, record.reason);
}

/** The same; what is none of ours is logged. */
export function readOrLog(
    { bucket, logger }: Pick<FeedContext, 'bucket' | 'logger'>,
    message: StoredMessage
): WatermarkChange | undefined {
    const entry = readEntry(bucket.subjectPrefix, message);
    if (entry instanceof CorruptRecordError) {
        logger.warn(`KV bucket "${bucket.name}": ${entry.message}`);
        return undefined;
    }
    return entry;
}

/** DEL and PURGE are written by clients (ADR-8); the reason is set by servers that mark expired keys (2.11+, ADR-43). */
export function isDeletion({ headers }: StoredMessage): boolean {
    const operation = headers.get('KV-Operation');
    return operation === 'DEL' || operation === 'PURGE' || headers.has('Nats-Marker-Reason');
}
