import { CorruptRecordError, type WatermarkEvent } from '@cbnsndwch/zero-contracts';
import { decodeRecord } from '@cbnsndwch/zero-contracts/backend';

import type { StoredMessage } from './jetstream.js';
import { decodeKey } from './key-codec.js';

/** What a message in a bucket says about a key. */
export type RecordEntry = Exclude<WatermarkEvent, { type: 'current-complete' }>;

/** Reads a message of a bucket, or tells why it is none of ours. */
export function readEntry(subjectPrefix: string, message: StoredMessage): RecordEntry | CorruptRecordError {
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

/** DEL and PURGE are written by clients (ADR-8); the reason is set by servers that mark expired keys (2.11+, ADR-43). */
export function isDeletion({ headers }: StoredMessage): boolean {
    const operation = headers.get('KV-Operation');
    return operation === 'DEL' || operation === 'PURGE' || headers.has('Nats-Marker-Reason');
}
